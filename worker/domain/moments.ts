/** When time alone will turn something, or is to be asked about: what a cluster's alarm waits for. */
import type { ClusterState } from './cluster.ts'
import { endOfLease, judgeFreshness, lateAtOf } from './freshness.ts'

/** ms between two looks at what holds a silent cluster, also where no prober asks. */
const LOOK_EVERY_MS = 5000

/**
 * ms; until then, and for as long as no report comes, time alone turns nothing of what is told of a cluster. Infinity: never.
 */
export function findNextTurn({ pulse, decisions }: ClusterState, nowMs: number): number {
  const { lease, intervalSeconds } = pulse
  const { validUntilMs, heldUntilMs, byHandUntilMs, ruling } = lease
  const ends = [
    lateAtOf(lease, intervalSeconds),
    validUntilMs,
    heldUntilMs,
    byHandUntilMs,
    ruling?.untilMs,
    decisions.hold?.untilMs,
    ...decisions.acks.map(({ expiresAtMs }) => expiresAtMs),
  ].filter((ms) => typeof ms === 'number')
  // Some stand up to their millisecond and some through it: either is a turn.
  return Math.min(...ends.flatMap((ms) => [ms, ms + 1]).filter((ms) => ms > nowMs))
}

/**
 * ms, all of them to come. `isSteady`: reports come, and nothing else is going on. The end of each lease would be an alarm
 * then, and each alarm a row: so it is left to whoever reads, and the fleet's object sees to it that somebody does.
 */
export function findMoments(
  { pulse, decisions }: ClusterState,
  { nowMs, isSteady }: { nowMs: number; isSteady: boolean },
): number[] {
  const { lease } = pulse
  const endMs = isSteady ? Infinity : endOfLease(lease)
  const expiries = decisions.acks.map((ack) => ack.expiresAtMs).filter((ms) => ms !== null)
  const isHeld = lease.ruling !== null && judgeFreshness(lease, nowMs) === 'held'
  return [
    ...(Number.isFinite(endMs) ? [endMs + 1] : []),
    ...(isHeld && lease.ruling?.untilMs !== null ? [nowMs + LOOK_EVERY_MS] : []),
    ...expiries,
  ].filter((ms) => ms > nowMs) // what has passed was told when the state was settled
}
