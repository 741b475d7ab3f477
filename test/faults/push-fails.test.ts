/** The way to the edge fails: reports are refused, lost on the way there, or their replies on the way back. */
import { describe, expect, it, vi } from 'vitest'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { anEdge, anExporter, askGtg, aWorld } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 20 }
const FAST = { timings: { pushTimeoutMs: 150 } }

const FAULTS = [
  ['refused', { status: 503 }],
  ['lost', 'lose the request'],
  ['refused for too many', { status: 429, retryAfterSeconds: 3600 }],
] as const

describe('the snapshot that says "down"', () => {
  it.each(IS_LONG ? FAULTS : FAULTS.slice(0, 2))(
    'is %s: the old verdict is never renewed by heartbeats',
    async (_, fault) => {
      const world = await aWorld()
      const [pod = ''] = await world.addService({ name: 'web' })
      const edge = await anEdge({ DEAD_AFTER_SECONDS: '2' })
      await anExporter(world, edge.url, FAST)
      await vi.waitFor(async () => {
        expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
      }, SOON)

      edge.faultKind = 'snapshot'
      edge.fault = fault
      await world.pods.set(pod, { kind: 'failing' })

      await vi.waitFor(async () => {
        expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'stale' })
      }, SOON)
      edge.fault = 'none'
      await vi.waitFor(async () => {
        expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'unhealthy' })
      }, SOON)
    },
  )

  it('arrives although its reply is lost', async () => {
    const world = await aWorld()
    const [pod = ''] = await world.addService({ name: 'web' })
    const edge = await anEdge()
    const exporter = await anExporter(world, edge.url, FAST)
    await vi.waitFor(async () => {
      expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
    }, SOON)

    edge.fault = 'lose the reply'
    await world.pods.set(pod, { kind: 'failing' })
    await vi.waitFor(async () => {
      expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'unhealthy' })
    }, SOON)
    edge.fault = 'none'

    await vi.waitFor(() => {
      expect(edge.passed.at(-1)).toMatchObject({ status: 202, report: { kind: 'heartbeat' } })
    }, SOON)
    expect(exporter.isSuperseded()).toBe(false)
  })
})

describe('a Worker that comes back', () => {
  it('hears within one interval, however long it was away', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge()
    await anExporter(world, edge.url, { env: { INTERVAL_SECONDS: '1' } })
    await vi.waitFor(async () => {
      expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
    }, SOON)

    edge.fault = { status: 503, retryAfterSeconds: 3600 }
    await vi.waitFor(() => {
      expect(edge.passed.filter(({ status }) => status === 503).length).toBeGreaterThan(3)
    }, SOON)
    edge.fault = 'none'
    const backMs = Date.now()

    await vi.waitFor(() => {
      expect(edge.passed.at(-1)?.status).toBe(202)
    }, SOON)
    expect((edge.passed.at(-1)?.atMs ?? Infinity) - backMs).toBeLessThan(1500)
  })
})
