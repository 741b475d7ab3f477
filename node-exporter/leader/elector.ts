/**
 * Who leads, decided from what was seen of the Lease and heard from the edge. Pure: no clock, no I/O. A holder is judged by
 * how long its record has stood still before our eyes, never by the record's own clock. Unlike client-go's, a leader stays one
 * while nobody can write: it stands down on seeing another holder, or when the edge refuses its epoch (behaviour, section 8).
 */
import { EPOCH_MAX, EPOCH_STEP_MAX } from '../../worker/contract/limits.ts'
import { findNextEpoch } from '../../worker/domain/order.ts'

/** What is read of a Lease. */
export interface SeenLease {
  resourceVersion: string
  /** Empty: released. */
  holder: string
  /** `leaseTransitions`: the epoch of its holder's reports. */
  transitions: number
  /** As it stands there; only ever compared with itself. */
  renewTime: string
}

export interface Election {
  readonly identity: string
  /** ms a record must stand still before another takes it. */
  readonly durationMs: number
  /** Of its reports while it leads; null: it stands by. */
  readonly epoch: number | null
  /** The highest epoch seen in the Lease since its counting last started anew; -1: none. */
  readonly highest: number
  /** What the edge held when it refused this holder, until it leads again or sees another. null: nothing. */
  readonly refusedAt: number | null
  /** As last seen; null: there is none. */
  readonly lease: SeenLease | null
  /** Of the last Lease that there was. Its deletion doesn't mean that its holder has gone. */
  readonly lastHolder: string
  /** ms, monotonic; since when the record has stood still, or been gone, less the time in which nobody could look. */
  readonly sinceMs: number
  /** ms, monotonic; of the last look. */
  readonly lookedAtMs: number
  /** A look has failed since. */
  readonly hasFailed: boolean
  /** It may be another by now: nothing is written before a look. */
  readonly isStale: boolean
}

export type Step =
  | { kind: 'look' }
  /** `untilMs`: when the holder's time will be up, monotonic. */
  | { kind: 'wait'; untilMs: number }
  /** `over`: the Lease that it takes the place of; null: there is none. */
  | { kind: 'write'; transitions: number; over: SeenLease | null }

export function startElection(identity: string, durationMs: number): Election {
  return {
    identity,
    durationMs,
    epoch: null,
    highest: -1,
    refusedAt: null,
    lease: null,
    lastHolder: '',
    sinceMs: -Infinity,
    lookedAtMs: -Infinity,
    hasFailed: false,
    isStale: true,
  }
}

/** What to do next. A leader renews, whoever the Lease is free for takes it, counting up. */
export function decide(election: Election, nowMs: number): Step {
  const { identity, epoch, lease, lastHolder, sinceMs, durationMs, isStale } = election
  if (isStale) return { kind: 'look' }
  if (epoch !== null) {
    const transitions = lease?.holder === identity ? followCount(epoch, lease.transitions) : epoch
    return { kind: 'write', transitions, over: lease }
  }
  // Its own name without its leading: the reply to the write was lost, the edge refused, or somebody put it there.
  const isFree = lastHolder === '' || lastHolder === identity
  const untilMs = sinceMs + durationMs
  if (!isFree && nowMs < untilMs) return { kind: 'wait', untilMs }
  return { kind: 'write', transitions: countUp(election), over: lease }
}

/**
 * Above what the Lease and the edge have told; but above the edge's alone where it would refuse the Lease's count, which is
 * down where the order started anew. Where no epoch follows, from 0: the edge says above what to go on.
 */
function countUp({ refusedAt, highest }: Election): number {
  const isTooHigh = refusedAt !== null && highest >= refusedAt + EPOCH_STEP_MAX
  return findNextEpoch(isTooHigh ? refusedAt : Math.max(highest, refusedAt ?? -1)) ?? 0
}

/** A leader's own Lease: whatever an older state says, the epoch never goes down; a higher count only where the edge takes it. */
function followCount(epoch: number, transitions: number): number {
  const isFollowed = transitions <= Math.min(EPOCH_MAX, epoch + EPOCH_STEP_MAX)
  return isFollowed ? Math.max(epoch, transitions) : epoch
}

/** The Lease as it is now. A leader that sees a successor stands down; what is older than itself is no successor. */
export function observe(election: Election, lease: SeenLease | null, nowMs: number): Election {
  const isSame = recordOf(election.lease) === recordOf(lease)
  const isOthers = lease !== null && lease.holder !== '' && lease.holder !== election.identity
  return {
    ...election,
    lease,
    lastHolder: lease === null ? election.lastHolder : lease.holder,
    sinceMs: isSame ? election.sinceMs + findUnseenMs(election, nowMs) : nowMs,
    lookedAtMs: nowMs,
    hasFailed: false,
    highest: lease === null ? election.highest : findHighest(election.highest, lease.transitions),
    refusedAt: isOthers ? null : election.refusedAt,
    isStale: false,
    epoch: hasSuccessor(election, lease) ? null : election.epoch,
  }
}

/**
 * The API server did not do what was asked. If a holder can't be seen, or the Lease not be written, its holder may have the
 * same trouble: when that is over, it must have the time to renew before anybody takes its place.
 */
export function takeFailure(election: Election, step: Step['kind'], nowMs: number): Election {
  if (step === 'look') return { ...election, hasFailed: true }
  return { ...election, sinceMs: Math.max(election.sinceMs, nowMs - election.durationMs / 2) }
}

/** It wrote `lease` when `wasEpoch` was its epoch. Refused meanwhile, it has the Lease, but must count up once more. */
export function takeWritten(
  election: Election,
  { lease, wasEpoch, nowMs }: { lease: SeenLease; wasEpoch: number | null; nowMs: number },
): Election {
  const seen = observe(election, lease, nowMs)
  if (wasEpoch !== election.epoch) return seen
  return { ...seen, epoch: lease.transitions, refusedAt: null }
}

/** A count that is lower by more than the edge lets one rise has started anew; a little lower is an older state. */
function findHighest(highest: number, transitions: number): number {
  const isAnew = transitions <= highest - EPOCH_STEP_MAX
  return isAnew ? transitions : Math.max(highest, transitions)
}

/** Somebody else wrote first, or time has passed. */
export function loseSight(election: Election): Election {
  return { ...election, isStale: true }
}

/**
 * The edge holds `epoch`. Its name still stands in the Lease, as far as it knows: it may take it anew, above what is held. That
 * is below the epoch that was refused where the order started anew.
 */
export function takeRefusal(election: Election, epoch: number): Election {
  return { ...election, epoch: null, refusedAt: epoch }
}

/** ms since the last look that tell nothing of the holder: a try in between failed, or this very process was paused. */
function findUnseenMs({ lookedAtMs, hasFailed, durationMs }: Election, nowMs: number): number {
  const gapMs = nowMs - lookedAtMs
  const isUnseen = hasFailed || gapMs > durationMs / 2
  return isUnseen && Number.isFinite(gapMs) ? gapMs : 0
}

/** Each change of hands counts up, so a holder with a lower count is one from before; with the same count, it was put there. */
function hasSuccessor({ epoch, identity }: Election, lease: SeenLease | null): boolean {
  if (epoch === null || lease === null || lease.holder === identity) return false
  return lease.transitions > epoch || (lease.transitions === epoch && lease.holder !== '')
}

/** Labels and the like are nobody's sign of life. */
function recordOf(lease: SeenLease | null): string {
  return JSON.stringify([lease?.holder, lease?.transitions, lease?.renewTime])
}
