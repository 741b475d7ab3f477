/** From what the probes of one service saw to its health and severity (behaviour, section 1). */
import type { Service, Severity, Target } from '../contract/report.ts'
import { isStaying, SERVED, wantsNone, type ServicePast } from './service-memory.ts'

export interface ServiceHealth {
  ok: boolean
  /** null while ok. */
  severity: Severity | null
  /** Targets that are ok, of all that were probed. */
  healthy: number
  total: number
  /** null: no workload is known to own the pods. */
  desired: number | null
}

/** What a failing check, or a pod without an answer, weighs when nothing says so. */
const UNNAMED_SEVERITY: Severity = 2

/**
 * null: it doesn't count, for it was not checked yet, or it is starting and has never served. One that is overdue for too
 * long is failing whatever its old results say, as one whose pods can't be asked.
 */
export function judgeService(service: Service, past: ServicePast = SERVED): ServiceHealth | null {
  const health = judgeTargets(service, past)
  if (!past.isOverdue) return health
  const { healthy = 0, total = service.targets?.length ?? 0, desired = null } = health ?? {}
  return { ok: false, severity: 1, healthy, total, desired }
}

function judgeTargets(service: Service, past: ServicePast): ServiceHealth | null {
  if (service.targets === null) return null
  const desired = findDesired(service, past)
  const isNoneFine = wantsNone({ ...service, desired })
  const targets = listStanding(service, past)
  const total = targets.length
  const healthy = targets.filter((target) => target.ok).length
  const counted = listCounted(service, past)
  if (counted.length === 0 && isNew({ ...service, targets }, past) && !isNoneFine) return null
  const ok = healthy >= (service.leastOk ?? Math.max(counted.length, isNoneFine ? 0 : 1))
  const severity = ok ? null : judgeSeverity(service, counted)
  return { ok, severity, healthy, total, desired }
}

/** As new results say: an old one that hides a fault proves no recovery. */
export function isWell(service: Service, past: ServicePast): boolean {
  return service.overdueSince === undefined && judgeService(service, past)?.ok === true
}

/** It doesn't count yet, for it is starting. */
export function isStarting(service: Service, past: ServicePast): boolean {
  return service.targets !== null && judgeService(service, past) === null
}

/** It has never served, and all its targets are starting, or it has had none for a short time only. */
function isNew({ targets, starting }: Service, { hasServed }: ServicePast): boolean {
  return !hasServed && ((targets ?? []).length > 0 || starting === true)
}

/**
 * The targets that bear on the service's health. While one target is ok, a failing one that has never been ready or that is
 * terminating is part of a rollout. Without an ok one, those that are starting count only where the service has served:
 * else it is new.
 */
export function listCounted(service: Service, past: ServicePast = SERVED): Target[] {
  const targets = listStanding(service, past)
  if (targets.some(({ ok }) => ok)) {
    return targets.filter((target) => target.ok || !(target.starting || target.terminating))
  }
  return past.hasServed ? targets : targets.filter((target) => target.starting !== true)
}

/** All of them; where none is wanted, those that are not terminating. */
function listStanding(service: Service, past: ServicePast): Target[] {
  const isNoneFine = wantsNone({ ...service, desired: findDesired(service, past) })
  const targets = service.targets ?? []
  return isNoneFine ? targets.filter(isStaying) : targets
}

/** A workload at 0 replicas that doesn't own the pods says nothing of how many there should be. */
function findDesired({ desired = null }: Service, { isOwnedElsewhere }: ServicePast) {
  return desired === 0 && isOwnedElsewhere ? null : desired
}

function judgeSeverity(service: Service, targets: Target[]): Severity {
  if (!targets.some((target) => target.answered)) return 1
  if (service.isResilient && targets.some((target) => target.ok)) return UNNAMED_SEVERITY
  return worst(targets.filter((target) => !target.ok).map(worstCheck)) ?? UNNAMED_SEVERITY
}

/** A pod can fail by its own word alone, or without an answer: then no check names a severity. */
function worstCheck(target: Target): Severity {
  const failing = target.checks.filter((check) => !check.ok)
  return worst(failing.map((check) => check.severity ?? UNNAMED_SEVERITY)) ?? UNNAMED_SEVERITY
}

/** The worst is the lowest number; null of none. */
export function worst(severities: Severity[]): Severity | null {
  return severities.reduce<Severity | null>(
    (least, severity) => (least === null || severity < least ? severity : least),
    null,
  )
}
