/** The leader of two is killed, -9: the standby takes the Lease when its time is up, and speaks for the cluster. */
import { expect, it, vi } from 'vitest'
import { aTownOfTwo, DEFAULT_LEASE } from '../support/exporter/a-replica.ts'
import { holderOf } from '../support/exporter/a-lease.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'

const SOON = { timeout: 30_000, interval: 20 }
/** Of the standby, once it speaks and sees. */
const BELIEVED = { epoch: 1, kind: 'heartbeat' }

type Town = Awaited<ReturnType<typeof aTownOfTwo>>

/** Until the standby is believed. Gives ms from the kill to its first word, and to its first snapshot. */
async function killLeader({ edge, prober, a, b }: Town) {
  await prober.until('200 healthy')
  const killedMs = prober.mark()
  a.kill('SIGKILL')
  await a.ended
  const from = edge.passed.length
  await b.waitFor(/leads from now on, epoch 1/)
  await vi.waitFor(() => {
    expect(edge.passed.at(-1)).toMatchObject({ status: 202, report: BELIEVED })
  }, SOON)
  await prober.until('200 healthy')
  const after = edge.passed.slice(from)
  const since = (kind: string) =>
    (after.find(({ report }) => report.kind === kind)?.atMs ?? Infinity) - killedMs
  return { after, blindMs: since('blind'), snapshotMs: since('snapshot') }
}

it('is never anything but 200, and nothing of the old one is accepted after', async () => {
  const env = { INTERVAL_SECONDS: '1' }
  const town = await aTownOfTwo({ env, vars: { DEAD_AFTER_SECONDS: '20' } })

  const { after } = await killLeader(town)

  expect(
    town.prober.differences('leader killed', [
      ['200 healthy', 0.4, 3],
      ['200 late?'], // where the machine is busy
      ['200 held', 0.2, 10],
      ['200 healthy', 0.5],
    ]),
  ).toBe('')
  expect(after.map(({ report }) => report.epoch)).toEqual(after.map(() => 1))
  const kinds = after.map(({ report }) => report.kind)
  expect([kinds[0], kinds.find((kind) => kind !== 'blind')]).toEqual(['blind', 'snapshot'])
  expect(holderOf(town.world)).toBe('b')
}, 60_000)

it.skipIf(!IS_LONG)(
  'speaks within 20 s with production’s timings (npm run faults)',
  async () => {
    const town = await aTownOfTwo({ env: DEFAULT_LEASE }, { isPastMemo: false, everyMs: 100 })

    const { after, blindMs, snapshotMs } = await killLeader(town)

    expect(
      town.prober.differences('leader killed, with production’s timings', [
        ['200 healthy', 10],
        ['200 held?', 0, 12], // shorter than a second it may stay behind the memo
        ['200 healthy?'],
      ]),
    ).toBe('')
    expect(blindMs).toBeLessThan(20_000)
    expect(snapshotMs).toBeLessThan(22_000)
    expect(after.map(({ report }) => report.epoch)).toEqual(after.map(() => 1))
  },
  90_000,
)
