/** `__health` in the Financial Times' shape (version 1.1, as its aggregator gives it): state in, JSON out. */
import type { Severity, Target } from '../contract/report.ts'
import { worst } from '../domain/service-health.ts'
import { explain, type ClusterStatus, type ServiceStatus } from '../domain/status.ts'

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

/** The whole URL of where more is said of a target. */
export type LinkTo = (name: string) => string

/** The whole URL of where the pods of a service are, or the nodes of the built-in one. */
export type LinkToTargets = (service: Pick<ServiceStatus, 'name' | 'isNodes'>) => string

/** [A]'s severity of a check that is ok. */
const OK_SEVERITY = 2

/** `status` holds the categories that were asked for, and their services. */
export function makeFtHealth(
  status: ClusterStatus,
  { texts, nowMs, linkToPods }: { texts: FtTexts; nowMs: number; linkToPods: LinkToTargets },
): FtHealth {
  const { environment, freshness, categories } = status
  const whole = { subject: environment, kind: 'cluster' } as const
  const checks = status.services
    .filter(({ ok }) => ok !== null)
    .map((service) => serviceCheck(service, { status, texts, nowMs, linkToPods }))
  if (freshness === 'no-data' || freshness === 'dead') {
    return frame(whole, [...checks, reportCheck(status, texts, nowMs)], 1)
  }
  if (categories.every((category) => category.passes)) return frame(whole, checks, null)
  const severities = categories.map((category) => category.severity)
  return frame(whole, checks, worst(severities.filter((s) => s !== null)) ?? OK_SEVERITY)
}

/** The pods of one service: each is a check of its own. */
export function makeFtPods(
  status: ClusterStatus,
  service: ServiceStatus,
  { texts, nowMs, linkToPod }: { texts: FtTexts; nowMs: number; linkToPod: LinkTo },
): FtHealth {
  const checks = service.targets.map((target): FtCheck => {
    // A pod that serves may have checks that fail: they don't make it a bad one.
    const failing = target.checks.filter((check) => !check.ok && !target.ok)
    const severities = failing.map((check) => check.severity ?? OK_SEVERITY)
    const node = target.node === undefined ? '' : ` on node ${target.node}`
    return {
      id: target.id,
      // A daemon's pods are told apart by their nodes.
      name:
        service.isDaemon && target.node !== undefined && !service.isNodes
          ? `${target.id} (${target.node})`
          : target.id,
      ok: target.ok,
      severity: worst(severities) ?? (target.answered ? OK_SEVERITY : 1),
      businessImpact: service.businessImpact ?? texts.businessImpact,
      technicalSummary: service.isNodes
        ? `What its exporter and its Node object say: ${linkToPod(target.id)}`
        : `What the pod${node} said of itself: ${linkToPod(target.id)}`,
      panicGuide: service.panicGuide ?? texts.panicGuide,
      checkOutput: target.ok ? 'available' : explain(target),
      lastUpdated: new Date(target.checkedAt).toISOString(),
    }
  })
  const isDead = status.freshness === 'dead'
  const all = isDead ? [...checks, reportCheck(status, texts, nowMs)] : checks
  const isWell = service.ok !== false && !isDead
  return frame(
    { subject: service.name, kind: 'pods' },
    all,
    isWell ? null : isDead ? 1 : (service.severity ?? OK_SEVERITY),
  )
}

/** What one pod said when it was last asked, with the time of that. */
export function makeFtPod(service: ServiceStatus, target: Target, texts: FtTexts): FtHealth {
  const checks = target.checks.map((check): FtCheck => ({
    id: check.id,
    name: check.name,
    ok: check.ok,
    severity: check.severity ?? OK_SEVERITY,
    businessImpact: check.businessImpact ?? service.businessImpact ?? texts.businessImpact,
    technicalSummary: check.technicalSummary ?? '',
    panicGuide: check.panicGuide ?? service.panicGuide ?? texts.panicGuide,
    checkOutput: check.checkOutput ?? '',
    lastUpdated: check.lastUpdated ?? new Date(target.checkedAt).toISOString(),
  }))
  const failing = checks.filter(({ ok }) => !ok)
  // A pod can fail by its own word or without an answer, and then no check says so.
  const own: FtCheck = {
    id: 'answer',
    name: 'answer',
    ok: false,
    severity: target.answered ? OK_SEVERITY : 1,
    businessImpact: service.businessImpact ?? texts.businessImpact,
    technicalSummary: 'The pod is asked for its __health.',
    panicGuide: service.panicGuide ?? texts.panicGuide,
    checkOutput: target.reason ?? 'The pod says that it is not ok.',
    lastUpdated: new Date(target.checkedAt).toISOString(),
  }
  const isUnexplained = !target.ok && failing.length === 0
  const severity = target.ok
    ? null
    : (worst(failing.map((check) => check.severity)) ?? own.severity)
  return frame(
    { subject: target.id, kind: 'pod' },
    isUnexplained ? [...checks, own] : checks,
    severity,
  )
}

/** `severity` null: all is well. */
function frame(
  { subject, kind }: { subject: string; kind: 'cluster' | 'pods' | 'pod' },
  checks: FtCheck[],
  severity: Severity | null,
): FtHealth {
  const what = { cluster: 'the services of', pods: 'the pods of', pod: 'the pod' }[kind]
  return {
    schemaVersion: 1,
    systemCode: subject,
    name: `${subject} ${kind} health`,
    description: `Health of ${what} ${subject}, as last reported from inside the cluster`,
    checks: checks.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ok: severity === null,
    ...(severity === null ? {} : { severity }),
  }
}

function serviceCheck(
  service: ServiceStatus,
  {
    status,
    texts,
    nowMs,
    linkToPods,
  }: { status: ClusterStatus; texts: FtTexts; nowMs: number; linkToPods: LinkToTargets },
): FtCheck {
  const desired = service.desired === null ? '' : `; ${service.desired} desired`
  const ack = service.ack?.message
  return {
    id: service.name,
    name: service.name,
    ok: service.ok === true,
    severity: service.severity ?? OK_SEVERITY,
    businessImpact: service.businessImpact ?? texts.businessImpact,
    technicalSummary: service.isNodes
      ? `Each node's exporter is asked for its checks. The nodes: ${linkToPods(service)}`
      : `Each pod of the service is asked for its __health${desired}. Its pods: ${linkToPods(service)}`,
    panicGuide: service.panicGuide ?? texts.panicGuide,
    checkOutput: service.output,
    lastUpdated: new Date(service.checkedAtMs ?? status.freshAtMs ?? nowMs).toISOString(),
    ...(ack === undefined ? {} : { ack, _acknowledged: ack }),
  }
}

/** Says that nothing, or nothing fresh, is known of the cluster. */
function reportCheck(
  { environment, freshAtMs }: ClusterStatus,
  texts: FtTexts,
  nowMs: number,
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
