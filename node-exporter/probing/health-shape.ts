/** What a part of a health document is by its shape: a check, a place for checks, a setting, or any other data. */
import {
  type Fields,
  isStateKey,
  normalise,
  readState,
  readStateOf,
  toBoolean,
  wordOf,
} from './vocabulary.ts'

/** Entries of a document that are read, and keys of an object in it: a hostile one of 256 KiB has forty thousand. */
export const ENTRIES_MAX = 5000

/** Where formats keep their checks, as a list or a map; within a check the same key holds the checks below it. */
export const CONTAINERS = ['checks', 'components']

/** Others keep any data under these: read when each entry is an object that says how it is. */
export const LOOSE_CONTAINERS = [
  'entries',
  'details',
  'results',
  'indicators',
  'checkresults',
  'children',
]

/** The good words of heptiolabs/healthcheck and Django. Any other flat map of words is settings: `{"mode": "normal"}`. */
const WORDS_OF_CHECKS = ['ok', 'working']

export function isContainer(key: string, value: unknown): boolean {
  return LOOSE_CONTAINERS.includes(key)
    ? areChecks(value)
    : typeof value === 'object' && value !== null
}

/** Each entry that isn't silent is an object that says how it is: that is a list or a map of checks, whatever stands around it. */
export function areChecks(value: unknown): boolean {
  let isAny = false
  for (const [, entry] of listEntries(value)) {
    const says = saysState(entry)
    if (!says && !isSilent(entry)) return false
    isAny ||= says
  }
  return isAny
}

function saysState(entry: unknown): boolean {
  const fields = readFields(entry)
  return fields !== null && readStateOf(fields).state !== null
}

/** A check that isn't in use: Airflow's `{"status": null}`, a null or an empty object. */
export function isSilent(entry: unknown): boolean {
  const fields = readFields(entry)
  if (fields === null) return entry === null
  const said = [...fields].filter(([key]) => isStateKey(key)).map(([, value]) => value)
  return fields.size === 0 || (said.length > 0 && said.every((value) => value === null))
}

/** A map in which each value is a word that the vocabulary knows, and one is a word that such maps are known for. */
export function areWords(value: unknown): boolean {
  const entries = listEntries(value)
  return hasWordOfChecks(entries) && entries.every(([key, entry]) => key !== null && isWord(entry))
}

function isWord(entry: unknown): boolean {
  const state = typeof entry === 'string' && toBoolean(entry) === null ? readState(entry) : null
  return state !== null && state !== 'unknown'
}

export function hasWordOfChecks(entries: [string | null, unknown][]): boolean {
  return entries.some(
    ([, entry]) => typeof entry === 'string' && WORDS_OF_CHECKS.includes(wordOf(entry)),
  )
}

/** A boolean that may be a setting: `maintenance: false`, `hasErrors: false`. */
export function isSetting(key: string | null, entry: unknown): boolean {
  if (key === null || toBoolean(entry) === null) return false
  const name = normalise(key).replace(/^(?:is|has|in)/, '')
  const states = [readState(name), readState(name.replace(/s$/, ''))]
  return states.includes('bad') || states.includes('degraded')
}

/** At most one more than are read, which tells that there are more. A list's entries have no key. */
export function listEntries(value: unknown): [string | null, unknown][] {
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES_MAX + 1).map((entry: unknown) => [null, entry])
  }
  return typeof value === 'object' && value !== null ? entriesOf(value) : []
}

/** Object.entries of forty thousand keys takes 10 ms. */
function entriesOf(value: object): [string, unknown][] {
  const keys = Object.keys(value).slice(0, ENTRIES_MAX + 1)
  return keys.map((key) => [key, Reflect.get(value, key)])
}

/** An object is read at several places, and a hostile one is large. */
const readBefore = new WeakMap<object, Fields>()

/** null: it is no object. */
export function readFields(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const fields = readBefore.get(value) ?? collectFields(entriesOf(value))
  readBefore.set(value, fields)
  return fields
}

function collectFields(entries: [string, unknown][]): Fields {
  const fields: Fields = new Map()
  for (const [key, one] of entries.slice(0, ENTRIES_MAX)) {
    const name = normalise(key)
    if (name === key || !fields.has(name)) fields.set(name, one)
  }
  return fields
}
