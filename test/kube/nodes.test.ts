/** The role cluster and the nodes: what happens to a node, its pod or its Node object, until it stands in the report. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KubeApi, readOwnNamespace } from '../../node-exporter/discovery/kube-api.ts'
import { NodeDiscovery } from '../../node-exporter/discovery/nodes.ts'
import { REFLECTOR_TIMINGS } from '../../node-exporter/discovery/reflector.ts'
import type { Content, Node, Report, Snapshot } from '../../worker/contract/report.ts'
import type { EdgeProxy } from '../sandbox/edge-proxy.ts'
import type { World } from '../sandbox/world.ts'
import {
  aFolder,
  aKubeconfig,
  aMeekEdge,
  anExporter,
  aWorld,
  type ExporterSettings,
} from '../support/exporter/a-setup.ts'
import { containing } from '../support/like.ts'

const SOON = { timeout: 10_000, interval: 20 }
const backoffMs: [number, number] = [50, 50]
/** Of a list that fails: tried again soon. */
const TIMINGS = { nodeTimeoutMs: 300, reflector: { ...REFLECTOR_TIMINGS, backoffMs } }

const GOOD = { name: 'node_ready', passed: true }
const FAILING = { name: 'node_ready', passed: false, reason: 'KubeletNotReady' }

async function watching(world: World, { env, timings }: ExporterSettings = {}) {
  const edge = await aMeekEdge()
  const exporter = await anExporter(world, edge.url, {
    timings: { ...TIMINGS, ...timings },
    ...(env === undefined ? {} : { env }),
  })
  return { edge, exporter, log: exporter.log }
}

function snapshotsOf(edge: EdgeProxy): Snapshot[] {
  return edge.passed
    .map(({ report }): Report => report)
    .filter((report) => report.kind === 'snapshot')
}

function contentOf(edge: EdgeProxy): Content | undefined {
  return snapshotsOf(edge).at(-1)?.content
}

/** As the last snapshot has it. */
function nodeOf(edge: EdgeProxy, name = 'node-a'): Node | undefined {
  return contentOf(edge)?.nodes?.find((node) => node.name === name)
}

async function until(edge: EdgeProxy, expected: object, name = 'node-a'): Promise<void> {
  await vi.waitFor(() => {
    expect(nodeOf(edge, name)).toMatchObject(expected)
  }, SOON)
}

async function untilReports(edge: EdgeProxy, count: number): Promise<void> {
  const from = edge.passed.length
  await vi.waitFor(() => {
    expect(edge.passed.length).toBeGreaterThanOrEqual(from + count)
  }, SOON)
}

function componentOf(edge: EdgeProxy, name: string) {
  return edge.passed.at(-1)?.report.exporter.components[name]
}

describe('each node', () => {
  it('is reported with what its exporter and its Node object say', async () => {
    const world = await aWorld()
    await world.addNodeExporter('node-a')
    await world.addNodeExporter('node-b', { kind: 'node', checks: [GOOD, FAILING] })
    world.setReady('node-b', false)
    world.setCordoned('node-c', true)

    const { edge } = await watching(world)

    const known = { schedulable: true, answered: true }
    await vi.waitFor(() => {
      expect(contentOf(edge)?.nodes).toEqual([
        { name: 'node-a', ...known, ready: true, checks: [GOOD] },
        { name: 'node-b', ...known, ready: false, checks: [GOOD, FAILING] },
        { name: 'node-c', schedulable: false, ready: true, answered: false, checks: [] },
      ])
    }, SOON)
  })

  it('is a heartbeat while nothing happens to it', async () => {
    const world = await aWorld()
    await world.addNodeExporter('node-a')
    const { edge } = await watching(world)
    await until(edge, { answered: true })
    const before = snapshotsOf(edge).length

    await untilReports(edge, 10)

    expect(snapshotsOf(edge)).toHaveLength(before)
  })

  it('is unknown, and that is no fault, where the node role is not deployed', async () => {
    const world = await aWorld()

    const { edge, log } = await watching(world)

    await until(edge, { ready: true, answered: false })
    expect(componentOf(edge, 'node_collector')).toEqual({
      status: 'healthy',
      message: 'no pod is known that matches app.kubernetes.io/name=pilotlight-node',
    })
    const warned = log.filter((line) => line.startsWith('warn'))
    expect(warned.filter((line) => !line.includes('live link'))).toEqual([]) // this edge has none
  })

  it('is listed with a hundred others at a time, for Node objects are large', async () => {
    const world = await aWorld()
    for (let i = 0; i < 150; i++) world.addNode(`more-${i}`)

    const { edge } = await watching(world)

    await vi.waitFor(() => {
      expect(contentOf(edge)?.nodes).toHaveLength(153)
    }, SOON)
    const { requests } = world.api.seen
    const lists = requests.filter(({ path, watch }) => path === '/api/v1/nodes' && !watch)
    expect(lists).toHaveLength(2)
  })

  it('is asked through the API server where addresses are out of reach', async () => {
    const world = await aWorld()
    await world.addNodeExporter('node-a', { kind: 'node', checks: [FAILING] })

    const { edge } = await watching(world, { env: { PROBE_VIA: 'apiserver' } })

    await until(edge, { answered: true, checks: [FAILING] })
    const proxied = world.api.seen.requests.find(({ path }) => path.includes('/proxy/health'))
    expect(proxied?.query).toBe('check=node_ready')
  })
})

