/** The role cluster, wired: discovery goes on all the time; while this process leads, a term probes and pushes what it tells. */
import { setTimeout as sleep } from 'node:timers/promises'
import { importSecret } from '../worker/contract/signature.ts'
import type { Config } from './config.ts'
import { Discovery, type Discovered } from './discovery/discovery.ts'
import { KubeApi, readOwnNamespace } from './discovery/kube-api.ts'
import { NeverAsked } from './discovery/never-asked.ts'
import type { LocalExporter } from './discovery/nodes.ts'
import { REFLECTOR_TIMINGS, type ReflectorTimings } from './discovery/reflector.ts'
import { createLeadership } from './leader/leadership.ts'
import { watchNodes } from './nodes.ts'
import { askAllowed } from './probing/ask-allowed.ts'
import { askDirectly, askThrough } from './probing/ask.ts'
import { POD_READER_TIMINGS, PodReader } from './probing/pod-reader.ts'
import { probeBy } from './probing/probe.ts'
import { createDeliver } from './push/deliver.ts'
import { EdgeClock } from './push/edge-clock.ts'
import type { LinkTimings } from './push/link.ts'
import type { Log } from './self/log.ts'
import { watchNodeOperator } from './self/node-operator.ts'
import { createSelf, type Self } from './self/self.ts'
import { watchCluster } from './self/watch-cluster.ts'
import { startTerm, type CommandTimings, type Term } from './term.ts'

/** ms a push that is under way may still take once it is over: the Lease must be given back within the grace period, too. */
export const LAST_PUSH_MS = 2000

/** What no variable sets, and tests make short. All in ms. */
export interface Timings extends LinkTimings, CommandTimings {
  reflector: ReflectorTimings
  podReader: typeof POD_READER_TIMINGS
  kubeTimeoutMs: number
  /** What a node's exporter has to answer: it answers from memory. */
  nodeTimeoutMs: number
  /** What the pod of OPERATOR_SELECTOR has to answer a probe. */
  operatorTimeoutMs: number
  pushTimeoutMs: number
  textEveryMs: number
  gatherMs: number
}

export const TIMINGS: Timings = {
  reflector: REFLECTOR_TIMINGS,
  podReader: POD_READER_TIMINGS,
  kubeTimeoutMs: 10_000,
  nodeTimeoutMs: 3000,
  operatorTimeoutMs: 3000,
  pushTimeoutMs: 5000,
  textEveryMs: 60_000,
  gatherMs: 200,
  linkTimeoutMs: 3000,
  linkBackoffMs: [1000, 60_000],
  noLinkMs: 300_000,
  roundMs: 8000, // who waits at the edge does so for 10 s
  podMs: 8000,
}

export interface Exporter {
  /** The process was told to stop, and will: a standby stays one. */
  drain(): void
  /** Resolves when everything has been let go. */
  stop(): Promise<void>
}

export interface ExporterOptions {
  log: Log
  /** Without a Lease: another exporter speaks for this cluster, so the process must end. */
  onSuperseded: () => void
  timings?: Timings
  /** The process's own; without, one for this role alone. */
  self?: Self
  /** The node role that runs in this process, too. */
  local?: LocalExporter | null
}

