/**
 * Another operator's workload: the Deployment of a label selector, and its pods where they may be listed. Apart from the
 * discovery of services, which never waits for it. It asks no pod.
 */
import { OPERATORS } from './bounds.ts'
import type { KubeApi } from './kube-api.ts'
import {
  parseNodeOperator,
  parseOperatorPod,
  type NodeOperator,
  type OperatorPod,
} from './node-operator-objects.ts'
import { pathOf } from './paths.ts'
import { describeFailure, FORBIDDEN } from './nodes.ts'
import { Reflector, type Collection, type ReflectorTimings } from './reflector.ts'

export interface OperatorSeen {
  selector: string
  /** null: none is known. */
  operator: NodeOperator | null
  /** Others that match, as namespace/name. */
  others: string[]
  /** Every collection of Deployments was listed. */
  isWhole: boolean
  /** Why Deployments can't be listed: what is known is the last that was. */
  failing: string[]
  /** The best of its pods; null: none is known. */
  pod: OperatorPod | null
  /** Why its pods can't be listed. */
  podsFailing: string | null
}

export interface OperatorDiscoveryOptions {
  /** Label selector of the Deployment. */
  selector: string
  /** Where it may be. Empty: anywhere. */
  namespaces: string[]
  timings: ReflectorTimings
  /** Something that `current()` tells may have changed. */
  onChange: () => void
}

export class OperatorDiscovery {
  readonly #api: KubeApi
  readonly #options: OperatorDiscoveryOptions
  readonly #deployments: Reflector<NodeOperator>[]
  /** Of the Deployment that is known; null: of none. */
  #pods: Reflector<OperatorPod> | null = null

  constructor(api: KubeApi, options: OperatorDiscoveryOptions) {
    this.#api = api
    this.#options = options
    const { selector: labelSelector, namespaces, timings } = options
    const onChange = () => {
      this.#followPods()
      options.onChange()
    }
    const scopes = namespaces.length === 0 ? [null] : namespaces
    this.#deployments = scopes.map((scope) => {
      const path = pathOf('/apis/apps/v1', scope, 'deployments')
      return new Reflector(
        api,
        { path, labelSelector },
        { parse: parseNodeOperator, bound: OPERATORS, onChange, timings },
      )
    })
  }

  start(): void {
    for (const reflector of this.#deployments) void reflector.run()
  }

  stop(): void {
    for (const reflector of this.#deployments) reflector.stop()
    this.#pods?.stop()
  }

  current(): OperatorSeen {
    const [operator = null, ...others] = this.#matching()
    const pods = this.#pods
    return {
      selector: this.#options.selector,
      operator,
      others: others.map(({ namespace, name }) => `${namespace}/${name}`),
      isWhole: this.#deployments.every(({ state }) => state.isSynced),
      failing: this.#deployments.flatMap(
        (each) => describeFailure(each, 'list and watch on deployments') ?? [],
      ),
      pod: pods === null ? null : choosePod(pods),
      podsFailing: pods && describeFailure(pods, 'list and watch on pods'),
    }
  }

  /** By name, then by namespace: which one is told of must not depend on which was listed first. */
  #matching(): NodeOperator[] {
    return this.#deployments
      .flatMap((reflector) => reflector.items)
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  }

  #followPods(): void {
    const [operator] = this.#matching()
    const wanted = operator === undefined ? null : findPods(operator)
    const { path, labelSelector } = this.#pods?.collection ?? {}
    if (path === wanted?.path && labelSelector === wanted?.labelSelector) return
    this.#pods?.stop()
    this.#pods = null
    if (wanted === null) return
    const { onChange, timings } = this.#options
    this.#pods = new Reflector(this.#api, wanted, {
      parse: parseOperatorPod,
      bound: OPERATORS,
      onChange,
      timings,
    })
    void this.#pods.run()
  }
}

function keyOf({ name, namespace }: NodeOperator): string {
  return `${name}/${namespace}`
}

/** null: an empty selector would be every pod there is. */
function findPods({ namespace, podSelector }: NodeOperator): Collection | null {
  if (podSelector === '') return null
  return { path: pathOf('/api/v1', namespace, 'pods'), labelSelector: podSelector }
}

/** Whoever may not see pods any more knows none; one whose API server is away goes on by the last that it saw. */
function choosePod({ items, state }: Reflector<OperatorPod>): OperatorPod | null {
  if (state.error?.status === FORBIDDEN) return null
  return items.toSorted(compareStanding)[0] ?? null
}

/** Not terminating before Ready before the first by name. */
function compareStanding(a: OperatorPod, b: OperatorPod): number {
  return (
    Number(a.isTerminating) - Number(b.isTerminating) ||
    Number(b.isReady) - Number(a.isReady) ||
    (a.name < b.name ? -1 : 1)
  )
}
