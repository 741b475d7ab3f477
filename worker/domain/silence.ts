/**
 * A cluster that goes silent: what holds its last verdict past the end of its lease, or that nothing does. In the order
 * of behaviour, section 6: a witness, the fleet, the policy. An operator's hold stands before all of them, in the lease.
 * The fleet's word has a cost: one silent accomplice holds a dead cluster for up to HOLD_MAX_MS. `silence: alone` opts out.
 */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import type { ClusterState } from './cluster.ts'
import type { FleetWord } from './fleet.ts'
import { judgeFreshness, withoutHand, type Lease, type Ruling } from './freshness.ts'
import { record } from './history.ts'
import { settle, type Settled } from './settle.ts'

/** ms that a verdict is held for a word that may still come. */
const PENDING_MAX_MS = 5000

export type OnSilence = 'unhealthy' | 'last-known'

/** What a witness last said. `none`: it was not heard yet. */
export type WitnessWord = 'good' | 'bad' | 'none'

export interface Silence {
  onSilence: OnSilence
  /** null: none is configured. */
  witness: { word: WitnessWord; askedSinceMs: number } | null
  /** null: there is no other cluster to compare with, or this one is judged alone (`silence: alone`, or after an episode). */
  fleet: FleetWord | null
}

/** What holds from the end of the lease on, as of now. Once it is dead it stays so until reports bring it back. */
export function ruleSilence(lease: Lease, silence: Silence, nowMs: number): Ruling {
  const { ruling } = lease
  if (ruling === null || !isFinal(lease, nowMs)) {
    const anew = ruleAnew(lease, silence, nowMs)
    // Whatever holds it next: a blind exporter may keep it from dying until the fleet's next episode.
    return { ...anew, isAlone: anew.isAlone || ruling?.isAlone === true, atMs: nowMs }
  }
  const isPolicyNext = ruling.by === 'fleet' && silence.onSilence === 'last-known'
  return isPolicyNext ? { ...ruling, by: 'policy', untilMs: null, atMs: nowMs } : ruling
}

/** It is dead, by a ruling after the end of its lease, or since what held it ran out. An operator's hold is apart from it. */
export function isFinal(lease: Lease, nowMs: number): boolean {
  const { ruling } = lease
  if (ruling === null || judgeFreshness(withoutHand(lease), nowMs) !== 'dead') return false
  const endMs = Math.max(lease.validUntilMs ?? 0, lease.heldUntilMs ?? 0)
  return (ruling.untilMs ?? 0) > endMs || ruling.atMs > endMs
}

/** Nothing that is worth a row: the same holds, and it is as final as it was. */
export function isSameRuling(lease: Lease, ruling: Ruling, nowMs: number): boolean {
  const { ruling: held } = lease
  const isSame = JSON.stringify({ ...held, atMs: 0 }) === JSON.stringify({ ...ruling, atMs: 0 })
  return isSame && isFinal(lease, nowMs) === isFinal({ ...lease, ruling }, nowMs)
}

/** Until anybody was heard: a prober must not read as dead what is only not judged yet. */
export function rulePending(lease: Lease, nowMs: number): Ruling {
  const endMs = Math.max(lease.validUntilMs ?? 0, lease.heldUntilMs ?? 0, nowMs)
  return { ...NOBODY, by: 'pending', untilMs: endMs + PENDING_MAX_MS, atMs: nowMs }
}

function ruleAnew(lease: Lease, silence: Silence, nowMs: number): Unstamped {
  const { ruling } = lease
  const deadAtMs = Math.max(lease.validUntilMs ?? 0, lease.heldUntilMs ?? 0)
  return (
    ruleByWitness(silence, { ruling, deadAtMs }) ??
    ruleByFleet(silence.fleet, { ruling, deadAtMs, nowMs }) ?? {
      ...NOBODY,
      by: 'policy',
      untilMs: silence.onSilence === 'last-known' ? null : 0,
    }
  )
}

