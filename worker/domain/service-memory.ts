/**
 * What the edge remembers of services beyond the last snapshot: since when each has served, and which workload at zero
 * replicas is not the owner of the pods. It stands in the object's state and in KV's copy, so that neither a change of
 * leader nor a restore forgets it (behaviour, section 1).
 */
import type { Service, Target } from '../contract/report.ts'

export interface ServiceMemory {
  /** ms, by service; since when it has served. Not in it: new, or scaled up from zero and not ok since. */
  servedSinceMs: Record<string, number>
  /** By service: those whose workloads want no pods. */
  atZero: Record<string, AtZero>
  /** By service: those that are overdue. */
  overdue: Record<string, Overdue>
}

/** `failsAtMs`: from then on it counts as failing, if reports still say so; `isFailing`: they did. */
export interface Overdue {
  failsAtMs: number
  isFailing: boolean
}

export interface AtZero {
  /** ms; since when the workloads want no pods and have none of their own. */
  sinceMs: number
  /** The last snapshot had a target of it that was ok and not terminating. */
  hasServingTargets: boolean
  /** Such a target was there long after the workloads had no pods left, so something else owns it. */
  isOwnedElsewhere: boolean
}

/** What is remembered of one service. */
export interface ServicePast {
  hasServed: boolean
  isOwnedElsewhere: boolean
  /** A new result has been overdue for so long that the old one says nothing any more. */
  isOverdue: boolean
}

export const NO_MEMORY: ServiceMemory = { servedSinceMs: {}, atZero: {}, overdue: {} }

/** Assumed where nothing is remembered: then every failing target counts. */
export const SERVED: ServicePast = {
  hasServed: true,
  isOwnedElsewhere: false,
  isOverdue: false,
}

/**
 * ms; the pods that a workload at zero replicas no longer counts as its own are terminating within moments. One that still
 * serves then belongs to another owner, such as a Rollout of Argo Rollouts whose `workloadRef` keeps the Deployment at 0.
 */
const OWNED_ELSEWHERE_MS = 60_000

/** `memory` null: written by a version that kept none. */
export function findPast(memory: ServiceMemory | null, service: string): ServicePast {
  if (memory === null) return SERVED
  return {
    hasServed: Object.hasOwn(memory.servedSinceMs, service),
    isOwnedElsewhere: findAtZero(memory, service)?.isOwnedElsewhere === true,
    isOverdue:
      Object.hasOwn(memory.overdue, service) && memory.overdue[service]?.isFailing === true,
  }
}

interface Remembering {
  /** ms; of the report before. */
  freshAtMs: number | null
  /** ms; what this report saw, it saw then. */
  seenAtMs: number
  nowMs: number
  /** ms that a new result may be overdue. */
  deadAfterMs: number
  /** Services of which the report has no result yet, as under a new leader: what is remembered of them goes on standing. */
  untold: ReadonlySet<string>
}

/** What a snapshot leaves remembered; the very same object where that is what was remembered before. */
export function remember(
  memory: ServiceMemory | null,
  services: Service[],
  { freshAtMs, nowMs, ...rules }: Remembering,
): ServiceMemory {
  const atZero = services.flatMap((service): [string, AtZero][] => {
    const next = rememberZero(memory && findAtZero(memory, service.name), service, {
      freshAtMs,
      nowMs,
    })
    return next === null ? [] : [[service.name, next]]
  })
  const zero = new Map(atZero)
  const served = services.flatMap((service): [string, number][] => {
    const sinceMs = findServedSince(memory, service, { zero: zero.get(service.name), nowMs })
    return sinceMs === null ? [] : [[service.name, sinceMs]]
  })
  const next = {
    servedSinceMs: Object.fromEntries(served),
    atZero: Object.fromEntries(atZero),
    overdue: findOverdue(memory?.overdue ?? {}, services, rules),
  }
  return memory !== null && JSON.stringify(memory) === JSON.stringify(next) ? memory : next
}

/** Judged by what reports saw, not by the clock: a service never turns while no report comes, as a late cluster doesn't. */
function findOverdue(
  held: ServiceMemory['overdue'],
  services: Service[],
  { seenAtMs, deadAfterMs, untold }: Pick<Remembering, 'seenAtMs' | 'deadAfterMs' | 'untold'>,
): ServiceMemory['overdue'] {
  return Object.fromEntries(
    services.flatMap(({ name, overdueSince = Infinity }) => {
      const before = untold.has(name) && Object.hasOwn(held, name) ? held[name] : undefined
      const failsAtMs = Math.min(overdueSince + deadAfterMs, before?.failsAtMs ?? Infinity)
      return failsAtMs === Infinity ? [] : [[name, { failsAtMs, isFailing: failsAtMs <= seenAtMs }]]
    }),
  )
}

/** A service has come to count as failing since the snapshot, for it is still overdue: only a snapshot can say what is. */
export function hasFallenDue(memory: ServiceMemory | null, seenAtMs: number): boolean {
  return Object.values(memory?.overdue ?? {}).some(
    ({ failsAtMs, isFailing }) => !isFailing && failsAtMs <= seenAtMs,
  )
}

/** `freshAtMs`: up to then heartbeats said that all was as in the snapshot before. */
function rememberZero(
  before: AtZero | null,
  service: Service,
  { freshAtMs, nowMs }: { freshAtMs: number | null; nowMs: number },
): AtZero | null {
  const isUnknown = before !== null && service.desired === null
  if (!wantsNone(service) && !isUnknown) return null
  const hasServingTargets = (service.targets ?? []).some((target) => target.ok && isStaying(target))
  const isBegin = before === null || service.scalingDown === true
  const sinceMs = isBegin ? nowMs : before.sinceMs
  const seenAtMs = hasServingTargets ? nowMs : before?.hasServingTargets ? (freshAtMs ?? 0) : 0
  const isProven = seenAtMs - sinceMs >= OWNED_ELSEWHERE_MS
  const isOwnedElsewhere = before?.isOwnedElsewhere === true || isProven
  return { sinceMs, hasServingTargets, isOwnedElsewhere }
}

function findServedSince(
  memory: ServiceMemory | null,
  service: Service,
  { zero, nowMs }: { zero: AtZero | undefined; nowMs: number },
): number | null {
  const { name } = service
  const targets = service.targets ?? []
  // Scaled to zero: it begins anew.
  const isEmpty = wantsNone(service) && zero?.isOwnedElsewhere !== true && !targets.some(isStaying)
  if (isEmpty) return null
  if (memory === null) return nowMs
  if (Object.hasOwn(memory.servedSinceMs, name)) return memory.servedSinceMs[name] ?? nowMs
  return targets.some(({ ok }) => ok) ? nowMs : null
}

/** Zero desired replicas; of a daemon that is no wish for none. */
export function wantsNone({
  desired,
  isDaemon,
}: {
  desired?: number | null | undefined
  isDaemon: boolean
}): boolean {
  return desired === 0 && !isDaemon
}

export function isStaying({ terminating }: Pick<Target, 'terminating'>): boolean {
  return terminating !== true
}

function findAtZero({ atZero }: ServiceMemory, service: string): AtZero | null {
  return Object.hasOwn(atZero, service) ? (atZero[service] ?? null) : null
}
