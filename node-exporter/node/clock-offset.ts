/**
 * How far the API server's clock is from this machine's, from the `Date` of its answers: whole seconds, written at some
 * time between question and answer. So each answer gives a range, and several a narrow one. Ranges are kept against
 * the monotonic clock: if this machine's own clock is set, that shows at once, without another answer.
 */
import type { DatedAnswer } from '../discovery/kube-api.ts'

/** ms that the other clock is ahead of performance.now(), at the least and at the most, as it was `atMs` by the latter. */
export interface OffsetRange {
  leastMs: number
  mostMs: number
  atMs: number
}

/** ms in each ms that two clocks may run apart: no quartz is worse, and Linux slews no faster (adjtimex). */
const DRIFT = 0.0005

/** null: no date. */
export function readOffset({ date, sentAtMs, receivedAtMs }: DatedAnswer): OffsetRange | null {
  const dateMs = Date.parse(date ?? '')
  if (Number.isNaN(dateMs)) return null
  return { leastMs: dateMs - receivedAtMs, mostMs: dateMs + 1000 - sentAtMs, atMs: receivedAtMs }
}

/** What both say; only the newer where they contradict each other, for then the API server's clock was set. */
export function narrowOffset(before: OffsetRange | null, next: OffsetRange): OffsetRange {
  if (before === null) return next
  const driftMs = DRIFT * (next.atMs - before.atMs)
  const leastMs = Math.max(before.leastMs - driftMs, next.leastMs)
  const mostMs = Math.min(before.mostMs + driftMs, next.mostMs)
  return leastMs <= mostMs ? { leastMs, mostMs, atMs: next.atMs } : next
}

/** ms that the other clock is ahead of this machine's. `nowMs` by performance.now(), `clockMs` by this machine's clock. */
export function computeOffset(
  { leastMs, mostMs }: OffsetRange,
  { nowMs, clockMs }: { nowMs: number; clockMs: number },
): number {
  return (leastMs + mostMs) / 2 + nowMs - clockMs
}
