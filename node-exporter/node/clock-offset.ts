/**
 * How far the API server's clock is from this machine's, from the `Date` of its answers: whole seconds, written at some
 * time between question and answer. So each answer gives a range, and many answers a narrow one.
 */

/** ms that the other clock is ahead of ours, at the least and at the most. */
export interface OffsetRange {
  leastMs: number
  mostMs: number
}

/** ms that a range grows by with each answer: two clocks run apart, 1 ms in 2 s is more than any quartz does. */
const DRIFT_MS = 1

/** null: no date, or this machine's clock was set back in between. */
export function readOffset(answer: {
  date: string | undefined
  sentAtMs: number
  receivedAtMs: number
}): OffsetRange | null {
  const dateMs = Date.parse(answer.date ?? '')
  const leastMs = dateMs - answer.receivedAtMs
  const mostMs = dateMs + 1000 - answer.sentAtMs
  return leastMs <= mostMs ? { leastMs, mostMs } : null
}

/** What both say; only the newer where they contradict each other, for then a clock was set. */
export function narrowOffset(before: OffsetRange | null, next: OffsetRange): OffsetRange {
  if (before === null) return next
  const leastMs = Math.max(before.leastMs - DRIFT_MS, next.leastMs)
  const mostMs = Math.min(before.mostMs + DRIFT_MS, next.mostMs)
  return leastMs <= mostMs ? { leastMs, mostMs } : next
}

export function middleOf({ leastMs, mostMs }: OffsetRange): number {
  return (leastMs + mostMs) / 2
}
