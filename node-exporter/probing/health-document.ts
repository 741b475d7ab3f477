/**
 * A health document of any known format: what it says of itself, and its checks. States are read only where a format puts
 * them, never deep inside of other data: a job that failed yesterday is not the pod's health.
 */
import { NAME_MAX_LENGTH, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import type { PodCheck } from '../../worker/contract/report.ts'
import { isStateKey, normalise, readState, type State, WORD_MAX_LENGTH } from './vocabulary.ts'

export interface HealthDocument {
  /** null: it names none. */
  state: State | null
  checks: PodCheck[]
  /** It has a format's place for checks, though none may be in it. */
  hasChecks: boolean
  /** The first word that stands where a state does and that the vocabulary doesn't know. */
  unknownWord: string | null
  /** As a router, a proxy or a framework sends it in place of an answer: a bare value, or a text or a code of an error. */
  isErrorReport: boolean
}

/** Where formats keep their checks, as a list or a map; within a check the same key holds the checks below it. */
const CONTAINERS = ['checks', 'components']

/** Others keep any data under these: read when each entry is an object that says how it is. */
const LOOSE_CONTAINERS = ['entries', 'details', 'results', 'indicators', 'checkresults', 'children']

/** Maps from the names of failing checks to texts (health-go, App.Metrics). */
const FAILURES = ['failures', 'errors', 'unhealthy']

const ERROR_KEYS = ['error', 'message', 'code', 'statuscode', 'data']

/** Levels of checks below checks that are read; Spring's composites have two or three. */
const DEPTH_MAX = 5

/** An object's values by key, normalised. Keys may be `constructor` and `__proto__`, so no plain object holds them. */
type Fields = Map<string, unknown>

type Found = Pick<HealthDocument, 'checks' | 'unknownWord'>

/** Where an entry stands. `key`: its name in a map; null in a list. */
interface Place {
  container: string
  prefix: string
  depth: number
  key: string | null
  index: number
}

const TOP = { container: '', prefix: '', depth: 0 }

/** `isRefused`: its HTTP status says that something is wrong. */
export function readHealthDocument(json: unknown, isRefused: boolean): HealthDocument {
  const found: Found = { checks: [], unknownWord: null }
  const fields = readFields(json)
  const state = fields === null ? readWorst([json], found) : readStateOf(fields, found)
  const containers = [...CONTAINERS, ...LOOSE_CONTAINERS].filter((key) =>
    isContainer(key, fields?.get(key)),
  )
  for (const container of containers) {
    readEntries(fields?.get(container), { ...TOP, container }, found)
  }
  const isBare = state === null && containers.length === 0
  if (isBare && (areChecks(json) || areWords(json, isRefused))) readEntries(json, TOP, found)
  const isBad = state === 'bad' || isRefused
  if (isBad && found.checks.every((check) => check.ok)) nameFailures(json, isBare, found)
  return {
    state,
    ...found,
    hasChecks: containers.length > 0,
    isErrorReport: typeof json !== 'object' || ERROR_KEYS.some((key) => fields?.has(key)),
  }
}

function isContainer(key: string, value: unknown): boolean {
  return LOOSE_CONTAINERS.includes(key)
    ? areChecks(value)
    : typeof value === 'object' && value !== null
}

/** Each entry is an object that says how it is: that is a list or a map of checks, whatever stands around it. */
function areChecks(value: unknown): boolean {
  const entries = listEntries(value)
  return entries.length > 0 && entries.every(([, entry]) => saysState(readFields(entry)))
}

/** A map in which each value is a word that the vocabulary knows. A proxy's refusal may be one bad word, but no good one. */
function areWords(value: unknown, isRefused: boolean): boolean {
  const states = listEntries(value).map(([key, entry]) =>
    key !== null && typeof entry === 'string' ? readState(entry) : null,
  )
  const areKnown = states.every((state) => state !== null && state !== 'unknown')
  return areKnown && states.some((state) => state === 'good' || !isRefused)
}

function saysState(fields: Fields | null): boolean {
  return fields !== null && readStateOf(fields) !== null
}

function readEntries(value: unknown, place: Omit<Place, 'key' | 'index'>, found: Found): void {
  for (const [index, [key, entry]] of listEntries(value).entries()) {
    readEntry(entry, { ...place, key, index }, found)
  }
}

/** A list's entries have no key. */
function listEntries(value: unknown): [string | null, unknown][] {
  if (Array.isArray(value)) return value.map((entry: unknown) => [null, entry])
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** In a map a word, a boolean or a list stands for a check too. */
function readEntry(entry: unknown, place: Place, found: Found): void {
  const fields = readFields(entry)
  if (fields !== null) readCheck(fields, place, found)
  else if (place.key === null) return
  else if (Array.isArray(entry)) readMeasurements(entry, place, found)
  else if (readState(entry) !== null) readCheck(new Map([['status', entry]]), place, found)
}

/** health+json has a list by each key: one alone goes by the key, each of several by its own name below it. */
function readMeasurements(list: unknown[], place: Place, found: Found): void {
  const alone = list.length === 1 ? readFields(list[0]) : null
  if (alone !== null) readCheck(alone, place, found)
  else readEntries(list, { ...place, prefix: prefixBelow(place, place.key ?? '') }, found)
}

/** A check with checks below it stands for itself only when it fails and none of them says why. */
function readCheck(fields: Fields, place: Place, found: Found): void {
  const isOk = readStateOf(fields, found) !== 'bad'
  const before = found.checks.length
  readChecksBelow(fields, place, found)
  const inner = found.checks.slice(before)
  const isTold = isOk ? inner.length > 0 : inner.some((check) => !check.ok)
  if (!isTold) found.checks.push(toCheck(fields, place, isOk))
}

function readChecksBelow(fields: Fields, place: Place, found: Found): void {
  const value = fields.get(place.container)
  if (place.depth >= DEPTH_MAX || !isContainer(place.container, value)) return
  const prefix = prefixBelow(place, nameOf(fields, place).id)
  readEntries(value, { container: place.container, prefix, depth: place.depth + 1 }, found)
}

/** Shortened at each level: a key of 100 KB must not be copied for each of a thousand entries below it. */
function prefixBelow({ prefix }: Place, id: string): string {
  return `${shorten(`${prefix}${id}`)}/`
}

/**
 * The whole is bad, and no check says why. Then what fails may be told in other places; as they are no format's places for
 * checks, they only name what fails and never decide.
 */
function nameFailures(json: unknown, isBare: boolean, found: Found): void {
  const guessed: Found = { checks: [], unknownWord: null }
  const entries = listEntries(json)
  const hasGood = isBare && entries.some(([, value]) => readState(value) === 'good')
  for (const [index, [key, value]] of entries.entries()) {
    const place = { ...TOP, key, index }
    if (FAILURES.includes(normalise(key ?? ''))) nameTexts(value, guessed)
    else if (typeof value === 'string' && hasGood) nameWord(value, place, guessed)
    else if (!Array.isArray(value) && areChecks(value)) readEntries(value, TOP, guessed)
    else if (typeof value === 'object') readEntry(value, place, guessed)
  }
  for (const check of guessed.checks) if (!check.ok) found.checks.push(check)
}

/** heptiolabs/healthcheck and Django have "OK" or a text of an error by each check's name. */
function nameWord(value: string, place: Place, found: Found): void {
  const state = readState(value)
  if (state === 'good' || state === 'degraded') return
  found.checks.push(toCheck(new Map([['output', value]]), place, false))
}

function nameTexts(texts: unknown, found: Found): void {
  for (const [index, [key, output]] of listEntries(texts).entries()) {
    if (typeof output !== 'string') continue
    found.checks.push(toCheck(new Map([['output', output]]), { ...TOP, key, index }, false))
  }
}

function readFields(value: unknown): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const fields: Fields = new Map()
  const entries: [string, unknown][] = Object.entries(value)
  for (const [key, one] of entries) {
    const name = normalise(key)
    if (name === key || !fields.has(name)) fields.set(name, one)
  }
  return fields
}

function readStateOf(fields: Fields, found?: Found): State | null {
  const values = [...fields].filter(([key]) => isStateKey(key)).map(([, value]) => value)
  return readWorst(values, found)
}

function readWorst(values: unknown[], found?: Found): State | null {
  const states = values.map((value) => readState(value))
  const unknown = states.indexOf('unknown')
  if (found !== undefined && unknown >= 0) {
    found.unknownWord ??= String(values[unknown]).slice(0, WORD_MAX_LENGTH)
  }
  return WORST_FIRST.find((state) => states.includes(state)) ?? null
}

const WORST_FIRST = ['bad', 'degraded', 'good', 'unknown'] as const

/** Whole when it fails; id, name and severity alone when it passes. */
function toCheck(fields: Fields, place: Place, ok: boolean): PodCheck {
  const { id, name } = nameOf(fields, place)
  const check: PodCheck = {
    id: shorten(`${place.prefix}${id}`),
    name: shorten(`${place.prefix}${name}`),
    ok,
  }
  const severity = fields.get('severity')
  if (severity === 1 || severity === 2 || severity === 3) check.severity = severity
  if (ok) return check
  for (const [key, names] of TEXTS) {
    const text = findText(fields, names) ?? (key === 'checkOutput' ? findDetail(fields) : null)
    if (text !== null) check[key] = cutText(String(text), TEXT_MAX_BYTES)
  }
  return check
}

const TEXTS = [
  ['businessImpact', ['businessimpact']],
  ['technicalSummary', ['technicalsummary']],
  ['panicGuide', ['panicguide']],
  [
    'checkOutput',
    [
      'checkoutput',
      'output',
      'message',
      'error',
      'exception',
      'description',
      'reason',
      'cause',
      'symptom',
      'notificationmessage',
    ],
  ],
  ['lastUpdated', ['lastupdated', 'timestamp', 'time']],
] as const

/** Spring tells an error in `details`. Where there is no text at all, the word itself is the output. */
function findDetail(fields: Fields): string | number | null {
  const details = readFields(fields.get('details'))
  const error = details && findText(details, ['error', 'message'])
  const said = [...fields].find(([key, value]) => isStateKey(key) && readState(value) === 'bad')
  return error ?? (typeof said?.[1] === 'string' ? said[1] : null)
}

function nameOf(fields: Fields, { key, index }: Place): { id: string; name: string } {
  const id = key ?? findText(fields, ['id', 'checkid', 'componentid'])
  const name =
    findText(fields, ['name', 'componentname', 'checkname', 'checker']) ??
    id ??
    `check ${index + 1}`
  return { id: String(id ?? name), name: String(name) }
}

/** A text or a number under the first of these keys that has one. */
function findText(fields: Fields, keys: readonly string[]): string | number | null {
  for (const key of keys) {
    const value = fields.get(key)
    if (typeof value === 'string' || typeof value === 'number') return value
  }
  return null
}

function shorten(value: string): string {
  return value.slice(0, NAME_MAX_LENGTH) || 'unnamed'
}
