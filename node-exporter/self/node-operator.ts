/** The component `node_operator`: what another operator's Deployment and its pod's own probes say, in a line and as metadata. */
import type { Config } from '../config.ts'
import type { KubeApi } from '../discovery/kube-api.ts'
import type { NodeOperator } from '../discovery/node-operator-objects.ts'
import { OperatorDiscovery, type OperatorSeen } from '../discovery/node-operator.ts'
import type { ReflectorTimings } from '../discovery/reflector.ts'
import type { Ask } from '../probing/ask.ts'
import { OperatorProber, type ProbeAnswers } from '../probing/operator-prober.ts'
import type { HealthManager, Said } from './health-manager.ts'

export interface NodeOperatorOptions {
  config: Pick<Config, 'operatorSelector' | 'namespaces' | 'intervalMs'>
  health: HealthManager
  timings: { reflector: ReflectorTimings; operatorTimeoutMs: number }
  /** The way to pods. */
  ask: Ask
}

/** Registers it and tells of it from now on, standby or not. Without a selector there is no such component. */
export function watchNodeOperator(
  api: KubeApi,
  { config, health, timings, ask }: NodeOperatorOptions,
): { stop(): void } {
  const { operatorSelector: selector, namespaces } = config
  if (selector === null) return { stop: () => undefined }
  const prober = new OperatorProber({
    ask,
    periodMs: config.intervalMs,
    timeoutMs: timings.operatorTimeoutMs,
  })
  const discovery = new OperatorDiscovery(api, {
    selector,
    namespaces,
    timings: timings.reflector,
    onChange: () => {
      prober.follow(discovery.current().pod)
    },
  })
  health.register('node_operator', () => judgeNodeOperator(discovery.current(), prober.answers))
  discovery.start()
  return {
    stop: () => {
      discovery.stop()
      prober.stop()
    },
  }
}

/**
 * All ready: healthy; some: degraded; none: unhealthy, which the health manager takes for degraded, so message and metadata
 * have the word. Nothing that can't be seen makes it worse: the last known stands, and the message says so. Pure.
 */
export function judgeNodeOperator(seen: OperatorSeen, answers: ProbeAnswers): Said {
  const { operator, selector, failing } = seen
  if (operator === null) {
    if (failing.length > 0) return { status: 'degraded', message: failing.join('; ') }
    if (!seen.isWhole) return { status: 'unspecified', message: 'not listed yet' }
    return { status: 'degraded', message: `no Deployment matches ${selector}` }
  }
  const status = judgeReplicas(operator)
  const remarks = [
    describe(operator, status),
    describeProbes(answers, seen.podsFailing),
    ...describeOthers(seen),
    ...(operator.isObserved ? [] : ['its controller has yet to see its last change']),
    ...failing.map((message) => `last known, for ${message}`),
  ]
  return { status, message: remarks.join('; '), metadata: tellAll(operator, status, answers) }
}

type Judged = 'healthy' | 'degraded' | 'unhealthy'

function judgeReplicas({ desired, ready }: NodeOperator): Judged {
  if (ready >= desired) return 'healthy'
  return ready > 0 ? 'degraded' : 'unhealthy'
}

function describe(operator: NodeOperator, status: Judged): string {
  const { name, desired, ready, version, isAvailable, since } = operator
  const standing = status === 'unhealthy' ? `${name} unhealthy` : name
  const what = version ?? 'version unknown'
  const uptime = since === null ? '' : ` ${isAvailable ? 'since' : 'not available since'} ${since}`
  return `${standing}: ${ready}/${desired} ready, ${what}${uptime}`
}

function describeProbes({ liveness, readiness }: ProbeAnswers, why: string | null): string {
  const said = `liveness ${liveness}, readiness ${readiness}`
  return why === null ? said : `${said} (${why})`
}

function describeOthers({ selector, others }: OperatorSeen): string[] {
  if (others.length === 0) return []
  return [`warning: ${others.length + 1} Deployments match ${selector}, also ${others.join(', ')}`]
}

function tellAll(operator: NodeOperator, status: Judged, answers: ProbeAnswers) {
  const { namespace, name, desired, ready, available } = operator
  return {
    namespace,
    name,
    status,
    desired: String(desired),
    ready: String(ready),
    available: String(available),
    version: operator.version ?? 'unknown',
    commit: operator.commit ?? 'unknown',
    since: (operator.isAvailable ? operator.since : null) ?? 'unknown',
    ...answers,
  }
}
