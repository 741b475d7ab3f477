/** The API server is away under a leader and its standby: nobody is failed over, and pods go on being judged. */
import { expect, it, vi } from 'vitest'
import { anExporter } from '../support/exporter/a-setup.ts'
import { LEASE_ENV, specOf } from '../support/exporter/a-lease.ts'
import { aProbedTown, DEFAULT_LEASE } from '../support/exporter/a-replica.ts'
import { aProber, IS_LONG, type ProberOptions } from '../support/exporter/a-prober.ts'

async function aTown(env: Record<string, string>, options: ProberOptions = {}) {
  const town = await aProbedTown({}, options)
  const { world, edge, prober } = town
  const a = await anExporter(world, edge.url, { env: { ...env, POD_NAME: 'a' } })
  await prober.until('200 healthy')
  const b = await anExporter(world, edge.url, { env: { ...env, POD_NAME: 'b' } })
  await vi.waitFor(
    () => {
      expect(b.log.join('\n')).toContain('leader healthy')
    },
    { timeout: 10_000 },
  )
  prober.mark()
  return { ...town, a, b }
}

async function goAway({ world, pod, prober }: Awaited<ReturnType<typeof aTown>>, seconds: number) {
  await world.api.faults.goAway()
  await vi.waitFor(
    () => {
      expect(prober.runs().at(-1)?.to).toBeGreaterThan(seconds)
    },
    { timeout: seconds * 1000 + 5000, interval: 20 },
  )
  await world.pods.set(pod, { kind: 'failing' })
  await prober.until('503 unhealthy')
  await world.pods.set(pod, { kind: 'ok' })
  await prober.until('200 healthy')
  const told = prober.looks.length
  await world.api.faults.comeBack()
  await world.addService({ name: 'orders', behaviour: { kind: 'failing' } })
  await prober.until('503 unhealthy')
  return told
}

it('changes nothing for probers, who still see a pod break', async () => {
  const town = await aTown({ ...LEASE_ENV, INTERVAL_SECONDS: '0.5' })

  await goAway(town, 2.2)

  expect(
    town.prober.differences('API server away', [
      ['200 healthy', 2.2, 5],
      ['503 unhealthy', 0, 3],
      ['200 healthy', 0, 10],
      ['503 unhealthy'], // of the service that was added when it was back
    ]),
  ).toBe('')
  expect(town.a.log.join('\n')).toContain('kube_api degraded')
  expect(specOf(town.world).leaseTransitions).toBe(0)
})

it('is held where pods are asked through it, until each was asked again', async () => {
  const { world, edge, prober } = await aProbedTown({ DEAD_AFTER_SECONDS: '2.5' })
  await world.addService({ name: 'shop', replicas: 8 })
  // One hangs behind the API server from before it is away: its timeout is a result, too.
  const [hanging = ''] = world.podsOf('shop')
  world.addCategory({ name: 'read', services: ['web'] })
  const env = {
    PROBE_VIA: 'apiserver',
    INTERVAL_SECONDS: '0.5',
    PROBE_TIMEOUT_SECONDS: '1',
    MAX_HEALTHCHECK_ATTEMPTS: '0',
  }
  await anExporter(world, edge.url, { env })
  const ofRead = aProber(edge.worker, { category: 'read' })
  await ofRead.until('200 healthy')
  await world.pods.set(hanging, { kind: 'hang' })
  await prober.until('503 unhealthy')
  ofRead.mark()

  await world.api.faults.goAway()
  await ofRead.until('200 held')
  await vi.waitFor(
    () => {
      expect(ofRead.runs().at(-1)?.to).toBeGreaterThan(6) // well past the lease
    },
    { timeout: 12_000, interval: 20 },
  )
  await world.api.faults.comeBack()
  await ofRead.until('200 healthy', 30)

  const expected = [['200 healthy'], ['200 late?'], ['200 held'], ['200 healthy']] as const
  expect(ofRead.differences('API server away, pods asked through it', expected)).toBe('')
})

it.skipIf(!IS_LONG)(
  'changes nothing for a minute with production’s timings (npm run faults)',
  async () => {
    const options = { isPastMemo: false, everyMs: 100 }
    const town = await aTown({ ...DEFAULT_LEASE, INTERVAL_SECONDS: '10' }, options)

    await goAway(town, 60)

    expect(
      town.prober.differences('API server away for a minute, with production’s timings', [
        ['200 healthy', 60, 75],
        ['503 unhealthy', 0, 14],
        ['200 healthy', 0, 45], // until its watches are back
        ['503 unhealthy'],
      ]),
    ).toBe('')
    expect(specOf(town.world).leaseTransitions).toBe(0)
  },
  180_000,
)
