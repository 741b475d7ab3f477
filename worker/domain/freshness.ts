/** How long a verdict may be trusted. Judged by whoever reads, with the reader's clock (behaviour, sections 2 and 6). */
import { HOLD_MAX_MS, INTERVALS_UNTIL_DEAD, INTERVALS_UNTIL_LATE } from '../contract/limits.ts'

/** The times that every reader needs to judge a verdict by its own clock. */
export interface Lease {
  /** ms; the last report that moved freshness, by the earlier of its `observedAt` and its receipt. null: never any. */
  freshAtMs: number | null
  /** ms; after it, without a hold, the cluster is dead. */
  validUntilMs: number | null
  /** ms; until then a blind exporter keeps the last verdict standing, as `held`. */
  heldUntilMs: number | null
  /** ms; until then an operator keeps the last verdict standing past the lease's end. null: nobody does. */
  byHandUntilMs: number | null
  /** What else does. null: nothing was ruled yet. */
  ruling: Ruling | null
}

/** What keeps a silent cluster's last verdict standing (behaviour, section 6). */
export interface Ruling {
  /** `pending`: the word of a witness is waited for. */
  by: 'witness' | 'fleet' | 'policy' | 'pending'
  /** ms; 0: nothing keeps it. null: for ever. */
  untilMs: number | null
  /** ms; when the fleet's episode opened that it is a member of. */
  episodeMs: number | null
  /** Its episode is over: no other silence holds this one any more. */
  isAlone: boolean
  /** ms; when it was ruled: what was ruled before the lease ended is no last word. */
  atMs: number
}

/** Before the first report that moves freshness. */
export const NO_LEASE: Lease = {
  freshAtMs: null,
  validUntilMs: null,
  heldUntilMs: null,
  byHandUntilMs: null,
  ruling: null,
}

export type Freshness = 'none' | 'fresh' | 'held' | 'dead'

export function judgeFreshness(lease: Lease, nowMs: number): Freshness {
  if (lease.validUntilMs === null) return 'none'
  if (lease.heldUntilMs !== null && nowMs <= lease.heldUntilMs) return 'held'
  if (nowMs <= lease.validUntilMs) return 'fresh'
  return nowMs <= endOfLease(lease) ? 'held' : 'dead'
}

/** As it stands without an operator's hold, which brings no cluster back. */
export function withoutHand(lease: Lease): Lease {
  return { ...lease, byHandUntilMs: null }
}

/** Past three intervals the verdict stands, and is told as late. */
export function isLate(lease: Lease, intervalSeconds: number, nowMs: number): boolean {
  return lease.freshAtMs !== null && nowMs > lateAtOf(lease, intervalSeconds)
}

/** ms; after it the last report is three intervals old. */
export function lateAtOf({ freshAtMs }: Lease, intervalSeconds: number): number {
  return (freshAtMs ?? 0) + INTERVALS_UNTIL_LATE * intervalSeconds * 1000
}

/** `no-data`: never a report. `held`: the last verdict, kept on purpose. */
export type ClusterFreshness = 'no-data' | 'fresh' | 'late' | 'held' | 'dead'

/** In one word, at a moment. */
export function tellFreshness(
  lease: Lease,
  intervalSeconds: number,
  nowMs: number,
): ClusterFreshness {
  const freshness = judgeFreshness(lease, nowMs)
  if (freshness === 'none') return 'no-data'
  return freshness === 'fresh' && isLate(lease, intervalSeconds, nowMs) ? 'late' : freshness
}

/** What came of a lease since it was last told, each at its own moment, whoever notices and however late. */
export function passTime(
  {
    lease,
    intervalSeconds,
    freshness: told,
  }: { lease: Lease; intervalSeconds: number; freshness: ClusterFreshness },
  nowMs: number,
): { atMs: number; to: ClusterFreshness }[] {
  const now = tellFreshness(lease, intervalSeconds, nowMs)
  if (now === told || now === 'fresh' || now === 'no-data') return []
  const lateAtMs = lateAtOf(lease, intervalSeconds)
  if (now === 'late') return [{ atMs: lateAtMs, to: now }]
  if (now === 'held') return [{ atMs: nowMs, to: now }]
  const dead = { atMs: endOfLease(lease), to: now }
  return told === 'fresh' && lateAtMs < dead.atMs ? [{ atMs: lateAtMs, to: 'late' }, dead] : [dead]
}

/** ms; after it nothing keeps the verdict standing any more. Infinity: it stands for ever. */
export function endOfLease({ validUntilMs, heldUntilMs, byHandUntilMs, ruling }: Lease): number {
  const ruledUntilMs = ruling === null ? 0 : (ruling.untilMs ?? Infinity)
  return Math.max(validUntilMs ?? 0, heldUntilMs ?? 0, byHandUntilMs ?? 0, ruledUntilMs)
}

/** The lease that a report starts: never in the future, and never back behind the one that is held. */
export function renewLease(
  held: Lease,
  {
    observedAtMs,
    nowMs,
    deadAfterMs,
  }: { observedAtMs: number; nowMs: number; deadAfterMs: number },
): Lease {
  const freshAtMs = Math.max(held.freshAtMs ?? 0, Math.min(observedAtMs, nowMs))
  const validUntilMs = freshAtMs + deadAfterMs
  // A report that doesn't bring it back leaves what was ruled.
  const ruling = nowMs <= validUntilMs ? null : held.ruling
  return { ...held, freshAtMs, validUntilMs, heldUntilMs: null, ruling }
}

/**
 * Of a live link that was lost unseen, and with it when the last report over it came: whoever was alive as far as is known
 * stays so as long as after a report. That it is fresh nobody says: it reads as late until the next one.
 */
export function leaseOfLostLink(
  {
    lease,
    freshness,
    blindSinceMs,
  }: { lease: Lease; freshness: ClusterFreshness; blindSinceMs: number | null },
  { nowMs, deadAfterMs }: { nowMs: number; deadAfterMs: number },
): Lease {
  if (freshness === 'held' && blindSinceMs !== null) {
    return holdBlind(lease, { blindSinceMs, nowMs, deadAfterMs })
  }
  const isAlive = freshness === 'fresh' || freshness === 'late'
  const validUntilMs = Math.max(lease.validUntilMs ?? 0, nowMs + deadAfterMs)
  return isAlive ? { ...lease, validUntilMs } : lease
}

/** How long blind reports hold: to 15 min after the first, and no longer than an exporter is heard. */
export function holdBlind(
  lease: Lease,
  {
    blindSinceMs,
    nowMs,
    deadAfterMs,
  }: { blindSinceMs: number; nowMs: number; deadAfterMs: number },
): Lease {
  return { ...lease, heldUntilMs: Math.min(blindSinceMs + HOLD_MAX_MS, nowMs + deadAfterMs) }
}

/** Late and dead must not fall together, or a cluster flaps: four intervals fit into the time to dead. */
export function isIntervalTooLong(intervalSeconds: number, deadAfterSeconds: number): boolean {
  return intervalSeconds * INTERVALS_UNTIL_DEAD > deadAfterSeconds
}
