/**
 * The EndpointSlice controller: keeps the slices of every Service that has a selector, right after each write.
 * A pod's change touches that pod's endpoints alone. Slices it did not make are never looked at.
 */
import {
  buildEndpoint,
  type Endpoint,
  type EndpointPort,
  type Family,
  isSelected,
  type PodFacts,
  readPod,
  readService,
  resolvePorts,
  type ServiceFacts,
} from './endpoints.ts'
import type { KubeObject } from './kube-object.ts'
import { resourceOfKind } from './resources.ts'
import type { Change } from './store.ts'
import type { Writer } from './write.ts'

const ENDPOINTS_MAX = 100 // per slice: --max-endpoints-per-slice of kube-controller-manager

interface Slice {
  name: string
  family: Family
  ports: EndpointPort[]
  portsKey: string
  endpoints: Map<string, Endpoint>
}

interface ServiceState {
  facts: ServiceFacts
  slices: Set<Slice>
  /** Where each pod's endpoint stands, by family and pod name. */
  placements: Map<string, Slice>
}

/** From now on every write to a Pod or a Service is followed, before it returns, by its writes to slices. */
export function keepEndpointSlices(writer: Writer): void {
  const controller = new EndpointSliceController(writer)
  writer.store.subscribe((change) => controller.onChange(change))
}

class EndpointSliceController {
  #writer: Writer
  #services = new Map<string, Map<string, ServiceState>>()
  #pods = new Map<string, Map<string, PodFacts>>()
  #made = 0

  constructor(writer: Writer) {
    this.#writer = writer
  }

  onChange(change: Change): void {
    if (change.resource.kind === 'Pod') this.#onPod(change)
    if (change.resource.kind === 'Service') this.#onService(change)
  }

  #onPod({ type, object }: Change): void {
    const { name, namespace = '' } = object.metadata
    const pods = inNamespace(this.#pods, namespace)
    if (type === 'DELETED') pods.delete(name)
    else pods.set(name, readPod(object))
    for (const state of inNamespace(this.#services, namespace).values()) {
      this.#settle(state, this.#place(state, name, pods.get(name)))
    }
  }

  #onService({ type, object }: Change): void {
    const { name, namespace = '' } = object.metadata
    const services = inNamespace(this.#services, namespace)
    const facts = readService(object)
    const state = services.get(name) ?? { facts, slices: new Set(), placements: new Map() }
    state.facts = facts
    if (type === 'DELETED' || facts.selector.length === 0) {
      services.delete(name)
      for (const slice of state.slices) this.#drop(state, slice)
      return
    }
    services.set(name, state)
    for (const [podName, pod] of inNamespace(this.#pods, namespace)) {
      this.#place(state, podName, pod)
    }
    // Labels or families may have changed: every slice is written again, which costs nothing where nothing differs.
    this.#settle(state, new Set(state.slices))
  }

  /** Puts the pod's endpoints where they belong and returns the slices that this changed. */
  #place(state: ServiceState, podName: string, pod: PodFacts | undefined): Set<Slice> {
    const touched = new Set<Slice>()
    const { facts, placements } = state
    const isIn = pod !== undefined && isSelected(facts, pod)
    for (const family of ['IPv4', 'IPv6'] as const) {
      const key = `${family}/${podName}`
      const ip = pod?.addresses.find((each) => each.family === family)?.ip
      const isWanted = isIn && ip !== undefined && facts.families.includes(family)
      const ports = isWanted ? resolvePorts(facts, pod) : []
      const portsKey = JSON.stringify(ports)
      let slice = placements.get(key)
      if (slice !== undefined && (!isWanted || slice.portsKey !== portsKey)) {
        slice.endpoints.delete(podName)
        placements.delete(key)
        touched.add(slice)
        slice = undefined
      }
      if (!isWanted) continue
      slice ??= this.#findRoom(state, { family, ports, portsKey })
      slice.endpoints.set(podName, buildEndpoint(facts, pod, ip))
      placements.set(key, slice)
      touched.add(slice)
    }
    return touched
  }

  /** A slice with these ports and a free place; else an empty one, taken over; else a new one. */
  #findRoom(state: ServiceState, wanted: Pick<Slice, 'family' | 'ports' | 'portsKey'>): Slice {
    const ofFamily = [...state.slices].filter((each) => each.family === wanted.family)
    const found =
      ofFamily.find(
        (each) => each.portsKey === wanted.portsKey && each.endpoints.size < ENDPOINTS_MAX,
      ) ??
      ofFamily.find((each) => each.endpoints.size === 0) ??
      this.#addSlice(state, wanted.family)
    return Object.assign(found, wanted)
  }

