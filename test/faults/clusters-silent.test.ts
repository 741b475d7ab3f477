/** Several clusters on one Worker, each with its own exporter, fall silent at once, one after the other, or alone. */
import { expect, it, vi } from 'vitest'
import { anExporter, aWorker, aWorld, type RunningExporter } from '../support/exporter/a-setup.ts'
import { aProber, IS_LONG, type Prober } from '../support/exporter/a-prober.ts'
import { OPERATE_TOKEN, PUSH_SECRET } from '../support/secrets.ts'

interface ProbedCluster {
  prober: Prober
  exporter: RunningExporter
  restart: () => Promise<RunningExporter>
}

async function aFleet(
  count: number,
  { interval, deadAfter }: Record<'interval' | 'deadAfter', string>,
) {
  const names = Array.from({ length: count }, (_, i) => `c${i}`)
  const { url } = await aWorker({
    PUSH_SECRETS: JSON.stringify(Object.fromEntries(names.map((name) => [name, PUSH_SECRET]))),
    CLUSTERS: '{}',
    DEAD_AFTER_SECONDS: deadAfter,
  })
  const start = async (cluster: string): Promise<ProbedCluster> => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.addCategory({ name: 'read', services: ['web'] })
    const env = { CLUSTER_ID: cluster, INTERVAL_SECONDS: interval }
    const restart = () => anExporter(world, url, { env })
    const exporter = await restart()
    const prober = aProber(url, { cluster, everyMs: 100 })
    await prober.until('200 healthy')
    return { prober, exporter, restart }
  }
  return { url, clusters: await Promise.all(names.map(start)) }
}

async function disable(url: string, category: string): Promise<void> {
  const path = `/clusters/c0/disable-category?category-name=${category}`
  const headers = { authorization: `Bearer ${OPERATE_TOKEN}` }
  expect((await fetch(`${url}${path}`, { method: 'POST', headers })).status).toBe(200)
}

/** Until its last answer has been the same for so long. */
async function waitFor({ prober }: Pick<ProbedCluster, 'prober'>, seconds: number) {
  await vi.waitFor(
    () => {
      const { from, to } = prober.runs().at(-1) ?? { from: 0, to: 0 }
      expect(to - from).toBeGreaterThan(seconds)
    },
    { timeout: seconds * 1000 + 40_000, interval: 50 },
  )
}

it('one of two: it is dead at the end of its lease, the other stays', async () => {
  const { clusters } = await aFleet(2, { interval: '0.5', deadAfter: '2.5' })
  const [silent, other] = clusters
  if (silent === undefined || other === undefined) throw new Error('no such clusters')
  for (const { prober } of clusters) prober.mark()

  await silent.exporter.stop()
  await silent.prober.until('503 stale')

  expect(
    silent.prober.differences('one of two silent', [
      ['200 healthy', 0.9, 1.8],
      ['200 late', 0.6, 1.6],
      ['503 stale'],
    ]),
  ).toBe('')
  expect(other.prober.differences('the other of the two', [['200 healthy', 2]])).toBe('')
})

it.skipIf(!IS_LONG)(
  'two of three, then the third: all held; one is back: the others have a fresh lease (npm run faults)',
  async () => {
    const { url, clusters } = await aFleet(3, { interval: '1', deadAfter: '8' })
    const [a, b, c] = clusters
    if (a === undefined || b === undefined || c === undefined) throw new Error('no such clusters')
    await disable(url, 'read')
    const ofDisabled = aProber(url, { category: 'read', everyMs: 100 })
    await ofDisabled.until('503 disabled')
    for (const { prober } of clusters) prober.mark()
    ofDisabled.mark()
    // Whoever was fresh for the 30 s before a silence has a say in it.
    await Promise.all(clusters.map((cluster) => waitFor(cluster, 32)))
    for (const { prober } of clusters) prober.mark()

    await Promise.all([a.exporter.stop(), b.exporter.stop()])
    await a.prober.until('200 held')
    await b.prober.until('200 held')
    await waitFor(c, 12)
    await c.exporter.stop()
    await c.prober.until('200 held')
    await waitFor(a, 20)
    await b.restart()
    await b.prober.until('200 healthy')
    await a.prober.until('503 stale')
    await c.prober.until('503 stale')

    const silent = [
      ['200 healthy', 1.8, 3.3],
      ['200 late', 4.6, 5.6],
    ] as const
    expect(
      a.prober.differences('two of three silent: a', [
        ...silent,
        ['200 held', 26, 36],
        ['503 stale'],
      ]),
    ).toBe('')
    expect(
      b.prober.differences('two of three silent: b, which is back', [
        ...silent,
        ['200 held', 18, 26],
        ['200 healthy', 6],
      ]),
    ).toBe('')
    expect(
      c.prober.differences('two of three silent: c, silent later', [
        ['200 healthy', 12, 16],
        ['200 late', 4.6, 5.6],
        ['200 held', 12, 24],
        ['503 stale'],
      ]),
    ).toBe('')
    expect(
      ofDisabled.differences('two of three silent: a category of a, disabled by hand', [
        ['503 disabled', 64],
      ]),
    ).toBe('')
  },
  180_000,
)
