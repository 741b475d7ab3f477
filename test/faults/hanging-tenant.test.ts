/** One tenant's pods accept connections and never answer: more of them than can be asked. Nobody else is late by it. */
import { expect, it, vi } from 'vitest'
import { anEdge, anExporter, askGtg, aWorld } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 60_000, interval: 50 }

it.each([
  ['never answered', { kind: 'hang' }],
  ['were well before', { kind: 'ok' }],
] as const)(
  'makes no other service late: pods that %s',
  { timeout: 180_000 },
  async (_, behaviour) => {
    const world = await aWorld()
    const [web = ''] = await world.addService({ name: 'web' })
    const hanging = await world.addService({
      name: 'crowd',
      namespace: 'other',
      replicas: 40,
      behaviour,
    })
    world.addCategory({ name: 'read', services: ['web'] })
    const edge = await anEdge({ DEAD_AFTER_SECONDS: '5' })
    const env = { PROBE_CONCURRENCY: '4', PROBE_TIMEOUT_SECONDS: '0.3' }
    await anExporter(world, edge.url, { env })
    await vi.waitFor(async () => {
      expect((await askGtg(edge.worker, 'read')).status).toBe(200)
    }, SOON)
    await Promise.all(hanging.map((pod) => world.pods.set(pod, { kind: 'hang' })))
    const asked = (pods: string[]) =>
      pods.reduce((sum, pod) => sum + (world.pods.asked.get(pod) ?? 0), 0)
    const before = { web: asked([web]), hanging: asked(hanging) }

    await vi.waitFor(() => {
      expect(asked(hanging) - before.hanging).toBeGreaterThan(25)
    }, SOON)

    // In one queue, it would be asked once while all the others are.
    const [ofWeb, ofHanging] = [asked([web]) - before.web, asked(hanging) - before.hanging]
    expect(ofWeb).toBeGreaterThan(ofHanging / 10)
    await vi.waitFor(async () => {
      expect(await askGtg(edge.worker, 'read')).toEqual({ status: 200, reason: 'healthy' })
      expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'unhealthy' })
    }, SOON)
  },
)
