/**
 * What an object of Kubernetes may hold, by the declarations of client-node, which are made from the published OpenAPI:
 * strict, as `--validate=strict` is, and without a server. It knows fields and their types, not what the values mean.
 */
import { existsSync, readFileSync } from 'node:fs'
import { isRecord } from '../../sandbox/api-server/kube-object.ts'

const MODELS = new URL(
  '../../../node_modules/@kubernetes/client-node/dist/gen/models/',
  import.meta.url,
)

interface Field {
  type: string
  isRequired: boolean
}

type Model = ReadonlyMap<string, Field>

/** `name: type`, `name?: type`: what is no kind of Kubernetes' own. Further fields are faults. */
const OTHERS: Record<string, string> = {
  // kustomize's, as far as deploy/ uses them: a field more is one to look up here.
  Kustomization: `apiVersion: string, kind: string, resources: Array<string>, components?: Array<string>,
    images?: Array<Image>, generatorOptions?: GeneratorOptions, configMapGenerator?: Array<Generator>, patches?: Array<Patch>`,
  Component: `apiVersion: string, kind: string, resources?: Array<string>,
    configMapGenerator?: Array<Generator>, patches?: Array<Patch>`,
  Image: 'name: string, newName?: string, newTag?: string, digest?: string',
  GeneratorOptions: 'labels?: Map<string>',
  Generator: 'name: string, namespace?: string, behavior?: string, literals?: Array<string>',
  Patch: 'path: string',
  // OpenShift's API reference, security.openshift.io/v1
  SecurityContextConstraints: `apiVersion: string, kind: string, metadata: V1ObjectMeta, users?: Array<string>,
    groups?: Array<string>, priority?: number, allowHostNetwork: boolean, allowHostPorts: boolean,
    allowHostDirVolumePlugin: boolean, allowHostIPC: boolean, allowHostPID: boolean,
    allowPrivilegedContainer: boolean, allowPrivilegeEscalation?: boolean, allowedCapabilities?: Array<string>,
    defaultAddCapabilities?: Array<string>, requiredDropCapabilities?: Array<string>,
    readOnlyRootFilesystem: boolean, runAsUser?: Strategy, seLinuxContext?: Strategy, fsGroup?: Strategy,
    supplementalGroups?: Strategy, seccompProfiles?: Array<string>, volumes?: Array<string>`,
  Strategy: 'type: string',
}

const GROUPS_BY_KIND: Record<string, string> = {
  ConfigMap: 'v1',
  Namespace: 'v1',
  ServiceAccount: 'v1',
  DaemonSet: 'apps/v1',
  Deployment: 'apps/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  PriorityClass: 'scheduling.k8s.io/v1',
  Kustomization: 'kustomize.config.k8s.io/v1beta1',
  Component: 'kustomize.config.k8s.io/v1alpha1',
  SecurityContextConstraints: 'security.openshift.io/v1',
}

/** Each with the path to it. `isPatch`: what it leaves out stays as it is, and `$patch` is kustomize's own word. */
export function findSchemaFaults(object: unknown, { isPatch = false } = {}): string[] {
  if (!isRecord(object)) return ['is no object']
  const kind = String(object['kind'])
  const group = GROUPS_BY_KIND[kind]
  if (group === undefined) return [`kind: ${kind} is not one that deploy/ has`]
  if (object['apiVersion'] !== group) return [`apiVersion: must be ${group}`]
  return findFaults(object, kind in OTHERS ? kind : `V1${kind}`, { path: '', isPatch })
}

interface Where {
  path: string
  isPatch: boolean
}

function findFaults(value: unknown, type: string, where: Where): string[] {
  const fault = (what: string) => [`${where.path}: ${what}`]
  const [, container, inner = ''] = /^(Array|Set|Map)<(.+)>$/.exec(type) ?? []
  if (container === 'Map') {
    if (!isRecord(value)) return fault('must be a map')
    return Object.entries(value).flatMap(([key, each]) =>
      findFaults(each, inner, { ...where, path: `${where.path}.${key}` }),
    )
  }
  if (container !== undefined) {
    if (!Array.isArray(value)) return fault('must be a list')
    return value.flatMap((each, index) =>
      findFaults(each, inner, { ...where, path: `${where.path}[${index}]` }),
    )
  }
  if (type === 'any') return []
  if (type === 'IntOrString') {
    return Number.isInteger(value) || typeof value === 'string' ? [] : fault(`must be ${type}`)
  }
  if (type === 'string' || type === 'boolean' || type === 'number') {
    return typeof value === type ? [] : fault(`must be a ${type}, not ${JSON.stringify(value)}`)
  }
  return findModelFaults(value, type, where)
}

function findModelFaults(value: unknown, type: string, where: Where): string[] {
  if (!isRecord(value)) return [`${where.path}: must be an object (${type})`]
  const model = readModel(type)
  const present = Object.entries(value).flatMap(([key, each]) => {
    if (where.isPatch && key === '$patch') return []
    const path = `${where.path}.${key}`
    const field = model.get(key)
    if (field === undefined) return [`${path}: is no field of ${type}`]
    if (each === null) return field.isRequired ? [`${path}: must not be null`] : []
    return findFaults(each, field.type, { ...where, path })
  })
  const missing = [...model]
    .filter(([key, { isRequired }]) => isRequired && !where.isPatch && !(key in value))
    .map(([key]) => `${where.path}.${key}: is missing`)
  return [...present, ...missing]
}

const models = new Map<string, Model>()

function readModel(name: string): Model {
  const known = models.get(name) ?? (name in OTHERS ? parseOther(name) : parseDeclaration(name))
  models.set(name, known)
  return known
}

function parseOther(name: string): Model {
  const fields = (OTHERS[name] ?? '').split(',').map((text) => text.trim().split(/\??: /))
  return new Map(
    fields.map(([key = '', type = '']) => [
      key,
      { type, isRequired: !(OTHERS[name] ?? '').includes(`${key}?:`) },
    ]),
  )
}

/** `'name'?: Type;`, one a line; a map takes three. A name that TypeScript keeps for itself has a `_` before it. */
function parseDeclaration(name: string): Model {
  const file = new URL(`${name}.d.ts`, MODELS)
  if (!existsSync(file)) throw new Error(`client-node declares no ${name}`)
  const text = readFileSync(file, 'utf8').replaceAll(
    /\{\s+\[key: string\]: ([^;]+);\s+\}/g,
    'Map<$1>',
  )
  const fields = [...text.matchAll(/^ {4}'_?([^']+)'(\?)?: (.+);$/gm)]
  return new Map(
    fields.map(([, key = '', optional, type = '']) => [
      key,
      { type, isRequired: optional === undefined },
    ]),
  )
}
