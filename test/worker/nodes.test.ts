/** The nodes of a cluster at the edge: `__gtg` of each for load balancers, JSON and pages (behaviour, sections 4 and 7). */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Content, Node } from '../../worker/contract/report.ts'
import { Cluster } from '../../worker/index.ts'
import { aCategory, aContent, aNode, aSnapshot } from '../support/a-report.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { loseStorage } from './object.ts'
import { askWith, browse, operate } from './visitors.ts'

const OK = 'OK\ngtg=pass\n'
const PASSES = { name: 'kubelet', passed: true }
const FAILS = { name: 'kubelet', passed: false, reason: 'HTTP 500' }

const NODES = [
  aNode({ name: 'node-a', checks: [PASSES] }),
  aNode({ name: 'node-b', checks: [FAILS] }),
  aNode({ name: 'node-c', answered: false }),
  aNode({ name: 'node-d', ready: false, schedulable: false, answered: false }),
]

async function tell(cluster: string, given: Partial<Content>, sequence = 1): Promise<void> {
  const content = aContent({ nodes: NODES, ...given })
  const report = aSnapshot({ cluster, sequence, observedAt: Date.now(), content })
  expect((await push(report)).status).toBe(202)
}

async function aCluster(nodes: Node[] | null = NODES): Promise<string> {
  const cluster = takeCluster()
  await tell(cluster, { nodes })
  return cluster
}

describe('what a load balancer gets for a node', () => {
  it.each([
    ['node-a/__gtg', 200, OK, 'healthy'],
    ['node-a/__gtg?check=', 200, OK, 'healthy'],
    ['node-a/__gtg/', 200, OK, 'healthy'],
    ['node-a/__gtg/kubelet', 200, OK, 'healthy'],
    ['node-b/__gtg/kubelet', 503, failing('unhealthy'), 'unhealthy'],
    ['node-a/__gtg?check=node_ready,kubelet', 200, OK, 'healthy'],
    ['node-a/__gtg?check=kubelet&check=kubelet', 200, OK, 'healthy'],
    ['node-b/__gtg', 200, OK, 'healthy'],
    ['node-b/__gtg?check=kubelet', 503, failing('unhealthy'), 'unhealthy'],
    ['node-c/__gtg', 200, OK, 'healthy'],
    ['node-c/__gtg?check=kubelet', 200, OK, 'degraded'],
    ['node-d/__gtg', 503, failing('unhealthy'), 'unhealthy'],
    ['node-a/__gtg?check=bogus', 503, failing('unknown-check'), 'unknown-check'],
    ['node-a/__gtg?check=KUBELET', 503, failing('unknown-check'), 'unknown-check'],
    ['node-x/__gtg', 400, failing('unknown-node'), 'unknown-node'],
    ['%3Cscript%3E/__gtg', 400, failing('unknown-node'), 'unknown-node'],
    ['constructor/__gtg', 400, failing('unknown-node'), 'unknown-node'],
  ])('%s is %i', async (path, status, body, reason) => {
    const cluster = await aCluster()

    const response = await ask(`/clusters/${cluster}/nodes/${path}`)

    expect([response.status, await response.text()]).toEqual([status, body])
    expect(Object.fromEntries(response.headers)).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'content-length': String(body.length),
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-gtg': status === 200 ? 'pass' : 'fail',
      'x-gtg-age': '0',
      'x-gtg-reason': reason,
      ...(status === 503 ? { 'retry-after': '10' } : {}),
      ...(reason === 'degraded' ? { 'x-envoy-degraded': 'true' } : {}),
    })
  })

  function failing(reason: string): string {
    return `UNAVAILABLE\ngtg=fail reason=${reason}\n`
  }

  it.each(['HEAD', 'OPTIONS'])('by %s is the same without a body', async (method) => {
    const cluster = await aCluster()

    const response = await ask(`/clusters/${cluster}/nodes/node-d/__gtg`, { method })

    expect([response.status, await response.text()]).toEqual([503, ''])
    expect(response.headers.get('x-gtg-reason')).toBe('unhealthy')
  })

  it('by another method is 405', async () => {
    const response = await ask(`/clusters/${takeCluster()}/nodes/node-a/__gtg`, { method: 'POST' })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })

  it('is no-data while nothing was told of nodes', async () => {
    const response = await ask(`/clusters/${await aCluster(null)}/nodes/node-a/__gtg`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'no-data'])
  })

  it('is unknown-cluster where there is no such cluster', async () => {
    const response = await ask('/clusters/nowhere/nodes/node-a/__gtg')

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([
      400,
      'unknown-cluster',
    ])
  })

  it('names the failing checks in JSON, to who may read', async () => {
    const path = `/clusters/${await aCluster()}/nodes/node-b/__gtg?check=kubelet,node_ready`
    const headers = { accept: 'application/json' }

    const open = await ask(path, { headers })
    const closed = await askWith({ HEALTH_ACCESS: 'token' }, path, { headers })

    expect(open.status).toBe(503)
    const line = 'gtg=fail reason=unhealthy'
    const said = { line, gtg: 'fail', reason: 'unhealthy', ageSeconds: 0 }
    expect(await open.json()).toEqual({ ...said, failing: ['kubelet'] })
    expect(await closed.json()).toEqual(said)
  })
})

