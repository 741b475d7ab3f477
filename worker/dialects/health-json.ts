/**
 * `application/health+json` (draft-inadarei-api-health-check-06): a cluster's status in, body and coded status out.
 * Other than in the Financial Times' shape, the HTTP status says how the cluster is.
 */
import type { CategoryStatus, ClusterStatus, ServiceStatus } from '../domain/status.ts'

export const HEALTH_JSON_TYPE = 'application/health+json'

export type HealthJsonWord = 'pass' | 'warn' | 'fail'

export interface HealthJsonCheck {
  componentId: string
  componentType: 'component'
  status: HealthJsonWord
  time?: string
  /** Not there when it passes. */
  output?: string
}

export interface HealthJson {
  status: HealthJsonWord
  serviceId: string
  description: string
  /** What of the categories is not as it should be. */
  notes?: string[]
  /** Each an array, as the draft has it: of one, unless names become the same without their colons. */
  checks: Record<string, HealthJsonCheck[]>
}

/** `status.categories` make the verdict: the caller leaves in those that were asked for. */
export function makeHealthJson(status: ClusterStatus): { status: 200 | 503; body: HealthJson } {
  const isSilent = status.freshness === 'no-data' || status.freshness === 'dead'
  const report = judgeReport(status)
  // What was last known of a silent cluster would read as its health.
  const services = isSilent ? [] : status.services.flatMap(judgeService)
  const checks = Map.groupBy([...services, ...report], ({ componentId }) =>
    componentId.replaceAll(':', '_'),
  )
  const notes = isSilent ? [] : status.categories.flatMap(describeCategory)
  const word = judgeWhole(status)
  const body = {
    status: word,
    serviceId: status.cluster,
    description: `Health of the services of ${status.environment}, as last reported from inside the cluster`,
    ...(notes.length === 0 ? {} : { notes }),
    checks: Object.fromEntries(checks),
  }
  return { status: word === 'fail' ? 503 : 200, body }
}

function judgeWhole({ freshness, categories }: ClusterStatus): HealthJsonWord {
  if (freshness === 'no-data' || freshness === 'dead') return 'fail'
  // Of no category at all nobody may say that it passes.
  if (categories.length === 0 || categories.some(({ passes }) => !passes)) return 'fail'
  const isWhole = categories.every(
    ({ acked, missing, late, isChecked, isIncomplete }) =>
      isChecked && isIncomplete !== true && acked.length + missing.length + late.length === 0,
  )
  return isWhole && freshness === 'fresh' ? 'pass' : 'warn'
}

/** None of a service that doesn't count: not checked yet, or starting. */
function judgeService({
  name,
  ok,
  word,
  ack,
  output,
  checkedAtMs,
}: ServiceStatus): HealthJsonCheck[] {
  if (ok === null) return []
  return [
    {
      componentId: name,
      componentType: 'component',
      status: word === 'ok' ? 'pass' : ok || ack !== null ? 'warn' : 'fail',
      ...(checkedAtMs === null ? {} : { time: formatTime(checkedAtMs) }),
      ...(word === 'ok'
        ? {}
        : { output: ok || ack === null ? output : `${output}; acked: ${ack.message}` }),
    },
  ]
}

/** None while reports are fresh. */
function judgeReport(status: ClusterStatus): HealthJsonCheck[] {
  const output = describeFreshness(status)
  if (output === null) return []
  return [
    {
      componentId: 'cluster-report',
      componentType: 'component',
      status: status.freshness === 'held' || status.freshness === 'late' ? 'warn' : 'fail',
      ...(status.freshAtMs === null ? {} : { time: formatTime(status.freshAtMs) }),
      output,
    },
  ]
}

/** Times, no ages: whoever keeps the body for a while must not read it wrong. */
function describeFreshness({ freshness, freshAtMs }: ClusterStatus): string | null {
  const since = freshAtMs === null ? 'ever' : `since ${formatTime(freshAtMs)}`
  switch (freshness) {
    case 'fresh':
      return null
    case 'no-data':
      return 'No report was ever received.'
    case 'late':
      return `The next report is late: nothing fresh ${since}.`
    case 'held':
      return `The last verdict is held: nothing fresh ${since}.`
    case 'dead':
      return `The cluster is silent: nothing fresh ${since}.`
  }
}

function describeCategory(category: CategoryStatus): string[] {
  const { name, reason, failing, acked, missing, late, isChecked, isIncomplete } = category
  const parts = [
    ...(reason === 'healthy' ? [] : [reason]),
    ...(isChecked || reason === 'empty' ? [] : ['none of its services counts yet']),
    ...(failing.length === 0 ? [] : [`failing: ${failing.join(', ')}`]),
    ...(acked.length === 0 ? [] : [`failing, acked: ${acked.join(', ')}`]),
    ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
    ...(late.length === 0 ? [] : [`late: ${late.join(', ')}`]),
    ...(isIncomplete === true ? ['incomplete: the exporter left something out'] : []),
  ]
  return parts.length === 0 ? [] : [`category ${name}: ${parts.join('; ')}`]
}

function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
