/**
 * The words and keys by which health documents say how they are, across the formats that docs/migrating.md lists. Pure
 * tables: where in a document they are read is health-document.ts's business.
 */

/** `degraded`: it serves, with something wrong. `unknown`: a word that no table holds. */
export type State = 'good' | 'degraded' | 'bad' | 'unknown'

const WORDS: Record<Exclude<State, 'unknown'>, string> = {
  good: `ok okay up pass passed passing healthy good green success successful available alive live ready running online
    operational normal active serving connected working true`,
  degraded:
    'degraded warn warning yellow partial partiallyavailable impaired limited skipped ignored unknown',
  bad: `fail failed failing failure error errored down outofservice unhealthy bad red critical fatal broken dead crashed
    unavailable serviceunavailable unreachable offline stopped disconnected outage majoroutage shuttingdown maintenance
    maintenancemode maint timeout timedout timeoutduringhealthcheck nok ko err crit unsuccessful exception panic
    false`,
}

const STATES = new Map<string, State>(
  (['good', 'degraded', 'bad'] as const).flatMap((state) =>
    WORDS[state].split(/\s+/).map((word) => [word, state] as const),
  ),
)

/** An object's values by key, normalised. Keys may be `constructor` and `__proto__`, so no plain object holds them. */
export type Fields = Map<string, unknown>

/** Keys whose value is such a word, or a boolean that is true when all is well; each also with `is`, as in `isHealthy`. */
const FIRST_KEYS = new Set('status health outcome globalstatus ok healthy'.split(' '))

/** Read where an object has none of those. Beside one, false is no fault: `{"status": "UP", "live": false}` is a standby. */
const SECOND_KEYS = new Set(
  'state ready live alive available up pass passed passing success successful'.split(' '),
)

/** Keys of words. The others are keys of booleans, which may be written as a text. */
const WORD_KEYS = new Set('status health outcome globalstatus state'.split(' '))

const BOOLEANS = new Map([
  ['true', true],
  ['yes', true],
  ['false', false],
  ['no', false],
])

/** In any case, and without what separates words: `OUT_OF_SERVICE`, `OutOfService` and `out of service` are one. */
export function normalise(text: string): string {
  return /^[a-z]*$/.test(text) ? text : text.toLowerCase().replaceAll(/[\s._-]+/g, '')
}

/** Whether a value under this key (normalised) says how its object is. */
export function isStateKey(key: string): boolean {
  const name = withoutIs(key)
  return FIRST_KEYS.has(name) || SECOND_KEYS.has(name)
}

function withoutIs(key: string): string {
  return key.startsWith('is') ? key.slice(2) : key
}

/** null: it is none, not as a text either. */
export function toBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value
  return typeof value === 'string' ? (BOOLEANS.get(wordOf(value)) ?? null) : null
}

/** How an object says that it is; of several that disagree the worst counts. `unknownWord`: one that no table holds, as it is told. */
export function readStateOf(fields: Fields): { state: State | null; unknownWord: string | null } {
  const said = [...fields].map(([key, value]) => [withoutIs(key), value] as const)
  const first = said.filter(([key]) => FIRST_KEYS.has(key))
  const { state, unknownWord } = readWorst(first)
  if (state !== null) return { state, unknownWord }
  return readWorst(said.filter(([key]) => SECOND_KEYS.has(key)))
}

function readWorst(said: (readonly [string, unknown])[]) {
  const states = said.map(([key, value]) => readStateUnder(key, value))
  const [, unknown] = said[states.indexOf('unknown')] ?? []
  return {
    state: WORST_FIRST.find((state) => states.includes(state)) ?? null,
    unknownWord: typeof unknown === 'string' ? tellUnknown(unknown) : null,
  }
}

const WORST_FIRST = ['bad', 'degraded', 'good', 'unknown'] as const

/** A text with a digit or a colon is data, as in `"available": "12 GB"`, wherever it isn't the status itself. */
function readStateUnder(key: string, value: unknown): State | null {
  const isData = typeof value === 'string' && DATA.test(cut(value))
  if (isData && key !== 'status') return null
  const said = WORD_KEYS.has(key) ? value : (toBoolean(value) ?? value)
  return readState(said)
}

/** Data isn't repeated: a time or a count would be another text with each probe. */
function tellUnknown(word: string): string {
  return DATA.test(cut(word)) ? 'a text with data in it' : JSON.stringify(cut(word))
}

const DATA = /[\d:]/

/** null: it says nothing, like a number (an HTTP status, an uptime), an object or an empty text. */
export function readState(value: unknown): State | null {
  if (typeof value === 'boolean') return value ? 'good' : 'bad'
  if (typeof value !== 'string') return null
  const word = wordOf(value)
  if (word === '') return null
  const isNegated = word.startsWith('not') && STATES.get(word.slice(3)) === 'good' // NOT_SERVING, NotReady
  return isNegated ? 'bad' : (STATES.get(word) ?? 'unknown')
}

/** A text as the tables have it. */
export function wordOf(text: string): string {
  return normalise(cut(text))
}

/** A sentence is no word, and its end need not be read. */
function cut(text: string): string {
  return text.slice(0, WORD_MAX_LENGTH)
}

const WORD_MAX_LENGTH = 64
