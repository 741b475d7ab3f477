/**
 * The rendered rights against the requests that the exporter makes, both ways, for every overlay and component: it runs
 * with the environment that its manifests give it, and the API server double notes what it asks for.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startNodeRole } from '../../node-exporter/node/node-role.ts'
import { readNodeConfig } from '../../node-exporter/node/node-config.ts'
import type { World } from '../sandbox/world.ts'
import { LEASE_ENV, makeLeaseNamespace } from '../support/exporter/a-lease.ts'
import { aLog } from '../support/exporter/a-log.ts'
import { aDeployment } from '../support/exporter/a-node-operator.ts'
import { aKubeconfig, aMeekEdge, anExporter, aWorld } from '../support/exporter/a-setup.ts'
import { parseDocuments, ROOT } from '../support/exporter/manifests.ts'
import {
  describeAttributes,
  findGrants,
  isAllowed,
  readAttributes,
  type Attributes,
  type Grant,
} from '../support/exporter/rbac.ts'
import {
  environmentOf,
  findObject,
  HAS_COMPONENTS,
  renderWith,
} from '../support/exporter/rendered.ts'
import { PUSH_SECRET } from '../support/secrets.ts'

/** As in a pod of the manifests: no test runs in one. */
vi.mock(import('../../node-exporter/discovery/kube-api.ts'), async (original) => ({
  ...(await original()),
  readOwnNamespace: () => 'pilotlight',
}))

const SOON = { timeout: 15_000, interval: 20 }

const VARIANTS: [overlay: string, components: string[]][] = [
  ['overlays/sample', []],
  ['overlays/openshift', []],
  ['overlays/openshift-host', []],
  ['overlays/sample', ['container-runtime']],
  ['overlays/sample', ['pod-proxy']],
  ['overlays/sample', ['some-namespaces']],
  ['overlays/sample', ['container-runtime', 'pod-proxy', 'some-namespaces']],
]

/** What the Secret and the downward API say. */
const GIVEN = {
  POD_NAME: 'pilotlight-cluster-0',
  LEASE_NAMESPACE: 'pilotlight',
  PUSH_SECRET,
  NODE_NAME: 'node-a',
}

describe('the rights', () => {
  it.skipIf(!HAS_COMPONENTS).each(VARIANTS)(
    'of the cluster role are what it asks for, and no more: kubectl 1.21, %s %j',
    async (overlay, components) => {
      const objects = renderWith(components, overlay)
      const grants = findGrants(objects, 'pilotlight/pilotlight-cluster')
      const workload = findObject(objects, 'Deployment pilotlight-cluster')
      const env = environmentOf(objects, workload, GIVEN)

      const world = await aTown(env)
      await runClusterRole(world, env)

      await vi.waitFor(() => {
        const asked = readAsked(world)
        expect(compare(grants, asked)).toEqual({ refused: [], unused: [] })
      }, SOON)
      expect(grants).not.toEqual([])
    },
  )

  it.skipIf(!HAS_COMPONENTS)(
    'of OPERATOR_SELECTOR are those that its manual gives: kubectl 1.21',
    async () => {
      const objects = [...renderWith([]), ...readOperatorRights()]
      const grants = findGrants(objects, 'pilotlight/pilotlight-cluster')
      const workload = findObject(objects, 'Deployment pilotlight-cluster')
      const selector = { OPERATOR_SELECTOR: 'app=node-operator' }
      const env = { ...environmentOf(objects, workload, GIVEN), ...selector }

      const world = await aTown(env)
      world.api.create(aDeployment())
      await runClusterRole(world, env)

      await vi.waitFor(() => {
        const asked = readAsked(world)
        expect(compare(grants, asked)).toEqual({ refused: [], unused: [] })
      }, SOON)
      expect(grants.map(({ namespace }) => namespace)).toContain('infra')
    },
  )

  it.skipIf(!HAS_COMPONENTS).each(VARIANTS)(
    'of the node role are what it asks for, and no more: kubectl 1.21, %s %j',
    async (overlay, components) => {
      const objects = renderWith(components, overlay)
      const grants = findGrants(objects, 'pilotlight/pilotlight-node')
      const workload = findObject(objects, 'DaemonSet pilotlight-node')
      const env = environmentOf(objects, workload, GIVEN)

      const world = await aWorld()
      await runNodeRole(world, env)

      await vi.waitFor(() => {
        const asked = [...readAsked(world), ASKED_BY_EARLIER_EXPORTERS]
        expect(compare(grants, asked)).toEqual({ refused: [], unused: [] })
      }, SOON)
      expect(grants).not.toEqual([])
    },
  )
})

/** Their pods go on asking so while a DaemonSet is rolled out or back, under the new rights. */
const ASKED_BY_EARLIER_EXPORTERS: Attributes = {
  verb: 'get',
  group: '',
  resource: 'nodes',
  namespace: '',
  name: 'node-a',
}

/** The Role and its binding, as docs/exporter-health.md has them. */
function readOperatorRights(): unknown[] {
  const manual = readFileSync(new URL('docs/exporter-health.md', ROOT), 'utf8')
  const [, text = ''] = /```yaml\n(apiVersion: rbac.+?)```/s.exec(manual) ?? []
  return parseDocuments(text)
}

/** In each watched namespace a pod that starts, whose Pod is read, and a service without pods, whose Namespace is. */
async function aTown({ NAMESPACES = '' }: Record<string, string>): Promise<World> {
  const world = await aWorld()
  makeLeaseNamespace(world)
  const named = NAMESPACES.split(',').filter((name) => name !== '')
  for (const namespace of named.length === 0 ? ['default'] : named) {
    await world.addService({ name: 'web', namespace })
    await world.surge(`web.${namespace}`)
    const pods = await world.addService({ name: 'emptied', namespace })
    for (const pod of pods) await world.removePod(pod)
  }
  return world
}

/** With a Lease that is renewed at once, and an edge that takes everything. */
async function runClusterRole(world: World, env: Record<string, string>): Promise<void> {
  const edge = await aMeekEdge()
  const { LEASE_NAME: _, LEASE_NAMESPACE: __, ...timings } = LEASE_ENV
  const ours = { WORKER_URL: edge.url, KUBECONFIG: aKubeconfig(world), INTERVAL_SECONDS: '0.2' }
  await anExporter(world, edge.url, { env: { ...env, ...ours, ...timings } })
}

async function runNodeRole(world: World, env: Record<string, string>): Promise<void> {
  const read = readNodeConfig(env)
  if (!read.ok) throw new Error(read.faults.join('; '))
  const config = { ...read.config, listenPort: 0, checks: ['node_ready'] }
  const role = await startNodeRole(config, {
    log: aLog().log,
    env: { KUBECONFIG: aKubeconfig(world) },
  })
  onTestFinished(() => role.stop())
}

function readAsked({ api }: World): Attributes[] {
  return api.seen.requests.map(readAttributes).filter((each) => each !== null)
}

/** In words: requests that no rule allows, and rules that no request needs. */
function compare(grants: Grant[], asked: Attributes[]) {
  const refused = asked.filter((each) => !isAllowed(grants, each)).map(describeAttributes)
  const unused = grants.filter((grant) => !asked.some((each) => isAllowed([grant], each)))
  return {
    refused: [...new Set(refused)],
    unused: unused.map((grant) => `${describeAttributes(grant)} by ${grant.by}`),
  }
}