describe('a node that falls silent', () => {
  it('fails on as it did when it was last heard, also past an eviction', async () => {
    const cluster = await aCluster()
    await evictDurableObject(env.CLUSTER.getByName(cluster))

    await tell(cluster, { nodes: [aNode({ name: 'node-b', answered: false })] }, 2)

    const path = `/clusters/${cluster}/nodes/node-b/__gtg?check=kubelet`
    expect((await ask(path)).status).toBe(503)
    await tell(cluster, { nodes: [aNode({ name: 'node-b', checks: [PASSES] })] }, 3)
    expect((await ask(`${path}&cache=false`)).status).toBe(200)
  })
})

describe('the object out of reach', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it.each([
    ['node-a', 200, 'held'],
    ['node-b', 503, 'unhealthy'],
    ['node-x', 400, 'unknown-node'],
  ])('holds what KV has of %s', async (node, status, reason) => {
    const cluster = await aCluster()
    await runDurableObjectAlarm(env.CLUSTER.getByName(cluster))
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(Cluster.prototype, 'viewNodes').mockRejectedValue(new Error('overloaded'))

    const response = await ask(`/clusters/${cluster}/nodes/${node}/__gtg?check=kubelet`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([status, reason])
  })

  it('holds what KV was told last, also of nodes that no category names', async () => {
    const cluster = await aCluster([aNode({ name: 'node-a', checks: [PASSES] })])
    await runDurableObjectAlarm(env.CLUSTER.getByName(cluster))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 }) // the next put
    await tell(cluster, { nodes: [aNode({ name: 'node-a', checks: [FAILS] })] }, 2)
    await runDurableObjectAlarm(env.CLUSTER.getByName(cluster))
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(Cluster.prototype, 'viewNodes').mockRejectedValue(new Error('overloaded'))

    const response = await ask(`/clusters/${cluster}/nodes/node-a/__gtg?check=kubelet`)

    expect(response.status).toBe(503)
  })

  it('holds them also once it lost its storage', async () => {
    const cluster = await aCluster()
    await runDurableObjectAlarm(env.CLUSTER.getByName(cluster))
    await loseStorage(cluster)

    const response = await ask(`/clusters/${cluster}/nodes/node-b/__gtg?check=kubelet&cache=false`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'unhealthy'])
  })
})

describe('the service nodes', () => {
  const categories = [aCategory({ name: 'infra', services: ['nodes'] })]

  it('fails the category that names it, and no other', async () => {
    const cluster = takeCluster()
    await tell(cluster, { categories })

    expect((await ask(`/clusters/${cluster}/__gtg/infra`)).status).toBe(503)
    expect((await ask(`/clusters/${cluster}/__gtg`)).status).toBe(200)
  })

  it('leads to the page of the nodes, not to pods', async () => {
    const cluster = takeCluster()
    await tell(cluster, { categories })

    const page = await browse(`/clusters/${cluster}/__pods-health?service-name=nodes`)
    const health = await askJson(`/clusters/${cluster}/__health?categories=infra`)
    const pod = await askJson(`/clusters/${cluster}/__pod-individual-health?pod-name=node-a`)

    expect(page.headers.get('location')).toBe(`/clusters/${cluster}/nodes`)
    expect(await health.text()).toContain(`/clusters/${cluster}/nodes"`)
    expect(pod.status).toBe(404)
  })

  it('can be acked like any other', async () => {
    const cluster = takeCluster()
    await tell(cluster, { categories })

    const acked = await operate(`/clusters/${cluster}/add-ack?service-name=nodes&ack-msg=known`)

    expect(acked.status).toBe(200)
    expect((await ask(`/clusters/${cluster}/__gtg/infra`)).status).toBe(200)
  })
})

