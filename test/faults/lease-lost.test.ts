/** The Lease under two replicas is deleted, or restored to an older state as from a backup of etcd. */
import { expect, it, vi } from 'vitest'
import { anExporter } from '../support/exporter/a-setup.ts'
import { editLease, LEASE, LEASE_ENV, specOf } from '../support/exporter/a-lease.ts'
import { aProbedTown } from '../support/exporter/a-replica.ts'

const SOON = { timeout: 10_000, interval: 20 }

async function aTown() {
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: '20' })
  const { world, edge, prober } = town
  const aReplica = (POD_NAME: string) =>
    anExporter(world, edge.url, { env: { ...LEASE_ENV, INTERVAL_SECONDS: '0.6', POD_NAME } })
  const a = await aReplica('a')
  await prober.until('200 healthy')
  const b = await aReplica('b')
  await vi.waitFor(() => {
    expect(b.log.join('\n')).toContain('leader healthy')
  }, SOON)
  const acceptMore = async (count: number) => {
    const from = edge.passed.length
    await vi.waitFor(() => {
      const more = edge.passed.slice(from).filter(({ status }) => status === 202)
      expect(more.length).toBeGreaterThanOrEqual(count)
    }, SOON)
    return edge.passed.slice(from).map(({ report }) => report.epoch)
  }
  return { ...town, a, b, acceptMore }
}

it('deleted: it is made anew, and a prober sees nothing of it', async () => {
  const { world, prober, acceptMore } = await aTown()
  prober.mark()

  world.api.remove(LEASE)

  expect(new Set(await acceptMore(4))).toEqual(new Set([0]))
  expect(specOf(world)).toMatchObject({ leaseTransitions: 0 })
  expect(prober.differences('Lease deleted', [['200 healthy', 1.2]])).toBe('')
})

it('restored to an older state: it is put right, and a prober sees nothing of it', async () => {
  const { world, prober, a, b, acceptMore } = await aTown()
  const before = { ...specOf(world), holderIdentity: 'a_of_yesterday' }
  await a.stop()
  await vi.waitFor(() => {
    expect(b.log.join('\n')).toContain('leads from now on, epoch 1')
  }, SOON)
  await prober.until('200 held')
  await prober.until('200 healthy')
  prober.mark()

  editLease(world, { ...before })

  expect(new Set(await acceptMore(4))).toEqual(new Set([1]))
  expect(specOf(world)).toMatchObject({ leaseTransitions: 1 })
  expect(prober.differences('Lease restored to an older state', [['200 healthy', 1.2]])).toBe('')
})
