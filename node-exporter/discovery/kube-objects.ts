/** The parts of Kubernetes objects that discovery reads. Go writes an empty list as null or leaves it out. */
import * as v from 'valibot'
import { SUBDOMAIN_MAX_LENGTH } from '../../worker/contract/limits.ts'
import { keepText, pickTexts } from './keep-text.ts'
import { SERVICE_ANNOTATIONS, SERVICE_LABELS, SERVICE_NAME_LABEL } from './labels.ts'

/** By any key: v.record would drop `constructor`, which is a fine name for a service. */
export const strings = v.nullish(
  v.pipe(
    v.custom<object>((input) => typeof input === 'object' && input !== null),
    v.transform((input) => Object.entries(input)),
    v.array(v.tuple([v.string(), v.string()])),
    v.transform((entries): Record<string, string> => Object.fromEntries(entries)),
  ),
  {},
)
export const metadata = v.object({
  name: v.string(),
  namespace: v.optional(v.string(), ''),
  labels: strings,
  annotations: strings,
})

/** Characters of a selector, or of a pod template's labels, as JSON; fifty of Kubernetes' usual ones. */
const LABELS_MAX = 4096

/** null: too many to be kept, so nothing can be said of what they match. */
const boundedLabels = v.pipe(
  strings,
  v.transform((labels) => (JSON.stringify(labels).length > LABELS_MAX ? null : (labels ?? {}))),
)

const serviceSchema = v.object({
  metadata: v.pipe(
    metadata,
    v.transform(({ name, namespace, labels, annotations }) => ({
      name,
      namespace,
      labels: pickTexts(labels, SERVICE_LABELS),
      annotations: pickTexts(annotations, SERVICE_ANNOTATIONS),
    })),
  ),
  spec: v.object({
    type: v.optional(v.string(), 'ClusterIP'),
    selector: boundedLabels,
    ipFamilies: v.nullish(v.array(v.string()), []),
  }),
})
export type KubeService = v.InferOutput<typeof serviceSchema>

/** An EndpointSlice that is written by hand may hold any text; what is too long for a name is none. */
const shortText = v.pipe(
  v.nullish(v.string()),
  v.transform((text) => (text && text.length <= SUBDOMAIN_MAX_LENGTH ? text : undefined)),
)

const sliceSchema = v.object({
  metadata: v.pipe(
    metadata,
    v.transform(({ name, namespace, labels }) => ({
      name,
      namespace,
      labels: pickTexts(labels, [SERVICE_NAME_LABEL]),
    })),
  ),
  addressType: v.string(),
  endpoints: v.nullish(
    v.array(
      v.object({
        // The API server takes a hundred, and Kubernetes itself reads the first alone.
        addresses: v.pipe(
          v.array(v.string()),
          v.transform((all) => all.slice(0, 1).map((one) => keepText(one, SUBDOMAIN_MAX_LENGTH))),
        ),
        conditions: v.nullish(
          v.object({
            ready: v.nullish(v.boolean()),
            serving: v.nullish(v.boolean()),
            terminating: v.nullish(v.boolean()),
          }),
          {},
        ),
        nodeName: shortText,
        targetRef: v.nullish(
          v.object({
            kind: shortText,
            namespace: shortText,
            name: shortText,
            uid: shortText,
          }),
        ),
      }),
    ),
    [],
  ),
  ports: v.nullish(
    v.array(v.object({ name: v.nullish(v.string(), ''), port: v.nullish(v.number()) })),
    [],
  ),
})
export type KubeSlice = v.InferOutput<typeof sliceSchema>

const workloadSchema = v.object({
  metadata,
  spec: v.object({
    replicas: v.nullish(v.number()),
    template: v.object({ metadata: v.nullish(v.object({ labels: boundedLabels }), {}) }),
  }),
  status: v.nullish(
    v.object({
      desiredNumberScheduled: v.nullish(v.number()),
      currentNumberScheduled: v.nullish(v.number()),
      replicas: v.nullish(v.number()),
    }),
    {},
  ),
})

/** A Deployment, StatefulSet or DaemonSet, by what its pods are labelled with and how many there should be. */
export interface Workload {
  namespace: string
  /** null: more than is kept, so it may belong to any Service of its namespace. */
  podLabels: Record<string, string> | null
  desired: number
  /** It has pods of its own. */
  hasPods: boolean
}

const configMapSchema = v.object({ metadata, data: strings })
export type KubeConfigMap = v.InferOutput<typeof configMapSchema>

const nodeSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.nullish(v.object({ unschedulable: v.nullish(v.boolean()) }), {}),
  status: v.nullish(
    v.object({
      conditions: v.nullish(v.array(v.object({ type: v.string(), status: v.string() })), []),
      addresses: v.nullish(v.array(v.object({ address: v.string() })), []),
    }),
    {},
  ),
})

