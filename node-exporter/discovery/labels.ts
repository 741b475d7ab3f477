/** The labels, annotations and keys that people write, and how their values are read. */
import type { Warning } from '../../worker/contract/report.ts'
import { keepText } from './keep-text.ts'

/** What Go's ParseBool takes for true. A selector has no way to ignore letter case, so each spelling is named. */
const IS_TRUE = '(true,True,TRUE,1,t,T)'
export const SERVICE_SELECTOR = `hasHealthcheck in ${IS_TRUE}`
/** Everything else, also what has no such label. */
export const OTHERS_SELECTOR = `hasHealthcheck notin ${IS_TRUE}`
export const CATEGORY_SELECTOR = 'healthcheck-categories-for=aggregate-healthcheck'
export const ACK_SELECTOR = 'healthcheck-acknowledgements-for=aggregate-healthcheck'
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
/** Of slices that come from the selector of a Service; those that are mirrored from Endpoints have another. */
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const CONTROLLER = 'endpointslice-controller.k8s.io'
/** Slices that were made by hand, or mirrored: only they can belong to a Service without a selector. */
export const HAND_MADE_SELECTOR = `${SERVICE_NAME_LABEL},${OTHERS_SELECTOR},${MANAGED_BY} notin (${CONTROLLER})`
export const ANNOTATION = 'pilotlight.dev/'

/** All that is read of a Service's labels and annotations. */
export const SERVICE_LABELS = ['isResilient', 'isDaemon']
export const SERVICE_ANNOTATIONS = [
  'health-path',
  'health-port',
  'health-scheme',
  'business-impact',
  'panic-guide',
].map((key) => `${ANNOTATION}${key}`)

/** Where a malformed value is told: the caller's default stands, and somebody should know. */
export type Warn = (message: Warning['message']) => void

/** As much of a value as a warning repeats. */
export function quote(text: string): string {
  return text.length > QUOTED_MAX ? `${keepText(text, QUOTED_MAX)}…` : text
}

const QUOTED_MAX = 100

/** Labels, annotations, or the data of a ConfigMap. */
export type Values = Readonly<Record<string, string>> | null | undefined

/**
 * The value of a key, trimmed: a YAML block and `--from-file` leave a line break at its end. undefined: there is none. Every
 * value that people write is read by this or by a function below.
 */
export function readText(values: Values, key: string): string | undefined {
  return values?.[key]?.trim()
}

/** What a value may be. `words` are in small letters; values are read in any letter case. */
export interface Choice<T> {
  key: string
  words: ReadonlyMap<string, T>
  /** Of the words, in a warning. */
  form: string
  fallback: T
  warn: Warn
}

/** undefined: it is not there, or is none of the words, which is told with the fallback that the caller takes. */
export function findChoice<T>(
  values: Values,
  { key, words, form, fallback, warn }: Choice<T>,
): T | undefined {
  const text = readText(values, key)
  if (text === undefined) return undefined
  const found = words.get(text.toLowerCase())
  if (found === undefined) {
    warn(`${key} is "${quote(text)}", not ${form}: taken as ${String(fallback)}`)
  }
  return found
}

/** The words that Go's ParseBool takes, for that is what wrote and read these labels so far. */
const BOOLEANS = new Map([
  ...['1', 't', 'true'].map((word) => [word, true] as const),
  ...['0', 'f', 'false'].map((word) => [word, false] as const),
])

type BooleanKey = Pick<Choice<boolean>, 'key' | 'fallback' | 'warn'>

/** As `findChoice`: undefined where it isn't said. */
export function findBoolean(values: Values, asked: BooleanKey): boolean | undefined {
  return findChoice(values, { ...asked, words: BOOLEANS, form: 'a boolean' })
}

export function readBoolean(values: Values, asked: BooleanKey): boolean {
  return findBoolean(values, asked) ?? asked.fallback
}

/** One of these words; the first is taken where none is said. */
export function readWord<T extends string>(
  values: Values,
  { key, words, warn }: { key: string; words: readonly [T, ...T[]]; warn: Warn },
): T {
  const [fallback] = words
  const choice = { key, words: new Map(words.map((word) => [word, word])), fallback, warn }
  return findChoice(values, { ...choice, form: words.join(' or ') }) ?? fallback
}

/** A number from 1; whole when `isWhole`. */
export function readNumber(
  values: Values,
  { key, isWhole, warn }: { key: string; isWhole: boolean; warn: Warn },
): number | undefined {
  const text = readText(values, key)
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (value >= 1 && value <= 86_400 && (!isWhole || Number.isInteger(value))) return value
  warn(
    `${key} is "${quote(text)}", not a ${isWhole ? 'whole ' : ''}number from 1: the default stands`,
  )
  return undefined
}
