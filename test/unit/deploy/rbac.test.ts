/** The RBAC of tests against what Kubernetes documents of requests and rules. */
import { describe, expect, it } from 'vitest'
import {
  describeAttributes,
  findGrants,
  isAllowed,
  readAttributes,
} from '../../support/exporter/rbac.ts'

describe('a request', () => {
  it.each([
    ['GET', '/api/v1/services?labelSelector=a%3Db', 'list services'],
    ['GET', '/api/v1/services?watch=true', 'watch services'],
    ['GET', '/api/v1/nodes/node-a', 'get nodes node-a'],
    ['GET', '/api/v1/nodes?watch=1&fieldSelector=metadata.name%3Dnode-a', 'watch nodes node-a'],
    ['GET', '/api/v1/namespaces', 'list namespaces'],
    ['GET', '/api/v1/namespaces/shop', 'get namespaces shop in shop'],
    ['GET', '/api/v1/namespaces/shop/pods', 'list pods in shop'],
    ['GET', '/api/v1/namespaces/shop/pods/web-0', 'get pods web-0 in shop'],
    ['GET', '/api/v1/namespaces/shop/pods/web-0:80/proxy/h', 'get pods/proxy web-0:80 in shop'],
    ['GET', '/apis/apps/v1/deployments', 'list deployments.apps'],
    ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create deployments.apps in a'],
    ['PUT', '/apis/apps/v1/namespaces/a/deployments/d', 'update deployments.apps d in a'],
    ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d', 'patch deployments.apps d in a'],
    ['DELETE', '/apis/apps/v1/namespaces/a/deployments/d', 'delete deployments.apps d in a'],
  ])('of %s %s asks to %s', (method, url, expected) => {
    const [path = '', query = ''] = url.split('?')
    const asked = readAttributes({ method, path, query })

    expect(asked && describeAttributes(asked)).toBe(expected)
  })

  it.each(['/api', '/apis', '/apis/apps/v1', '/version', '/openapi/v3'])(
    'for %s asks for no resource',
    (path) => {
      expect(readAttributes({ method: 'GET', path, query: '' })).toBeNull()
    },
  )
})

describe('a binding', () => {
  const subjects = [{ kind: 'ServiceAccount', namespace: 'own', name: 'sa' }]
  const role = (kind: string, namespace: string | undefined, rule: object) => ({
    kind,
    metadata: { name: 'r', namespace },
    rules: [{ apiGroups: [''], ...rule }],
  })
  const binding = (kind: string, namespace: string | undefined, roleKind: string) => ({
    kind,
    metadata: { name: 'b', namespace },
    roleRef: { kind: roleKind, name: 'r' },
    subjects,
  })
  const readers = { resources: ['pods', 'namespaces'], verbs: ['get'] }
  const named = { resources: ['pods'], verbs: ['get'], resourceNames: ['web-0'] }
  const EVERYWHERE = [
    role('ClusterRole', undefined, readers),
    binding('ClusterRoleBinding', undefined, 'ClusterRole'),
  ]
  const IN_SHOP = [
    role('ClusterRole', undefined, readers),
    binding('RoleBinding', 'shop', 'ClusterRole'),
  ]
  const ONE_POD = [role('Role', 'shop', named), binding('RoleBinding', 'shop', 'Role')]

  it.each([
    ['of a ClusterRole', EVERYWHERE, '/api/v1/namespaces/any/pods/p', true],
    ['of a ClusterRole', EVERYWHERE, '/api/v1/namespaces/any/pods', false],
    ['of a ClusterRole', EVERYWHERE, '/api/v1/namespaces/any/pods/p/proxy/', false],
    ['of a ClusterRole', EVERYWHERE, '/apis/apps/v1/namespaces/any/pods/p', false],
    ['in one namespace', IN_SHOP, '/api/v1/namespaces/shop/pods/p', true],
    ['in one namespace', IN_SHOP, '/api/v1/namespaces/other/pods/p', false],
    ['in one namespace', IN_SHOP, '/api/v1/namespaces/shop', true],
    ['in one namespace', IN_SHOP, '/api/v1/namespaces/other', false],
    ['to one name', ONE_POD, '/api/v1/namespaces/shop/pods/web-0', true],
    ['to one name', ONE_POD, '/api/v1/namespaces/shop/pods/web-1', false],
  ])('%s, case %#', (_, objects, path, isGranted) => {
    const asked = readAttributes({ method: 'GET', path, query: '' })
    const grants = findGrants(objects, 'own/sa')

    expect(asked && isAllowed(grants, asked)).toBe(isGranted)
  })

  it('to another account grants nothing', () => {
    expect(findGrants(EVERYWHERE, 'other/sa')).toEqual([])
  })

  it('to a role that is not there is a fault, unless the cluster brings it', () => {
    const [, lost] = EVERYWHERE
    const brought = { ...lost, roleRef: { kind: 'ClusterRole', name: 'system:basic-user' } }

    expect(() => findGrants([lost], 'own/sa')).toThrow('there is no ClusterRole r')
    expect(findGrants([brought], 'own/sa')).toEqual([])
  })
})
