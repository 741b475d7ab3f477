/**
 * How much the exporter keeps of each kind of object, and per namespace, so that what one tenant makes never costs another's
 * services, nor the exporter its memory (docs/behaviour.md, section 1). Measured in docs/performance.md.
 */
import {
  ACKS_MAX,
  CATEGORIES_MAX,
  CATEGORY_NAMES_MAX,
  NODES_MAX,
  SERVICES_MAX,
  TARGETS_MAX,
} from '../../worker/contract/limits.ts'
import type { Bound, CountBound } from './bounded-items.ts'
import type { KnownAcks, KnownCategory } from './categories.ts'
import type { KubeSlice } from './kube-objects.ts'

/** Labelled Services of one namespace. */
export const SERVICES_OF_NAMESPACE_MAX = 2000

/** Addresses of one namespace that are told and probed. */
export const TARGETS_OF_NAMESPACE_MAX = 5000

export const SERVICES: CountBound = {
  items: { perNamespace: SERVICES_OF_NAMESPACE_MAX, inAll: SERVICES_MAX },
}

/** Ports of a slice that count for nothing: most have one or two, and the API server takes a hundred. */
const PORTS_FREE = 8

/** A Service of two address families has two slices, and each pod an address in both. */
export const SLICES: Bound<KubeSlice> = {
  items: { perNamespace: 3 * SERVICES_OF_NAMESPACE_MAX, inAll: 3 * SERVICES_MAX },
  parts: {
    perNamespace: 2 * TARGETS_OF_NAMESPACE_MAX,
    inAll: 2 * TARGETS_MAX,
    count: ({ endpoints, ports }) =>
      (endpoints?.length ?? 0) + Math.max(0, (ports?.length ?? 0) - PORTS_FREE),
    shorten: (slice, most) => ({ ...slice, endpoints: slice.endpoints?.slice(0, most) ?? [] }),
  },
}

/** Of Deployments, of StatefulSets and of DaemonSets. */
export const WORKLOADS: CountBound = { items: { perNamespace: 2000, inAll: 10_000 } }

/** ConfigMaps of the home namespace. */
export const CATEGORIES: Bound<KnownCategory> = {
  items: { perNamespace: CATEGORIES_MAX, inAll: CATEGORIES_MAX },
  parts: {
    perNamespace: CATEGORY_NAMES_MAX,
    inAll: CATEGORY_NAMES_MAX,
    count: ({ category }) => category?.services.length ?? 0,
    shorten: ({ category, ...known }, most) => ({
      ...known,
      category: category && { ...category, services: category.services.slice(0, most) },
      isCut: true,
    }),
  },
}

export const ACKS: Bound<KnownAcks> = {
  items: { perNamespace: ACKS_MAX, inAll: ACKS_MAX },
  parts: {
    perNamespace: ACKS_MAX,
    inAll: ACKS_MAX,
    count: ({ acks }) => acks.length,
    shorten: ({ acks }, most) => ({ acks: acks.slice(0, most), isCut: true }),
  },
}

export const NODES: CountBound = { items: { perNamespace: NODES_MAX, inAll: NODES_MAX } }

/** Of the role node: one on each node, and another in a rollout. */
export const EXPORTER_PODS: CountBound = {
  items: { perNamespace: 2 * NODES_MAX, inAll: 2 * NODES_MAX },
}

/** Of another operator: one Deployment is told of, and the best of its pods. */
export const OPERATORS: CountBound = { items: { perNamespace: 100, inAll: 100 } }
