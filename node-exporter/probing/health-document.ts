/**
 * A health document of any known format: what it says of itself, and its checks. States are read only where a format puts
 * them, never deep inside of other data: a job that failed yesterday is not the pod's health.
 */
import type { PodCheck } from '../../worker/contract/report.ts'
import { isOptional, nameOf, type Naming, shorten, toCheck } from './health-check.ts'
import {
  areChecks,
  areWords,
  CONTAINERS,
  ENTRIES_MAX,
  hasWordOfChecks,
  isContainer,
  isSetting,
  isSilent,
  listEntries,
  LOOSE_CONTAINERS,
  readFields,
} from './health-shape.ts'
import {
  type Fields,
  normalise,
  readState,
  readStateOf,
  type State,
  toBoolean,
} from './vocabulary.ts'

export interface HealthDocument {
  /** null: it names none. */
  state: State | null
  checks: PodCheck[]
  /** A check fails that decides: of one that doesn't, the whole says that it serves all the same. */
  isFailing: boolean
  /** It has a format's place for checks, though none may be in it. */
  hasChecks: boolean
  /** It has more entries than are read. */
  isCut: boolean
  /** The first word that stands where a state does and that the vocabulary doesn't know, as it is told. */
  unknownWord: string | null
  /** As a router, a proxy or a framework sends it in place of an answer: a bare value, or a text or a code of an error. */
  isErrorReport: boolean
}

/** Maps from the names of failing checks to texts (health-go, App.Metrics). */
const FAILURES = ['failures', 'errors', 'unhealthy']

const ERROR_KEYS = ['error', 'message', 'code', 'statuscode', 'data', 'detail', 'title']

/** Levels of checks below checks that are read; Spring's composites have two or three. */
const DEPTH_MAX = 5

type Found = Pick<HealthDocument, 'checks' | 'unknownWord' | 'isFailing' | 'isCut'> & {
  entriesLeft: number
}

/** Where an entry stands. */
interface Place extends Naming {
  container: string
  depth: number
  /** What the nearest of the objects above says that serves, else what the one right above says. */
  whole: State | null
  /** Something above says that nothing hangs on it. */
  isOptional: boolean
}

type Level = Omit<Place, 'key' | 'index'>

const TOP: Level = { container: '', prefix: '', depth: 0, whole: null, isOptional: false }

/** `isRefused`: its HTTP status says that something is wrong. */
export function readHealthDocument(json: unknown, isRefused: boolean): HealthDocument {
  const fields = readFields(json)
  const { state, unknownWord } = readStateOf(fields ?? new Map([['status', json]]))
  const isCut = listEntries(json).length > ENTRIES_MAX
  const found = { ...nothing(ENTRIES_MAX), unknownWord, isCut }
  const whole = isRefused ? 'bad' : state
  const containers = [...CONTAINERS, ...LOOSE_CONTAINERS].filter((key) =>
    isContainer(key, fields?.get(key)),
  )
  for (const container of containers) {
    readEntries(fields?.get(container), { ...TOP, container, whole }, found)
  }
  const isBare = state === null && containers.length === 0
  const isAllChecks = isBare && (areChecks(json) || areWords(json))
  if (isAllChecks) readEntries(json, TOP, found)
  const isBad = state === 'bad' || isRefused
  if (isBad && found.checks.every((check) => check.ok)) nameFailures(json, isBare, found)
  const isErrorReport = fields === null ? !Array.isArray(json) : isErrorOf(fields)
  return {
    state,
    ...found,
    hasChecks: containers.length > 0 || (isAllChecks && !isErrorReport),
    isErrorReport,
  }
}

function nothing(entriesLeft: number): Found {
  return { checks: [], unknownWord: null, isFailing: false, isCut: false, entriesLeft }
}

/** A list of `errors` is a framework's; a map of them names failing checks. */
function isErrorOf(fields: Fields): boolean {
  return ERROR_KEYS.some((key) => fields.has(key)) || Array.isArray(fields.get('errors'))
}

function readEntries(value: unknown, level: Level, found: Found): void {
  const all = listEntries(value)
  const entries = all.slice(0, found.entriesLeft)
  found.entriesLeft -= entries.length
  found.isCut ||= entries.length < all.length
  const areAnyKeys = !CONTAINERS.includes(level.container)
  // Among other data, `enabled: false` may be a setting; where there is nothing but booleans, all of them are checks.
  const isFalseKnown =
    level.whole === 'bad' ||
    entries.every(([, entry]) => toBoolean(entry) !== null) ||
    entries.some(([, entry]) => isGood(entry))
  for (const [index, [key, entry]] of entries.entries()) {
    if (areAnyKeys ? isSilent(entry) : isSetting(key, entry)) continue
    const place = { ...level, key, index }
    if (isFalseKnown || toBoolean(entry) !== false) readEntry(entry, place, found)
    else found.unknownWord ??= 'false among other data in a map of checks'
  }
}

