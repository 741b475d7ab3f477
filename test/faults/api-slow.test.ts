/** The API server answers, but slowly, under a leader and its standby: nobody is failed over, and changes still arrive. */
import { expect, it, vi } from 'vitest'
import { anExporter } from '../support/exporter/a-setup.ts'
import { LEASE_ENV, specOf } from '../support/exporter/a-lease.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

it('changes nothing for probers, who see what is added a little later', async () => {
  const { world, edge, prober } = await aProbedTown()
  const env = { ...LEASE_ENV, INTERVAL_SECONDS: '0.5' }
  await anExporter(world, edge.url, { env: { ...env, POD_NAME: 'a' } })
  await prober.until('200 healthy')
  const b = await anExporter(world, edge.url, { env: { ...env, POD_NAME: 'b' } })
  prober.mark()

  world.api.faults.delay(400) // to a lease of 1 s as 6 s are to one of 15
  world.api.faults.dropWatches()
  await vi.waitFor(
    () => {
      expect(prober.runs().at(-1)?.to).toBeGreaterThan(2.2)
    },
    { timeout: 8000, interval: 20 },
  )
  await world.addService({ name: 'orders', behaviour: { kind: 'failing' } })
  await prober.until('503 unhealthy')

  expect(prober.differences('API server slow', [['200 healthy', 2.2, 10], ['503 unhealthy']])).toBe(
    '',
  )
  expect(b.log.join('\n')).not.toContain('leads from now on')
  expect(specOf(world).leaseTransitions).toBe(0)
})
