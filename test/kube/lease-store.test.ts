/** One Lease read and written through a real API connection: what conflicts, what is missing, and which right. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { KubeApi } from '../../node-exporter/discovery/kube-api.ts'
import { LeaseStore } from '../../node-exporter/leader/lease-store.ts'
import type { World } from '../sandbox/world.ts'
import { editLease, LEASE, leaseOf, makeLeaseNamespace } from '../support/exporter/a-lease.ts'
import { aKubeconfig, aWorld } from '../support/exporter/a-setup.ts'
import { matching } from '../support/like.ts'

const CLAIM = { holder: 'a_1', transitions: 3, durationSeconds: 15 }
const { signal } = new AbortController()
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

function aStore(world: World): LeaseStore {
  const api = new KubeApi({ kubeconfig: aKubeconfig(world), accountRoot: '', timeoutMs: 10_000 })
  onTestFinished(() => api.stop())
  return new LeaseStore(api, { namespace: LEASE.namespace, name: LEASE.name })
}

async function aStoreWithLease() {
  const world = await aWorld()
  makeLeaseNamespace(world)
  const store = aStore(world)
  const written = await store.write(CLAIM, null, signal)
  if (!written.ok) throw new Error(written.reason)
  return { world, store, lease: written.lease }
}

describe('a Lease', () => {
  it('is none before it is written, and then as it was written', async () => {
    const world = await aWorld()
    makeLeaseNamespace(world)
    const store = aStore(world)

    expect(await store.read(signal)).toBeNull()
    const written = await store.write(CLAIM, null, signal)

    const lease = await aStore(world).read(signal)
    expect(lease).toMatchObject({ holder: 'a_1', transitions: 3 })
    expect(written).toEqual({ ok: true, lease })
    expect(leaseOf(world)?.['spec']).toEqual({
      holderIdentity: 'a_1',
      leaseTransitions: 3,
      leaseDurationSeconds: 15,
      acquireTime: matching(MICRO_TIME),
      renewTime: matching(MICRO_TIME),
    })
  })

  it('keeps when it was acquired while its holder renews', async () => {
    const { world, store, lease } = await aStoreWithLease()
    editLease(world, { acquireTime: '2026-01-01T00:00:00.000000Z' })
    const read = await store.read(signal)

    await store.write(CLAIM, read, signal)
    const renewed = leaseOf(world)?.['spec']
    await store.write({ ...CLAIM, holder: 'b_2' }, await store.read(signal), signal)

    const acquireTime = '2026-01-01T00:00:00.000000Z'
    expect(renewed).toMatchObject({ acquireTime })
    expect(leaseOf(world)?.['spec']).not.toMatchObject({ acquireTime })
    expect(lease.holder).toBe('a_1')
  })

  it.each<[string, (world: World) => void]>([
    ['was renewed meanwhile', (world) => editLease(world, { holderIdentity: 'b_2' })],
    ['was deleted meanwhile', (world) => world.api.remove(LEASE)],
  ])('that %s is not written', async (_, change) => {
    const { world, store, lease } = await aStoreWithLease()
    change(world)
    const before = leaseOf(world)

    expect(await store.write(CLAIM, lease, signal)).toEqual({ ok: false, reason: 'conflict' })

    expect(leaseOf(world)).toEqual(before)
  })

  it('that another made first is not made', async () => {
    const { store } = await aStoreWithLease()

    expect(await store.write(CLAIM, null, signal)).toEqual({ ok: false, reason: 'conflict' })
  })

  it('without a spec is held by nobody', async () => {
    const world = await aWorld()
    const metadata = { namespace: LEASE.namespace, name: LEASE.name }
    world.api.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata })

    const lease = await aStore(world).read(signal)

    expect(lease).toMatchObject({ holder: '', transitions: 0, renewTime: '' })
  })
})

describe('what can’t be had', () => {
  it.each(['get', 'create', 'update'] as const)('names the missing right to %s', async (verb) => {
    const { world, store, lease } = await aStoreWithLease()
    world.api.faults.answer({ status: 403, path: /leases/ })

    const asked =
      verb === 'get'
        ? store.read(signal)
        : store.write(CLAIM, verb === 'create' ? null : lease, signal)

    await expect(asked).rejects.toMatchObject({
      status: 403,
      message: matching(
        new RegExp(`^the right to ${verb} leases .* in namespace pilotlight is missing`),
      ),
    })
  })

  it('is told as it is: no namespace, no API server', async () => {
    const world = await aWorld()
    const store = aStore(world)

    await expect(store.write(CLAIM, null, signal)).rejects.toMatchObject({
      status: 404,
      message: matching(/namespaces "pilotlight" not found/),
    })
    await world.api.faults.goAway()
    await expect(store.read(signal)).rejects.toMatchObject({ status: null })
  })
})
