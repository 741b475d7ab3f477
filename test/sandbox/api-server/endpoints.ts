/** What the EndpointSlice controller reads: a Pod and a Service as it sees them, and the endpoint a pod makes. Pure. */
import { isIPv6 } from 'node:net'
import {
  isRecord,
  type KubeObject,
  readList,
  readNumber,
  readPath,
  readRecord,
  readText,
} from './kube-object.ts'

export type Family = 'IPv4' | 'IPv6'

export interface PodFacts {
  object: KubeObject
  labels: Record<string, string>
  /** Empty for a pod that no slice may list: no IP yet, or Succeeded, or Failed. */
  addresses: { family: Family; ip: string }[]
  isReady: boolean
  isTerminating: boolean
}

export interface ServiceFacts {
  object: KubeObject
  selector: [string, unknown][]
  ports: unknown[]
  families: Family[]
  publishesNotReady: boolean
  isHeadless: boolean
}

export interface EndpointPort {
  name: string
  protocol: string
  port: number
  appProtocol?: unknown
}

export function readPod(object: KubeObject): PodFacts {
  const phase = readText(object, 'status.phase')
  const podIPs = readList(object, 'status.podIPs').map((each) => readText(each, 'ip'))
  const ips = [...new Set([readText(object, 'status.podIP'), ...podIPs])].filter((ip) => ip !== '')
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  return {
    object,
    labels: object.metadata.labels ?? {},
    addresses: isOver ? [] : ips.map((ip) => ({ family: isIPv6(ip) ? 'IPv6' : 'IPv4', ip })),
    isReady: readList(object, 'status.conditions').some(
      (each) => readText(each, 'type') === 'Ready' && readText(each, 'status') === 'True',
    ),
    isTerminating: object.metadata['deletionTimestamp'] !== undefined,
  }
}

export function readService(object: KubeObject): ServiceFacts {
  const families = readList(object, 'spec.ipFamilies').map((each): Family =>
    each === 'IPv6' ? 'IPv6' : 'IPv4',
  )
  const isExternal = readText(object, 'spec.type') === 'ExternalName'
  return {
    object,
    selector: isExternal ? [] : Object.entries(readRecord(object, 'spec.selector')),
    ports: readList(object, 'spec.ports'),
    families: families.length > 0 ? families : ['IPv4'],
    publishesNotReady: readPath(object, 'spec.publishNotReadyAddresses') === true,
    isHeadless: readText(object, 'spec.clusterIP') === 'None',
  }
}

/** Not for a Service without a selector: it is somebody else's to fill. */
export function isSelected(service: ServiceFacts, pod: PodFacts): boolean {
  return service.selector.every(([key, value]) => pod.labels[key] === value)
}

export function buildEndpoint(service: ServiceFacts, pod: PodFacts, ip: string) {
  const { name, namespace, uid } = pod.object.metadata
  const nodeName = readText(pod.object, 'spec.nodeName')
  const hostname = readText(pod.object, 'spec.hostname')
  const isNamed =
    hostname !== '' && readText(pod.object, 'spec.subdomain') === service.object.metadata.name
  return {
    addresses: [ip],
    conditions: {
      ready: service.publishesNotReady || (pod.isReady && !pod.isTerminating),
      serving: pod.isReady,
      terminating: pod.isTerminating,
    },
    ...(isNamed ? { hostname } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName === '' ? {} : { nodeName }),
  }
}

export type Endpoint = ReturnType<typeof buildEndpoint>

/** The Service's ports as this pod has them: a name is looked up in its containers, and left out where none has it. */
export function resolvePorts(service: ServiceFacts, pod: PodFacts): EndpointPort[] {
  return service.ports.flatMap((servicePort) => {
    const protocol = readText(servicePort, 'protocol') || 'TCP'
    const target = readPath(servicePort, 'targetPort') ?? readPath(servicePort, 'port')
    const port = typeof target === 'number' ? target : findPort(pod, { name: target, protocol })
    if (port === 0) return []
    const appProtocol = readPath(servicePort, 'appProtocol')
    const name = readText(servicePort, 'name')
    return [{ name, protocol, port, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })
}

/** 0 where no container, nor an init container that keeps running, has a port of that name. */
function findPort(pod: PodFacts, wanted: { name: unknown; protocol: string }): number {
  const sidecars = readList(pod.object, 'spec.initContainers').filter(
    (each) => readText(each, 'restartPolicy') === 'Always',
  )
  const found = [...readList(pod.object, 'spec.containers'), ...sidecars]
    .flatMap((container) => readList(container, 'ports'))
    .filter(isRecord)
    .find(
      (port) =>
        port['name'] === wanted.name && (readText(port, 'protocol') || 'TCP') === wanted.protocol,
    )
  return readNumber(found, 'containerPort')
}
