/**
 * The collections that discovery lists and watches: one watch for each kind and scope, never one for an object. EndpointSlices
 * follow the Services, for there may be far more of them than belong to those that were kept.
 */
import type { Warning } from '../../worker/contract/report.ts'
import type { Bound } from './bounded-items.ts'
import { ACKS, CATEGORIES, SERVICES, SLICES, WORKLOADS } from './bounds.ts'
import { readAcks, readCategory, type KnownAcks, type KnownCategory } from './categories.ts'
import type { LeftOut } from './incomplete.ts'
import type { KubeApi } from './kube-api.ts'
import {
  parseConfigMap,
  parseService,
  parseSlice,
  parseWorkload,
  type KubeService,
  type KubeSlice,
  type Workload,
} from './kube-objects.ts'
import {
  ACK_SELECTOR,
  CATEGORY_SELECTOR,
  HAND_MADE_SELECTOR,
  SERVICE_NAME_LABEL,
  SERVICE_SELECTOR,
} from './labels.ts'
import { pathOf } from './paths.ts'
import { Reflector, type Collection, type ReflectorTimings } from './reflector.ts'
import { hasSelector, type Found } from './targets.ts'

const DISCOVERY_API = '/apis/discovery.k8s.io/v1'

/** Where the API server writes its own addresses. */
const API_SERVER = 'default/kubernetes'

/** ConfigMaps of a page: each may have a megabyte. */
const CONFIG_MAPS_PAGE = 8

export interface SourcesOptions {
  /** Empty: all. */
  namespaces: string[]
  homeNamespace: string
  timings: ReflectorTimings
  onChange: () => void
}

export class Sources {
  readonly #services: Reflector<KubeService>[]
  /** Of the controller, which copies the label of the Service. */
  readonly #slices: Reflector<KubeSlice>[]
  /** Made by hand, or mirrored: they carry no label of ours. */
  readonly #handMade: Reflector<KubeSlice>[]
  readonly #workloads: Reflector<Workload>[]
  readonly #categories: Reflector<KnownCategory>[]
  readonly #acks: Reflector<KnownAcks>[]
  #areSlicesStarted = false
  /** Of which slices are kept: the Services of namespaces that were cut, and those without a selector. */
  #keptOfCut = new Set<string>()
  #keptByHand = new Set<string>()