const NOBODY = { episodeMs: null, isAlone: false } as const

type Unstamped = Omit<Ruling, 'atMs'>

interface Known {
  ruling: Ruling | null
  deadAtMs: number
}

/** null: it has no say. */
function ruleByWitness({ witness, fleet }: Silence, { ruling, deadAtMs }: Known): Unstamped | null {
  if (witness === null) return null
  const pendingUntilMs = Math.max(deadAtMs, witness.askedSinceMs) + PENDING_MAX_MS
  const pending: Unstamped = { ...NOBODY, by: 'pending', untilMs: pendingUntilMs }
  // What was ruled on a word stands until the next word: whoever asks seldom must not kill it by that.
  const untilHeard = ruling?.by === 'witness' || ruling?.by === 'fleet' ? ruling : pending
  switch (witness.word) {
    case 'good':
      return { ...NOBODY, by: 'witness', untilMs: deadAtMs + HOLD_MAX_MS }
    case 'none':
      return untilHeard
    case 'bad':
      // All of them at once: rather than all clusters, the way from here to them is gone.
      if (fleet?.witnesses === 'all bad') return null
      if (fleet?.witnesses === 'not heard') return untilHeard
      return { ...NOBODY, by: 'witness', untilMs: 0 }
  }
}

/** null: nothing is correlated. */
function ruleByFleet(
  fleet: FleetWord | null,
  { ruling, deadAtMs, nowMs }: Known & { nowMs: number },
): Unstamped | null {
  // It had its fresh minute after the others came back; from then on it is judged by itself.
  if (ruling?.isAlone === true) {
    return ruling.by === 'fleet' && nowMs <= (ruling.untilMs ?? 0) ? ruling : null
  }
  if (fleet === null) return null
  switch (fleet.kind) {
    case 'none':
      return null
    case 'unreachable':
      return {
        ...NOBODY,
        by: 'fleet',
        untilMs: deadAtMs + HOLD_MAX_MS,
        episodeMs: ruling?.episodeMs ?? null,
      }
    case 'open':
      return {
        by: 'fleet',
        untilMs: Math.min(fleet.untilMs, deadAtMs + HOLD_MAX_MS),
        episodeMs: fleet.openedAtMs,
        isAlone: false,
      }
    case 'ended':
      return { by: 'fleet', untilMs: fleet.untilMs, episodeMs: null, isAlone: true }
  }
}

/** The state with what was ruled, and what turned by it. */
export function applyRuling(state: ClusterState, ruling: Ruling, nowMs: number): Settled {
  const lease = { ...state.pulse.lease, ruling }
  const after = { ...state, pulse: { ...state.pulse, lease } }
  const step = { nowMs, cause: 'silence', moved: null, note: sayRuling(ruling) } as const
  // Before as after: what was only not looked at since its lease ended has not been dead meanwhile.
  const settled = settle(after, after, step)
  const isHeldOn = state.pulse.freshness === 'held' && settled.state.pulse.freshness === 'held'
  if (!isHeldOn || state.pulse.lease.ruling?.by === ruling.by) return settled
  const told = record(step, { subject: 'cluster', name: '', from: 'held', to: 'held' })
  return { ...settled, transitions: [...settled.transitions, told] }
}

/** Why the verdict is held, for people. */
export function sayRuling({ by, untilMs, isAlone }: Ruling): string {
  switch (by) {
    case 'witness':
      return untilMs === 0
        ? 'The witness says that it is gone.'
        : 'The witness says that it is well.'
    case 'fleet':
      return isAlone
        ? 'Another cluster is back: this one has a fresh minute, then it is judged alone.'
        : 'Most clusters fell silent at once: the aggregator itself is the suspect, not the clusters.'
    case 'policy':
      return untilMs === null ? 'ON_SILENCE is last-known.' : ''
    case 'pending':
      return 'Whoever has a say was not heard yet.'
  }
}
