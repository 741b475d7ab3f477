/**
 * How far the API server's clock is from this machine's, from the `Date` of its answers: whole seconds, written at some
 * time between question and answer. So each answer gives a range, and several a narrow one. Ranges are kept against
 * the monotonic clock. It stands still while a virtual machine is paused, and nothing tells that from a clock that was
 * set: once this machine's clock has jumped against it, the offset is not known until the next answer.
 */
import type { DatedAnswer } from '../discovery/kube-api.ts'

/** ms that the other clock is ahead of performance.now(), at the least and at the most, as it was `atMs` by the latter. */
export interface OffsetRange {
  leastMs: number
  mostMs: number
  atMs: number
  /** ms that this machine's clock was ahead of performance.now() then. */
  clockLeadMs: number
}

/** Both clocks of this machine, read together: performance.now() and the one that can be set. */
export interface Clocks {
  nowMs: number
  clockMs: number
}

/** ms. Reading both clocks takes a busy machine some of it; a jump of less is an error that `clock` forgives (2 s). */
const JUMP_MS = 500

/** ms in each ms that two clocks may run apart: no quartz is worse, and Linux slews no faster (adjtimex). */
const DRIFT = 0.0005

/** null: no date. */
export function readOffset(
  { date, sentAtMs, receivedAtMs }: DatedAnswer,
  { nowMs, clockMs }: Clocks,
): OffsetRange | null {
  const dateMs = Date.parse(date ?? '')
  if (Number.isNaN(dateMs)) return null
  return {
    leastMs: dateMs - receivedAtMs,
    mostMs: dateMs + 1000 - sentAtMs,
    atMs: receivedAtMs,
    clockLeadMs: clockMs - nowMs,
  }
}

/**
 * What both say; only the newer where they contradict each other, for then the API server's clock was set, and where
 * this machine's clock has jumped between them.
 */
export function narrowOffset(before: OffsetRange | null, next: OffsetRange): OffsetRange {
  if (before === null || hasJumped(before, next.clockLeadMs)) return next
  const driftMs = DRIFT * (next.atMs - before.atMs)
  const leastMs = Math.max(before.leastMs - driftMs, next.leastMs)
  const mostMs = Math.min(before.mostMs + driftMs, next.mostMs)
  return leastMs <= mostMs ? { ...next, leastMs, mostMs } : next
}

/** ms that the other clock is ahead of this machine's; null: not known, for this machine's clock has jumped since. */
export function computeOffset(range: OffsetRange, { nowMs, clockMs }: Clocks): number | null {
  if (hasJumped(range, clockMs - nowMs)) return null
  return (range.leastMs + range.mostMs) / 2 + nowMs - clockMs
}

function hasJumped({ clockLeadMs }: OffsetRange, leadMs: number): boolean {
  return Math.abs(leadMs - clockLeadMs) > JUMP_MS
}
