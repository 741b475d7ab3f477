/** The kinds this server knows: where they live, how they are spelled, what a write may touch. A new kind is one line. */
import { ApiError } from './status.ts'

export interface Resource {
  group: string
  version: string
  plural: string
  kind: string
  namespaced: boolean
  hasStatus: boolean
  /** Top-level fields whose change bumps metadata.generation; empty where the real kind has none. */
  generationOf: readonly string[]
  shortNames: readonly string[]
  /** Field selectors beyond metadata.name and metadata.namespace. */
  fields: readonly string[]
}

type Given = Pick<Resource, 'plural' | 'kind'> & Partial<Resource>

export const RESOURCES: readonly Resource[] = [
  aResource({ plural: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'], hasStatus: false }),
  aResource({ plural: 'namespaces', kind: 'Namespace', shortNames: ['ns'], namespaced: false }),
  aResource({ plural: 'nodes', kind: 'Node', shortNames: ['no'], namespaced: false }),
  aResource({
    plural: 'pods',
    kind: 'Pod',
    shortNames: ['po'],
    generationOf: ['spec'],
    fields: ['spec.nodeName', 'status.phase'],
  }),
  aResource({ plural: 'secrets', kind: 'Secret', hasStatus: false }),
  aResource({
    plural: 'serviceaccounts',
    kind: 'ServiceAccount',
    shortNames: ['sa'],
    hasStatus: false,
  }),
  aResource({ plural: 'services', kind: 'Service', shortNames: ['svc'] }),
  anApp({ plural: 'daemonsets', kind: 'DaemonSet', shortNames: ['ds'] }),
  anApp({ plural: 'deployments', kind: 'Deployment', shortNames: ['deploy'] }),
  anApp({ plural: 'statefulsets', kind: 'StatefulSet', shortNames: ['sts'] }),
  aResource({
    group: 'coordination.k8s.io',
    plural: 'leases',
    kind: 'Lease',
    hasStatus: false,
  }),
  aResource({
    group: 'discovery.k8s.io',
    plural: 'endpointslices',
    kind: 'EndpointSlice',
    hasStatus: false,
    generationOf: ['endpoints', 'ports', 'addressType'],
  }),
  aResource({
    group: 'networking.k8s.io',
    plural: 'networkpolicies',
    kind: 'NetworkPolicy',
    shortNames: ['netpol'],
    hasStatus: false,
    generationOf: ['spec'],
  }),
  aResource({
    group: 'policy',
    plural: 'poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    shortNames: ['pdb'],
    generationOf: ['spec'],
  }),
  aRight({ plural: 'clusterroles', kind: 'ClusterRole', namespaced: false }),
  aRight({ plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false }),
  aRight({ plural: 'roles', kind: 'Role' }),
  aRight({ plural: 'rolebindings', kind: 'RoleBinding' }),
  aResource({
    group: 'scheduling.k8s.io',
    plural: 'priorityclasses',
    kind: 'PriorityClass',
    namespaced: false,
    shortNames: ['pc'],
    hasStatus: false,
  }),
]

/** Groups beside the core, each with its version v1. */
export const GROUPS = [...new Set(RESOURCES.map((each) => each.group))].filter(
  (group) => group !== '',
)

function aResource(given: Given): Resource {
  return {
    group: '',
    version: 'v1',
    namespaced: true,
    hasStatus: true,
    generationOf: [],
    shortNames: [],
    fields: [],
    ...given,
  }
}

function anApp(given: Given): Resource {
  return aResource({ group: 'apps', generationOf: ['spec'], ...given })
}

function aRight(given: Given): Resource {
  return aResource({ group: 'rbac.authorization.k8s.io', hasStatus: false, ...given })
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** `pods`, `deployments.apps`: how messages and Status details name a resource. */
export function qualifiedName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

export function findResource(apiVersion: string, plural: string): Resource | undefined {
  return RESOURCES.find((each) => apiVersionOf(each) === apiVersion && each.plural === plural)
}

export function resourceOfKind(kind: string): Resource {
  const found = RESOURCES.find((each) => each.kind === kind)
  if (found === undefined) throw ApiError.badRequest(`no kind "${kind}" is registered`)
  return found
}

/** `namespace/name`, or the name alone: etcd's order within one resource is the order of these keys. */
export function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  return resource.namespaced ? `${namespace ?? 'default'}/${name}` : name
}
