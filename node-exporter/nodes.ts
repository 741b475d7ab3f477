/** The nodes' part of the role cluster, wired: discovery tells the collector which there are and where each is asked. */
import type { Warning } from '../worker/contract/report.ts'
import type { Config } from './config.ts'
import type { KubeApi } from './discovery/kube-api.ts'
import { NodeDiscovery, type LocalExporter } from './discovery/nodes.ts'
import type { ReflectorTimings } from './discovery/reflector.ts'
import type { Ask } from './probing/ask.ts'
import { askDirectly } from './probing/ask.ts'
import { NodeCollector } from './probing/node-collector.ts'
import type { Log } from './self/log.ts'

export interface NodesOptions {
  config: Pick<Config, 'nodeSelector' | 'nodeChecks' | 'intervalMs'>
  /** The way to pods. */
  ask: Ask
  /** As the discovery's. */
  namespace: string | null
  local: LocalExporter | null
  timings: { reflector: ReflectorTimings; nodeTimeoutMs: number }
  log: Log
  /** Of all nodes, as NodeDiscovery's. */
  onAddresses: (addresses: string[] | null) => void
  /** As the collector's; also when what can't be listed is another. */
  onChange: (what: 'verdict' | 'text') => void
}

export interface Nodes {
  /** Asks each node's exporter from now on, until the collector is stopped or another is made. */
  collect(): NodeCollector
  /** Collections that can't be listed, with the reason. */
  failing(): string[]
  warnings(): Warning[]
  /** Node objects were listed, or at least asked for. */
  readonly isTried: boolean
  /** There are more than are kept. */
  readonly isCut: boolean
  start(): void
  stop(): void
}

export function watchNodes(api: KubeApi, options: NodesOptions): Nodes {
  const { config, namespace, local, timings, log, onChange } = options
  // The role in this very process has no pod, and needs no way to it.
  const ask: Ask = (place, timeoutMs) =>
    place.pod === null ? askDirectly(place, timeoutMs) : options.ask(place, timeoutMs)
  let collector: NodeCollector | null = null
  let told: string[] = []
  const discovery = new NodeDiscovery(api, {
    selector: config.nodeSelector,
    namespace,
    local,
    timings: timings.reflector,
    onChange: () => {
      options.onAddresses(discovery.addresses())
      collector?.follow(discovery.current())
      const failing = discovery.failing()
      // What stays forbidden is tried, and told, again and again: that is no change.
      if (failing.join('\n') === told.join('\n')) return
      for (const message of failing) if (!told.includes(message)) log.warn(`discovery: ${message}`)
      told = failing
      onChange('text')
    },
  })
  return {
    collect: () => {
      collector?.stop()
      collector = new NodeCollector({
        ask,
        checks: config.nodeChecks,
        selector: config.nodeSelector,
        periodMs: config.intervalMs,
        timeoutMs: timings.nodeTimeoutMs,
        onChange,
      })
      collector.follow(discovery.current())
      return collector
    },
    failing: () => discovery.failing(),
    warnings: () => discovery.warnings(),
    get isTried() {
      return discovery.isTried
    },
    get isCut() {
      return discovery.isCut
    },
    start: () => {
      discovery.start()
    },
    stop: () => {
      discovery.stop()
      collector?.stop()
    },
  }
}
