/** What is kept of another operator's Deployment and of its pods. Pure: objects of the API server in, facts out. */
import * as v from 'valibot'
import { NAME_MAX_LENGTH } from '../../worker/contract/limits.ts'
import { ENDED, isTrue, metadata, parser, strings } from './kube-objects.ts'
import { ANNOTATION, readText } from './labels.ts'
import { isPlainPath } from './health-settings.ts'
import type { Place } from './targets.ts'

/** A Deployment, by what it tells of its pods. */
export interface NodeOperator {
  namespace: string
  name: string
  /** Of its pods, as the API server takes it; '' selects none. */
  podSelector: string
  desired: number
  ready: number
  available: number
  /** The counts are of the spec as it is; else its controller has yet to look. */
  isObserved: boolean
  /** null: nothing says so. */
  version: string | null
  commit: string | null
  isAvailable: boolean
  /** RFC 3339: since when it is available, or isn't. */
  since: string | null
}

export type ProbeKind = 'liveness' | 'readiness'

/** What the kubelet asks of its containers. null: a probe that can't be asked from here, such as a command. */
export type ProbePlaces = Record<ProbeKind, (Place | null)[]>

export interface OperatorPod {
  namespace: string
  name: string
  isReady: boolean
  isTerminating: boolean
  probes: ProbePlaces
}

const VERSION_LABEL = 'app.kubernetes.io/version'
const COMMIT_KEYS = [`${ANNOTATION}commit`, 'org.opencontainers.image.revision']

const conditions = v.nullish(
  v.array(
    v.object({ type: v.string(), status: v.string(), lastTransitionTime: v.nullish(v.string()) }),
  ),
  [],
)

const parseDeployment = parser(
  v.object({
    metadata: v.object({
      ...metadata.entries,
      generation: v.nullish(v.number(), 0),
      creationTimestamp: v.nullish(v.string()),
    }),
    spec: v.object({
      replicas: v.nullish(v.number(), 1),
      selector: v.nullish(
        v.object({
          matchLabels: strings,
          matchExpressions: v.nullish(
            v.array(
              v.object({
                key: v.string(),
                operator: v.string(),
                values: v.nullish(v.array(v.string()), []),
              }),
            ),
            [],
          ),
        }),
      ),
      template: v.object({
        metadata: v.nullish(v.object({ labels: strings, annotations: strings })),
        spec: v.nullish(
          v.object({
            containers: v.nullish(v.array(v.object({ image: v.nullish(v.string(), '') })), []),
          }),
        ),
      }),
    }),
    status: v.nullish(
      v.object({
        observedGeneration: v.nullish(v.number(), 0),
        readyReplicas: v.nullish(v.number(), 0),
        availableReplicas: v.nullish(v.number(), 0),
        conditions,
      }),
    ),
  }),
)
type Deployment = NonNullable<ReturnType<typeof parseDeployment>>

export function parseNodeOperator(object: unknown): NodeOperator | null {
  const deployment = parseDeployment(object)
  if (deployment === null) return null
  const { metadata: about, spec, status } = deployment
  const condition = status?.conditions?.find(({ type }) => type === 'Available')
  return {
    namespace: about.namespace,
    name: about.name,
    podSelector: writeSelector(spec.selector),
    desired: spec.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    isObserved: (status?.observedGeneration ?? 0) >= (about.generation ?? 0),
    version: readVersion(deployment),
    commit: readCommit(deployment),
    isAvailable: condition === undefined || condition.status === 'True',
    since: condition?.lastTransitionTime ?? about.creationTimestamp ?? null,
  }
}

function readVersion({ metadata: about, spec: { template } }: Deployment): string | null {
  const labelled =
    readText(template.metadata?.labels, VERSION_LABEL) ?? readText(about.labels, VERSION_LABEL)
  return labelled || readTag(template.spec?.containers?.[0]?.image ?? '')
}

