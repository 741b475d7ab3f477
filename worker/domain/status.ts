/** What is known of a cluster, spelled out once for every way it is shown: JSON, pages, metrics. */
import {
  DEFAULT_CATEGORY,
  type ExporterInfo,
  type Service,
  type Severity,
  type Target,
  type Warning,
} from '../contract/report.ts'
import type { AckUntil } from './acks.ts'
import type { CategoryStanding, ClusterState } from './cluster.ts'
import { findGiven, findHonoured, type Hold, type Override } from './decisions.ts'
import { tellFreshness, type ClusterFreshness } from './freshness.ts'
import { describeHeld, type HeldStatus } from './held.ts'
import { findPeriods } from './periods.ts'
import { describeNodes, type NodesStatus } from './node-status.ts'
import { isNodesService } from './nodes.ts'
import { isStarting, judgeService, type ServiceHealth } from './service-health.ts'
import { findPast } from './service-memory.ts'
import type { Count } from './sticky.ts'
import { expireAcks, listServices, type CategoryFacts, type CategoryReason } from './verdict.ts'

export type { ClusterFreshness } from './freshness.ts'
export type { Transition as HistoryEvent } from './history.ts'

export interface ClusterStatus {
  cluster: string
  /** The name that the exporter gives its cluster; the id, before any report. */
  environment: string
  freshness: ClusterFreshness
  /** ms; when the verdict was last fresh. null: never. */
  freshAtMs: number | null
  intervalSeconds: number
  /** The whole: `critical` when a failing service is of severity 1. */
  word: 'healthy' | 'unhealthy' | 'critical'
  /** By name. */
  services: ServiceStatus[]
  /** By name; `default` is always among them once there is data. */
  categories: CategoryStatus[]
  /** null: nothing was ever told of them. */
  nodes: NodesStatus | null
  warnings: Warning[]
  exporter: ExporterInfo | null
  /** null: its verdict is not held. */
  held: HeldStatus | null
  /** An operator's, in force or waiting for a silence. */
  hold: Hold | null
}

export interface ServiceStatus {
  name: string
  /** null: it doesn't count, for it was not checked yet, or is starting and has never served. */
  ok: boolean | null
  severity: Severity | null
  /** In words (behaviour, section 1); an acked one adds ` acked`. `late`: not failing, and overdue. */
  word: 'ok' | 'late' | 'warning' | 'critical' | 'starting' | 'not checked yet'
  healthy: number
  total: number
  /** null: no workload is known to stand behind it. */
  desired: number | null
  /** `n/m pods available`, of the built-in one `nodes`; and why those that are not. */
  output: string
  /** ms; since when a new result of a target is due. null: none is overdue. */
  overdueSinceMs: number | null
  /** ms; when a target was last checked. */
  checkedAtMs: number | null
  /** ms; since when it is as it is. */
  sinceMs: number | null
  ack: AckStatus | null
  isResilient: boolean
  isDaemon: boolean
  /** The built-in one, whose targets are the schedulable nodes. */
  isNodes: boolean
  businessImpact: string | undefined
  panicGuide: string | undefined
  targets: Target[]
}

export interface AckStatus {
  message: string
  /** null: it stands in the cluster's own ConfigMap, so nobody here gave it. */
  given: {
    /** Empty for a reader without a token, as in `hold`. */
    by: string
    atMs: number
    expiresAtMs: number | null
    until: AckUntil
    isRestored: boolean
  } | null
}

export interface CategoryStatus {
  name: string
  passes: boolean
  reason: CategoryReason
  severity: Severity | null
  /** ms; since when the reason stands. */
  sinceMs: number
  /** All that it names; for `default` all there are. */
  services: string[]
  /** Failing and not acked. */
  failing: string[]
  /** Failing, acked. */
  acked: string[]
  /** Named, not in the cluster. */
  missing: string[]
  /** Not failing, and overdue. */
  late: string[]
  /** At least one of its services counts. */
  isChecked: boolean
  /** The exporter left out something that it holds. */
  isIncomplete?: boolean | undefined
  isSticky: boolean
  failureThreshold: number
  /** Of a sticky one: failed checks counted so far, by failing service. */
  counts: Record<string, number>
  override: OverrideStatus | null
}

