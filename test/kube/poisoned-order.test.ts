/** A push secret has leaked: what one signed report can do to a cluster's exporter, and how a person ends it. */
import { expect, it, vi } from 'vitest'
import { aBlind } from '../support/a-report.ts'
import { editLease, LEASE_ENV, makeLeaseNamespace, specOf } from '../support/exporter/a-lease.ts'
import { pushTo } from '../support/exporter/a-push.ts'
import { anEdge, anExporter, askGtg, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'
import { OPERATE_TOKEN } from '../support/secrets.ts'

const INT32_MAX = 2 ** 31 - 1
const STEP = 1_000_000
const SOON = { timeout: 15_000, interval: 20 }

type Town = Awaited<ReturnType<typeof aTown>>

async function aTown(env: Record<string, string>, fate: 'refused' | 'passed' = 'refused') {
  const world = await aWorld()
  makeLeaseNamespace(world)
  await world.addService({ name: 'web' })
  const edge = await anEdge()
  edge.links.fate = fate
  const start = () => anExporter(world, edge.url, { env })
  const town = { world, edge, start, exporter: await start() }
  await isHeard(town, 0)
  return town
}

/** As a thief does who has the secret: whatever epoch, and blind, so that nothing else is needed. */
async function poison({ edge }: Pick<Town, 'edge'>, epoch: number): Promise<number> {
  const place = { cluster: CLUSTER, epoch, sequence: 1, observedAt: Date.now() }
  const { status } = await pushTo(edge.worker, aBlind(place))
  return status
}

async function reset({ edge }: Pick<Town, 'edge'>): Promise<number> {
  const { status } = await fetch(`${edge.worker}/clusters/${CLUSTER}/reset-order`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OPERATE_TOKEN}`, accept: 'application/json' },
  })
  return status
}

/** Five reports of this epoch in a row are taken, and the verdict is fresh by them. */
async function isHeard({ edge }: Pick<Town, 'edge'>, epoch: number): Promise<void> {
  const from = edge.passed.length
  await vi.waitFor(() => {
    const answered = edge.passed.slice(from).filter(({ status }) => status !== null)
    const last = answered.slice(-5).map(({ report, status }) => `${report.epoch}: ${status}`)
    expect(last).toEqual(Array<string>(5).fill(`${epoch}: 202`))
  }, SOON)
  await vi.waitFor(async () => {
    expect(await askGtg(edge.worker)).toEqual({ status: 200, reason: 'healthy' })
  }, SOON)
}

it.each([
  ['without a Lease', {}],
  ['with a Lease', LEASE_ENV],
])('the highest epoch in one report shuts no exporter out: %s', async (_, env) => {
  const town = await aTown(env)

  const status = await poison(town, INT32_MAX)

  expect(status).toBe(409)
  await isHeard(town, 0)
  expect(town.exporter.isSuperseded()).toBe(false)
})

it.each([
  ['over HTTPS', 'refused' as const],
  ['over the live link', 'passed' as const],
])('a poisoned order and a ruined Lease are ended by a reset: %s', async (_, fate) => {
  const town = await aTown(LEASE_ENV, fate)
  await poison(town, STEP)
  expect(await poison(town, 2 * STEP)).toBe(202)
  await isHeard(town, 2 * STEP + 1)

  editLease(town.world, { leaseTransitions: INT32_MAX })
  const status = await reset(town)

  expect(status).toBe(200)
  await isHeard(town, 1)
  expect(specOf(town.world)).toMatchObject({ leaseTransitions: 1 })
})

it('a ruined Lease that nobody holds is taken from zero, and above what the edge holds', async () => {
  const town = await aTown(LEASE_ENV)
  await poison(town, 7)
  await isHeard(town, 8)
  await town.exporter.stop()
  editLease(town.world, { leaseTransitions: INT32_MAX })

  await town.start()

  await isHeard(town, 9)
  expect(specOf(town.world)).toMatchObject({ leaseTransitions: 9 })
})

it.each([
  ['over HTTPS', 'refused' as const],
  ['over the live link', 'passed' as const],
])('a poisoned order is ended by a reset without a Lease: %s', async (_, fate) => {
  const town = await aTown({}, fate)
  await poison(town, STEP)
  await poison(town, 2 * STEP)
  await vi.waitFor(() => {
    expect(town.exporter.isSuperseded()).toBe(true)
  }, SOON)
  await town.exporter.stop()
  const next = await town.start() // as the kubelet does
  await isHeard(town, 2 * STEP + 1)

  await reset(town)

  await isHeard(town, 1)
  expect(next.isSuperseded()).toBe(false)
})
