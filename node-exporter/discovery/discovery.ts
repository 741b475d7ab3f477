/** What exists: the reflectors side by side, joined into services, categories and acks. It probes nothing. */
import type { Category, Content, Warning } from '../../worker/contract/report.ts'
import { findPeriods } from '../../worker/domain/periods.ts'
import { readAcks, readCategories } from './categories.ts'
import type { KubeApi } from './kube-api.ts'
import {
  parseConfigMap,
  parseService,
  parseSlice,
  parseWorkload,
  type KubeConfigMap,
  type KubeService,
  type KubeSlice,
  type Workload,
} from './kube-objects.ts'
import { NAMESPACE_RETRY_MS, Namespaces } from './namespaces.ts'
import {
  ACK_SELECTOR,
  CATEGORY_SELECTOR,
  OTHERS_SELECTOR,
  SERVICE_NAME_LABEL,
  SERVICE_SELECTOR,
} from './labels.ts'
import {
  describeCollection,
  Reflector,
  type Collection,
  type ReflectorTimings,
} from './reflector.ts'
import { joinTargets, type DiscoveredService, type Found } from './targets.ts'

/** What is known of the cluster. A section is null while it could not be listed. */
export interface Discovered {
  services: (DiscoveredService & { periodSeconds: number | undefined })[]
  categories: Category[] | null
  acks: Content['acks']
  warnings: Warning[]
}

export interface DiscoveryState {
  /** Every collection was listed whole, or at least tried; services and their addresses were listed. */
  isComplete: boolean
  /** Why the API server can't be reached at all; null while it answers. */
  away: string | null
  /** Collections that can't be listed, with the reason. */
  failing: string[]
  /** Collections that were listed at least once, of all. */
  collections: { loaded: number; total: number }
}

/** ms in which changes of several collections are taken together. */
const GATHER_MS = 20

export class Discovery {
  readonly #api: KubeApi
  readonly #options: DiscoveryOptions
  readonly #services: Reflector<KubeService>[]
  readonly #slices: Reflector<KubeSlice>[]
  readonly #workloads: Reflector<Workload>[]
  readonly #categories: Reflector<KubeConfigMap>[]
  readonly #acks: Reflector<KubeConfigMap>[]
  /** Slices made by hand carry no label of ours: they are asked for by the names of services without a selector. */
  #handMade: Reflector<KubeSlice>[] = []
  readonly #namespaces: Namespaces
  readonly #stopping = new AbortController()
  #gathering: NodeJS.Timeout | null = null
  /** ms, by performance.now(). */
  #gatherDueMs = 0
  /** As it was joined when namespaces were last followed. */
  #found: Found | null = null
  /** One after the other: what is told must not be older than what was told before. */
  #telling: Promise<void> = Promise.resolve()

