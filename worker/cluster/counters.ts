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

export function hasCounts({ gtg, reports, ignored = {} }: Counters): boolean {
  return [gtg, reports, ignored].some((words) => Object.keys(words).length > 0)
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
