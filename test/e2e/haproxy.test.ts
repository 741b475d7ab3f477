/**
 * HAProxy itself with the settings of docs/probers.md: a node and a cluster go out when a check fails and come back. Only
 * addresses, names, timings and the authority of the edge's certificate are replaced; checks of the edge go over TLS.
 */
import { once } from 'node:events'
import { loadYaml } from '@kubernetes/client-node'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ENDPOINT_LIMITS } from '../../node-exporter/node/endpoint.ts'
import { startNodeRole } from '../../node-exporter/node/node-role.ts'
import { NODE_TIMINGS } from '../../node-exporter/node/node-watch.ts'
import { OpenServer } from '../../node-exporter/self/open-server.ts'
import type { World } from '../sandbox/world.ts'
import { aFailingTarget, aContent, aNode, aService, aSnapshot } from '../support/a-report.ts'
import { pushTo } from '../support/exporter/a-push.ts'
import { aKubeconfig, aWorker, aWorld } from '../support/exporter/a-setup.ts'
import { findDeadPort } from '../support/exporter/local-server.ts'
import {
  complaintsOf,
  isHaproxyInstalled,
  readSnippets,
  startHaproxy,
  substitute,
} from '../support/exporter/haproxy.ts'
import { aTlsFront } from '../support/exporter/tls-front.ts'

const SOON = { timeout: 10_000, interval: 20 }
const TIMINGS = { ...NODE_TIMINGS, sampleEveryMs: 20, agentReadyMs: 1000 }
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const noHaproxy = !isHaproxyInstalled()

/** How HAProxy may ask: the page's own way, and others that have to lead to the same. */
const METHODS: [string, [RegExp, string][]][] = [
  ['GET', []],
  ['HEAD', [[/meth GET/, 'meth HEAD']]],
  ['OPTIONS', [[/meth GET/, 'meth OPTIONS']]],
]
/** What `option httpchk` does by itself: OPTIONS over HTTP/1.0, any 2xx and 3xx is up. An edge needs a Host even so. */
const ANY_UP: [RegExp, string] = [/.*expect status.*\n/, '']
const BY_DEFAULT: [RegExp, string][] = [[/meth GET (.*) ver HTTP\/1.1/, '$1'], ANY_UP]
const WITHOUT_HOST: [RegExp, string][] = [[/meth GET (.*) ver HTTP\/1.1.*/, '$1'], ANY_UP]

/** Checks that begin with a PROXY header, as a server that takes one for its traffic is checked. */
const WITH_PROXY_HEADER: [string, [RegExp, string][]][] = [
  ['check-send-proxy', [[/default-server check/, 'default-server check check-send-proxy']]],
  ['send-proxy', [[/default-server check/, 'default-server check send-proxy check-send-proxy']]],
  [
    'send-proxy-v2',
    [[/default-server check/, 'default-server check send-proxy-v2 check-send-proxy']],
  ],
  [
    'send-proxy-v2, without a Host',
    [
      ...WITHOUT_HOST,
      [/default-server check/, 'default-server check send-proxy-v2 check-send-proxy'],
    ],
  ],
  [
    'HTTP/1.1 without a Host',
    [
      [/ hdr Host.*/, ''],
      [/default-server check/, 'default-server check check-send-proxy'],
    ],
  ],
]

/** Short timings and a check that can pass here: no kubelet listens on this machine. */
const FAST: [string, string] = ['inter 5s', 'inter 50ms']
const HERE: [string, string][] = [FAST, ['check=node_ready,kubelet', 'check=node_ready']]

interface Pool {
  /** What a server is in words: `UP`, `DOWN`, `DRAIN (agent)`. */
  stateOf(name: string): Promise<string | undefined>
  serverOf(name: string): Promise<Record<string, string>>
  command(line: string): Promise<string>
  /** Who answers eight requests in a row; a status where it isn't 200. */
  whoAnswers(): Promise<string[]>
}

async function aPool(config: string): Promise<Pool> {
  const port = await findDeadPort()
  const haproxy = await startHaproxy(config.replace('bind :80', `bind 127.0.0.1:${port}`))
  const url = `http://127.0.0.1:${port}/`
  return {
    ...haproxy,
    stateOf: async (name) => (await haproxy.serverOf(name))['status'],
    whoAnswers: async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const response = await fetch(url)
          const text = await response.text()
          return response.ok ? text : String(response.status)
        }),
      )
      return [...new Set(answers)].toSorted()
    },
  }
}

/** A server of traffic that says its name, whether or not HAProxy sends a PROXY header. */
async function aServer(name: string): Promise<string> {
  const server = new OpenServer(ENDPOINT_LIMITS, (_, response) => response.end(name))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return `server ${name} 127.0.0.1:${port}`
}

