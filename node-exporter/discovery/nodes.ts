/**
 * The cluster's nodes, each with the address of its exporter: Node objects joined with the pods of the node role. Apart
 * from the discovery of services, which never waits for it and loses nothing by it. It asks no exporter.
 */
import type { Warning } from '../../worker/contract/report.ts'
import { EXPORTER_PODS, NODES } from './bounds.ts'
import type { KubeApi } from './kube-api.ts'
import { parseExporterPod, parseNode, type ExporterPod, type KubeNode } from './kube-objects.ts'
import { describeCollection, Reflector, type ReflectorTimings } from './reflector.ts'
import type { Place } from './targets.ts'

/** Where a node's exporter is asked; without the path. */
export type ExporterPlace = Omit<Place, 'path'>

export interface KnownNode {
  name: string
  isSchedulable: boolean
  /** null: the Node objects may not be read. */
  isReady: boolean | null
  /** null: no exporter is known on it. */
  exporter: ExporterPlace | null
}

/** The node role of this very process (ROLE=all), which no pod of the selector need stand for. */
export interface LocalExporter {
  node: string
  port: number
}

export interface NodeDiscoveryOptions {
  /** Label selector of the node role's pods. */
  selector: string
  /** Where they are: no other tenant's pod may speak for a node. null: outside a pod, so in whichever it is. */
  namespace: string | null
  local: LocalExporter | null
  timings: ReflectorTimings
  /** Something that `current()`, `failing()` or `warnings()` tells may have changed. */
  onChange: () => void
}

/** ms in which changes of both collections are taken together. */
const GATHER_MS = 20

/** Node objects of a page: each may have tens of kilobytes of images and conditions. */
const NODES_PAGE = 100

export class NodeDiscovery {
  readonly #options: NodeDiscoveryOptions
  readonly #nodes: Reflector<KubeNode>
  readonly #pods: Reflector<ExporterPod>
  #gathering: NodeJS.Timeout | null = null

  constructor(api: KubeApi, options: NodeDiscoveryOptions) {
    this.#options = options
    const { selector: labelSelector, namespace, timings } = options
    const onChange = () => {
      this.#gather()
    }
    this.#nodes = new Reflector(
      api,
      { path: '/api/v1/nodes', pageSize: NODES_PAGE },
      { parse: parseNode, bound: NODES, onChange, timings },
    )
    this.#pods = new Reflector(
      api,
      {
        path: namespace === null ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`,
        labelSelector,
      },
      { parse: parseExporterPod, bound: EXPORTER_PODS, onChange, timings },
    )
  }

  start(): void {
    void this.#nodes.run()
    void this.#pods.run()
  }

  stop(): void {
    this.#nodes.stop()
    this.#pods.stop()
    if (this.#gathering !== null) clearTimeout(this.#gathering)
  }

  /** null: they are not known yet, or neither they nor their exporters may be listed. */
  current(): KnownNode[] | null {
    if (!isDecided(this.#nodes) || !isDecided(this.#pods)) return null
    return joinNodes({
      nodes: this.#nodes.state.isSynced ? this.#nodes.items.map(withoutAddresses) : null,
      pods: this.#pods.state.isSynced ? this.#pods.items : null,
      local: this.#options.local,
    })
  }

  /** Of all Node objects. null: not known yet. Empty: they may not be listed. */
  addresses(): string[] | null {
    if (!isDecided(this.#nodes)) return null
    return this.#nodes.items.flatMap(({ addresses }) => addresses)
  }

  /** Node objects were listed, or at least asked for. */
  get isTried(): boolean {
    return this.#nodes.state.isSynced || this.#nodes.state.error !== null
  }

  /** There are more nodes than are kept. */
  get isCut(): boolean {
    return this.#nodes.cut.size > 0
  }

  /** Collections that can't be listed, with the reason. */
  failing(): string[] {
    return [
      describeFailure(this.#nodes, 'list and watch on nodes'),
      describeFailure(this.#pods, 'list and watch on pods'),
    ].filter((message) => message !== null)
  }

  warnings(): Warning[] {
    const failing = this.failing().map((message) => ({ subject: 'discovery', message }))
    return this.isCut ? [...failing, CUT] : failing
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null
      this.#options.onChange()
    }, GATHER_MS)
  }
}

const CUT: Warning = {
  subject: 'nodes',
  message: 'there are more than the exporter keeps: the oldest are kept, the others left out',
}

function withoutAddresses({ name, isSchedulable, isReady }: KubeNode) {
  return { name, isSchedulable, isReady }
}

/** Listed, or refused for good; until then nobody knows. */
function isDecided({ state }: Reflector<unknown>): boolean {
  return state.isSynced || state.error?.status === FORBIDDEN
}

export const FORBIDDEN = 403

/** Why it can't be listed, and which right is missing, if that is why; null: it can. */
export function describeFailure(
  { collection, state }: Reflector<unknown>,
  right: string,
): string | null {
  if (state.error === null) return null
  const cure = state.error.status === FORBIDDEN ? `; give its ServiceAccount ${right}` : ''
  return `${describeCollection(collection)}: ${state.error.message}${cure}`
}

/** `nodes`, `pods` null: they may not be listed. Pods of nodes that are gone stand for nobody. Pure. */
export function joinNodes({
  nodes,
  pods,
  local,
}: {
  nodes: Omit<KubeNode, 'addresses'>[] | null
  pods: ExporterPod[] | null
  local: LocalExporter | null
}): KnownNode[] | null {
  const exporters = findExporters(pods ?? [], local)
  const known =
    nodes ??
    [...exporters.keys()].toSorted().map((name) => ({ name, isSchedulable: true, isReady: null }))
  if (nodes === null && known.length === 0) return null
  return known.map((node) => ({ ...node, exporter: exporters.get(node.name) ?? null }))
}

/** By the node's name. Of several pods on one node, as in a rollout, the best stands for it. */
function findExporters(
  pods: ExporterPod[],
  local: LocalExporter | null,
): Map<string, ExporterPlace | null> {
  const exporters = new Map<string, ExporterPlace | null>()
  if (local !== null) {
    const here = { namespace: '', pod: null, scheme: 'http', address: '127.0.0.1' } as const
    exporters.set(local.node, { ...here, port: local.port })
  }
  // The best comes last, and overwrites.
  for (const pod of pods.toSorted(compareStanding)) {
    const { namespace, name, node, address, port } = pod
    if (address !== '') exporters.set(node, { namespace, pod: name, scheme: 'http', address, port })
    else if (!exporters.has(node)) exporters.set(node, null)
  }
  return exporters
}

/** Not terminating before Ready before the newest. */
function compareStanding(a: ExporterPod, b: ExporterPod): number {
  return (
    Number(b.isTerminating) - Number(a.isTerminating) ||
    Number(a.isReady) - Number(b.isReady) ||
    (a.createdAt + a.name < b.createdAt + b.name ? -1 : 1)
  )
}
