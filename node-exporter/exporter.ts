/**
 * The role cluster, wired: discovery tells the prober what exists, the prober and the nodes tell the pusher what changed.
 */
import packageJson from '../package.json' with { type: 'json' }
import { importSecret } from '../worker/contract/signature.ts'
import type { Config } from './config.ts'
import { Discovery, type Discovered } from './discovery/discovery.ts'
import { KubeApi, readOwnNamespace } from './discovery/kube-api.ts'
import type { LocalExporter } from './discovery/nodes.ts'
import { REFLECTOR_TIMINGS, type ReflectorTimings } from './discovery/reflector.ts'
import { watchNodes } from './nodes.ts'
import { probeDirectly, probeThrough } from './probing/probe.ts'
import { Prober } from './probing/prober.ts'
import { buildContent } from './push/content.ts'
import { createDeliver } from './push/deliver.ts'
import { EdgeClock } from './push/edge-clock.ts'
import { Pusher } from './push/pusher.ts'
import { Components } from './self/components.ts'
import type { Log } from './self/log.ts'

/** What no variable sets, and tests make short. All in ms. */
export interface Timings {
  reflector: ReflectorTimings
  kubeTimeoutMs: number
  /** What a node's exporter has to answer: it answers from memory. */
  nodeTimeoutMs: number
  pushTimeoutMs: number
  textEveryMs: number
  gatherMs: number
}

export const TIMINGS: Timings = {
  reflector: REFLECTOR_TIMINGS,
  kubeTimeoutMs: 10_000,
  nodeTimeoutMs: 3000,
  pushTimeoutMs: 5000,
  textEveryMs: 60_000,
  gatherMs: 200,
}

export interface Exporter {
  /** Resolves when everything has been let go. */
  stop(): Promise<void>
}

export interface ExporterOptions {
  log: Log
  /** Another exporter speaks for this cluster, so the process must end. */
  onSuperseded: () => void
  timings?: Timings
  /** The node role that runs in this process, too. */
  local?: LocalExporter | null
}

export async function startExporter(
  config: Config,
  { log, onSuperseded, timings = TIMINGS, local = null }: ExporterOptions,
): Promise<Exporter> {
  const components = new Components(log)
  const clock = new EdgeClock()
  const api = new KubeApi({
    kubeconfig: config.kubeconfig,
    accountRoot: '',
    timeoutMs: timings.kubeTimeoutMs,
  })
  const startedAt = Date.now()
  const release = {
    version: packageJson.version,
    commit: (process.env['COMMIT'] ?? '').slice(0, 40),
  }

  const prober = new Prober({
    probe:
      config.probeVia === 'apiserver'
        ? probeThrough(api, () => discovery.state().away !== null)
        : probeDirectly,
    periodMs: config.intervalMs,
    timeoutMs: config.probeTimeoutMs,
    maxAttempts: config.maxAttempts,
    cooldownMs: config.cooldownMs,
    concurrency: config.probeConcurrency,
    now: () => clock.now(),
    onChange: (what) => {
      pusher.change(what)
    },
    onTurn: (turn) => {
      log.info(turn, turn.ok ? 'target is good again' : 'target is failing')
    },
  })

  let known: Discovered = { services: [], categories: null, acks: null, warnings: [] }
  let isComplete = false
  let hasFollowed = false
  const discovery = new Discovery(api, {
    namespaces: config.namespaces,
    homeNamespace: config.homeNamespace,
    timings: timings.reflector,
    onChange: () => {
      const { away, isComplete: isNowComplete } = discovery.state()
      components.update('kube_api', away === null ? 'healthy' : 'degraded', away ?? undefined)
      tellDiscovery()
      // Once seen, the last known goes on being probed, whatever becomes of the API.
      isComplete ||= isNowComplete
      if (!isComplete) return
      const next = discovery.current()
      // A collection that stays forbidden is tried, and told, again and again: that is no change.
      if (JSON.stringify(next) === JSON.stringify(known) && hasFollowed) return
      hasFollowed = true
      const before = new Set(known.warnings.map(({ subject, message }) => `${subject}: ${message}`))
      known = next
      for (const { subject, message } of known.warnings) {
        if (!before.has(`${subject}: ${message}`)) log.warn(`${subject}: ${message}`)
      }
      prober.follow(known.services)
      pusher.change('verdict')
      pusher.change('text')
    },
  })

  const nodes = watchNodes(api, {
    config,
    namespace: readOwnNamespace(''),
    local,
    timings,
    log,
    isAway: () => discovery.state().away !== null,
    onChange: (what) => {
      tellDiscovery()
      pusher.change(what)
    },
  })
  const tellDiscovery = () => {
    const failing = [...discovery.state().failing, ...nodes.failing()]
    const status = failing.length === 0 ? 'healthy' : 'degraded'
    components.update('discovery', status, failing.join('; ') || undefined)
  }

  let isFirstPassDone = false
  const canSee = () => {
    isFirstPassDone ||= isComplete && prober.isComplete()
    return isFirstPassDone && !prober.isBlind()
  }

  const delivery = createDeliver({
    url: new URL(
      `${config.workerUrl.href.replace(/\/$/, '')}/v1/clusters/${config.clusterId}/reports`,
    ),
    keys: await Promise.all(config.pushSecrets.map(importSecret)),
    clock,
    timeoutMs: timings.pushTimeoutMs,
  })
  const pusher = new Pusher({
    cluster: config.clusterId,
    intervalMs: config.intervalMs,
    textEveryMs: timings.textEveryMs,
    gatherMs: timings.gatherMs,
    clock,
    deliver: delivery.deliver,
    canSee,
    see: () =>
      buildContent({
        environment: config.environment,
        discovered: known,
        prober,
        collector: nodes.collector,
        nodeWarnings: nodes.warnings(),
      }),
    streaks: () => prober.streaks(),
    overdueMs: () => {
      const overdueMs = prober.overdueMs()
      if (overdueMs === 0) components.update('prober', 'healthy')
      else {
        const names = prober.overdueTargets().join(', ')
        const message = `behind by ${Math.ceil(overdueMs / 1000)} s: ${names}`
        components.update('prober', 'degraded', message)
      }
      return overdueMs
    },
    exporter: () => {
      const { status, message } = nodes.collector.health()
      components.update('node_collector', status, message)
      return { type: 'pilotlight', ...release, startedAt, ...components.report() }
    },
    components,
    log,
    onSuperseded,
  })

  discovery.start()
  nodes.start()
  const pushing = pusher.run()
  log.info({ cluster: config.clusterId, ...release }, 'exporter started')
  return {
    stop: async () => {
      discovery.stop()
      nodes.stop()
      prober.stop()
      pusher.stop()
      await pushing
      await Promise.all([api.stop(), delivery.stop()])
    },
  }
}
