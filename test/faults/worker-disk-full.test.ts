/** The disk under the Worker's state is full: a file system in memory that is filled to its last byte, and freed again. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { startEdgeProxy } from '../sandbox/edge-proxy.ts'
import { startWorker } from '../sandbox/worker.ts'
import { aMountingHost, canMount } from '../support/exporter/a-mounting-host.ts'
import { aProber } from '../support/exporter/a-prober.ts'
import { ALONE } from '../support/exporter/a-replica.ts'
import { anExporter, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'
import { OPERATE_TOKEN } from '../support/secrets.ts'

const STATE = '/var/state'

async function aTownOnSmallDisk() {
  const { hostRoot, run } = await aMountingHost()
  await run(`mkdir -p ${STATE} && mount -t tmpfs -o size=8m test ${STATE}`)
  const vars = { ...ALONE, DEAD_AFTER_SECONDS: '2.5' }
  const worker = await startWorker({ port: 0, stateDir: `${hostRoot}${STATE}`, vars })
  onTestFinished(() => worker.stop())
  const edge = await startEdgeProxy(worker.url)
  onTestFinished(() => edge.stop())
  const world = await aWorld()
  const [pod = ''] = await world.addService({ name: 'web' })
  await anExporter(world, edge.url, { env: { INTERVAL_SECONDS: '0.5' } })
  const prober = aProber(worker.url, { everyMs: 100 })
  await prober.until('200 healthy')
  prober.mark()
  const fill = () => run(`dd if=/dev/zero of=${STATE}/filled bs=4k 2>/dev/null || true`)
  return { world, pod, edge, worker, prober, fill, free: () => run(`rm ${STATE}/filled`) }
}

async function ack(workerUrl: string): Promise<number> {
  const response = await fetch(`${workerUrl}/clusters/${CLUSTER}/add-ack?service-name=web`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OPERATE_TOKEN}`, 'content-type': 'application/json' },
    body: '{"ack-msg":"known"}',
  })
  await response.arrayBuffer()
  return response.status
}

// root only
it.skipIf(!canMount())('refuses what it can’t store, holds what KV has, and recovers', async () => {
  const { edge, worker, prober, fill, free } = await aTownOnSmallDisk()

  await fill()
  const from = edge.passed.length
  await prober.until('200 held')
  await vi.waitFor(
    () => {
      expect(edge.passed.length - from).toBeGreaterThan(8)
    },
    { timeout: 10_000 },
  )
  const refused = edge.passed.slice(from, from + 8).map(({ status }) => status)
  const ackedWhileFull = await ack(worker.url)
  await free()
  await prober.until('503 stale')
  await prober.until('200 healthy')

  expect(
    prober.differences('disk full under the Worker', [
      ['200 healthy', 0.4, 1.8],
      ['200 late', 0.6, 1.6],
      ['200 held', 0.5, 6], // by KV's copy, 15 min at most
      ['503 stale', 0.2, 2.5], // the object's own lease is over: two reports, an interval apart
      ['200 healthy'],
    ]),
  ).toBe('')
  expect(refused).toEqual(refused.map(() => 503))
  expect(ackedWhileFull).toBe(503)
  expect(await ack(worker.url)).toBe(200)
})
