/** Half of the pods of every service are gone at once, as with a zone: they fail, until the API server lets them go. */
import { expect, it } from 'vitest'
import { anExporter } from '../support/exporter/a-setup.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

it.each([
  ['refuse', { kind: 'refuse' }],
  ['hang', { kind: 'hang' }],
] as const)('fails while they %s, and passes once they are no targets', async (how, behaviour) => {
  const { world, edge, prober } = await aProbedTown()
  await world.addService({ name: 'orders', replicas: 4 })
  await world.addService({ name: 'stock', replicas: 4, workload: 'StatefulSet' })
  const env = { INTERVAL_SECONDS: '0.5', PROBE_TIMEOUT_SECONDS: '1' }
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  const gone = ['orders', 'stock'].flatMap((name) => world.podsOf(name).slice(2))
  expect(gone).toHaveLength(4)
  await Promise.all(gone.map((pod) => world.pods.set(pod, behaviour)))
  await prober.until('503 unhealthy')
  for (const name of gone) world.api.remove({ kind: 'Pod', namespace: 'default', name })
  await prober.until('200 healthy')

  expect(
    prober.differences(`half of the pods ${how}`, [
      ['200 healthy', 0, 3], // a probe's time, and its retries
      ['503 unhealthy', 0, 3],
      ['200 healthy'],
    ]),
  ).toBe('')
})
