/** The node role against an API server: what `/health` says while the Node changes, and while the API server fails. */
import * as v from 'valibot'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startNodeRole } from '../../node-exporter/node/node-role.ts'
import { NODE_TIMINGS, type NodeTimings } from '../../node-exporter/node/node-watch.ts'
import type { Log } from '../../node-exporter/self/log.ts'
import type { World } from '../sandbox/world.ts'
import { aLog } from '../support/exporter/a-log.ts'
import { aKubeconfig, aWorld } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 20 }
/** With much to spare: what is known must not get old while two busy cores are at something else. */
const TIMINGS: NodeTimings = {
  ...NODE_TIMINGS,
  reflector: { ...NODE_TIMINGS.reflector, backoffMs: [50, 200] },
  pings: { everyMs: 50, ackMs: 1000 },
  knownMs: 2000,
  sampleEveryMs: 20,
}
/** Where it is to get old. */
const FORGETFUL = { ...TIMINGS, knownMs: 400 }
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const bodySchema = v.object({
  status: v.string(),
  checks: v.array(
    v.object({
      name: v.string(),
      passed: v.boolean(),
      reason: v.optional(v.string()),
      warning: v.optional(v.string()),
    }),
  ),
})

interface Given {
  nodeName?: string
  log?: Log
  checks?: string[]
  timings?: NodeTimings
}

/** Gives a way to ask, as a load balancer does. */
async function aNodeRole(world: World, { nodeName = 'node-a', ...given }: Given = {}) {
  const role = await startNodeRole(
    {
      nodeName,
      listenPort: 0,
      agentPort: undefined,
      hostRoot: '',
      checks: given.checks ?? ['node_ready'],
      logLevel: 'info',
    },
    {
      log: given.log ?? silent,
      env: { KUBECONFIG: aKubeconfig(world) },
      timings: given.timings ?? TIMINGS,
    },
  )
  onTestFinished(() => role.stop())
  return async (query = '') => {
    const response = await fetch(`http://127.0.0.1:${role.port}/health${query}`)
    const { checks } = v.parse(bodySchema, await response.json())
    return { status: response.status, check: checks[0] }
  }
}

function setReady(world: World, status: string, reason: string): void {
  const conditions = [{ type: 'Ready', status, reason }]
  world.api.patch({ kind: 'Node', name: 'node-a' }, { status: { conditions } })
}

describe('the node', () => {
  it('is ready as the API server says, with no warning', async () => {
    const ask = await aNodeRole(await aWorld())

    await vi.waitFor(async () => {
      const { status, check } = await ask()
      expect(status).toBe(200)
      expect(check).toEqual({ name: 'node_ready', passed: true })
    }, SOON)
  })

  it.each([
    ['False', 'KubeletNotReady'],
    ['Unknown', 'NodeStatusUnknown'],
  ])('is not ready while Ready is %s, and is again after', async (status, reason) => {
    const world = await aWorld()
    const ask = await aNodeRole(world)

    setReady(world, status, reason)
    await vi.waitFor(async () => {
      expect(await ask()).toMatchObject({ status: 503, check: { passed: false } })
      expect((await ask()).check?.reason).toContain(reason)
    }, SOON)
    setReady(world, 'True', 'KubeletReady')

    await vi.waitFor(async () => {
      expect((await ask()).status).toBe(200)
    }, SOON)
  })

  it('is not ready from the first question on', async () => {
    const world = await aWorld()
    setReady(world, 'False', 'KubeletNotReady')

    const ask = await aNodeRole(world)

    expect(await ask()).toMatchObject({ status: 503, check: { passed: false } })
  })

  it('fails when there is no such Node', async () => {
    const ask = await aNodeRole(await aWorld(), { nodeName: 'node-z' })

    await vi.waitFor(async () => {
      expect(await ask()).toMatchObject({ status: 503, check: { passed: false } })
    }, SOON)
  })

  it('is not schedulable while it is cordoned', async () => {
    const world = await aWorld()
    const ask = await aNodeRole(world)

    world.api.patch({ kind: 'Node', name: 'node-a' }, { spec: { unschedulable: true } })

    await vi.waitFor(async () => {
      expect((await ask('?check=schedulable')).status).toBe(503)
    }, SOON)
    expect((await ask()).status).toBe(200)
  })
})

