/** Builders of Kubernetes objects as discovery holds them: everything has a default, a case names only what matters. */
import type {
  KubeConfigMap,
  KubeService,
  KubeSlice,
  Workload,
} from '../../../node-exporter/discovery/kube-objects.ts'
import { SERVICE_NAME_LABEL } from '../../../node-exporter/discovery/labels.ts'

type Metadata = KubeService['metadata']
type Endpoint = NonNullable<KubeSlice['endpoints']>[number]
type Port = NonNullable<KubeSlice['ports']>[number]

export function aKubeService(
  metadata: Partial<Metadata> = {},
  spec: Partial<KubeService['spec']> = {},
): KubeService {
  return {
    metadata: {
      name: 'web',
      namespace: 'default',
      labels: { hasHealthcheck: 'true' },
      annotations: {},
      ...metadata,
    },
    spec: { type: 'ClusterIP', selector: { app: 'web' }, ipFamilies: ['IPv4'], ...spec },
  }
}

/** A slice of the Service `of`, with one endpoint and one port. */
export function aSlice(
  given: Partial<KubeSlice> & { of?: string; namespace?: string } = {},
): KubeSlice {
  const { of = 'web', namespace = 'default', ...rest } = given
  const labels = { [SERVICE_NAME_LABEL]: of }
  return {
    metadata: { name: `${of}-slice`, namespace, labels },
    addressType: 'IPv4',
    endpoints: [anEndpoint()],
    ports: [aPort()],
    ...rest,
  }
}

/** An endpoint with a pod of that name behind it. */
export function anEndpoint(pod = 'web-1', given: Partial<Endpoint> = {}): Endpoint {
  return {
    addresses: ['10.0.0.1'],
    conditions: { ready: true },
    nodeName: 'node-1',
    targetRef: { kind: 'Pod', name: pod, uid: `uid-${pod}` },
    ...given,
  }
}

export function aPort(name = '', port: number | null = 8080): Port {
  return { name, port }
}

export function aWorkload(given: Partial<Workload> = {}): Workload {
  return { namespace: 'default', podLabels: { app: 'web' }, desired: 1, hasPods: true, ...given }
}

export function aConfigMap(data: Record<string, string>, name = 'category.read'): KubeConfigMap {
  return { metadata: { name, namespace: 'default', labels: {}, annotations: {} }, data }
}