describe('the nodes as JSON', () => {
  it('are all there, with what was told of each', async () => {
    const cluster = await aCluster()

    const response = await askJson(`/clusters/${cluster}/nodes`)

    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toMatchObject({
      cluster,
      freshness: 'fresh',
      schedulable: 3,
      passing: 2,
      least: 3,
      nodes: [
        { name: 'node-a', state: 'ok', passes: true, schedulable: true, ready: true },
        { name: 'node-b', state: 'failing', checks: [{ name: 'node_ready', passed: true }, FAILS] },
        { name: 'node-c', state: 'unknown', passes: true, answered: false },
        { name: 'node-d', state: 'failing', ready: false, schedulable: false },
      ],
    })
  })

  it('are one by its name', async () => {
    const response = await askJson(`/clusters/${await aCluster()}/nodes/node-b`)

    expect(await response.json()).toMatchObject({
      name: 'node-b',
      passes: false,
      checks: [{}, FAILS],
    })
  })

  it('are none where nothing was told of them', async () => {
    const response = await askJson(`/clusters/${await aCluster(null)}/nodes`)

    expect(await response.json()).toMatchObject({ nodes: [], least: null })
  })

  it.each([
    ['/nodes/node-x', 404, 'unknown-node'],
    ['/nodes/node-a/more', 404, 'not-found'],
  ])('have no such thing as %s', async (path, status, code) => {
    const response = await askJson(`/clusters/${await aCluster()}${path}`)

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  it('need a token where HEALTH_ACCESS says so', async () => {
    const vars = { HEALTH_ACCESS: 'token' }

    expect((await askWith(vars, `/clusters/${await aCluster()}/nodes`)).status).toBe(401)
  })

  it('stand under PATH_PREFIX as the rest does', async () => {
    const cluster = await aCluster()
    const vars = { PATH_PREFIX: '/__health', DEFAULT_CLUSTER: cluster }
    const init = { headers: { accept: 'application/json' } }

    expect((await askWith(vars, '/__health/nodes', init)).status).toBe(200)
    expect((await askWith(vars, '/__health/nodes/node-a', init)).status).toBe(200)
    expect((await askWith(vars, '/nodes', init)).status).toBe(404)
    expect((await askWith(vars, '/nodes/node-a', init)).status).toBe(404)
  })
})

describe('the history of a node', () => {
  it('tells when it failed and when it was well again, and of no other', async () => {
    const cluster = await aCluster([aNode({ name: 'node-a', checks: [PASSES] }), aNode()])
    await tell(cluster, { nodes: [aNode({ name: 'node-a', checks: [FAILS] }), aNode()] }, 2)
    await tell(cluster, { nodes: [aNode({ name: 'node-a', answered: false })] }, 3)
    await tell(cluster, { nodes: [aNode({ name: 'node-a', checks: [PASSES] })] }, 4)

    const response = await askJson(`/clusters/${cluster}/history?node-name=node-a`)

    const turn = { subject: 'node', name: 'node-a', cause: 'report', actor: null }
    expect(await response.json()).toMatchObject({
      events: [
        { ...turn, from: 'failing', to: 'ok' },
        { ...turn, from: 'ok', to: 'failing' },
      ],
    })
    const page = await (await browse(`/clusters/${cluster}/history?node-name=node-a`)).text()
    expect(page).toContain(`<a href="/clusters/${cluster}/nodes/node-a">node-a</a>`)
  })
})

describe('the page of nodes', () => {
  it('is a table of nodes by checks', async () => {
    const cluster = await aCluster()

    const page = await (await browse(`/clusters/${cluster}/nodes`)).text()

    expect(page).toContain('4 nodes, 2 of 3 schedulable pass, 3 must, 1 cordoned')
    expect(page).toContain(`<a href="/clusters/${cluster}/nodes/node-b">node-b</a>`)
    expect(page).toContain('kubelet: HTTP 500')
  })

  it('leads to each node, with what its checks say and where to ask', async () => {
    const cluster = await aCluster()

    const page = await (await browse(`/clusters/${cluster}/nodes/node-b`)).text()

    expect(page).toContain('HTTP 500')
    expect(page).toContain(`/clusters/${cluster}/nodes/node-b/__gtg`)
  })

  it('says so where nothing was told of nodes', async () => {
    const page = await (await browse(`/clusters/${await aCluster(null)}/nodes`)).text()

    expect(page).toContain('No exporter has told of this cluster’s nodes yet')
  })

  it('shows hostile names as text', async () => {
    const name = '<b>&"</b>'
    const cluster = await aCluster([aNode({ name, checks: [{ ...FAILS, name, reason: name }] })])

    const table = await (await browse(`/clusters/${cluster}/nodes`)).text()
    const link = /href="(\/clusters\/[^"]+\/nodes\/[^"]+)"/.exec(table)?.[1] ?? ''
    const page = await (await browse(link)).text()

    expect(table).not.toContain('<b>')
    expect(page).not.toContain('<b>')
    expect(page).toContain('&lt;b&gt;')
  })
})