/** Of `registry:5000/name:tag@sha256:…`; null: it names none. */
function readTag(image: string): string | null {
  return /:([^:/@]+)(@.*)?$/.exec(image.replace(/@.*$/, ''))?.[1] ?? null
}

/** The pods' word before the Deployment's, an annotation before a label. */
function readCommit({ metadata: about, spec: { template } }: Deployment): string | null {
  const { annotations, labels } = template.metadata ?? {}
  const said = [annotations, labels, about.annotations, about.labels]
  const found = said.flatMap((values) => COMMIT_KEYS.map((key) => readText(values, key)))
  return found.find((commit) => commit)?.slice(0, NAME_MAX_LENGTH) ?? null
}

function writeSelector(selector: Deployment['spec']['selector']): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  )
  const terms = selector?.matchExpressions?.map(({ key, operator, values }) => {
    switch (operator) {
      case 'Exists':
        return key
      case 'DoesNotExist':
        return `!${key}`
      default:
        return `${key} ${operator.toLowerCase()} (${values?.join(',')})` // In, NotIn
    }
  })
  return [...labels, ...(terms ?? [])].join(',')
}

const probe = v.nullish(
  v.object({
    httpGet: v.nullish(
      v.object({
        path: v.nullish(v.string(), '/'),
        port: v.union([v.number(), v.string()]),
        scheme: v.nullish(v.string(), 'HTTP'),
        host: v.nullish(v.string(), ''),
        httpHeaders: v.nullish(v.array(v.unknown()), []),
      }),
    ),
  }),
)

const containerSchema = v.object({
  ports: v.nullish(
    v.array(v.object({ name: v.nullish(v.string(), ''), containerPort: v.number() })),
    [],
  ),
  livenessProbe: probe,
  readinessProbe: probe,
})
type Container = v.InferOutput<typeof containerSchema>

const parsePod = parser(
  v.object({
    metadata: v.object({ ...metadata.entries, deletionTimestamp: v.nullish(v.string()) }),
    spec: v.object({ containers: v.nullish(v.array(containerSchema), []) }),
    status: v.nullish(
      v.object({ phase: v.nullish(v.string()), podIP: v.nullish(v.string()), conditions }),
    ),
  }),
)

/** null also for a pod without an address, and for one that has ended. */
export function parseOperatorPod(object: unknown): OperatorPod | null {
  const pod = parsePod(object)
  const address = pod?.status?.podIP ?? ''
  if (pod === null || address === '') return null
  if (ENDED.includes(pod.status?.phase ?? '')) return null
  const { namespace, name, deletionTimestamp } = pod.metadata
  const placesOf = (kind: ProbeKind) =>
    (pod.spec.containers ?? []).flatMap((container) => {
      const asked = container[`${kind}Probe`]
      if (asked === null || asked === undefined) return []
      const found = findPlace(asked.httpGet, container)
      return [found && { namespace, pod: name, address, ...found }]
    })
  return {
    namespace,
    name,
    isReady: isTrue(pod.status?.conditions, 'Ready'),
    isTerminating: typeof deletionTimestamp === 'string',
    probes: { liveness: placesOf('liveness'), readiness: placesOf('readiness') },
  }
}

/** null: no httpGet, or one with a host or headers of its own, which mean another thing from here. */
function findPlace(
  asked: NonNullable<Container['livenessProbe']>['httpGet'],
  { ports }: Container,
): Pick<Place, 'scheme' | 'port' | 'path'> | null {
  if (asked === null || asked === undefined) return null
  if (asked.host || (asked.httpHeaders ?? []).length > 0) return null
  const path = (asked.path ?? '').replace(/^\/?/, '/')
  const named = ports?.find(({ name }) => name === asked.port)?.containerPort
  const port = named ?? Number(asked.port)
  if (!isPlainPath(path) || !Number.isInteger(port) || port < 1 || port > 65_535) return null
  return { scheme: asked.scheme?.toUpperCase() === 'HTTPS' ? 'https' : 'http', port, path }
}
