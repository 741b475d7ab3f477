/** From what the probes of one service saw to its health and severity (behaviour, section 1). */
import type { Service, Severity, Target } from '../contract/report.ts'

export interface ServiceHealth {
  ok: boolean
  /** null while ok. */
  severity: Severity | null
  /** Targets that are ok, of all that were probed. */
  healthy: number
  total: number
  /** null: no workload is known to stand behind it. */
  desired: number | null
}

/** What a failing check, or a pod without an answer, weighs when nothing says so. */
const UNNAMED_SEVERITY: Severity = 2

/** null: not checked yet, so it doesn't count. */
export function judgeService(service: Service): ServiceHealth | null {
  if (service.targets === null) return null
  const total = service.targets.length
  const healthy = service.targets.filter((target) => target.ok).length
  const desired = service.desired ?? null
  const isNoneFine = desired === 0 && !service.isDaemon
  const ok = healthy >= (service.leastOk ?? Math.max(total, isNoneFine ? 0 : 1))
  const severity = ok ? null : judgeSeverity(service, service.targets)
  return { ok, severity, healthy, total, desired }
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
