/**
 * The order of what exporters send: which place may follow the one that is held, and which epoch comes after another. The
 * edge decides by it, exporters count by it (behaviour, section 2).
 */
import { EPOCH_MAX, EPOCH_STEP_MAX } from '../contract/limits.ts'
import type { Place } from '../contract/report.ts'

/** Held where the order starts anew: every place is later. */
export const BEFORE_ANY: Place = { epoch: -1, sequence: -1 }

/** `held`: what the exporter must exceed. Where nothing is held, `{epoch: 0, sequence: 0}`. */
export interface OrderRejection {
  reason: 'stale_sequence' | 'epoch-too-high'
  held: Place
}

/**
 * Whether this place may follow the one that is held; null: it may. Without the upper bound, one signed report with the
 * highest epoch would shut every exporter out for good.
 */
export function judgePlace(place: Place, held: Place | null): OrderRejection | null {
  const { epoch, sequence } = held ?? BEFORE_ANY
  const floor = { epoch: Math.max(0, epoch), sequence: Math.max(0, sequence) }
  if (held !== null && !isLater(place, held)) return { reason: 'stale_sequence', held: floor }
  const isTooHigh = place.epoch > floor.epoch + EPOCH_STEP_MAX
  return isTooHigh ? { reason: 'epoch-too-high', held: floor } : null
}

export function isLater(a: Place, b: Place): boolean {
  return a.epoch === b.epoch ? a.sequence > b.sequence : a.epoch > b.epoch
}

/** Signatures tell whole seconds, so one of the very second of `sinceMs` was perhaps made before it. */
export function isSignedBefore(signedAtSeconds: number, sinceMs: number | null): boolean {
  return sinceMs !== null && signedAtSeconds * 1000 <= sinceMs
}

/** The epoch that follows this one. null: there is none, for its own successor would fit no int32. */
export function findNextEpoch(epoch: number): number | null {
  return epoch < EPOCH_MAX ? epoch + 1 : null
}