export async function startExporter(
  config: Config,
  {
    log,
    onSuperseded,
    timings = TIMINGS,
    self = createSelf(log, ['cluster'], config.clusterId),
    local = null,
  }: ExporterOptions,
): Promise<Exporter> {
  const { health, release } = self
  const watch = watchCluster(self)
  const clock = new EdgeClock()
  const api = new KubeApi({
    kubeconfig: config.kubeconfig,
    accountRoot: '',
    timeoutMs: timings.kubeTimeoutMs,
  })
  const startedAt = Date.now()
  const keys = await Promise.all(config.pushSecrets.map(importSecret))
  const delivery = createDeliver({
    url: new URL(
      `${config.workerUrl.href.replace(/\/$/, '')}/v1/clusters/${config.clusterId}/reports`,
    ),
    keys,
    clock,
    timeoutMs: timings.pushTimeoutMs,
  })

  /** null: this process stands by. */
  let term: Term | null = null
  /** null: not everything was listed yet. */
  let known: Discovered | null = null
  let isStopping = false
  const isAway = () => discovery.state().away !== null
  const never = new NeverAsked(config.probeAllowCidrs, process.env['KUBERNETES_SERVICE_HOST'])
  const ask = askAllowed(
    config.probeVia === 'apiserver' ? askThrough(api, isAway) : askDirectly,
    (address) => never.refuse(address),
  )

  const pods = new PodReader(api, timings.podReader)

  const discovery = new Discovery(api, {
    namespaces: config.namespaces,
    homeNamespace: config.homeNamespace,
    timings: timings.reflector,
    refuse: (address, namesPod) => never.refuseTarget(address, namesPod),
    onServerAddresses: (addresses) => {
      never.followApiServer(addresses)
    },
    onChange: () => {
      const { away, isComplete } = discovery.state()
      health.update('kube_api', away === null ? 'healthy' : 'degraded', away ?? undefined)
      tellDiscovery()
      // Once seen, the last known goes on being probed, whatever becomes of the API.
      if (known === null && !(isComplete && nodes.isTried)) return
      const next = discovery.current()
      // A collection that stays forbidden is tried, and told, again and again: that is no change.
      if (JSON.stringify(next) === JSON.stringify(known)) return
      const before = new Set(
        known?.warnings.map(({ subject, message }) => `${subject}: ${message}`),
      )
      known = next
      for (const { subject, message } of known.warnings) {
        if (!before.has(`${subject}: ${message}`)) log.warn(`${subject}: ${message}`)
      }
      term?.follow(known)
    },
  })

  const nodes = watchNodes(api, {
    config,
    namespace: readOwnNamespace(''),
    local,
    timings,
    log,
    ask,
    onAddresses: (addresses) => {
      // Also when it was tried: the first of all waits for that.
      if (never.followNodes(addresses) || known === null) discovery.rejoin()
    },
    onChange: (what) => {
      tellDiscovery()
      term?.change(what)
    },
  })
  const tellDiscovery = () => {
    const failing = [...discovery.state().failing, ...nodes.failing()]
    const status = failing.length === 0 ? 'healthy' : 'degraded'
    health.update('discovery', status, failing.join('; ') || undefined)
  }

  /** Of terms that are over: pushes that were under way. */
  let ending: Promise<unknown> = Promise.resolve()
  const endTerm = () => {
    ending = Promise.all([ending, term?.stop()])
    term = null
  }
  const setStandby = (isStandby: boolean) => {
    endTerm()
    health.setStandby(isStandby)
    for (const name of ['node_collector', 'push'] as const) {
      health.update(name, 'unspecified', isStandby ? 'standing by' : undefined)
    }
  }
  const leadership = createLeadership(config, {
    log,
    onStandDown: () => {
      setStandby(true)
    },
    onSuperseded,
    onStatus: ({ status, ...said }) => {
      health.update('leader', status, said)
    },
    onLead: (epoch) => {
      if (isStopping) return
      setStandby(false)
      term = startTerm({
        epoch,
        config,
        timings,
        ask,
        probe: watch.probe(probeBy(ask)),
        pods,
        nodes,
        clock,
        keys,
        deliver: delivery.deliver,
        counted: (deliver) => watch.deliver(deliver),
        self: { ...release, startedAt },
        health,
        log,
        onSuperseded: (held) => {
          leadership.refuse(held.epoch)
        },
      })
      if (known !== null) term.follow(known)
    },
  })

  setStandby(config.lease !== null)
  watch.start({
    prober: () => term?.prober ?? null,
    probeTimeoutMs: config.probeTimeoutMs,
    collections: () => discovery.state().collections,
    countNodes: () => term?.countNodes() ?? null,
    countIncomplete: () => known?.incomplete.length ?? null,
    isLinkOpen: () => term?.isLinkOpen() ?? null,
  })
  discovery.start()
  nodes.start()
  const operator = watchNodeOperator(api, { config, health, timings, ask })
  leadership.start()
  log.info({ cluster: config.clusterId, ...release }, 'exporter started')
  return {
    drain: () => {
      leadership.drain()
    },
    stop: async () => {
      isStopping = true
      discovery.stop()
      nodes.stop()
      operator.stop()
      endTerm()
      // The last report is out, or given up, before the next leader's first.
      await Promise.race([ending, sleep(LAST_PUSH_MS)])
      await delivery.stop()
      await leadership.stop()
      await api.stop()
    },
  }
}