describe('a pod of another namespace', () => {
  it('speaks for no node, whatever its labels say', async () => {
    const world = await aWorld()
    await world.addNodeExporter('node-a')
    const rogue = await world.addNodeExporter('node-b')
    const api = new KubeApi({
      kubeconfig: aKubeconfig(world),
      accountRoot: '/nowhere',
      timeoutMs: 10_000,
    })

    const of = (namespace: string) => {
      const discovery = new NodeDiscovery(api, {
        selector: 'app.kubernetes.io/name=pilotlight-node',
        namespace,
        local: null,
        timings: REFLECTOR_TIMINGS,
        onChange: () => undefined,
      })
      discovery.start()
      onTestFinished(() => {
        discovery.stop()
      })
      return discovery
    }
    const [own, other] = [of('pilotlight'), of('elsewhere')]

    await vi.waitFor(() => {
      expect(podsOf(own)).toEqual([expect.stringMatching(/^pilotlight-node/), rogue, null])
      expect(podsOf(other)).toEqual([null, null, null])
    }, SOON)
  })

  function podsOf(discovery: NodeDiscovery) {
    return discovery.current()?.map(({ exporter }) => exporter?.pod ?? null)
  }

  it.each([
    ['in a pod', 'pilotlight\n', 'pilotlight'],
    ['outside of one', null, null],
  ])('is told by the namespace of the service account: %s', (_, text, expected) => {
    const root = aFolder()
    const folder = `${root}/var/run/secrets/kubernetes.io/serviceaccount`
    mkdirSync(folder, { recursive: true })
    if (text !== null) writeFileSync(`${folder}/namespace`, text)

    expect(readOwnNamespace(root)).toBe(expected)
  })
})

