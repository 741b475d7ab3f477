/** How a bench tells what it found: a line while it runs, and a table with the target beside each figure that has one. */
export type Row = Record<string, string | number>

/** A line while something takes its time. */
export function tell(text: string): void {
  console.error(`  … ${text}`)
}

export function print(title: string, rows: Row[]): void {
  console.log(`\n## ${title}\n`)
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = rows.map((row) => names.map((name) => String(row[name] ?? '')))
  const widths = names.map((name, i) =>
    Math.max(name.length, ...lines.map((cells) => cells[i]?.length ?? 0)),
  )
  const join = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  console.log(join(names))
  console.log(join(widths.map((width) => '-'.repeat(width))))
  for (const cells of lines) console.log(join(cells))
}

/** `0.93 (≥ 0.9 ok)`. */
export function atLeast(target: number, reached: number): string {
  return `${round(reached)} (≥ ${target} ${reached >= target ? 'ok' : 'MISSED'})`
}

export function atMost(target: number, reached: number, unit = ''): string {
  return `${round(reached)}${unit} (≤ ${target}${unit} ${reached <= target ? 'ok' : 'MISSED'})`
}

/** Three digits that count. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