/** node-a and node-b: a node role for each, and an ingress beside it. */
async function aNodePool(world: World, name: string, more: [RegExp | string, string][] = []) {
  const kubeconfig = aKubeconfig(world)
  const lines = ['node-a', 'node-b'].map(async (nodeName): Promise<[RegExp, string]> => {
    const role = await startNodeRole(
      {
        nodeName,
        listenPort: 0,
        agentPort: 0,
        hostRoot: '',
        checks: ['node_ready'],
        logLevel: 'info',
      },
      { log: silent, env: { KUBECONFIG: kubeconfig }, timings: TIMINGS },
    )
    onTestFinished(() => role.stop())
    const ports = `port ${role.port}${name.includes('agent') ? ` agent-port ${role.agentPort}` : ''}`
    return [new RegExp(`server ${nodeName} \\S+`), `${await aServer(nodeName)} ${ports}`]
  })
  return aPool(substitute(name, [...more, ...HERE, ...(await Promise.all(lines))]))
}

function setReady(world: World, name: string, status: 'True' | 'False'): void {
  const reason = status === 'True' ? 'KubeletReady' : 'KubeletNotReady'
  world.api.patch(
    { kind: 'Node', name },
    { status: { conditions: [{ type: 'Ready', status, reason }] } },
  )
}

function cordon(world: World, name: string, unschedulable: boolean): void {
  world.api.patch({ kind: 'Node', name }, { spec: { unschedulable } })
}

async function until(pool: Pool, states: Record<string, string>): Promise<void> {
  await vi.waitFor(async () => {
    const names = Object.keys(states)
    const found = await Promise.all(names.map(async (name) => [name, await pool.stateOf(name)]))
    expect(Object.fromEntries(found)).toEqual(states)
  }, SOON)
}

/** What HAProxy says of the last check; nothing while the next one is under way. */
async function untilSeen(pool: Pool, name: string, seen: Record<string, RegExp>): Promise<void> {
  await vi.waitFor(async () => {
    const row = await pool.serverOf(name)
    for (const [column, pattern] of Object.entries(seen)) expect(row[column]).toMatch(pattern)
  }, SOON)
}

describe.skipIf(noHaproxy)('the page', () => {
  const configs = readSnippets().filter(({ language }) => language === 'haproxy')

  it.each(configs)('has a $name that HAProxy takes without a warning', ({ text }) => {
    expect(complaintsOf(text)).toBe('')
  })
})

it('holds JSON and YAML that parses', () => {
  const of = (language: string) => readSnippets().filter((known) => known.language === language)
  for (const { text } of of('json')) expect(JSON.parse(text)).toBeTypeOf('object')
  for (const { text } of of('yaml')) expect(loadYaml(text)).toBeTypeOf('object')
})

describe.skipIf(noHaproxy)('the node’s own endpoint', () => {
  it.each([
    ...METHODS,
    ['as HAProxy does by default', WITHOUT_HOST] as const,
    ...WITH_PROXY_HEADER,
  ])('takes its node out and brings it back: %s', async (_, method) => {
    const world = await aWorld()
    const pool = await aNodePool(world, 'nodes.cfg', method)
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-a', 'node-b'])

    setReady(world, 'node-a', 'False')
    await until(pool, { 'node-a': 'DOWN', 'node-b': 'UP' })
    await untilSeen(pool, 'node-a', { check_status: /^L7STS$/, check_code: /^503$/ })
    expect(await pool.whoAnswers()).toEqual(['node-b'])

    setReady(world, 'node-a', 'True')
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-a', 'node-b'])
  })
})

describe.skipIf(noHaproxy)('the agent-check', () => {
  // The HTTP check beside it is kept from acting, so that only the agent can.
  const agentOnly: [string, string][] = [['fall 3', 'fall 1000']]

  it('takes its node out with the reason, and brings it back', async () => {
    const world = await aWorld()
    const pool = await aNodePool(world, 'nodes-agent.cfg', agentOnly)
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })

    setReady(world, 'node-a', 'False')
    await until(pool, { 'node-a': 'DOWN (agent)', 'node-b': 'UP' })
    await untilSeen(pool, 'node-a', {
      last_agt: /node_ready: .*KubeletNotReady/,
    })
    expect(await pool.whoAnswers()).toEqual(['node-b'])

    setReady(world, 'node-a', 'True')
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-a', 'node-b'])
  })

  it('drains a node while it is cordoned', async () => {
    const world = await aWorld()
    const pool = await aNodePool(world, 'nodes-agent.cfg', agentOnly)
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })

    cordon(world, 'node-a', true)
    await until(pool, { 'node-a': 'DRAIN (agent)', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-b'])

    cordon(world, 'node-a', false)
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-a', 'node-b'])
  })

  it('leaves alone what was set by hand, and goes on with the others', async () => {
    const world = await aWorld()
    const pool = await aNodePool(world, 'nodes-agent.cfg', agentOnly)
    const startedAtMs = performance.now() // at the latest: until then an agent may take the drain back
    await vi.waitFor(() => {
      expect(performance.now() - startedAtMs).toBeGreaterThan(TIMINGS.agentReadyMs)
    }, SOON)

    await pool.command('set server nodes/node-a state maint')
    cordon(world, 'node-b', true)
    await until(pool, { 'node-a': 'MAINT', 'node-b': 'DRAIN (agent)' })
    cordon(world, 'node-b', false)

    await until(pool, { 'node-a': 'MAINT', 'node-b': 'UP' })
    expect(await pool.whoAnswers()).toEqual(['node-b'])
  })

  it('tells a cordoned node that fails from one that is well', async () => {
    const world = await aWorld()
    const pool = await aNodePool(world, 'nodes-agent.cfg', agentOnly)
    cordon(world, 'node-a', true)
    await until(pool, { 'node-a': 'DRAIN (agent)' })

    setReady(world, 'node-a', 'False')
    await until(pool, { 'node-a': 'DOWN (agent)' })
    setReady(world, 'node-a', 'True')
    await until(pool, { 'node-a': 'DRAIN (agent)' })

    cordon(world, 'node-a', false)
    await until(pool, { 'node-a': 'UP' })
  })
})