describe('an exporter of a node that', () => {
  it.each([
    ['hangs', { kind: 'hang' }],
    ['refuses', { kind: 'refuse' }],
    ['answers garbage', { kind: 'body', body: '<html>' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 503 without checks', { kind: 'status', status: 503 }],
  ] as const)('%s leaves its node unknown until it answers again', async (_, behaviour) => {
    const world = await aWorld()
    const pod = await world.addNodeExporter('node-a')
    await world.addNodeExporter('node-b')
    const { edge } = await watching(world)
    await until(edge, { answered: true })

    await world.pods.set(pod, behaviour)

    await until(edge, { ready: true, answered: false, checks: [] })
    await vi.waitFor(() => {
      expect(componentOf(edge, 'node_collector')).toEqual({
        status: 'degraded',
        message: "2 of 3 nodes don't answer: node-a, node-c",
      })
    }, SOON)
    expect(nodeOf(edge, 'node-b')).toMatchObject({ answered: true })
    await world.pods.set(pod, { kind: 'node' })
    await until(edge, { answered: true, checks: [GOOD] })
  })
})

describe('a rollout', () => {
  it('is followed from pod to pod', async () => {
    const world = await aWorld()
    const old = await world.addNodeExporter('node-a')
    const { edge } = await watching(world)
    await until(edge, { answered: true })

    await world.removeNodeExporter(old)
    await until(edge, { answered: false, checks: [] })
    await world.addNodeExporter('node-a', { kind: 'node', checks: [FAILING] })

    await until(edge, { answered: true, checks: [FAILING] })
  })

  it('asks the new pod while the old one is terminating', async () => {
    const world = await aWorld()
    const old = await world.addNodeExporter('node-a')
    const { edge } = await watching(world)
    await until(edge, { answered: true })

    world.api.patch(
      { kind: 'Pod', namespace: 'pilotlight', name: old },
      { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    )
    await world.addNodeExporter('node-a', { kind: 'node', checks: [FAILING] })

    await until(edge, { answered: true, checks: [FAILING] })
  })
})

describe('what operators do to a node', () => {
  it('reaches the report at once, and costs no question', async () => {
    const world = await aWorld()
    const pod = await world.addNodeExporter('node-a')
    const { edge } = await watching(world, { env: { INTERVAL_SECONDS: '30' } })
    await until(edge, { answered: true })
    const asked = world.pods.asked.get(pod)

    world.setCordoned('node-a', true)
    await until(edge, { schedulable: false, ready: true })
    world.setCordoned('node-a', false)
    await until(edge, { schedulable: true })
    world.setReady('node-a', false)
    await until(edge, { ready: false, answered: true })

    expect(world.pods.asked.get(pod)).toBe(asked)
  })

  it('may be to add one, which is asked at once, and to remove one', async () => {
    const world = await aWorld()
    const { edge } = await watching(world, { env: { INTERVAL_SECONDS: '30' } })
    await until(edge, { ready: true })

    world.addNode('node-d')
    await world.addNodeExporter('node-d')
    await until(edge, { ready: true, answered: true }, 'node-d')
    world.removeNode('node-d')

    await vi.waitFor(() => {
      const names = contentOf(edge)?.nodes?.map(({ name }) => name)
      expect(names).toEqual(['node-a', 'node-b', 'node-c'])
    }, SOON)
  })
})

describe('an API server that', () => {
  it('forbids Nodes leaves those that have an exporter, and says once what is missing', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    await world.addNodeExporter('node-b')
    const allow = world.api.faults.answer({ status: 403, path: /api\/v1\/nodes/ })

    const { edge, log } = await watching(world)

    await vi.waitFor(() => {
      expect(contentOf(edge)?.nodes).toEqual([
        { name: 'node-b', schedulable: true, ready: null, answered: true, checks: [GOOD] },
      ])
    }, SOON)
    await untilReports(edge, 10)
    expect(log.filter((line) => line.includes('/api/v1/nodes: HTTP 403'))).toEqual([
      containing('warn discovery degraded'),
      containing('list and watch on nodes'),
    ])
    expect(contentOf(edge)).toMatchObject({
      services: [{ name: 'web', targets: [{ ok: true }] }],
      warnings: [{ subject: 'discovery', message: containing('list and watch on nodes') }],
    })
    allow()
    await until(edge, { ready: true, answered: false })
    await vi.waitFor(() => {
      expect(componentOf(edge, 'discovery')).toEqual({ status: 'healthy' })
    }, SOON)
  })

  it('forbids pods leaves what the Node objects say', async () => {
    const world = await aWorld()
    await world.addNodeExporter('node-a')
    world.api.faults.answer({ status: 403, path: /api\/v1\/pods/ })

    const { edge } = await watching(world)

    await until(edge, { ready: true, answered: false, checks: [] })
    expect(contentOf(edge)?.warnings).toEqual([
      { subject: 'discovery', message: containing('list and watch on pods') },
    ])
  })

  it.each([
    ['forbids both', { status: 403, path: /api\/v1\/(nodes|pods)/ }],
    ['can’t list nodes for now', { status: 500, path: /api\/v1\/nodes/ }],
  ])('%s leaves the nodes unknown, and delays no service', async (_, rule) => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    await world.addNodeExporter('node-a')
    world.api.faults.answer(rule)

    const { edge } = await watching(world, { timings: { textEveryMs: 100 } })

    await vi.waitFor(() => {
      expect(contentOf(edge)).toMatchObject({
        nodes: null,
        services: [{ name: 'web', targets: [{ ok: true }] }],
      })
    }, SOON)
    await untilReports(edge, 10)
    expect(contentOf(edge)?.nodes).toBeNull()
    const kinds = edge.passed.slice(-5).map(({ report }) => report.kind)
    expect(new Set(kinds)).toEqual(new Set(['heartbeat']))
  })

  it('is away leaves the last known nodes, which go on being asked', async () => {
    const world = await aWorld()
    const pod = await world.addNodeExporter('node-a')
    const { edge } = await watching(world)
    await until(edge, { answered: true })

    await world.api.faults.goAway()
    await vi.waitFor(() => {
      expect(componentOf(edge, 'discovery')).toMatchObject({ status: 'degraded' })
    }, SOON)
    await world.pods.set(pod, { kind: 'node', checks: [FAILING] })

    await until(edge, { ready: true, answered: true, checks: [FAILING] })
    expect(contentOf(edge)?.nodes).toHaveLength(3)
  })
})
