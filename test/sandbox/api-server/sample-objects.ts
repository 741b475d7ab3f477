/** Small valid objects for tests of the double: defaults for everything a case does not name. */
import type { KubeObject } from './kube-object.ts'

export function aWidget(metadata: KubeObject['metadata']): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'default', ...metadata } }
}

export function aDeployment({ replicas }: { replicas: number }): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas } }
}

export interface PodGiven {
  name: string
  namespace?: string
  labels?: Record<string, string>
  podIP?: string
  podIPs?: { ip: string }[]
  phase?: string
  nodeName?: string
  isReady?: boolean
  ports?: Record<string, number>
}

export function aPod({ name, namespace = 'default', labels = {}, ...given }: PodGiven): KubeObject {
  const ports = Object.entries(given.ports ?? {}).map(([portName, containerPort]) => ({
    name: portName,
    containerPort,
  }))
  const { podIP = '10.0.0.9', podIPs, nodeName } = given
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: 'main', ports }], ...(nodeName && { nodeName }) },
    status: {
      phase: given.phase ?? 'Running',
      podIP,
      ...(podIPs && { podIPs }),
      conditions: [{ type: 'Ready', status: (given.isReady ?? true) ? 'True' : 'False' }],
    },
  }
}

export interface ServiceGiven {
  name?: string
  labels?: Record<string, string>
  selector?: Record<string, string>
  targetPort?: string | number
  ipFamilies?: string[]
}

export function aService({ name = 's', labels = {}, ...given }: ServiceGiven): KubeObject {
  const { selector = { app: 's' }, targetPort = 8080, ipFamilies } = given
  const ports = [{ name: 'http', port: 80, targetPort }]
  const spec = { selector, ports, ...(ipFamilies && { ipFamilies }) }
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, labels }, spec }
}

export function aHandMadeSlice(service: string): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'by-hand', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [],
  }
}
