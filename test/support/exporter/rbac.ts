/**
 * Who may do what, as the API server's RBAC authorizer decides it, and what a request asks for, as its RequestInfo says:
 * https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
 * Only what deploy/ uses: no `*`, no aggregated role, no group or user as a subject, no URL that is no resource.
 */
import { readList, readText } from '../../sandbox/api-server/kube-object.ts'

export interface Attributes {
  verb: string
  /** '' is the core group. */
  group: string
  /** With its subresource: pods/proxy. */
  resource: string
  /** '': of no namespace, or in all of them. Of a Namespace it is its own name. */
  namespace: string
  /** '': the collection. */
  name: string
}

/** One verb on one resource. `namespace` and `name` '': any. */
export interface Grant extends Attributes {
  /** The binding that grants it. */
  by: string
}

export interface Request {
  method: string
  path: string
  query: string
}

const VERBS: Record<string, string> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** null: no resource is asked for, such as the list of API groups. */
export function readAttributes({ method, path, query }: Request): Attributes | null {
  const [, group = '', rest = ''] =
    /^\/api(?:s\/([^/]+))?\/v[^/]+\/(.+)$/.exec(decodeURIComponent(path)) ?? []
  if (rest === '') return null
  const parts = rest.split('/')
  const isNamespaced = parts[0] === 'namespaces' && parts.length > 1
  const namespace = isNamespaced ? (parts[1] ?? '') : ''
  const [resource = '', said = '', subresource = ''] =
    parts.length > 2 && isNamespaced ? parts.slice(2) : parts
  const asked = new URLSearchParams(query)
  const name = said || readNameSelector(asked)
  const isWatch = ['true', '1'].includes(asked.get('watch') ?? '')
  const reading = isWatch ? 'watch' : said === '' ? 'list' : 'get'
  return {
    verb: method === 'GET' || method === 'HEAD' ? reading : (VERBS[method] ?? method),
    group,
    resource: subresource === '' ? resource : `${resource}/${subresource}`,
    namespace,
    name,
  }
}

/** A list or watch of one object by its name counts as a request for that name. */
function readNameSelector(query: URLSearchParams): string {
  return /^metadata\.name=([^,]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? ''
}

/** What the Roles and ClusterRoles that are bound to a ServiceAccount let it do. */
export function findGrants(objects: unknown[], account: string): Grant[] {
  const bindings = objects.filter((each) => readText(each, 'kind').endsWith('Binding'))
  return bindings
    .filter((binding) => readList(binding, 'subjects').some((each) => nameOf(each) === account))
    .flatMap((binding) => {
      const by = `${readText(binding, 'kind')} ${readText(binding, 'metadata.name')}`
      const namespace = readText(binding, 'metadata.namespace')
      return readList(findRole(objects, binding), 'rules').flatMap((rule) =>
        spreadRule(rule).map((each) => ({ ...each, namespace, by })),
      )
    })
}

/** `namespace/name` of a ServiceAccount. */
function nameOf(subject: unknown): string {
  return `${readText(subject, 'namespace')}/${readText(subject, 'name')}`
}

/** undefined: one that the cluster brings. */
function findRole(objects: unknown[], binding: unknown): unknown {
  const kind = readText(binding, 'roleRef.kind')
  const name = readText(binding, 'roleRef.name')
  const namespace = kind === 'Role' ? readText(binding, 'metadata.namespace') : ''
  const found = objects.find(
    (each) =>
      readText(each, 'kind') === kind &&
      readText(each, 'metadata.name') === name &&
      readText(each, 'metadata.namespace') === namespace,
  )
  if (found === undefined && !name.startsWith('system:'))
    throw new Error(`there is no ${kind} ${name}`)
  return found
}

function spreadRule(rule: unknown): Omit<Grant, 'namespace' | 'by'>[] {
  const textsOf = (key: string) => readList(rule, key).map(String)
  const names = textsOf('resourceNames')
  return textsOf('apiGroups').flatMap((group) =>
    textsOf('resources').flatMap((resource) =>
      textsOf('verbs').flatMap((verb) =>
        (names.length === 0 ? [''] : names).map((name) => ({ group, resource, verb, name })),
      ),
    ),
  )
}

export function isAllowed(grants: Attributes[], asked: Attributes): boolean {
  return grants.some(
    (grant) =>
      grant.verb === asked.verb &&
      grant.group === asked.group &&
      grant.resource === asked.resource &&
      ['', asked.namespace].includes(grant.namespace) &&
      ['', asked.name].includes(grant.name),
  )
}

/** `get leases.coordination.k8s.io pilotlight-cluster in pilotlight`. */
export function describeAttributes({ verb, group, resource, namespace, name }: Attributes): string {
  return [
    `${verb} ${resource}${group && `.${group}`}`,
    ...(name === '' ? [] : [name]),
    ...(namespace === '' ? [] : [`in ${namespace}`]),
  ].join(' ')
}
