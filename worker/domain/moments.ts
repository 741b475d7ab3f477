/** When time alone will turn something, or is to be asked about: what a cluster's alarm waits for. */
import type { ClusterState } from './cluster.ts'
import { endOfLease, judgeFreshness } from './freshness.ts'

/** ms between two looks at what holds a silent cluster, also where no prober asks. */
const LOOK_EVERY_MS = 5000

/**
 * ms between two looks at a cluster whose reports come one after the other: to be there at the end of each lease would cost
 * a row each. Whoever reads a cluster that fell silent since, and the end of its live link, bring the look forward.
 */
const STEADY_LOOK_EVERY_MS = 3_600_000

/** ms, all of them to come. `isSteady`: reports come, and nothing else is going on. */
export function findMoments(
  { pulse, decisions }: ClusterState,
  { nowMs, isSteady }: { nowMs: number; isSteady: boolean },
): number[] {
  const { lease } = pulse
  const endMs = isSteady ? nowMs + STEADY_LOOK_EVERY_MS : endOfLease(lease)
  const expiries = decisions.acks.map((ack) => ack.expiresAtMs).filter((ms) => ms !== null)
  const isHeld = lease.ruling !== null && judgeFreshness(lease, nowMs) === 'held'
  return [
    ...(Number.isFinite(endMs) ? [endMs + 1] : []),
    ...(isHeld && lease.ruling?.untilMs !== null ? [nowMs + LOOK_EVERY_MS] : []),
    ...expiries,
  ].filter((ms) => ms > nowMs) // what has passed was told when the state was settled
}