/** Why a category is disabled, or enabled, apart from what its ConfigMap says. */
export interface OverrideStatus {
  isEnabled: boolean
  /** `trip`: failures latched it. */
  cause: 'hand' | 'trip'
  /** null for a trip, and for a reader without a token. */
  by: string | null
  why: string
  atMs: number
  isRestored: boolean
}

/** null: a category is asked for that isn't there. `names` empty means all services and all categories. */
export function describeCluster(
  state: ClusterState | null,
  { cluster, names, nowMs }: { cluster: string; names: string[]; nowMs: number },
): ClusterStatus | null {
  const freshness =
    state === null
      ? 'no-data'
      : tellFreshness(state.pulse.lease, state.pulse.intervalSeconds, nowMs)
  if (state === null || freshness === 'no-data') return describeNothing(cluster)
  const { pulse, content } = state
  const all = describeCategories(state, nowMs)
  const wanted = new Set(names)
  const categories = names.length === 0 ? all : all.filter(({ name }) => wanted.has(name))
  if (categories.length < wanted.size) return null
  const asked = new Set(names.length === 0 ? [DEFAULT_CATEGORY] : names)
  const judged = categories.filter(({ name }) => asked.has(name))
  // More than `default` holds: the nodes, where a category names them.
  const members = new Set(categories.flatMap(({ services }) => services))
  const acks = describeAcks(state, nowMs)
  return {
    cluster,
    environment: pulse.environment ?? content?.environment ?? cluster,
    freshness,
    freshAtMs: pulse.lease.freshAtMs,
    intervalSeconds: pulse.intervalSeconds,
    word: freshness === 'dead' ? 'critical' : judgeWhole(judged),
    services: withTimes(state)
      .filter(({ name }) => members.has(name))
      .map((service) => describeService(state, service, acks.get(service.name) ?? null))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    categories,
    nodes: describeNodes(state),
    warnings: content?.warnings ?? [],
    exporter: pulse.exporter,
    held: describeHeld(state, nowMs),
    hold: (state.decisions.hold?.untilMs ?? 0) < nowMs ? null : state.decisions.hold,
  }
}

function describeNothing(cluster: string): ClusterStatus {
  return {
    cluster,
    environment: cluster,
    freshness: 'no-data',
    freshAtMs: null,
    intervalSeconds: 10,
    word: 'critical',
    services: [],
    categories: [],
    nodes: null,
    warnings: [],
    exporter: null,
    held: null,
    hold: null,
  }
}

function judgeWhole(categories: CategoryStatus[]): ClusterStatus['word'] {
  if (categories.every(({ passes }) => passes)) return 'healthy'
  return categories.some(({ severity }) => severity === 1) ? 'critical' : 'unhealthy'
}

function describeCategories(state: ClusterState, nowMs: number): CategoryStatus[] {
  const { content, decisions, pulse, standing } = state
  const factsOf = new Map(standing.facts.map((facts) => [facts.name, facts]))
  const overrideOf = new Map(decisions.overrides.map((override) => [override.category, override]))
  const countsOf = Map.groupBy(pulse.counts, ({ category }) => category)
  return standing.categories.map((held) =>
    describeCategory(expireAcks(held, nowMs), {
      content,
      facts: factsOf.get(held.name),
      override: overrideOf.get(held.name),
      counts: countsOf.get(held.name) ?? [],
    }),
  )
}

interface CategoryParts {
  content: ClusterState['content']
  facts: CategoryFacts | undefined
  override: Override | undefined
  counts: Count[]
}

function describeCategory(
  { acked, ...verdict }: CategoryStanding,
  { content, facts, override, counts }: CategoryParts,
): CategoryStatus {
  return {
    ...verdict,
    services: listServices(
      { name: verdict.name, services: facts?.services ?? [] },
      content,
    ).toSorted(),
    acked: acked.map(({ service }) => service),
    isSticky: facts?.isSticky ?? false,
    failureThreshold: facts?.failureThreshold ?? 0,
    counts: Object.fromEntries(counts.map(({ service, failed }) => [service, failed])),
    override: override ?? null,
  }
}

/**
 * Heartbeats bring no times: they say that all is as it was. So each target of a service that isn't overdue was checked within
 * its period before the last fresh report, however old the snapshot is.
 */
