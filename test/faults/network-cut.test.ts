/** The network between the exporter and the Worker is cut: on the way there, on the way back, in both, and healed. */
import { expect, it, vi } from 'vitest'
import { aLink } from '../support/exporter/a-link.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { anExporter } from '../support/exporter/a-setup.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

const settings = { env: { INTERVAL_SECONDS: '0.5' }, timings: { pushTimeoutMs: 300 } }

async function aTown() {
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: '2.5' })
  const link = await aLink(town.edge.url)
  const exporter = await anExporter(town.world, link.url, settings)
  await town.prober.until('200 healthy')
  town.prober.mark()
  return { ...town, link, exporter }
}

const CUTS = [
  ['on the way there', 'there'],
  ['in both directions', 'both'],
] as const

it.each(IS_LONG ? CUTS : CUTS.slice(0, 1))(
  '%s: late, dead, and back by two reports once it is healed',
  async (name, direction) => {
    const { prober, link } = await aTown()

    link.cut(direction)
    await prober.until('503 stale')
    link.heal()
    await prober.until('200 healthy')

    expect(
      prober.differences(`network cut ${name}`, [
        ['200 healthy', 0.9, 1.8],
        ['200 late', 0.6, 1.6],
        ['503 stale', 0.4, 3],
        ['200 healthy'],
      ]),
    ).toBe('')
  },
)

it('on the way back: nothing, for reports arrive, also the one that says "down"', async () => {
  const { world, pod, prober, link, exporter } = await aTown()

  link.cut('back')
  await vi.waitFor(
    () => {
      expect(prober.runs().at(-1)?.to).toBeGreaterThan(3) // longer than the lease
    },
    { timeout: 6000 },
  )
  await world.pods.set(pod, { kind: 'failing' })
  await prober.until('503 unhealthy')
  link.heal()
  await world.pods.set(pod, { kind: 'ok' })
  await prober.until('200 healthy')

  expect(
    prober.differences('network cut on the way back', [
      ['200 healthy', 3, 5],
      ['503 unhealthy', 0, 3],
      ['200 healthy'],
    ]),
  ).toBe('')
  expect(exporter.log.join('\n')).toContain('push degraded')
  expect(exporter.isSuperseded()).toBe(false)
})
