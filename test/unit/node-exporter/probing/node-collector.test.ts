/** When each node is asked and what is kept of it, by scripted answers and fake timers. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { KnownNode } from '../../../../node-exporter/discovery/nodes.ts'
import type { Asked } from '../../../../node-exporter/probing/ask.ts'
import {
  NodeCollector,
  type NodeCollectorOptions,
} from '../../../../node-exporter/probing/node-collector.ts'

const PERIOD_MS = 10_000
const TIMEOUT_MS = 3000

const GOOD = answer([{ name: 'node_ready', passed: true }])
const BAD = answer([{ name: 'node_ready', passed: false, reason: 'KubeletNotReady' }])
const REFUSED: Asked = { isAnswer: false, reason: 'refused', mayRetry: true }

type Script = (node: string, nth: number) => Asked | Promise<Asked>

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

function answer(checks: object[]): Asked {
  return { isAnswer: true, status: 200, contentType: '', text: JSON.stringify({ checks }) }
}

/** Its exporter's address is its own name. */
function aKnownNode(name: string, given: Partial<KnownNode> = {}): KnownNode {
  const exporter = { namespace: 'p', pod: name, scheme: 'http', port: 25_001 } as const
  return {
    name,
    isSchedulable: true,
    isReady: true,
    exporter: { ...exporter, address: name },
    ...given,
  }
}

function nodes(count: number): KnownNode[] {
  return Array.from({ length: count }, (_, i) => aKnownNode(`node-${i}`))
}

/** `script`: what the nth question to an address, from 0, comes to. */
function aCollector(script: Script = () => GOOD, given: Partial<NodeCollectorOptions> = {}) {
  const asked: { address: string; path: string; timeoutMs: number; atMs: number }[] = []
  const changes: string[] = []
  const collector = new NodeCollector({
    ask: async ({ address, path }, timeoutMs) => {
      const nth = asked.filter((one) => one.address === address).length
      asked.push({ address, path, timeoutMs, atMs: performance.now() })
      return script(address, nth)
    },
    checks: ['node_ready'],
    selector: 'app=nodes',
    periodMs: PERIOD_MS,
    timeoutMs: TIMEOUT_MS,
    onChange: (what) => {
      changes.push(what)
    },
    ...given,
  })
  onTestFinished(() => {
    collector.stop()
  })
  return { collector, asked, changes }
}

async function pass(ms = 1): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

async function inTime<T>(ms: number, value: T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return value
}

describe('a node', () => {
  it('is asked for the configured checks, with the time limit', async () => {
    const { collector, asked } = aCollector(undefined, { checks: ['node_ready', 'a&b'] })

    collector.follow([aKnownNode('node-a')])
    await pass()

    expect(asked).toMatchObject([
      { address: 'node-a', path: '/health?check=node_ready,a%26b', timeoutMs: TIMEOUT_MS },
    ])
  })

  it('is asked once an interval', async () => {
    const { collector, asked } = aCollector()

    collector.follow([aKnownNode('node-a')])
    await pass(3 * PERIOD_MS + 1)

    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 10_000, 20_000, 30_000])
  })

  it('is described by its answer and its Node object', async () => {
    const { collector } = aCollector(() => BAD)

    collector.follow([aKnownNode('node-a', { isSchedulable: false, isReady: false })])
    await pass()

    expect(collector.describe()).toEqual([
      {
        name: 'node-a',
        schedulable: false,
        ready: false,
        answered: true,
        checks: [{ name: 'node_ready', passed: false, reason: 'KubeletNotReady' }],
      },
    ])
  })

  it.each<[string, Asked]>([
    ['refuses', REFUSED],
    ['answers garbage', { isAnswer: true, status: 200, contentType: '', text: '<html>' }],
    ['answers 500', { isAnswer: true, status: 500, contentType: '', text: '{"checks":[]}' }],
  ])('is unknown at once when it %s, and is asked again an interval later', async (_, fault) => {
    const { collector, asked, changes } = aCollector((_node, nth) => (nth === 1 ? fault : GOOD))
    collector.follow([aKnownNode('node-a')])
    await pass(PERIOD_MS + 1)

    expect(collector.describe()).toMatchObject([{ answered: false, checks: [] }])
    expect(asked).toHaveLength(2)
    await pass(PERIOD_MS)
    expect(collector.describe()).toMatchObject([{ answered: true }])
    expect(changes).toEqual(['verdict', 'verdict', 'verdict'])
  })

  it('stays as it is while nothing can be learned of it', async () => {
    const { collector, changes } = aCollector((_node, nth) => (nth === 1 ? null : GOOD))

    collector.follow([aKnownNode('node-a')])
    await pass(PERIOD_MS + 1)

    expect(collector.describe()).toMatchObject([{ answered: true }])
    expect(changes).toEqual(['verdict'])
  })

  it('is asked in time though very many others hang', async () => {
    const { collector, asked } = aCollector((node) =>
      node === 'node-0' ? GOOD : inTime(TIMEOUT_MS, REFUSED),
    )
    collector.follow(nodes(1000))
    await pass(60_000) // each of them was found silent once

    const before = asked.filter(({ address }) => address === 'node-0').length
    await pass(3 * PERIOD_MS)

    expect(asked.filter(({ address }) => address === 'node-0')).toHaveLength(before + 3)
  })

  it('without an exporter is unknown, and nobody is asked', async () => {
    const { collector, asked } = aCollector()

    collector.follow([aKnownNode('node-a', { exporter: null })])
    await pass()

    expect(collector.describe()).toMatchObject([{ ready: true, answered: false, checks: [] }])
    expect(asked).toEqual([])
  })
})