  constructor(api: KubeApi, options: DiscoveryOptions) {
    this.#api = api
    this.#options = options
    this.#namespaces = new Namespaces(api)
    const { homeNamespace } = options
    const scopes = options.namespaces.length === 0 ? [null] : options.namespaces
    const each = (base: string, plural: string) =>
      scopes.map((scope) => pathOf(base, scope, plural))
    const labelled = { labelSelector: SERVICE_SELECTOR }
    this.#services = each('/api/v1', 'services').map((path) =>
      this.#reflect({ path, ...labelled }, parseService),
    )
    this.#slices = each(DISCOVERY_API, 'endpointslices').map((path) =>
      this.#reflect({ path, ...labelled }, parseSlice),
    )
    this.#workloads = ['deployments', 'statefulsets', 'daemonsets']
      .flatMap((plural) => each('/apis/apps/v1', plural))
      .map((path) => this.#reflect({ path }, parseWorkload))
    const configMaps = pathOf('/api/v1', homeNamespace, 'configmaps')
    this.#categories = [
      this.#reflect({ path: configMaps, labelSelector: CATEGORY_SELECTOR }, parseConfigMap),
    ]
    this.#acks = [this.#reflect({ path: configMaps, labelSelector: ACK_SELECTOR }, parseConfigMap)]
  }

  start(): void {
    for (const reflector of this.#all()) void reflector.run()
  }

  stop(): void {
    this.#stopping.abort()
    for (const reflector of this.#all()) reflector.stop()
    if (this.#gathering !== null) clearTimeout(this.#gathering)
  }

  state(): DiscoveryState {
    const all = this.#all()
    const needed = [...this.#services, ...this.#slices, ...this.#handMade]
    const tried = all.every(({ state }) => state.isSynced || state.error !== null)
    const failing = all.filter(({ state }) => state.error !== null)
    const away = failing.find(({ state }) => (state.error?.status ?? 500) >= 500)
    return {
      isComplete: tried && needed.every(({ state }) => state.isSynced),
      away: away?.state.error?.message ?? null,
      failing: failing.map(
        ({ collection, state }) =>
          `${describeCollection(collection)}: ${state.error?.message ?? ''}`,
      ),
      collections: {
        loaded: all.filter(({ state }) => state.isSynced).length,
        total: all.length,
      },
    }
  }

  current(): Discovered {
    const found = this.#found ?? this.#join()
    const services = found.services.filter(
      ({ namespace }) => !this.#namespaces.isTerminating(namespace),
    )
    const configMaps = ifSynced(this.#categories)
    const read = configMaps && readCategories(configMaps)
    const acks = ifSynced(this.#acks)
    const names = services.map(({ name }) => name)
    const periods = findPeriods(read?.categories ?? [], names)
    return {
      services: services.map((service) => ({
        ...service,
        periodSeconds: periods.get(service.name),
      })),
      categories: read?.categories ?? null,
      acks: acks && readAcks(acks),
      warnings: [
        ...found.warnings,
        ...this.#namespaces.warnings(),
        ...(read?.warnings ?? []),
        ...this.state().failing.map((message) => ({ subject: 'discovery', message })),
      ],
    }
  }

  #join(): Found {
    return joinTargets(
      {
        services: itemsOf(this.#services),
        slices: [...itemsOf(this.#slices), ...itemsOf(this.#handMade)],
        workloads: ifSynced(this.#workloads),
      },
      this.#options.homeNamespace,
    )
  }

  #all() {
    return [
      ...this.#services,
      ...this.#slices,
      ...this.#handMade,
      ...this.#workloads,
      ...this.#categories,
      ...this.#acks,
    ]
  }

  #reflect<T>(collection: Collection, parse: (object: unknown) => T | null): Reflector<T> {
    const onChange = () => {
      this.#gather()
    }
    return new Reflector(this.#api, collection, { parse, onChange, timings: this.#options.timings })
  }

  /** Brought forward, where it was to be later; never put off, or a storm of events would be told when it is over. */
  #gather(afterMs = GATHER_MS): void {
    const dueMs = performance.now() + afterMs
    if (this.#gathering !== null && this.#gatherDueMs <= dueMs) return
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#gatherDueMs = dueMs
    this.#gathering = setTimeout(() => {
      this.#gathering = null
      this.#followHandMade()
      this.#telling = this.#telling.then(() => this.#tell())
    }, afterMs)
  }

  /** A service that lost its last pod is told only once it is known whether its namespace is being deleted. */
  async #tell(): Promise<void> {
    const { signal } = this.#stopping
    const found = this.#join()
    const { isComplete, away } = this.state()
    if (isComplete && away === null) await this.#namespaces.follow(found.services, signal)
    if (signal.aborted) return
    this.#found = found
    this.#options.onChange()
    if (this.#namespaces.mustReadAgain) this.#gather(NAMESPACE_RETRY_MS)
  }

  /** One reflector per service, so that a new one never disturbs what is known of another. */
  #followHandMade(): void {
    const wanted = findHandMade(itemsOf(this.#services))
    const gone = this.#handMade.filter((known) => !wanted.some(isSame(known.collection)))
    for (const reflector of gone) reflector.stop()
    const added = wanted
      .filter((collection) => !this.#handMade.some((known) => isSame(collection)(known.collection)))
      .map((collection) => this.#reflect(collection, parseSlice))
    this.#handMade = [...this.#handMade.filter((known) => !gone.includes(known)), ...added]
    for (const reflector of added) void reflector.run()
  }
}

export interface DiscoveryOptions {
  /** Empty: all. */
  namespaces: string[]
  homeNamespace: string
  timings: ReflectorTimings
  /** Something that `current()` or `state()` tells may have changed. */
  onChange: () => void
}

const DISCOVERY_API = '/apis/discovery.k8s.io/v1'

/** The slices of each labelled Service without a selector. */
function findHandMade(services: KubeService[]): Collection[] {
  return services
    .filter(({ spec }) => spec.type !== 'ExternalName')
    .filter(({ spec }) => Object.keys(spec.selector ?? {}).length === 0)
    .map(({ metadata: { namespace, name } }) => ({
      path: pathOf(DISCOVERY_API, namespace, 'endpointslices'),
      labelSelector: `${SERVICE_NAME_LABEL}=${name},${OTHERS_SELECTOR}`,
    }))
}

function isSame(a: Collection) {
  return (b: Collection) => a.path === b.path && a.labelSelector === b.labelSelector
}

/** `namespace` null: in all of them. */
export function pathOf(base: string, namespace: string | null, plural: string): string {
  return namespace === null ? `${base}/${plural}` : `${base}/namespaces/${namespace}/${plural}`
}

function itemsOf<T>(reflectors: Reflector<T>[]): T[] {
  return reflectors.flatMap((reflector) => reflector.items)
}

/** null: at least one of them was never listed, so what the others hold is not the whole. */
function ifSynced<T>(reflectors: Reflector<T>[]): T[] | null {
  return reflectors.every(({ state }) => state.isSynced) ? itemsOf(reflectors) : null
}
