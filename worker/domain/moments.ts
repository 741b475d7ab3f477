/** When time alone will turn something, or is to be asked about: what a cluster's alarm waits for. */
import type { ClusterState } from './cluster.ts'
import { endOfLease, judgeFreshness } from './freshness.ts'

/** ms between two looks at what holds a silent cluster, also where no prober asks. */
const LOOK_EVERY_MS = 5000

/** ms, all of them to come. */
export function findMoments({ pulse, decisions }: ClusterState, nowMs: number): number[] {
  const { lease } = pulse
  const endMs = endOfLease(lease)
  const expiries = decisions.acks.map((ack) => ack.expiresAtMs).filter((ms) => ms !== null)
  const isHeld = lease.ruling !== null && judgeFreshness(lease, nowMs) === 'held'
  return [
    ...(Number.isFinite(endMs) ? [endMs + 1] : []),
    ...(isHeld && lease.ruling?.untilMs !== null ? [nowMs + LOOK_EVERY_MS] : []),
    ...expiries,
  ].filter((ms) => ms > nowMs) // what has passed was told when the state was settled
}
