/** The live link is lost in every way it can be, and a newer leader takes it over: reports go on, verdicts stand. */
import { expect, it, vi } from 'vitest'
import type { EdgeProxy } from '../sandbox/edge-proxy.ts'
import type { EdgeLinks } from '../sandbox/edge-links.ts'
import {
  aKubeconfigOfItsOwn,
  holderOf,
  LEASE_ENV,
  makeLeaseNamespace,
} from '../support/exporter/a-lease.ts'
import { aProber, IS_LONG } from '../support/exporter/a-prober.ts'
import { ALONE } from '../support/exporter/a-replica.ts'
import { anEdge, anExporter, aWorld } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 10 }
const INTERVAL_SECONDS = '0.5'
/** With jitter, and what a busy machine adds. */
const INTERVAL_MS = 700
/** Until a link that is half open is given up, and the report that was lost with it is tried again. */
const NOTICE_MS = 600
const timings = {
  pushTimeoutMs: 300,
  linkTimeoutMs: 300,
  linkBackoffMs: [50, 3000], // against the interval as in production
  noLinkMs: 200,
} as const

/** One service, and an edge that lets links pass. */
async function aTown(vars: Record<string, string> = {}) {
  const world = await aWorld()
  makeLeaseNamespace(world)
  const [pod = ''] = await world.addService({ name: 'web' })
  const edge = await anEdge({ ...ALONE, DEAD_AFTER_SECONDS: '2.5', ...vars })
  edge.links.fate = 'passed'
  return { world, pod, edge, prober: aProber(edge.worker) }
}

async function aLinkedTown() {
  const town = await aTown()
  const exporter = await anExporter(town.world, town.edge.url, {
    env: { INTERVAL_SECONDS },
    timings,
  })
  await town.prober.until('200 healthy')
  await beats(town.edge, 1)
  town.prober.mark()
  return { ...town, exporter }
}

/** So many more heartbeats over the link, accepted one after the other. */
async function beats(edge: EdgeProxy, count: number): Promise<void> {
  const from = edge.passed.length
  await vi.waitFor(() => {
    const last = edge.passed.slice(from).slice(-count)
    const said = last.map(({ via, status, report: { kind } }) => `${via} ${status} ${kind}`)
    expect(said).toEqual(Array<string>(count).fill('link 202 heartbeat'))
  }, SOON)
}

const LOSSES: [string, (links: EdgeLinks) => void][] = [
  [
    'cut without a word',
    (links) => {
      links.cut()
    },
  ],
  [
    'half open: nothing passes any more, and neither side is told',
    (links) => {
      links.freeze()
    },
  ],
]

it('is lost, refused for a while and opened again, and a prober sees nothing of it', async () => {
  const { edge, prober, exporter } = await aLinkedTown()

  for (const [name, lose] of LOSSES) {
    // oxlint-disable-next-line no-await-in-loop -- one loss after the other
    if (IS_LONG) await beats(edge, 8) // so long that what stands in rows would be late
    const from = edge.passed.length
    const tried = edge.links.upgrades.length
    const lostMs = Date.now()
    edge.links.fate = 'refused'
    lose(edge.links)
    // oxlint-disable-next-line no-await-in-loop
    await vi.waitFor(() => {
      expect(edge.passed.slice(from).some(({ status }) => status === 202)).toBe(true)
      expect(edge.links.upgrades.length).toBeGreaterThan(tried)
    }, SOON)
    const next = edge.passed.slice(from).find(({ status }) => status === 202)
    expect([name, next?.via]).toEqual([name, 'https'])
    expect((next?.atMs ?? Infinity) - lostMs).toBeLessThan(INTERVAL_MS + NOTICE_MS)
    edge.links.fate = 'passed'
    // oxlint-disable-next-line no-await-in-loop
    await beats(edge, 1)
  }

  expect(prober.differences('link lost, refused and back', [['200 healthy', 2]])).toBe('')
  const told = exporter.log.filter((line) => /the live link (is|was)/.test(line))
  expect(told).toEqual([
    'info the live link is open',
    ...LOSSES.flatMap(() => [
      'warn the live link was closed (1006); reports go over HTTPS',
      'info the live link is open',
    ]),
  ])
})

it('carries a pod that fails to the edge within a second', async () => {
  const { world, pod, edge, prober } = await aLinkedTown()

  prober.mark()
  await world.pods.set(pod, { kind: 'failing' })
  await prober.until('503 unhealthy')

  const title = 'pod fails, over the link'
  expect(prober.differences(title, [['200 healthy?', 0, 1], ['503 unhealthy']])).toBe('')
  const failing = edge.passed.find(({ report }) => 'web' in report.streaks)
  expect(failing).toMatchObject({ via: 'link', status: 202, report: { kind: 'snapshot' } })
})

it('is taken over by a newer leader, and the older one leaves it at that', async () => {
  const { world, edge, prober } = await aTown({ DEAD_AFTER_SECONDS: '10' })
  const aReplica = (POD_NAME: string, env: Record<string, string> = {}) =>
    anExporter(world, edge.url, {
      env: { ...LEASE_ENV, INTERVAL_SECONDS, POD_NAME, ...env },
      timings,
    })
  const a = await aReplica('a', { KUBECONFIG: aKubeconfigOfItsOwn(world, 'of-a') })
  await prober.until('200 healthy')
  await beats(edge, 1)
  await aReplica('b')
  const opened = edge.links.upgrades.length
  const triesOf = (epoch: number) =>
    edge.links.upgrades.slice(opened).filter((one) => one.epoch === epoch)

  world.api.tokens.delete('of-a') // it leads on, for it sees nobody else
  await vi.waitFor(() => {
    expect(a.log.join('\n')).toContain('stands down')
  }, SOON)
  const tries = triesOf(0)
  await beats(edge, 2)

  expect(tries.map(({ status }) => status)).toEqual(tries.map(() => 409))
  expect(tries.length).toBeLessThanOrEqual(5) // until its next report tells it why
  expect(triesOf(0)).toEqual(tries)
  expect(triesOf(1).map(({ status }) => status)).toEqual([101])
  expect([edge.links.open, holderOf(world)]).toEqual([1, 'b'])
  // One that was on its way as the link was closed has no answer.
  const ofA = edge.passed.filter(({ report, status }) => report.epoch === 0 && status !== null)
  const refused = ofA.filter(({ status }) => status !== 202)
  expect(refused.map(({ via, status }) => `${via} ${status}`)).toEqual(['https 409'])
  const saw = prober.runs().map(({ said }) => said)
  expect(saw.filter((said) => !said.startsWith('200'))).toEqual(['503 no-data'])
})
