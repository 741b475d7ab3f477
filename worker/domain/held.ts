/** Who keeps a silent cluster's last verdict standing, why and until when: for people, in the order of section 6. */
import type { ClusterState } from './cluster.ts'
import { tellFreshness, type Lease, type Ruling } from './freshness.ts'
import { sayRuling } from './silence.ts'

export interface HeldStatus {
  /** `exporter`: it is alive, but can't see. `copy`: the storage was lost, and KV's copy stands in. */
  by: 'exporter' | 'copy' | 'operator' | Ruling['by']
  /** ms; null: for ever. */
  untilMs: number | null
  why: string
}

/** null: it is not held. */
export function describeHeld(state: ClusterState, nowMs: number): HeldStatus | null {
  const { lease, intervalSeconds, exporter } = state.pulse
  if (tellFreshness(lease, intervalSeconds, nowMs) !== 'held') return null
  const by = tellHolder(lease, nowMs)
  switch (by) {
    case 'operator': {
      const { hold } = state.decisions
      // Visitors are not told by whom.
      const why = [hold?.by, hold?.why].filter(Boolean).join(': ')
      return { by, untilMs: lease.byHandUntilMs, why }
    }
    case 'exporter':
      return exporter === null
        ? { by: 'copy', untilMs: lease.heldUntilMs, why: 'No report came since it was restored.' }
        : {
            by,
            untilMs: lease.heldUntilMs,
            why: 'The exporter is alive, but can’t see the cluster.',
          }
    case 'witness':
    case 'fleet':
    case 'policy':
    case 'pending':
      return {
        by,
        untilMs: lease.ruling?.untilMs ?? null,
        why: lease.ruling === null ? '' : sayRuling(lease.ruling),
      }
  }
}

/** Of a lease that is held. */
export function tellHolder(lease: Lease, nowMs: number): 'exporter' | 'operator' | Ruling['by'] {
  const { heldUntilMs, byHandUntilMs, ruling } = lease
  if (nowMs <= (heldUntilMs ?? 0)) return 'exporter'
  if (nowMs <= (byHandUntilMs ?? 0)) return 'operator'
  return ruling?.by ?? 'pending'
}
