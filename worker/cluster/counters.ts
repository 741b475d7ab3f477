/**
 * What `/metrics` counts of a cluster. Isolates are many and short-lived, so none of them keeps a total: each counts what
 * it answered and hands it over with its next call to the cluster's object, which costs no request of its own.
 */

/** gtg answers by reason, reports by `accepted` or the code of the refusal, ignored parameters by the kind of path. */
export interface Counters {
  gtg: Record<string, number>
  reports: Record<string, number>
  /** Absent in what a version before this one counted. */
  ignored?: Record<string, number>
}

/** ms between two writes of counters where nothing else is stored, as in a cluster whose reports are all refused. */
const KEEP_EVERY_MS = 60_000

const pending = new Map<string, Counters>()

export function count(cluster: string, kind: keyof Counters, word: string): void {
  const counters = pending.get(cluster) ?? { gtg: {}, reports: {} }
  const words = (counters[kind] ??= {})
  words[word] = (words[word] ?? 0) + 1
  pending.set(cluster, counters)
}

/** What was counted since the last time; it counts from zero again. */
export function takeCounts(cluster: string): Counters {
  const counters = pending.get(cluster) ?? { gtg: {}, reports: {} }
  pending.delete(cluster)
  return counters
}

/** `place`: what kind of path they were sent to. */
export function countIgnored(cluster: string, place: string, parameters: number): void {
  giveBack(cluster, { gtg: {}, reports: {}, ignored: { [place]: parameters } })
}

/** The call that carried them failed: they go with the next one. */
export function giveBack(cluster: string, counters: Counters): void {
  pending.set(cluster, addCounts(takeCounts(cluster), counters))
}

export function addCounts(to: Counters, more: Counters): Counters {
  return {
    gtg: add(to.gtg, more.gtg),
    reports: add(to.reports, more.reports),
    ignored: add(to.ignored ?? {}, more.ignored ?? {}),
  }
}

/** The words are our own, never names from outside. */
function add(to: Record<string, number>, more: Record<string, number>): Record<string, number> {
  const sums = { ...to }
  for (const [word, n] of Object.entries(more)) sums[word] = (sums[word] ?? 0) + n
  return sums
}

/**
 * The counters of a cluster in the memory of its object, and as they were last stored. `/metrics` tells the latter: an eviction
 * loses the others, and a total that falls from 12 to 9 reads as a restart that counted 9 more.
 */
export class Tally {
  #all: Counters
  #kept: Counters
  /** ms; when they were last stored, or this object began to count. */
  #keptAtMs = Date.now()

  constructor(stored: Counters) {
    this.#all = stored
    this.#kept = stored
  }

  get all(): Counters {
    return this.#all
  }

  get kept(): Counters {
    return this.#kept
  }

  add(counted: Counters): void {
    const { gtg, reports, ignored = {} } = counted
    if (Object.keys({ ...gtg, ...reports, ...ignored }).length > 0)
      this.#all = addCounts(this.#all, counted)
  }

  noteKept(): void {
    this.#kept = this.#all
    this.#keptAtMs = Date.now()
  }

  /** Whether there are counts that have waited for a minute. */
  isDue(): boolean {
    return this.#all !== this.#kept && Date.now() - this.#keptAtMs >= KEEP_EVERY_MS
  }

  /** All begin at zero again. */
  reset(): void {
    this.#all = { gtg: {}, reports: {} }
    this.noteKept()
  }
}
