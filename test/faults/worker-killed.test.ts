/** The Worker is killed, -9, and started again on the same state: nothing is lost, the verdict stands. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'
import { aFolder, anExporter, askGtg, aWorld } from '../support/exporter/a-setup.ts'
import { VARS } from '../support/secrets.ts'

const SOON = { timeout: 15_000, interval: 20 }

it('stands where it stood, and hears from the exporter within one interval', async () => {
  const world = await aWorld()
  await world.addService({ name: 'web' })
  const [orders = ''] = await world.addService({ name: 'orders' })
  world.addCategory({ name: 'read', services: ['web'] })
  const stateDir = aFolder()
  const first = await aWorkerProcess({ STATE_DIR: stateDir, PORT: '0' })
  const exporter = await anExporter(world, first.url, { env: { INTERVAL_SECONDS: '1' } })
  await world.pods.set(orders, { kind: 'failing' })
  await vi.waitFor(async () => {
    expect(await askGtg(first.url)).toEqual({ status: 503, reason: 'unhealthy' })
  }, SOON)

  first.process.kill('SIGKILL')
  await first.process.ended
  await vi.waitFor(() => {
    expect(exporter.log.join('\n')).toContain('push degraded')
  }, SOON)
  const second = await aWorkerProcess({ STATE_DIR: stateDir, PORT: new URL(first.url).port })

  expect(await askGtg(second.url)).toEqual({ status: 503, reason: 'unhealthy' })
  expect((await askGtg(second.url, 'read')).status).toBe(200) // fresh, or late where the start took its time
  const backMs = performance.now()
  await vi.waitFor(() => {
    expect(exporter.log.at(-1)).toContain('push healthy')
  }, SOON)
  expect(performance.now() - backMs).toBeLessThan(2000)
  expect(exporter.isSuperseded()).toBe(false)
}, 60_000)

async function aWorkerProcess(env: Record<string, string>) {
  const process = startProcess('test/sandbox/run-worker.ts', { ...VARS, ...env })
  onTestFinished(() => process.stop())
  const line = await process.waitFor(/^worker on /)
  return { process, url: line.replace('worker on ', '') }
}