describe('the watch', () => {
  it('is one, of this Node alone, and asks no more while nothing changes', async () => {
    const world = await aWorld()
    const ask = await aNodeRole(world)

    setReady(world, 'False', 'KubeletNotReady')
    await vi.waitFor(async () => {
      expect((await ask()).status).toBe(503)
    }, SOON)

    const asked = world.api.seen.requests.map(({ path, query, watch }) => {
      return [path, new URLSearchParams(query).get('fieldSelector'), watch]
    })
    expect(asked).toEqual([
      ['/api/v1/nodes', 'metadata.name=node-a', false],
      ['/api/v1/nodes', 'metadata.name=node-a', true],
    ])
    const query = new URLSearchParams(world.api.seen.requests[1]?.query)
    expect(Number(query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(50)
  })

  it('keeps the Node known for longer than an answer is worth, by pings alone', async () => {
    const world = await aWorld()
    setReady(world, 'False', 'KubeletNotReady')
    const ask = await aNodeRole(world, { timings: FORGETFUL })
    const answers: number[] = []
    const sinceMs = performance.now()

    await vi.waitFor(async () => {
      answers.push((await ask()).status)
      expect(performance.now() - sinceMs).toBeGreaterThan(4 * FORGETFUL.knownMs)
    }, SOON)

    expect(new Set(answers)).toEqual(new Set([503]))
    expect(world.api.seen.requests).toHaveLength(2)
  })
})

describe('an API server that fails', () => {
  const faults: [string, (world: World) => Promise<void> | void][] = [
    ['is away', (world) => world.api.faults.goAway()],
    [
      'hangs',
      (world) => {
        world.api.faults.hangRequests(true)
      },
    ],
    ['answers 401', (world) => void world.api.faults.answer({ status: 401 })],
    ['answers 403', (world) => void world.api.faults.answer({ status: 403 })],
    ['answers 500', (world) => void world.api.faults.answer({ status: 500 })],
  ]

  it.each(faults)('drains nobody, and it is told: it %s', async (_, fail) => {
    const world = await aWorld()
    const ask = await aNodeRole(world, { timings: FORGETFUL })
    setReady(world, 'False', 'KubeletNotReady')
    await vi.waitFor(async () => {
      expect((await ask()).status).toBe(503)
    }, SOON)

    await fail(world)
    world.api.faults.dropWatches()

    await vi.waitFor(async () => {
      const { status, check } = await ask()
      expect(status).toBe(200)
      expect(check?.warning).toBeTruthy()
    }, SOON)
  })

  it('is no reason to pass while it only takes its time', async () => {
    const world = await aWorld()
    setReady(world, 'False', 'KubeletNotReady')
    const ask = await aNodeRole(world)
    const answers: number[] = []

    await vi.waitFor(() => {
      expect(world.api.seen.openWatches).toBe(1)
    }, SOON)
    world.api.faults.delay(150)
    for (const watches of [2, 3, 4]) {
      world.api.faults.dropWatches()
      // oxlint-disable-next-line no-await-in-loop -- one after another: each watch must be resumed before the next is cut
      await vi.waitFor(async () => {
        answers.push((await ask()).status)
        expect(world.api.seen.requests.filter(({ watch }) => watch)).toHaveLength(watches)
        expect(world.api.seen.openWatches).toBe(1)
      }, SOON)
    }

    expect(new Set(answers)).toEqual(new Set([503]))
  })

  it('is logged once with its reason, also when it is so from the start', async () => {
    const world = await aWorld()
    const { log, lines } = aLog()
    const allow = world.api.faults.answer({ status: 403 })
    const ask = await aNodeRole(world, { log })
    await vi.waitFor(async () => {
      expect((await ask()).check?.warning).toContain('give the user')
    }, SOON)

    allow()
    await vi.waitFor(async () => {
      expect((await ask()).check?.warning).toBeUndefined()
    }, SOON)

    const told = lines.map((line) => /kube_api [^"]*/.exec(line)?.[0]).filter(Boolean)
    expect(told).toEqual([
      'kube_api degraded: HTTP 403: the API server was told to answer 403; give the user that it names \\',
      'kube_api healthy',
    ])
  })

  it('is heard again when it is back', async () => {
    const world = await aWorld()
    const ask = await aNodeRole(world, { timings: FORGETFUL })
    await world.api.faults.goAway()
    await vi.waitFor(async () => {
      expect((await ask()).check?.warning).toBeTruthy()
    }, SOON)

    setReady(world, 'False', 'KubeletNotReady')
    await world.api.faults.comeBack()

    await vi.waitFor(async () => {
      expect((await ask()).status).toBe(503)
    }, SOON)
  })
})
