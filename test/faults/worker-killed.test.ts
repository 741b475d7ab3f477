/**
 * The Worker is killed, -9, and started again on the same state, and so are the live links, as by a deploy that tells nobody:
 * nothing is lost, the verdict stands.
 */
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'
import {
  aFolder,
  anExporter,
  askGtg,
  aWorld,
  type RunningExporter,
} from '../support/exporter/a-setup.ts'
import { VARS } from '../support/secrets.ts'

const SOON = { timeout: 15_000, interval: 20 }

it('stands where it stood, and hears from the exporter within one interval', async () => {
  const world = await aWorld()
  await world.addService({ name: 'web' })
  const [orders = ''] = await world.addService({ name: 'orders' })
  world.addCategory({ name: 'read', services: ['web'] })
  // Dead sooner than the Worker is back, if it went by what heartbeats over the link left in rows.
  const vars = { STATE_DIR: aFolder(), DEAD_AFTER_SECONDS: '2' }
  const first = await aWorkerProcess({ ...vars, PORT: '0' })
  const exporter = await anExporter(world, first.url, {
    env: { INTERVAL_SECONDS: '0.5' },
    timings: { linkBackoffMs: [100, 300], noLinkMs: 300 },
  })
  await world.pods.set(orders, { kind: 'failing' })
  await vi.waitFor(async () => {
    expect(await askGtg(first.url)).toEqual({ status: 503, reason: 'unhealthy' })
  }, SOON)
  await told(exporter, 'the live link is open')
  const seenMs = performance.now()
  await vi.waitFor(() => {
    expect(performance.now() - seenMs).toBeGreaterThan(1000) // of heartbeats, none of which is in a row
  }, SOON)

  const killed = exporter.log.length
  first.process.kill('SIGKILL')
  await first.process.ended
  await told(exporter, 'push degraded', killed)
  const second = await aWorkerProcess({ ...vars, PORT: new URL(first.url).port })

  expect(await askGtg(second.url)).toEqual({ status: 503, reason: 'unhealthy' })
  expect((await askGtg(second.url, 'read')).status).toBe(200) // fresh, or late where the start took its time
  const backMs = performance.now()
  await told(exporter, 'push healthy', killed)
  await told(exporter, 'the live link is open', killed)
  expect(performance.now() - backMs).toBeLessThan(2000)
  expect((await askGtg(second.url, 'read')).reason).toBe('healthy')
  expect(exporter.isSuperseded()).toBe(false)
}, 60_000)

/** `since`: how many lines it had told before. */
async function told({ log }: RunningExporter, what: string, since = 0): Promise<void> {
  await vi.waitFor(() => {
    // The lines themselves, so that a failure shows what was told instead.
    expect(log.slice(since).join('\n')).toContain(what)
  }, SOON)
}

async function aWorkerProcess(env: Record<string, string>) {
  const process = startProcess('test/sandbox/run-worker.ts', { ...VARS, ...env })
  onTestFinished(() => process.stop())
  const line = await process.waitFor(/^worker on /)
  return { process, url: line.replace('worker on ', '') }
}