describe('the nodes', () => {
  it('are null until each was asked once', async () => {
    const slow: Script = (node) => (node === 'node-1' ? inTime(2000, GOOD) : GOOD)
    const { collector, changes } = aCollector(slow)

    collector.follow(nodes(2))
    await pass(1999)
    expect([collector.describe(), changes]).toEqual([null, []])
    await pass(2)

    expect(collector.describe()).toHaveLength(2)
    expect(changes).toEqual(['verdict'])
  })

  it('stay as they were while nobody knows them', async () => {
    const { collector, asked } = aCollector()
    collector.follow(nodes(2))
    await pass()

    collector.follow(null)
    await pass(PERIOD_MS)

    expect(collector.describe()).toHaveLength(2)
    expect(asked).toHaveLength(4)
  })

  it('are asked 64 at once, and no more', async () => {
    let [running, most] = [0, 0]
    const { collector } = aCollector(async () => {
      most = Math.max(most, ++running)
      await inTime(10, null)
      running -= 1
      return GOOD
    })

    collector.follow(nodes(200))
    await pass(40)

    expect(most).toBe(64)
    expect(collector.describe()?.every(({ answered }) => answered)).toBe(true)
  })

  it('are not asked any more after the stop', async () => {
    const { collector, asked, changes } = aCollector(() => inTime(10, GOOD))
    collector.follow(nodes(100))

    collector.stop()
    await pass(2 * PERIOD_MS)
    collector.follow(nodes(101))

    expect(asked.length).toBeLessThanOrEqual(64)
    expect(changes).toEqual([])
  })
})

describe('what happens to a node', () => {
  async function settled(script?: Script) {
    const all = aCollector(script)
    all.collector.follow([aKnownNode('node-a'), aKnownNode('node-b')])
    await pass()
    all.changes.length = 0
    all.asked.length = 0
    return all
  }

  it.each<[string, KnownNode[]]>([
    ['it is cordoned', [aKnownNode('node-a', { isSchedulable: false }), aKnownNode('node-b')]],
    ['it is not Ready', [aKnownNode('node-a', { isReady: false }), aKnownNode('node-b')]],
    ['it goes', [aKnownNode('node-b')]],
    ['its exporter goes', [aKnownNode('node-a', { exporter: null }), aKnownNode('node-b')]],
  ])('is told at once, and costs no question: %s', async (_, next) => {
    const { collector, asked, changes } = await settled()

    collector.follow(next)

    expect(changes).toEqual(['verdict'])
    await pass()
    expect(asked).toEqual([])
  })

  it('is told when another comes, which is asked at once', async () => {
    const { collector, asked, changes } = await settled()

    collector.follow(['node-a', 'node-b', 'node-c'].map((name) => aKnownNode(name)))
    await pass()

    expect(asked).toMatchObject([{ address: 'node-c' }])
    expect(changes).toEqual(['verdict', 'verdict'])
    expect(collector.describe()?.[2]).toMatchObject({ name: 'node-c', answered: true })
  })

  it('is no news while all is the same', async () => {
    const { collector, asked, changes } = await settled()

    collector.follow([aKnownNode('node-a'), aKnownNode('node-b')])
    await pass(PERIOD_MS)

    expect(changes).toEqual([])
    expect(asked).toHaveLength(2)
  })

  it('keeps its last answer until its new pod has been asked, which is at once', async () => {
    const { collector, asked, changes } = await settled((node) =>
      node === 'moved' ? inTime(100, BAD) : GOOD,
    )
    const exporter = aKnownNode('moved').exporter

    collector.follow([aKnownNode('node-a', { exporter }), aKnownNode('node-b')])
    await pass(99)
    expect(collector.describe()).toMatchObject([{ answered: true, checks: [{ passed: true }] }, {}])
    await pass(2)

    expect(asked).toMatchObject([{ address: 'moved' }])
    expect(collector.describe()).toMatchObject([{ checks: [{ passed: false }] }, {}])
    expect(changes).toEqual(['verdict'])
  })

  it('takes no answer from a pod that was replaced meanwhile', async () => {
    let isSlow = false
    const { collector, asked, changes } = await settled((node) =>
      isSlow && node === 'node-a' ? inTime(500, BAD) : GOOD,
    )
    isSlow = true
    await pass(PERIOD_MS)
    expect(asked).toMatchObject([{ address: 'node-a' }, { address: 'node-b' }])

    const exporter = aKnownNode('moved').exporter
    collector.follow([aKnownNode('node-a', { exporter }), aKnownNode('node-b')])
    await pass(1000)

    expect(collector.describe()).toMatchObject([{ checks: [{ passed: true }] }, {}])
    expect(changes).toEqual([])
  })
})