  #addSlice(state: ServiceState, family: Family): Slice {
    this.#made += 1
    const suffix = this.#made.toString(36).padStart(5, '0')
    const name = `${state.facts.object.metadata.name}-${suffix}`
    const slice = { name, family, ports: [], portsKey: '', endpoints: new Map() }
    state.slices.add(slice)
    return slice
  }

  /** Writes what changed. A family without endpoints keeps one empty slice, as the real controller's placeholder. */
  #settle(state: ServiceState, touched: Set<Slice>): void {
    if (touched.size === 0 && state.slices.size > 0) return
    for (const family of ['IPv4', 'IPv6'] as const) {
      const slices = [...state.slices].filter((each) => each.family === family)
      const full = slices.filter((each) => each.endpoints.size > 0)
      const [placeholder, ...spare] = slices.filter((each) => each.endpoints.size === 0)
      const isWanted = state.facts.families.includes(family)
      if (placeholder !== undefined && (full.length > 0 || !isWanted)) spare.push(placeholder)
      else if (placeholder !== undefined) touched.add(placeholder)
      else if (full.length === 0 && isWanted) touched.add(this.#addSlice(state, family))
      for (const slice of spare) this.#drop(state, slice)
    }
    for (const slice of touched) if (state.slices.has(slice)) this.#write(state, slice)
  }

  #drop(state: ServiceState, slice: Slice): void {
    state.slices.delete(slice)
    const place = this.#placeOf(state, slice)
    // Somebody may have deleted it by hand: then there is nothing left to remove.
    if (this.#isStored(place)) this.#writer.remove(place)
  }

  #write(state: ServiceState, slice: Slice): void {
    const place = this.#placeOf(state, slice)
    const object = buildSlice(state.facts, slice)
    if (this.#isStored(place)) this.#writer.replace(place, object, { author: 'operator' })
    else this.#writer.create(place.resource, object, { author: 'operator' })
  }

  #isStored(place: { resource: Change['resource']; namespace: string; name: string }): boolean {
    return this.#writer.store.get(place.resource, `${place.namespace}/${place.name}`) !== undefined
  }

  #placeOf(state: ServiceState, slice: Slice) {
    const { namespace = '' } = state.facts.object.metadata
    return { resource: resourceOfKind('EndpointSlice'), namespace, name: slice.name }
  }
}

function inNamespace<T>(all: Map<string, Map<string, T>>, namespace: string): Map<string, T> {
  const found = all.get(namespace) ?? new Map<string, T>()
  all.set(namespace, found)
  return found
}

function buildSlice(facts: ServiceFacts, slice: Slice): KubeObject {
  const { name: service, namespace = '', uid, labels } = facts.object.metadata
  const owner = { apiVersion: 'v1', kind: 'Service', name: service, uid }
  const isEmpty = slice.endpoints.size === 0
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: slice.name,
      namespace,
      generateName: `${service}-`,
      labels: {
        ...labels,
        ...(facts.isHeadless ? { 'service.kubernetes.io/headless': '' } : {}),
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    addressType: slice.family,
    // Empty lists come out of the real server as null: they do not survive its protobuf.
    endpoints: isEmpty ? null : [...slice.endpoints.values()],
    ports: isEmpty || slice.ports.length === 0 ? null : slice.ports,
  }
}
