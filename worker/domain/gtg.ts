/** The one question: good to go? From a cluster's view and the categories asked for to status and reason (behaviour, section 4). */
import { DEFAULT_CATEGORY } from '../contract/report.ts'
import { isLate, judgeFreshness, NO_LEASE, type Lease } from './freshness.ts'
import type { CategoryStanding, ClusterState } from './cluster.ts'
import { tellHolder } from './held.ts'
import { expireAcks } from './verdict.ts'

/** All that a reader needs, and nothing that grows with the number of healthy services. */
export interface ClusterView {
  lease: Lease
  intervalSeconds: number
  categories: CategoryStanding[]
}

export type GtgReason =
  | 'healthy'
  | 'degraded'
  | 'late'
  | 'held'
  | 'unhealthy'
  | 'disabled'
  | 'stale'
  | 'no-data'
  | 'internal'
  | 'unknown-category'
  | 'unknown-cluster'
  | 'ambiguous-cluster'
  | 'unknown-node'
  | 'unknown-check'
  | 'unknown-parameter'

export interface GtgAnswer {
  passes: boolean
  reason: GtgReason
  /** Who keeps the verdict standing, where it is held. */
  heldBy: ReturnType<typeof tellHolder> | null
  /** s since the verdict was last fresh; null when there is none. */
  ageSeconds: number | null
  /** s until it is worth asking again. */
  retryAfterSeconds: number
}

export interface Gtg extends GtgAnswer {
  /** Those that were asked for and exist. */
  categories: CategoryStanding[]
}

/** Names of services that a view carries per category: enough to act on, and its size stays bounded. */
const NAMES_IN_VIEW = 50

/** `state` null: nothing is held yet. */
export function makeView(
  state: {
    pulse: Pick<ClusterState['pulse'], 'lease' | 'intervalSeconds'>
    standing: { categories: CategoryStanding[] }
  } | null,
): ClusterView {
  if (state === null) {
    return { lease: NO_LEASE, intervalSeconds: RETRY_AFTER_SECONDS, categories: [] }
  }
  return {
    lease: state.pulse.lease,
    intervalSeconds: state.pulse.intervalSeconds,
    categories: state.standing.categories.map((category) => ({
      ...category,
      failing: category.failing.slice(0, NAMES_IN_VIEW),
      missing: category.missing.slice(0, NAMES_IN_VIEW),
      late: category.late.slice(0, NAMES_IN_VIEW),
      // The next to run out decides when the verdict turns, so those stay.
      acked: category.acked
        .toSorted((a, b) => (a.expiresAtMs ?? Infinity) - (b.expiresAtMs ?? Infinity))
        .slice(0, NAMES_IN_VIEW),
    })),
  }
}

/** More names than that in one question is a mistake or an attack. */
export const CATEGORIES_MAX = 32

const RETRY_AFTER_SECONDS = 10

/** An answer about nothing that was observed: no cluster, or no way to reach what is known of it. */
export function refuseGtg(
  reason: Extract<
    GtgReason,
    'internal' | 'unknown-cluster' | 'ambiguous-cluster' | 'unknown-parameter'
  >,
): GtgAnswer {
  return {
    passes: false,
    reason,
    heldBy: null,
    ageSeconds: null,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }
}

const PASSING: GtgReason[] = ['healthy', 'degraded', 'late', 'held']

/** `isCopy`: the view is what KV last published, so it can only be held. Which reason wins stands in section 4. */
export function judgeGtg(
  view: ClusterView,
  names: string[],
  { nowMs, isCopy }: { nowMs: number; isCopy: boolean },
): Gtg {
  const wanted = new Set(names.length === 0 ? [DEFAULT_CATEGORY] : names)
  const categories = view.categories
    .filter((category) => wanted.has(category.name))
    .map((category) => expireAcks(category, nowMs))
  const isKnown = categories.length === wanted.size && wanted.size <= CATEGORIES_MAX
  const reason = findReason(view, isKnown ? categories : null, { nowMs, isCopy })
  return { ...answerFor(reason, view, nowMs), categories }
}

/** What is told beside the reason, whatever was asked about. */
export function answerFor(
  reason: GtgReason,
  { lease, intervalSeconds }: Pick<ClusterView, 'lease' | 'intervalSeconds'>,
  nowMs: number,
): GtgAnswer {
  const { freshAtMs } = lease
  const isHeld = judgeFreshness(lease, nowMs) === 'held'
  return {
    passes: PASSING.includes(reason),
    reason,
    heldBy: isHeld ? tellHolder(lease, nowMs) : null,
    ageSeconds: freshAtMs === null ? null : Math.max(0, Math.floor((nowMs - freshAtMs) / 1000)),
    retryAfterSeconds: Math.min(60, Math.max(5, Math.ceil(intervalSeconds))),
  }
}

function findReason(
  view: ClusterView,
  categories: CategoryStanding[] | null,
  { nowMs, isCopy }: { nowMs: number; isCopy: boolean },
): GtgReason {
  const freshness = judgeFreshness(view.lease, nowMs)
  if (freshness === 'none') return 'no-data'
  if (categories === null) return 'unknown-category'
  if (categories.some((category) => category.reason === 'disabled')) return 'disabled'
  if (freshness === 'dead') return 'stale'
  if (categories.some((category) => !category.passes)) return 'unhealthy'
  const isDegraded = categories.some(
    ({ missing, late, isChecked, isIncomplete }) =>
      missing.length + late.length > 0 || !isChecked || isIncomplete === true,
  )
  return sayPassing(view, { nowMs, isCopy, isDegraded })
}

/** In which way something that passes does so. */
export function sayPassing(
  { lease, intervalSeconds }: Pick<ClusterView, 'lease' | 'intervalSeconds'>,
  { nowMs, isCopy, isDegraded }: { nowMs: number; isCopy: boolean; isDegraded: boolean },
): GtgReason {
  if (isCopy || judgeFreshness(lease, nowMs) === 'held') return 'held'
  if (isLate(lease, intervalSeconds, nowMs)) return 'late'
  return isDegraded ? 'degraded' : 'healthy'
}
