/**
 * What the edge remembers of services beyond the last snapshot: since when each has served, and which workload at zero
 * replicas is not the owner of the pods. It stands in the object's state and in KV's copy, so that neither a change of
 * leader nor a restore forgets it (behaviour, section 1).
 */
import type { Service } from '../contract/report.ts'

export interface ServiceMemory {
  /** ms, by service; since when it has served. Not in it: new, or scaled up from zero and not ok since. */
  servedSinceMs: Record<string, number>
  /** By service: those whose workloads want no pods. */
  atZero: Record<string, AtZero>
}

export interface AtZero {
  /** ms; when the desired replicas became 0. */
  sinceMs: number
  /** The last snapshot had a target of it that was not terminating. */
  hasTargets: boolean
  /** Pods were there long after the workload wanted none, so something else owns them. */
  isOwnedElsewhere: boolean
}

/** What is remembered of one service. */
export interface ServicePast {
  hasServed: boolean
  isOwnedElsewhere: boolean
}

export const NO_MEMORY: ServiceMemory = { servedSinceMs: {}, atZero: {} }

/** Assumed where nothing is remembered: then every failing target counts. */
export const SERVED: ServicePast = { hasServed: true, isOwnedElsewhere: false }

/**
 * ms; a ReplicaSet deletes its pods at once, so a pod that isn't even terminating by then belongs to another owner, such as
 * a Rollout of Argo Rollouts whose `workloadRef` keeps the Deployment at 0 replicas.
 */
const OWNED_ELSEWHERE_MS = 60_000

/** `memory` null: written by a version that kept none. */
export function findPast(memory: ServiceMemory | null, service: string): ServicePast {
  if (memory === null) return SERVED
  return {
    hasServed: Object.hasOwn(memory.servedSinceMs, service),
    isOwnedElsewhere: findAtZero(memory, service)?.isOwnedElsewhere === true,
  }
}

/** What a snapshot leaves remembered; the very same object where that is what was remembered before. */
export function remember(
  memory: ServiceMemory | null,
  services: Service[],
  { freshAtMs, nowMs }: { freshAtMs: number | null; nowMs: number },
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
  const next = { servedSinceMs: Object.fromEntries(served), atZero: Object.fromEntries(atZero) }
  return memory !== null && JSON.stringify(memory) === JSON.stringify(next) ? memory : next
}

/** `freshAtMs`: up to then heartbeats said that all was as in the snapshot before. */
function rememberZero(
  before: AtZero | null,
  { desired, targets }: Service,
  { freshAtMs, nowMs }: { freshAtMs: number | null; nowMs: number },
): AtZero | null {
  if (desired !== 0 && (before === null || desired !== null)) return null
  const hasTargets = (targets ?? []).some((target) => target.terminating !== true)
  if (before === null) return { sinceMs: nowMs, hasTargets, isOwnedElsewhere: false }
  const seenAtMs = hasTargets ? nowMs : before.hasTargets ? (freshAtMs ?? 0) : 0
  const isProven = seenAtMs - before.sinceMs >= OWNED_ELSEWHERE_MS
  return { ...before, hasTargets, isOwnedElsewhere: before.isOwnedElsewhere || isProven }
}

function findServedSince(
  memory: ServiceMemory | null,
  { name, desired, targets }: Service,
  { zero, nowMs }: { zero: AtZero | undefined; nowMs: number },
): number | null {
  const isEmpty = desired === 0 && zero?.hasTargets !== true && zero?.isOwnedElsewhere !== true
  if (isEmpty) return null // scaled to zero: it begins anew
  if (memory === null) return nowMs
  if (Object.hasOwn(memory.servedSinceMs, name)) return memory.servedSinceMs[name] ?? nowMs
  return (targets ?? []).some(({ ok }) => ok) ? nowMs : null
}

function findAtZero({ atZero }: ServiceMemory, service: string): AtZero | null {
  return Object.hasOwn(atZero, service) ? (atZero[service] ?? null) : null
}