/** Pushes what a cluster's exporter would, one report newer each time. */
function aCluster(workerUrl: string, cluster: string) {
  let sequence = 0
  return async (content: Parameters<typeof aContent>[0]) => {
    sequence += 1
    const observedAt = Date.now()
    const report = aSnapshot({ cluster, sequence, observedAt, content: aContent(content) })
    expect((await pushTo(workerUrl, report)).status).toBe(202)
  }
}

const WELL = { services: [aService()] }
const FAILING = { services: [aService({ targets: [aFailingTarget()] })] }

/** The addresses of the edge, and what its certificate is vouched for by. */
async function anEdge(workerUrl: string) {
  const front = await aTlsFront('health.example.com', workerUrl)
  const replacements: [RegExp | string, string][] = [
    ['addr 192.0.2.80 port 443', `addr 127.0.0.1 port ${front.port}`],
    ['@system-ca', front.caFile],
  ]
  return { front, replacements }
}

/** Only GET has a body to look into. */
const NO_BODY: [RegExp, string][] = [[/.*expect string.*\n/, '']]

describe.skipIf(noHaproxy)('a cluster at the Worker', () => {
  it('is taken out and brought back, however it is asked', async () => {
    const { url } = await aWorker()
    const [first, second] = [aCluster(url, 'c0'), aCluster(url, 'c1')]
    await Promise.all([first(WELL), second(WELL)])
    const { front, replacements } = await anEdge(url)
    const servers: [RegExp, string][] = [
      [/server prod-eu \S+/, await aServer('c0')],
      [/server prod-us \S+/, await aServer('c1')],
    ]
    const pools = await Promise.all(
      [...METHODS.map(([, method]) => method), BY_DEFAULT].map((method) => {
        const body = method.length === 0 ? [] : NO_BODY
        const all = [...method, ...body, ...replacements, ...servers, FAST]
        return aPool(substitute('clusters.cfg', all))
      }),
    )
    const untilAll = (states: Record<string, string>) =>
      Promise.all(pools.map((pool) => until(pool, states)))
    await untilAll({ c0: 'UP', c1: 'UP' })

    await first(FAILING)
    await untilAll({ c0: 'DOWN', c1: 'UP' })
    await Promise.all(
      pools.map(async (pool) => {
        await untilSeen(pool, 'c0', { check_status: /^L7STS$/, check_code: /^503$/ })
        expect(await pool.whoAnswers()).toEqual(['c1'])
      }),
    )

    await first(WELL)
    await untilAll({ c0: 'UP', c1: 'UP' })
    expect(new Set(front.serverNames)).toEqual(new Set(['health.example.com']))
  })
})

describe.skipIf(noHaproxy)('a node at the Worker', () => {
  const nodes = (passed: boolean) => ({
    nodes: ['node-a', 'node-b'].map((name) =>
      aNode({ name, checks: [{ name: 'node_ready', passed: name === 'node-b' || passed }] }),
    ),
  })

  it('is taken out and brought back', async () => {
    const { url } = await aWorker()
    const push = aCluster(url, 'c0')
    await push(nodes(true))
    const { replacements } = await anEdge(url)
    const pool = await aPool(
      substitute('nodes-worker.cfg', [
        ...replacements,
        ...HERE,
        ['clusters/prod-eu/', 'clusters/c0/'],
        [/server node-a \S+/, await aServer('node-a')],
        [/server node-b \S+/, await aServer('node-b')],
      ]),
    )
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })

    await push(nodes(false))
    await until(pool, { 'node-a': 'DOWN', 'node-b': 'UP' })
    await untilSeen(pool, 'node-a', { check_status: /^L7STS$/, check_code: /^503$/ })
    expect(await pool.whoAnswers()).toEqual(['node-b'])

    await push(nodes(true))
    await until(pool, { 'node-a': 'UP', 'node-b': 'UP' })
  })
})