function withTimes({ content, pulse }: ClusterState): Service[] {
  const services = content?.services ?? []
  const periods = findPeriods(
    content?.categories ?? [],
    services.map(({ name }) => name),
  )
  return services.map((service) => {
    if (service.overdueSince !== undefined) return service
    const periodSeconds =
      service.periodSeconds ?? periods.get(service.name) ?? pulse.intervalSeconds
    const seenByMs = (pulse.lease.freshAtMs ?? 0) - periodSeconds * 1000
    const targets = service.targets?.map((target) => ({
      ...target,
      checkedAt: Math.max(target.checkedAt, seenByMs),
    }))
    return { ...service, targets: targets ?? null }
  })
}

function describeService(
  state: ClusterState,
  service: Service,
  ack: AckStatus | null,
): ServiceStatus {
  const past = findPast(state.standing.memory, service.name)
  const health = judgeService(service, past)
  const targets = service.targets ?? []
  const unjudged = isStarting(service, past) ? 'starting' : 'not checked yet'
  const failing = targets.filter(({ ok }) => !ok)
  const overdueSinceMs = service.overdueSince ?? null
  const why = [
    ...(overdueSinceMs === null ? [] : [`late: ${sayOverdue(overdueSinceMs)}`]),
    ...failing.map((target) => `${target.id}: ${explain(target)}`),
  ]
  const isNodes = isNodesService(service)
  const { healthy = 0, total = targets.length, desired = null } = health ?? {}
  const pods = `${healthy}/${total} ${isNodes ? 'nodes' : 'pods'} available`
  const checkedAtMs = targets.reduce((last, target) => Math.max(last, target.checkedAt), 0)
  const { services } = state.standing
  return {
    name: service.name,
    ok: health?.ok ?? null,
    severity: health?.severity ?? null,
    word: overdueSinceMs !== null && health?.ok !== false ? 'late' : tellHealth(health, unjudged),
    healthy,
    total,
    desired,
    output: why.length === 0 ? pods : `${pods} (${why.join('; ')})`,
    overdueSinceMs,
    checkedAtMs: checkedAtMs === 0 ? null : checkedAtMs,
    sinceMs: Object.hasOwn(services, service.name)
      ? (services[service.name]?.sinceMs ?? null)
      : null,
    ack,
    isResilient: service.isResilient,
    isDaemon: service.isDaemon,
    isNodes,
    businessImpact: service.businessImpact,
    panicGuide: service.panicGuide,
    targets,
  }
}

function tellHealth(
  health: ServiceHealth | null,
  unjudged: ServiceStatus['word'],
): ServiceStatus['word'] {
  return health === null ? unjudged : tellSeverity(health.severity)
}

/** A time, no age: whoever keeps the text for a while must not read it wrong. */
function sayOverdue(sinceMs: number): string {
  return `a new result is due since ${new Date(sinceMs).toISOString()}`
}

/** Why a target is not ok: the prober's reason, else its failing checks; before it, what its pod is about. */
export function explain(target: Target): string {
  const checks = target.checks.filter((check) => !check.ok).map((check) => check.name)
  const stage = tellStage(target)
  const why = target.reason ?? checks.join(', ')
  return stage === null ? why : `${stage}: ${why}`
}

/** Where its pod is in its life, if that bears on whether the target counts. */
export function tellStage({ starting, terminating }: Target): 'starting' | 'terminating' | null {
  if (starting === true) return 'starting'
  return terminating === true ? 'terminating' : null
}

/** In words (behaviour, section 1): 1 `critical`, 2 and 3 `warning`. */
export function tellSeverity(severity: Severity | null): 'ok' | 'warning' | 'critical' {
  if (severity === null) return 'ok'
  return severity === 1 ? 'critical' : 'warning'
}

/** By service; the edge's own ack before the ConfigMap's, for it says who and when. */
function describeAcks({ content, decisions }: ClusterState, nowMs: number): Map<string, AckStatus> {
  const honoured = findHonoured(content?.acks ?? null, decisions.hiddenAcks)
  return new Map<string, AckStatus>([
    ...[...honoured].map(([service, message]) => [service, { message, given: null }] as const),
    ...[...findGiven(decisions, nowMs)].map(
      ([service, given]) => [service, { message: given.message, given }] as const,
    ),
  ])
}
