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
    maintenancemode maint timeout timedout timeoutduringhealthcheck nok ko false`,
}

const STATES = new Map<string, State>(
  (['good', 'degraded', 'bad'] as const).flatMap((state) =>
    WORDS[state].split(/\s+/).map((word) => [word, state] as const),
  ),
)

/** Keys whose value is such a word, or a boolean that is true when all is well; each also with `is`, as in `isHealthy`. */
const STATE_KEYS = new Set(
  'status state health outcome globalstatus ok healthy pass passed passing success successful up alive live available ready'
    .split(' ')
    .flatMap((key) => [key, `is${key}`]),
)

/** In any case, and without what separates words: `OUT_OF_SERVICE`, `OutOfService` and `out of service` are one. */
export function normalise(text: string): string {
  return /^[a-z]*$/.test(text) ? text : text.toLowerCase().replaceAll(/[\s._-]+/g, '')
}

/** Whether a value under this key (normalised) says how its object is. */
export function isStateKey(key: string): boolean {
  return STATE_KEYS.has(key)
}

/** null: it says nothing, like a number (an HTTP status, an uptime), an object or an empty text. */
export function readState(value: unknown): State | null {
  if (typeof value === 'boolean') return value ? 'good' : 'bad'
  if (typeof value !== 'string') return null
  const word = normalise(value.slice(0, WORD_MAX_LENGTH))
  if (word === '') return null
  const isNegated = word.startsWith('not') && STATES.get(word.slice(3)) === 'good' // NOT_SERVING, NotReady
  return isNegated ? 'bad' : (STATES.get(word) ?? 'unknown')
}

/** Characters of a word that are looked at: a sentence is no word, and its end need not be read. */
export const WORD_MAX_LENGTH = 64