describe('a change', () => {
  const told = (given: object) => answer([{ name: 'node_ready', passed: true, ...given }])
  it.each<[string, Asked, string[]]>([
    ['of whether a check passes bears on verdicts', BAD, ['verdict']],
    ['of which checks there are bears on verdicts', told({ name: 'kubelet' }), ['verdict']],
    ['of a warning is only text', told({ warning: 'the API server is away' }), ['text']],
    ['of the time it took is none', told({ duration_ms: 7 }), []],
  ])('%s', async (_, second, expected) => {
    const { collector, changes } = aCollector((_node, nth) => (nth === 0 ? GOOD : second))
    collector.follow([aKnownNode('node-a')])
    await pass()
    changes.length = 0

    await pass(PERIOD_MS)

    expect(changes).toEqual(expected)
  })
})

describe('the component', () => {
  it('says nothing of nodes that are not known yet', () => {
    const { collector } = aCollector()

    expect(collector.health()).toEqual({
      status: 'unspecified',
      message: 'the nodes are not known yet',
    })
  })

  it('is healthy when all answer, whatever their checks say', async () => {
    const { collector } = aCollector(() => BAD)

    collector.follow(nodes(3))
    await pass()

    expect(collector.health()).toEqual({ status: 'healthy' })
  })

  it('is healthy where the node role is not deployed, and says so', async () => {
    const { collector } = aCollector()

    collector.follow([aKnownNode('node-a', { exporter: null })])
    await pass()

    expect(collector.health()).toEqual({
      status: 'healthy',
      message: 'no pod is known that matches app=nodes',
    })
  })

  it.each<[string, number, string]>([
    ['three', 3, "3 of 20 nodes don't answer: node-0, node-1, node-2"],
    ['four', 4, "4 of 20 nodes don't answer: node-0, node-1, node-2 and more"],
  ])('is degraded while nodes are silent, and names the first: %s', async (_, silent, message) => {
    const { collector } = aCollector((node) => (Number(node.slice(5)) < silent ? REFUSED : GOOD))

    collector.follow(nodes(20))
    await pass()

    expect(collector.health()).toEqual({ status: 'degraded', message })
  })

  it('is degraded while the collection stands still, and well again after', async () => {
    let isStuck = true
    const stuck: Script = (_, nth) => (nth === 1 && isStuck ? inTime(60_000, GOOD) : GOOD)
    const { collector } = aCollector(stuck)
    collector.follow(nodes(2))

    await pass(PERIOD_MS + TIMEOUT_MS + 1000)
    expect(collector.health()).toEqual({ status: 'healthy' })
    await pass(1500)
    expect(collector.health()).toEqual({ status: 'degraded', message: 'behind by 2 s' })

    isStuck = false
    await pass(60_000)
    expect(collector.health()).toEqual({ status: 'healthy' })
  })

  it('is not behind because 200 nodes hang as long as they may', async () => {
    const { collector } = aCollector(() => inTime(TIMEOUT_MS, REFUSED))
    collector.follow(nodes(200))

    for (let second = 0; second < 60; second++) {
      // Each second of a minute.
      // oxlint-disable-next-line no-await-in-loop
      await pass(1000)
      expect(collector.health().message ?? '').not.toContain('behind')
    }
    expect(collector.health().message).toContain("200 of 200 nodes don't answer")
  })
})