/** What is kept of a Node object, which may be a megabyte. */
export interface KubeNode {
  name: string
  isSchedulable: boolean
  /** The condition Ready is True: False, Unknown and absent all mean that it isn't. */
  isReady: boolean
  /** IP addresses, and names by which it is reached. */
  addresses: string[]
}

/** Addresses of one node that are kept; a node has two or four. */
const NODE_ADDRESSES_MAX = 16

const podSchema = v.object({
  metadata: v.object({
    name: v.string(),
    namespace: v.optional(v.string(), ''),
    creationTimestamp: v.nullish(v.string(), ''),
    deletionTimestamp: v.nullish(v.string()),
  }),
  spec: v.object({
    nodeName: v.nullish(v.string(), ''),
    containers: v.nullish(
      v.array(
        v.object({
          ports: v.nullish(
            v.array(v.object({ name: v.nullish(v.string(), ''), containerPort: v.number() })),
            [],
          ),
        }),
      ),
      [],
    ),
  }),
  status: v.nullish(
    v.object({
      phase: v.nullish(v.string(), ''),
      podIP: v.nullish(v.string(), ''),
      conditions: v.nullish(v.array(v.object({ type: v.string(), status: v.string() })), []),
    }),
    {},
  ),
})

/** A pod of the node role, by where it is asked. */
export interface ExporterPod {
  namespace: string
  name: string
  node: string
  /** '' while it has none; an IPv6 one without brackets. */
  address: string
  port: number
  isReady: boolean
  isTerminating: boolean
  /** RFC 3339 in UTC, so that the later text is the later time. */
  createdAt: string
}

export const parseService = parser(serviceSchema)
export const parseSlice = parser(sliceSchema)
export const parseConfigMap = parser(configMapSchema)

const parseRawWorkload = parser(workloadSchema)

/** A DaemonSet has no `replicas`, but says how many nodes it is meant for; `replicas` left out means 1. */
export function parseWorkload(object: unknown): Workload | null {
  const workload = parseRawWorkload(object)
  if (workload === null) return null
  return {
    namespace: workload.metadata.namespace,
    podLabels: findPodLabels(workload),
    desired: workload.status?.desiredNumberScheduled ?? workload.spec.replicas ?? 1,
    hasPods: (workload.status?.currentNumberScheduled ?? workload.status?.replicas ?? 0) > 0,
  }
}

function findPodLabels({ spec: { template } }: v.InferOutput<typeof workloadSchema>) {
  const labels = template.metadata?.labels
  return labels === undefined ? {} : labels
}

const parseRawNode = parser(nodeSchema)
const parseRawPod = parser(podSchema)

export function parseNode(object: unknown): KubeNode | null {
  const node = parseRawNode(object)
  return (
    node && {
      name: node.metadata.name,
      isSchedulable: node.spec?.unschedulable !== true,
      isReady: isTrue(node.status?.conditions, 'Ready'),
      addresses: (node.status?.addresses ?? [])
        .slice(0, NODE_ADDRESSES_MAX)
        .map(({ address }) => keepText(address, SUBDOMAIN_MAX_LENGTH)),
    }
  )
}

/** null also for a pod that no node has, and for one that has ended. */
export function parseExporterPod(object: unknown): ExporterPod | null {
  const pod = parseRawPod(object)
  const node = pod?.spec.nodeName ?? ''
  if (pod === null || node === '') return null
  if (ENDED.includes(pod.status?.phase ?? '')) return null
  const ports = pod.spec.containers?.flatMap((container) => container.ports ?? []) ?? []
  return {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    node,
    address: pod.status?.podIP ?? '',
    port: chooseNodePort(ports),
    isReady: isTrue(pod.status?.conditions, 'Ready'),
    isTerminating: typeof pod.metadata.deletionTimestamp === 'string',
    createdAt: pod.metadata.creationTimestamp ?? '',
  }
}

export const ENDED = ['Succeeded', 'Failed']

/** LISTEN_PORT's default. */
const NODE_PORT = 25_001

/** The container port named `health`, else the only one that the pod declares, else 25001. */
function chooseNodePort(ports: { name?: string | null; containerPort: number }[]): number {
  const named = ports.find(({ name }) => name === 'health')
  const only = ports.length === 1 ? ports[0] : undefined
  return (named ?? only)?.containerPort ?? NODE_PORT
}

export function isTrue(
  conditions: { type: string; status: string }[] | null | undefined,
  type: string,
): boolean {
  return conditions?.find((condition) => condition.type === type)?.status === 'True'
}

/** null: not what the API server's own schema promises, so it is left out. */
export function parser<T>(schema: v.GenericSchema<unknown, T>) {
  return (object: unknown): T | null => {
    const result = v.safeParse(schema, object)
    return result.success ? result.output : null
  }
}
