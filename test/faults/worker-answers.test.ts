/** The Worker answers reports with 503, with 429, or not at all: for a moment, and for longer than the lease. */
import { expect, it } from 'vitest'
import type { EdgeFault } from '../sandbox/edge-proxy.ts'
import { anExporter } from '../support/exporter/a-setup.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

const settings = { env: { INTERVAL_SECONDS: '0.5' }, timings: { pushTimeoutMs: 300 } }

const FAULTS = [
  ['503', { status: 503 }],
  ['429, an hour to wait', { status: 429, retryAfterSeconds: 3600 }],
  ['nothing', 'lose the request'],
] as const satisfies [string, EdgeFault][]

async function aTown(deadAfter: string) {
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: deadAfter })
  const exporter = await anExporter(town.world, town.edge.url, settings)
  await town.prober.until('200 healthy')
  town.prober.mark()
  return { ...town, exporter }
}

it('is late while it does so for a moment, and fresh within an interval after', async () => {
  const { edge, prober, exporter } = await aTown('10')

  for (const [name, fault] of FAULTS) {
    prober.mark()
    edge.fault = fault
    // oxlint-disable-next-line no-await-in-loop -- one fault after the other
    await prober.until('200 late')
    edge.fault = 'none'
    const mendedMs = Date.now()
    // oxlint-disable-next-line no-await-in-loop
    await prober.until('200 healthy')

    expect(Date.now() - mendedMs).toBeLessThan(2000)
    expect(
      prober.differences(`Worker answers ${name} for a moment`, [
        ['200 healthy', 0.5, 1.8],
        ['200 late', 0, 1.5],
        ['200 healthy'],
      ]),
    ).toBe('')
  }
  expect(exporter.log.join('\n')).toContain('push degraded')
})

// The short form is push-fails.test.ts.
it.skipIf(!IS_LONG).each(FAULTS)(
  'is dead past the lease while it answers %s, and back by two reports (npm run faults)',
  async (name, fault) => {
    const { edge, prober, exporter } = await aTown('2.5')

    edge.fault = fault
    await prober.until('503 stale')
    edge.fault = 'none'
    await prober.until('200 healthy')

    expect(
      prober.differences(`Worker answers ${name} past the lease`, [
        ['200 healthy', 0.9, 1.8],
        ['200 late', 0.6, 1.6],
        ['503 stale', 0.4, 3],
        ['200 healthy'],
      ]),
    ).toBe('')
    expect(exporter.isSuperseded()).toBe(false)
  },
)