function isGood(entry: unknown): boolean {
  const fields = readFields(entry)
  return (fields === null ? asState(entry) : readStateOf(fields).state) === 'good'
}

/** In a map a word, a boolean or a list stands for a check too. */
function readEntry(entry: unknown, place: Place, found: Found): void {
  const fields = readFields(entry)
  if (fields !== null) readCheck(fields, place, found)
  else if (place.key === null) return
  else if (Array.isArray(entry)) readMeasurements(entry, place, found)
  else if (asState(entry) !== null) readCheck(asFields(entry), place, found)
}

/** A word or a boolean that stands for a check. */
function asFields(entry: unknown): Fields {
  return new Map([[toBoolean(entry) === null ? 'status' : 'healthy', entry]])
}

function asState(entry: unknown): State | null {
  return readStateOf(asFields(entry)).state
}

/** health+json has a list by each key: one alone goes by the key, each of several by its own name below it. */
function readMeasurements(list: unknown[], place: Place, found: Found): void {
  const alone = list.length === 1 ? readFields(list[0]) : null
  if (alone !== null) readCheck(alone, place, found)
  else readEntries(list, { ...place, prefix: prefixBelow(place, place.key ?? '') }, found)
}

/** A check with checks below it stands for itself only when it fails and none of them says why. */
function readCheck(fields: Fields, place: Place, found: Found): void {
  const { state, unknownWord } = readStateOf(fields)
  found.unknownWord ??= unknownWord
  const isOk = state !== 'bad'
  found.isFailing ||= !isOk && decides(fields, place)
  const before = found.checks.length
  readChecksBelow(fields, { ...place, whole: serves(place.whole) ? place.whole : state }, found)
  const inner = found.checks.slice(before)
  const isTold = isOk ? inner.length > 0 : inner.some((check) => !check.ok)
  if (!isTold) found.checks.push(toCheck(fields, place, isOk))
}

/**
 * Where the whole says that it serves, it knows best which of its parts it can do without. Only in `checks` a failing part
 * overrules it; where the whole is degraded, only one in the Financial Times' format, whose checks all count.
 */
function decides(
  fields: Fields,
  { container, whole, isOptional: isAboveOptional }: Place,
): boolean {
  if (isAboveOptional || isOptional(fields)) return false
  if (!serves(whole)) return true
  return container === 'checks' && (whole === 'good' || typeof fields.get('ok') === 'boolean')
}

function serves(whole: State | null): boolean {
  return whole === 'good' || whole === 'degraded'
}

function readChecksBelow(fields: Fields, place: Place, found: Found): void {
  const value = fields.get(place.container)
  if (place.depth >= DEPTH_MAX || !isContainer(place.container, value)) return
  const level: Level = {
    ...place,
    prefix: prefixBelow(place, nameOf(fields, place).id),
    depth: place.depth + 1,
    isOptional: place.isOptional || isOptional(fields),
  }
  readEntries(value, level, found)
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
  const guessed = nothing(found.entriesLeft)
  const entries = listEntries(json)
  const hasWords = isBare && hasWordOfChecks(entries)
  for (const [index, [key, value]] of entries.entries()) {
    const place = { ...TOP, key, index }
    if (FAILURES.includes(normalise(key ?? ''))) nameTexts(value, guessed)
    else if (typeof value === 'string' && hasWords) nameWord(value, place, guessed)
    else if (!Array.isArray(value) && areChecks(value)) readEntries(value, TOP, guessed)
    else if (typeof value === 'object') readEntry(value, place, guessed)
  }
  found.isFailing ||= guessed.isFailing
  for (const check of guessed.checks) if (!check.ok) found.checks.push(check)
}

/** heptiolabs/healthcheck and Django have "OK" or a text of an error by each check's name. */
function nameWord(value: string, place: Place, found: Found): void {
  const state = readState(value)
  if (state === 'good' || state === 'degraded') return
  nameText(value, place, found)
}

function nameTexts(texts: unknown, found: Found): void {
  for (const [index, [key, output]] of listEntries(texts).entries()) {
    if (typeof output === 'string') nameText(output, { ...TOP, key, index }, found)
  }
}

function nameText(output: string, place: Place, found: Found): void {
  found.isFailing = true
  found.checks.push(toCheck(new Map([['output', output]]), place, false))
}