  constructor(api: KubeApi, { namespaces, homeNamespace, timings, onChange }: SourcesOptions) {
    const reflect = <T>(
      collection: Collection,
      parse: (object: unknown) => T | null,
      bound: Bound<NoInfer<T>>,
    ) => new Reflector(api, collection, { parse, bound, onChange, timings })
    const scopes = namespaces.length === 0 ? [null] : namespaces
    const each = (base: string, plural: string) =>
      scopes.map((scope) => pathOf(base, scope, plural))
    const ours = { labelSelector: SERVICE_SELECTOR }
    const byHand = { labelSelector: HAND_MADE_SELECTOR }
    this.#services = each('/api/v1', 'services').map((path) =>
      reflect({ path, ...ours }, parseService, SERVICES),
    )
    this.#slices = each(DISCOVERY_API, 'endpointslices').map((path) =>
      reflect({ path, ...ours }, (object) => this.#parseOurs(object), SLICES),
    )
    this.#handMade = each(DISCOVERY_API, 'endpointslices').map((path) =>
      reflect({ path, ...byHand }, (object) => this.#parseHandMade(object), SLICES),
    )
    this.#workloads = ['deployments', 'statefulsets', 'daemonsets']
      .flatMap((plural) => each('/apis/apps/v1', plural))
      .map((path) => reflect({ path }, parseWorkload, WORKLOADS))
    const configMaps = {
      path: pathOf('/api/v1', homeNamespace, 'configmaps'),
      pageSize: CONFIG_MAPS_PAGE,
    }
    this.#categories = [
      reflect(
        { ...configMaps, labelSelector: CATEGORY_SELECTOR },
        (object) => parseWith(object, readCategory),
        CATEGORIES,
      ),
    ]
    this.#acks = [
      reflect(
        { ...configMaps, labelSelector: ACK_SELECTOR },
        (object) => parseWith(object, readAcks),
        ACKS,
      ),
    ]
  }

  start(): void {
    for (const reflector of [...this.#services, ...this.#workloads]) void reflector.run()
    for (const reflector of [...this.#categories, ...this.#acks]) void reflector.run()
  }

  stop(): void {
    for (const reflector of this.all()) reflector.stop()
  }

  all() {
    return [...this.needed(), ...this.#workloads, ...this.#categories, ...this.#acks]
  }

  /** Without which no target is known. */
  needed() {
    return [...this.#services, ...this.#slices, ...this.#handMade]
  }

  /** Slices are asked for once the Services are known, and again where more of them belong to one that is kept. */
  follow(): void {
    if (!this.#services.every(({ state }) => state.isSynced)) return
    const [ofCut, byHand] = [this.#keptOfCut, this.#keptByHand]
    const services = itemsOf(this.#services)
    this.#keptOfCut = keysOf(services.filter(({ metadata }) => this.#isCut(metadata.namespace)))
    this.#keptByHand = keysOf(services.filter(isByHand))
    if (!this.#areSlicesStarted) {
      this.#areSlicesStarted = true
      for (const reflector of [...this.#slices, ...this.#handMade]) void reflector.run()
      return
    }
    if (hasMore(this.#keptOfCut, ofCut)) relist(this.#slices)
    if (hasMore(this.#keptByHand, byHand)) relist(this.#handMade)
  }

  services() {
    const slices = [...itemsOf(this.#slices), ...itemsOf(this.#handMade)]
    return {
      services: itemsOf(this.#services),
      slices,
      workloads: ifSynced(this.#workloads),
    }
  }

  /** null: not listed. */
  categories(): KnownCategory[] | null {
    return ifSynced(this.#categories)
  }

  acks(): KnownAcks[] | null {
    return ifSynced(this.#acks)
  }

  serverAddresses(): string[] {
    return itemsOf(this.#handMade)
      .filter((slice) => serviceOf(slice) === API_SERVER)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .flatMap(({ addresses }) => addresses)
  }

  get cutServices(): ReadonlySet<string> {
    return cutOf(this.#services)
  }

  get cutSlices(): ReadonlySet<string> {
    return cutOf([...this.#slices, ...this.#handMade])
  }

  get cutWorkloads(): ReadonlySet<string> {
    return cutOf(this.#workloads)
  }

  get hasLostCategories(): boolean {
    return cutOf(this.#categories).size > 0
  }

  get hasLostAcks(): boolean {
    return cutOf(this.#acks).size > 0 || itemsOf(this.#acks).some(({ isCut }) => isCut)
  }

  /** What was left out, by namespace. */
  warnings(): Warning[] {
    return [
      ...tell(this.cutServices, 'Services with hasHealthcheck'),
      ...tell(this.cutSlices, 'EndpointSlices or addresses'),
      ...tell(this.cutWorkloads, 'workloads'),
      ...tell(cutOf(this.#categories), 'categories, or names in them,'),
      ...(this.hasLostAcks ? [LOST_ACKS] : []),
    ]
  }

  #isCut(namespace: string): boolean {
    return this.#services.some(({ cut }) => cut.has(namespace))
  }

  /** Where Services were left out, their slices would push out those of the Services that were kept. */
  #parseOurs(object: unknown): KubeSlice | null {
    const slice = parseSlice(object)
    if (slice === null || !this.#isCut(slice.metadata.namespace)) return slice
    return this.#keptOfCut.has(serviceOf(slice)) ? slice : null
  }

  /** Other controllers make thousands of slices, such as those of a mesh, which belong to no Service of ours. */
  #parseHandMade(object: unknown): KubeSlice | null {
    const slice = parseSlice(object)
    if (slice === null) return null
    const service = serviceOf(slice)
    return service === API_SERVER || this.#keptByHand.has(service) ? slice : null
  }
}

function tell(namespaces: ReadonlySet<string>, what: string): Warning[] {
  return [...namespaces].toSorted().map((namespace) => ({
    subject: `Namespace ${namespace}`,
    message: `has more ${what} than the exporter keeps: the oldest are kept, the others left out`,
  }))
}

const LOST_ACKS: Warning = {
  subject: 'acks',
  message: 'the ConfigMaps hold more than the exporter keeps: the others are left out',
}

export function findLeftOut(
  sources: Sources,
  { found, cutCategories }: { found: Found; cutCategories: string[] },
): LeftOut {
  const { cutServices, hasLostCategories, hasLostAcks } = sources
  return {
    namespaces: cutServices,
    services: found.cut,
    categories: new Set(cutCategories),
    hasLostCategories,
    hasLostAcks,
  }
}

function parseWith<T>(
  object: unknown,
  read: (configMap: NonNullable<ReturnType<typeof parseConfigMap>>) => T,
): T | null {
  const configMap = parseConfigMap(object)
  return configMap && read(configMap)
}

/** A Service without a selector: its slices are made by hand, or mirrored from its Endpoints. */
function isByHand(service: KubeService): boolean {
  return service.spec.type !== 'ExternalName' && !hasSelector(service)
}

function serviceOf({ metadata }: KubeSlice): string {
  return `${metadata.namespace}/${metadata.labels?.[SERVICE_NAME_LABEL] ?? ''}`
}

function keysOf(services: KubeService[]): Set<string> {
  return new Set(services.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))
}

function hasMore(now: ReadonlySet<string>, before: ReadonlySet<string>): boolean {
  return [...now].some((key) => !before.has(key))
}

function relist(reflectors: Reflector<unknown>[]): void {
  for (const reflector of reflectors) reflector.relist()
}

function cutOf(reflectors: Reflector<unknown>[]): ReadonlySet<string> {
  return new Set(reflectors.flatMap(({ cut }) => [...cut]))
}

function itemsOf<T>(reflectors: Reflector<T>[]): T[] {
  return reflectors.flatMap((reflector) => reflector.items)
}

/** null: at least one of them was never listed, so what the others hold is not the whole. */
function ifSynced<T>(reflectors: Reflector<T>[]): T[] | null {
  return reflectors.every(({ state }) => state.isSynced) ? itemsOf(reflectors) : null
}
