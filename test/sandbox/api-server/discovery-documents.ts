/** What a client asks first: versions, groups and their resources. Enough for kubectl, without any schema. */
import { apiVersionOf, GROUPS, type Resource, RESOURCES } from './resources.ts'

const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.4',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-09-01T00:00:00Z',
  goVersion: 'go1.26.0',
  compiler: 'gc',
  platform: 'linux/amd64',
}

export const ROOT_PATHS: readonly string[] = [
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  ...GROUPS.flatMap((group) => [`/apis/${group}`, `/apis/${group}/v1`]),
  '/healthz',
  '/livez',
  '/readyz',
  '/version',
]

/** The document at a path, or undefined where none stands. host is what the client called: 127.0.0.1:PORT. */
export function findDocument(path: string, host: string): unknown {
  switch (path.replace(/(.)\/$/, '$1')) {
    case '/':
      return { paths: ROOT_PATHS }
    case '/version':
      return VERSION
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
      }
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: GROUPS.map(describeGroup) }
    default:
      return findGroupDocument(path)
  }
}

function findGroupDocument(path: string): unknown {
  const group = GROUPS.find((name) => path === `/apis/${name}`)
  if (group !== undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(group) }
  const groupVersion = path.replace(/^\/apis?\//, '')
  const resources = RESOURCES.filter((each) => apiVersionOf(each) === groupVersion)
  if (resources.length === 0 || path.startsWith('/apis/') !== groupVersion.includes('/')) {
    return undefined
  }
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: resources.flatMap(describeResource),
  }
}

function describeGroup(name: string) {
  const version = { groupVersion: `${name}/v1`, version: 'v1' }
  return { name, versions: [version], preferredVersion: version }
}

function describeResource(resource: Resource) {
  const { plural, kind, namespaced, shortNames } = resource
  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']
  const singularName = kind.toLowerCase()
  const main = { name: plural, singularName, namespaced, kind, verbs }
  const status = { name: `${plural}/status`, singularName: '', namespaced, kind }
  return [
    shortNames.length > 0 ? { ...main, shortNames } : main,
    ...(resource.hasStatus ? [{ ...status, verbs: ['get', 'patch', 'update'] }] : []),
    ...(kind === 'Pod' ? [{ ...status, name: 'pods/proxy', verbs: ['get'] }] : []),
  ]
}
