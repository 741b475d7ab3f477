/** How far behind a prober is, over all of its services. Walked by reports and scrapes, never by a probe. */
import { INTERVALS_UNTIL_DEAD } from '../../worker/contract/limits.ts'
import { findOverdueMs, NOBODY, type Entry } from './entry.ts'
import type { Member } from './member.ts'

type Members = Iterable<Pick<Member, 'entries' | 'overdueSinceMs'>>

/** Names that are told; whoever wants them all looks at the services. */
const NAMES_MAX = 3

/** ms, monotonic; since when the most overdue target is so. Infinity: none is. */
export function findMostOverdueMs(members: Members, nowMs: number): number {
  let sinceMs = Infinity
  for (const member of members) {
    sinceMs = Math.min(sinceMs, member.overdueSinceMs(nowMs) ?? Infinity)
  }
  return sinceMs
}

/** The edge may take it as failing by now: that it no longer is so is told at once, and with the next report where it can't. */
export function isLongOverdue(entry: Entry, intervalMs: number): boolean {
  const nowMs = performance.now()
  return nowMs - (findOverdueMs(entry, nowMs) ?? Infinity) > INTERVALS_UNTIL_DEAD * intervalMs
}

/** Names of targets that are overdue, the first few. */
export function listOverdue(members: Members, nowMs: number): string[] {
  const names: string[] = []
  for (const entry of listEntries(members)) {
    if (names.length === NAMES_MAX) break
    if (findOverdueMs(entry, nowMs) !== null) names.push(entry.target.id)
  }
  return names
}

/** How many targets there are to ask, and ms between two probes of those that are asked most often. */
export function findOverallPace(members: Members): { targets: number; periodMs: number } {
  let targets = 0
  let leastMs = Infinity
  for (const { target, periodMs } of listEntries(members)) {
    if (target.id === NOBODY) continue
    targets += 1
    leastMs = Math.min(leastMs, periodMs)
  }
  return { targets, periodMs: targets === 0 ? 0 : leastMs }
}

function* listEntries(members: Members): Generator<Entry, void, void> {
  for (const { entries } of members) yield* entries.values()
}
