/** The parts of Kubernetes objects that discovery reads. Go writes an empty list as null or leaves it out. */
import * as v from 'valibot'

/** By any key: v.record would drop `constructor`, which is a fine name for a service. */
const strings = v.nullish(
  v.pipe(
    v.custom<object>((input) => typeof input === 'object' && input !== null),
    v.transform((input) => Object.entries(input)),
    v.array(v.tuple([v.string(), v.string()])),
    v.transform((entries): Record<string, string> => Object.fromEntries(entries)),
  ),
  {},
)
const metadata = v.object({
  name: v.string(),
  namespace: v.optional(v.string(), ''),
  labels: strings,
  annotations: strings,
})

const serviceSchema = v.object({
  metadata,
  spec: v.object({
    type: v.optional(v.string(), 'ClusterIP'),
    selector: strings,
    ipFamilies: v.nullish(v.array(v.string()), []),
  }),
})
export type KubeService = v.InferOutput<typeof serviceSchema>

const sliceSchema = v.object({
  metadata,
  addressType: v.string(),
  endpoints: v.nullish(
    v.array(
      v.object({
        addresses: v.array(v.string()),
        conditions: v.nullish(
          v.object({ ready: v.nullish(v.boolean()), terminating: v.nullish(v.boolean()) }),
          {},
        ),
        nodeName: v.nullish(v.string()),
        targetRef: v.nullish(
          v.object({
            kind: v.optional(v.string()),
            name: v.optional(v.string()),
            uid: v.optional(v.string()),
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
    template: v.object({ metadata: v.nullish(v.object({ labels: strings }), {}) }),
  }),
  status: v.nullish(v.object({ desiredNumberScheduled: v.nullish(v.number()) }), {}),
})

/** A Deployment, StatefulSet or DaemonSet, by what its pods are labelled with and how many there should be. */
export interface Workload {
  namespace: string
  podLabels: Record<string, string>
  desired: number
}

const configMapSchema = v.object({ metadata, data: strings })
export type KubeConfigMap = v.InferOutput<typeof configMapSchema>

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
    podLabels: workload.spec.template.metadata?.labels ?? {},
    desired: workload.status?.desiredNumberScheduled ?? workload.spec.replicas ?? 1,
  }
}

/** null: not what the API server's own schema promises, so it is left out. */
function parser<T>(schema: v.GenericSchema<unknown, T>) {
  return (object: unknown): T | null => {
    const result = v.safeParse(schema, object)
    return result.success ? result.output : null
  }
}
