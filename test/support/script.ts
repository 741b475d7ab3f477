/** The grammar of scripts: one line per event, its moment first. A name or text of odd characters stands in JSON's quotes. */
import { T0 } from './apply.ts'

export interface Line {
  text: string
  atMs: number
  kind: string
  words: Word[]
}

/** `until=recovery` has a value, `web` and `"a, b"` have none. */
export interface Word {
  text: string
  value: string | null
}

const QUOTED = String.raw`"(?:\\.|[^"\\])*"`
const WORD = new RegExp(String.raw`((?:${QUOTED}|[^\s,"=])+)(?:=((?:${QUOTED}|[^\s,"])+))?`, 'g')

const UNITS_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

export function readScript(script: string): Line[] {
  const lines = script.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map((line) => readLine(line))
}

function readLine(text: string): Line {
  const [time, kind, ...words] = [...text.matchAll(WORD)].map(([, word = '', value]) => ({
    text: unquote(word),
    value: value === undefined ? null : unquote(value),
  }))
  return { text, atMs: T0 + readMs(time?.text ?? ''), kind: kind?.text ?? '', words }
}

/** `30s`, `-1s`, `69.999s`, `15m`, `4h`. */
export function readMs(text: string): number {
  const [, amount, unit = ''] = /^(-?\d+(?:\.\d+)?)([smh])$/.exec(text) ?? []
  const unitMs = UNITS_MS.get(unit)
  if (unitMs === undefined) throw new Error(`not a time: ${text}`)
  return Math.round(Number(amount) * unitMs)
}

/** What `key=` says on a line; null: nothing. */
export function findOption({ words }: Line, key: string): string | null {
  return words.find(({ text, value }) => text === key && value !== null)?.value ?? null
}

/** The words without a value. */
export function findNames({ words }: Line): string[] {
  return words.filter(({ value }) => value === null).map(({ text }) => text)
}

function unquote(text: string): string {
  return text.replaceAll(new RegExp(QUOTED, 'g'), (quoted) => {
    const inner: unknown = JSON.parse(quoted)
    return String(inner)
  })
}
