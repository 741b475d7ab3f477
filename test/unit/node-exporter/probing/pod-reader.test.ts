/** Whether a pod has never been ready, as the Pod itself tells it. */
import { describe, expect, it, vi } from 'vitest'
import { KubeError } from '../../../../node-exporter/discovery/kube-api.ts'
import { findStart, PodReader } from '../../../../node-exporter/probing/pod-reader.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'

const START = '2026-11-30T10:00:00Z'
const startedAtMs = Date.parse(START)

function aPod({
  ready = {},
  uid = 'u1',
  startTime = START,
}: { ready?: Record<string, string> | null; uid?: string; startTime?: string | null } = {}) {
  const conditions = [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: START },
    ...(ready === null
      ? []
      : [{ type: 'Ready', status: 'False', lastTransitionTime: START, ...ready }]),
  ]
  return { metadata: { name: 'web-1', uid }, status: { startTime, conditions } }
}

describe('the start of a pod', () => {
  const later = (seconds: number) => new Date(startedAtMs + seconds * 1000).toISOString()

  it.each<[string, unknown, ReturnType<typeof findStart>]>([
    ['not ready since its start', aPod(), { startedAtMs }],
    ['its times rounded apart', aPod({ ready: { lastTransitionTime: later(1) } }), { startedAtMs }],
    ['not told ready or not yet', aPod({ ready: null }), { startedAtMs }],
    ['not ready since later', aPod({ ready: { lastTransitionTime: later(2) } }), 'has-been-ready'],
    ['lost with its node', aPod({ ready: { status: 'Unknown' } }), 'has-been-ready'],
    ['ready', aPod({ ready: { status: 'True', lastTransitionTime: later(9) } }), 'ready'],
    ['not started', aPod({ startTime: null }), 'unread'],
    ['another one of the same name', aPod({ uid: 'u2' }), 'unread'],
    ['no Pod', { kind: 'Status' }, 'unread'],
  ])('is told by its times: %s', (_, object, expected) => {
    expect(findStart(object, 'u1')).toEqual(expected)
  })
})

describe('a pod that can’t be read', () => {
  const target = aKnownTarget({ namespace: 'shop', uid: 'u1' })
  const elsewhere = aKnownTarget({ namespace: 'free', uid: 'u1' })
  const paths = {
    shop: '/api/v1/namespaces/shop/pods/web-1',
    free: '/api/v1/namespaces/free/pods/web-1',
  }

  /** `refusal`: of namespace shop. */
  function aReader(refusal: KubeError) {
    const asked: string[] = []
    const api = {
      send: ({ path }: { path: string }) => {
        asked.push(path)
        return path === paths.shop ? Promise.reject(refusal) : Promise.resolve(aPod())
      },
    }
    return { reader: new PodReader(api, { timeoutMs: 1000, pauseMs: 60_000 }), asked }
  }

  it('by a missing right is told in a warning, and others are read all the same', async () => {
    const { reader, asked } = aReader(new KubeError('HTTP 403: no', 403))

    const starts = [
      await reader.read(target),
      await reader.read(target),
      await reader.read(elsewhere),
    ]

    expect(starts).toEqual(['unread', 'unread', { startedAtMs }])
    expect(asked).toEqual([paths.shop, paths.free])
    expect(reader.warnings()).toEqual([
      {
        subject: 'Pods of namespace shop',
        message: "can't be read, so pods that are starting count as failing: HTTP 403: no",
      },
    ])
  })

  it.each([null, 429, 503])('for want of the API server (%s) pauses them all', async (status) => {
    const { reader, asked } = aReader(new KubeError('no', status))

    const starts = [await reader.read(target), await reader.read(elsewhere)]

    expect([starts, asked]).toEqual([['unread', 'unread'], [paths.shop]])
    expect(reader.warnings()).toMatchObject([{ subject: 'Pods' }])
  })

  it('is no fault when it was deleted just now', async () => {
    const { reader } = aReader(new KubeError('HTTP 404: no', 404))

    expect([await reader.read(target), reader.warnings()]).toEqual(['unread', []])
  })
})

describe('many pods at once', () => {
  /** Nothing is answered until it is let. */
  function aGatedReader(timeoutMs: number) {
    const gate = Promise.withResolvers<unknown>()
    const asked: string[] = []
    const api = {
      send: ({ path }: { path: string }) => {
        asked.push(path)
        return gate.promise
      },
    }
    return { reader: new PodReader(api, { timeoutMs, pauseMs: 60_000 }), asked, gate }
  }

  const inNamespace = (namespace: string, count: number) =>
    Array.from({ length: count }, (_, i) => aKnownTarget({ namespace, id: `web-${i}`, uid: 'u1' }))

  it('of one namespace leave room for those of another', async () => {
    const { reader, asked, gate } = aGatedReader(10_000)
    const flood = inNamespace('flood', 100).map((target) => reader.read(target))
    const mine = inNamespace('mine', 3).map((target) => reader.read(target))

    await vi.waitFor(() => {
      expect(asked.filter((path) => path.includes('/mine/'))).toHaveLength(3)
    })
    expect(asked.filter((path) => path.includes('/flood/'))).toHaveLength(8)
    gate.resolve(aPod())

    expect(await Promise.all(mine)).toEqual(mine.map(() => ({ startedAtMs })))
    await Promise.all(flood)
  })

  it('are unread whose turn comes too late, and nothing is told of the API server', async () => {
    const { reader, asked, gate } = aGatedReader(50)
    const starts = inNamespace('flood', 20).map((target) => reader.read(target))
    await vi.waitFor(() => {
      expect(asked).toHaveLength(8)
    })
    const untilMs = performance.now() + 60
    await vi.waitFor(() => {
      expect(performance.now()).toBeGreaterThan(untilMs)
    })
    gate.resolve(aPod())

    expect((await Promise.all(starts)).slice(8)).toEqual(Array(12).fill('unread'))
    expect(asked).toHaveLength(8)
    expect(reader.warnings()).toEqual([])
  })
})
