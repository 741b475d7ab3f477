/** One target that is asked again and again: what is kept of it, and what of that is told or is news. */
import type { PodCheck, Target } from '../../worker/contract/report.ts'
import type { Discovered } from '../discovery/discovery.ts'
import type { DiscoveredTarget } from '../discovery/targets.ts'
import { notAnswered } from './health-answer.ts'
import type { Probed } from './probe.ts'

export type KnownService = Discovered['services'][number]

export interface Entry {
  target: DiscoveredTarget
  periodMs: number
  outcome: (NonNullable<Probed> & { checkedAt: number }) | null
  /** The last probe learned nothing, for the way to the pod was gone. */
  isUnseen: boolean
  /** Quick answers until it counts as quick: the longer the last ones took, the more. 0: it does. null: it was never asked. */
  quickIn: number | null
  /** An EndpointSlice or the Pod itself said so since this entry exists. */
  hasBeenReady: boolean
  /**
   * ms by the edge's clock; when a pod that has never been ready started, null until it was read from the Pod. Of a service
   * without targets: since when it should have some, null while it needn't.
   */
  startedAtMs: number | null
  /** ms, monotonic; when it is asked next. In the past: it is being asked. */
  nextMs: number
  /** ms, monotonic; past it the target is overdue, if it may be good by its old result. */
  dueMs: number
  /** null: nobody asks it at the moment. `isForced`: its own phase has no part in it. */
  asking: { done: Promise<void>; isForced: boolean } | null
  stop: AbortController
}

/** A service without any target is failing or not by that alone: this stands for the one that isn't there. */
export const NOBODY = ''

export function nobody(): DiscoveredTarget {
  const where = { scheme: 'http', address: '', port: 0, path: '' } as const
  const pod = { id: NOBODY, uid: null, namespace: '', pod: null, node: null, terminating: false }
  return { ...where, ...pod, ready: false }
}

/** What is known of a target that was never asked. */
export function newEntry(
  target: DiscoveredTarget,
  pace: Pick<Entry, 'periodMs' | 'dueMs'>,
): Omit<Entry, 'stop' | 'asking'> {
  const seen = {
    outcome: null,
    isUnseen: false,
    quickIn: null,
    startedAtMs: null,
    nextMs: 0,
  }
  return { ...seen, ...pace, target, hasBeenReady: hasBeenReady(target) }
}

/** A terminating target is one only while it serves. */
export function hasBeenReady({ ready, terminating }: DiscoveredTarget): boolean {
  return ready || terminating
}

/** A target that moved, that is to be asked elsewhere, or whose pod was made anew, is another target. */
export function keyOf({ id, uid, scheme, address, port, path }: DiscoveredTarget): string {
  return JSON.stringify([id, uid, scheme, address, port, path])
}

/** It failed before its pod was ready, and is ready now: what it answered then says nothing any more. */
export function isOutdated({ target, outcome }: Entry): boolean {
  return outcome?.wasReady === false && target.ready
}

/**
 * ms, monotonic; since when a new result is overdue. null: it isn't. One that failed when it was last asked is never overdue:
 * it counts as failing anyway, and is good by no old result.
 */
export function findOverdueMs(entry: Entry, nowMs: number): number | null {
  if (nowMs <= entry.dueMs) return null
  const { outcome } = entry
  const mayBeGood = outcome === null || outcome.ok || outcome.starting === true || isOutdated(entry)
  return mayBeGood ? entry.dueMs : null
}

export function toTarget({ target, outcome }: Entry): Target {
  const { ok, answered, reason, checks, checkedAt } = outcome ?? {
    ...notAnswered('not asked yet'),
    checkedAt: 0,
  }
  return {
    id: target.id,
    ...(target.node === null ? {} : { node: target.node }),
    ready: target.ready,
    ok,
    answered,
    ...(outcome?.starting === true ? { starting: true } : {}),
    ...(target.terminating ? { terminating: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    checkedAt,
    checks,
  }
}

export function failingNames({ checks }: NonNullable<Probed>): string[] {
  return checks.filter((check) => !check.ok).map((check) => check.name)
}

/** What changed from one answer to the next; null: nothing that anybody reads. Looked at 500 times a second. */
export function findChange(before: Probed, after: NonNullable<Probed>): 'verdict' | 'text' | null {
  if (before === null || !isSameVerdict(before, after)) return 'verdict'
  const isSame =
    before.reason === after.reason &&
    before.warning === after.warning &&
    areSame(before.checks, after.checks, TEXTS)
  return isSame ? null : 'text'
}

function isSameVerdict(before: NonNullable<Probed>, after: NonNullable<Probed>): boolean {
  const failing = ({ checks }: typeof after) => checks.filter((check) => !check.ok)
  return (
    before.ok === after.ok &&
    before.answered === after.answered &&
    before.starting === after.starting &&
    areSame(failing(before), failing(after), ['id', 'severity'])
  )
}

/** When it was last updated says nothing of how it is. */
const TEXTS = [
  'id',
  'name',
  'ok',
  'severity',
  'businessImpact',
  'technicalSummary',
  'panicGuide',
  'checkOutput',
] as const

function areSame(
  before: PodCheck[],
  after: PodCheck[],
  keys: readonly (keyof PodCheck)[],
): boolean {
  return (
    before.length === after.length &&
    before.every((check, i) => keys.every((key) => check[key] === after[i]?.[key]))
  )
}
