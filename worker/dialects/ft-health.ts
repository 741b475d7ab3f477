/** `__health` in the Financial Times' shape (version 1.1, as its aggregator gives it): state in, JSON out. */
import { DEFAULT_CATEGORY, type Service } from '../contract/report.ts'
import type { ClusterState } from '../domain/cluster.ts'
import { judgeFreshness } from '../domain/freshness.ts'
import { judgeService, worst, type ServiceHealth } from '../domain/service-health.ts'

export interface FtCheck {
  id: string
  name: string
  ok: boolean
  severity: 1 | 2 | 3
  businessImpact: string
  technicalSummary: string
  panicGuide: string
  checkOutput: string
  lastUpdated: string
  ack?: string
  _acknowledged?: string
}

export interface FtHealth {
  schemaVersion: 1
  systemCode: string
  name: string
  description: string
  checks: FtCheck[]
  ok: boolean
  severity?: 1 | 2 | 3
}

/** What the operator says where a Service doesn't say it itself. */
export interface FtTexts {
  businessImpact: string
  panicGuide: string
}

/** [A]'s severity of a check that is ok. */
const OK_SEVERITY = 2

/** null: a category is asked for that isn't there. `names` empty means `default`. */
export function makeFtHealth(
  state: ClusterState | null,
  {
    cluster,
    names,
    texts,
    nowMs,
  }: { cluster: string; names: string[]; texts: FtTexts; nowMs: number },
): FtHealth | null {
  const freshness = state === null ? 'none' : judgeFreshness(state.pulse.lease, nowMs)
  if (state === null || state.content === null || freshness === 'none') {
    return frame(cluster, [reportCheck(cluster, texts, { nowMs, freshAtMs: null })], 1)
  }
  const { content } = state
  const reportedAtMs = state.pulse.lease.freshAtMs ?? nowMs
  const wanted = new Set(names.length === 0 ? [DEFAULT_CATEGORY] : names)
  const categories = state.standing.categories.filter((category) => wanted.has(category.name))
  if (categories.length < wanted.size) return null
  const members = new Set(
    (content.categories ?? []).filter((c) => wanted.has(c.name)).flatMap((c) => c.services),
  )
  const acks = new Map(content.acks?.map((ack) => [ack.service, ack.message]))
  const checks = (content.services ?? [])
    .filter((service) => wanted.has(DEFAULT_CATEGORY) || members.has(service.name))
    .flatMap((service) => {
      const health = judgeService(service)
      return health === null
        ? []
        : [serviceCheck(service, health, { texts, ack: acks.get(service.name), reportedAtMs })]
    })
  if (freshness === 'dead') {
    const { freshAtMs } = state.pulse.lease
    checks.push(reportCheck(content.environment, texts, { nowMs, freshAtMs }))
    return frame(content.environment, checks, 1)
  }
  if (categories.every((category) => category.passes))
    return frame(content.environment, checks, null)
  const severities = categories.map((category) => category.severity)
  return frame(
    content.environment,
    checks,
    worst(severities.filter((s) => s !== null)) ?? OK_SEVERITY,
  )
}

function frame(environment: string, checks: FtCheck[], severity: 1 | 2 | 3 | null): FtHealth {
  return {
    schemaVersion: 1,
    systemCode: environment,
    name: `${environment} cluster health`,
    description: `Health of the services of ${environment}, as last reported from inside the cluster`,
    checks: checks.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ok: severity === null,
    ...(severity === null ? {} : { severity }),
  }
}

function serviceCheck(
  service: Service,
  health: ServiceHealth,
  { texts, ack, reportedAtMs }: { texts: FtTexts; ack: string | undefined; reportedAtMs: number },
): FtCheck {
  const failing = (service.targets ?? []).filter((target) => !target.ok)
  const why = failing.map((target) => {
    const checks = target.checks.filter((check) => !check.ok).map((check) => check.name)
    return `${target.id}: ${target.reason ?? checks.join(', ')}`
  })
  const pods = `${health.healthy}/${health.total} pods available`
  const checkedAtMs = (service.targets ?? []).reduce((last, t) => Math.max(last, t.checkedAt), 0)
  return {
    id: service.name,
    name: service.name,
    ok: health.ok,
    severity: health.severity ?? OK_SEVERITY,
    businessImpact: service.businessImpact ?? texts.businessImpact,
    technicalSummary:
      health.desired === null
        ? 'Each pod of the service is asked for its __health.'
        : `Each pod of the service is asked for its __health; ${health.desired} desired.`,
    panicGuide: service.panicGuide ?? texts.panicGuide,
    checkOutput: why.length === 0 ? pods : `${pods} (${why.join('; ')})`,
    lastUpdated: new Date(checkedAtMs || reportedAtMs).toISOString(),
    ...(ack === undefined ? {} : { ack, _acknowledged: ack }),
  }
}

/** Says that nothing, or nothing fresh, is known of the cluster. */
function reportCheck(
  environment: string,
  texts: FtTexts,
  { nowMs, freshAtMs }: { nowMs: number; freshAtMs: number | null },
): FtCheck {
  return {
    id: 'cluster-report',
    name: 'cluster-report',
    ok: false,
    severity: 1,
    businessImpact: texts.businessImpact,
    technicalSummary: `The exporter in ${environment} pushes what it sees; nothing fresh has come from it.`,
    panicGuide: texts.panicGuide,
    checkOutput:
      freshAtMs === null
        ? 'No report was ever received.'
        : `The last fresh report is ${Math.round((nowMs - freshAtMs) / 1000)} s old.`,
    lastUpdated: new Date(freshAtMs ?? nowMs).toISOString(),
  }
}
