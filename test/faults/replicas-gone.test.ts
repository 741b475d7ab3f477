/** Both replicas are killed, -9, and nobody reports any more: late, then dead, each at its moment as whoever reads it judges. */
import { expect, it } from 'vitest'
import { aReplica, aTownOfTwo, DEFAULT_LEASE, lastFreshMs } from '../support/exporter/a-replica.ts'
import { IS_LONG, type Prober } from '../support/exporter/a-prober.ts'
import { LEASE_ENV } from '../support/exporter/a-lease.ts'

/** ms by which a clock may be read late, or a report's receipt behind what it was stamped. */
const JITTER_MS = 60

/** Whatever was answered before `atMs` was among `before`; whatever was asked after it was `after`. */
function expectTurn(prober: Prober, atMs: number, [before, after]: [string, string]): void {
  const early = prober.looks.filter(({ answeredMs }) => answeredMs < atMs - JITTER_MS)
  const late = prober.looks.filter(({ askedMs }) => askedMs > atMs + JITTER_MS)
  expect(early.map(({ said }) => said)).not.toContain(after)
  expect(late.map(({ said }) => said)).not.toContain(before)
}

async function killBoth({
  edge,
  prober,
  a,
  b,
}: Awaited<ReturnType<typeof aTownOfTwo>>): Promise<number> {
  await prober.until('200 healthy')
  prober.mark()
  a.kill('SIGKILL')
  b.kill('SIGKILL')
  await Promise.all([a.ended, b.ended])
  return lastFreshMs(edge)
}

it('is late, then dead, to the moment, and back by two reports of a new one', async () => {
  const env = { INTERVAL_SECONDS: '0.5' }
  const town = await aTownOfTwo({ env, vars: { DEAD_AFTER_SECONDS: '2.5' } })
  const { world, edge, prober } = town

  const freshMs = await killBoth(town)
  await prober.until('503 stale')
  expectTurn(prober, freshMs + 1500, ['200 healthy', '200 late'])
  expectTurn(prober, freshMs + 2500, ['200 late', '503 stale'])
  aReplica(world, edge.url, { ...LEASE_ENV, ...env, POD_NAME: 'c' })
  await prober.until('200 healthy')

  expect(
    prober.differences('both replicas gone', [
      ['200 healthy', 0.4, 1.7],
      ['200 late', 0.6, 1.6],
      ['503 stale', 0.5, 15],
      ['200 healthy'],
    ]),
  ).toBe('')
}, 60_000)

it.skipIf(!IS_LONG)(
  'is late at 30 s and dead at 60 s with production’s timings (npm run faults)',
  async () => {
    const town = await aTownOfTwo({ env: DEFAULT_LEASE }, { isPastMemo: false, everyMs: 100 })
    const { prober } = town

    const freshMs = await killBoth(town)
    await prober.until('503 stale', 80)

    expectTurn(prober, freshMs + 30_000, ['200 healthy', '200 late'])
    expectTurn(prober, freshMs + 60_000, ['200 late', '503 stale'])
    expect(
      prober.differences('both replicas gone, with production’s timings', [
        ['200 healthy', 15, 30.5],
        ['200 late', 29.5, 30.5],
        ['503 stale'],
      ]),
    ).toBe('')
  },
  150_000,
)
