/**
 * What is kept of texts that people write into objects. A Service may have 256 KiB of annotations and a ConfigMap 1 MiB: what
 * the exporter doesn't read of them must not stay in its memory.
 */

/** Characters of one value: four times what is shown of any. */
const KEPT_MAX = 4096

/** The values of these keys alone, each within a bound. */
export function pickTexts(
  values: Readonly<Record<string, string>> | null | undefined,
  keys: readonly string[],
): Record<string, string> {
  const picked = keys.flatMap((key) => {
    const value = values && Object.hasOwn(values, key) ? values[key] : undefined
    return value === undefined ? [] : [[key, keepText(value, KEPT_MAX)] as const]
  })
  return Object.fromEntries(picked)
}

/** A text of its own: V8 cuts a piece out of a text by pointing into it, so that the whole of it stays in memory. */
export function keepText(text: string, mostLength: number): string {
  return text.length <= mostLength ? text : copyText(text.slice(0, mostLength))
}

export function copyText(text: string): string {
  return Buffer.from(text).toString()
}
