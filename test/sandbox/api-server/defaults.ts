/** What the server fills in when a kind is written without it. Only what a reader of these objects could notice. */
import { isRecord, type KubeObject, readList, readRecord, readText } from './kube-object.ts'

/** seed makes allocated addresses differ: the store's revision is fine. previous keeps what was allocated before. */
export function fillDefaults(
  object: KubeObject,
  { seed, previous }: { seed: number; previous?: KubeObject },
): KubeObject {
  switch (object.kind) {
    case 'Namespace':
      return fillNamespace(object)
    case 'Pod':
      return { ...object, status: { phase: 'Pending', ...readRecord(object, 'status') } }
    case 'Service':
      return fillService(object, readText(previous, 'spec.clusterIP') || nthAddress(seed))
    case 'Deployment':
    case 'StatefulSet':
      return { ...object, spec: { replicas: 1, ...readRecord(object, 'spec') } }
    case 'PriorityClass':
      return dropDefault(object)
    default:
      return object
  }
}

/** Go leaves out a boolean that is false where its field is `omitempty`: kubectl then patches it at every apply. */
function dropDefault({ globalDefault, ...object }: KubeObject): KubeObject {
  return globalDefault === true ? { ...object, globalDefault } : object
}

function fillNamespace(object: KubeObject): KubeObject {
  const { name, labels } = object.metadata
  return {
    ...object,
    metadata: { ...object.metadata, labels: { ...labels, 'kubernetes.io/metadata.name': name } },
    status: { phase: 'Active', ...readRecord(object, 'status') },
  }
}

function fillService(object: KubeObject, free: string): KubeObject {
  const given = readRecord(object, 'spec')
  const ports = readList(given, 'ports').map(fillPort)
  const spec = {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ...given,
    ...(ports.length > 0 ? { ports } : {}),
    ...(given['type'] === 'ExternalName' ? {} : fillAddresses(given, free)),
  }
  return { ...object, spec, status: { loadBalancer: {}, ...readRecord(object, 'status') } }
}

function fillAddresses(spec: Record<string, unknown>, free: string): Record<string, unknown> {
  const clusterIP = readText(spec, 'clusterIP') || free
  return {
    clusterIP,
    clusterIPs: spec['clusterIPs'] ?? [clusterIP],
    ipFamilies: spec['ipFamilies'] ?? ['IPv4'],
    ipFamilyPolicy: spec['ipFamilyPolicy'] ?? 'SingleStack',
    internalTrafficPolicy: spec['internalTrafficPolicy'] ?? 'Cluster',
  }
}

function fillPort(port: unknown): unknown {
  if (!isRecord(port)) return port
  return { protocol: 'TCP', targetPort: port['port'], ...port }
}

/** From 10.96.0.0/12, the service network that kubeadm chooses. */
function nthAddress(n: number): string {
  return `10.${96 + ((n >> 16) & 15)}.${(n >> 8) & 255}.${n & 255}`
}
