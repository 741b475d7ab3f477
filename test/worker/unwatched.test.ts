/**
 * Clusters that fall silent while nobody reads them: the fleet's object looks at each, so that what holds them, and what is
 * published of them, doesn't wait for a prober (behaviour, section 6).
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it, vi } from 'vitest'
import { aHeartbeat, aSnapshot } from '../support/a-report.ts'
import { openLink, type Link } from './a-link.ts'
import { ask, push, takeCluster } from './edge.ts'
import { alarmOf, recordOf, runAlarm, stubOf } from './object.ts'
import { setTimeByHand } from './put-cluster.ts'

setTimeByHand()

let cases = 0
/** Each begins long after the one before, whose clusters are no part of its electorate any more. */
beforeEach(() => {
  vi.setSystemTime(Date.now() + 10_000_000 * ++cases)
})

const fleet = () => env.FLEET.getByName('fleet')

/** Time passes from alarm to alarm, each of which rings when it is due. */
async function pass(seconds: number, clusters: string[]): Promise<void> {
  const endMs = Date.now() + seconds * 1000
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one alarm after the other
    const dueMs = Math.max(await findNextAlarm(clusters), Date.now() + 1)
    vi.setSystemTime(Math.min(dueMs, endMs))
    if (dueMs > endMs) return
    // oxlint-disable-next-line no-await-in-loop
    await ring(clusters)
  }
}

async function findNextAlarm(clusters: string[]): Promise<number> {
  const alarms = await Promise.all([watchAlarm(), ...clusters.map(alarmOf)])
  return Math.min(...alarms.map((atMs) => atMs ?? Infinity))
}

const watchAlarm = () => runInDurableObject(fleet(), (_, { storage }) => storage.getAlarm())

async function ring(clusters: string[]): Promise<void> {
  const isDue = (atMs: number | null) => atMs !== null && atMs <= Date.now()
  if (isDue(await watchAlarm())) await runDurableObjectAlarm(fleet())
  for (const cluster of clusters) {
    // oxlint-disable-next-line no-await-in-loop
    if (isDue(await alarmOf(cluster))) await runAlarm(cluster)
  }
}

/** As a prober reads it, past its memo. */
async function tell(cluster: string): Promise<string> {
  vi.setSystemTime(Date.now() + 4000)
  const answer = await ask(`/clusters/${cluster}/__gtg`)
  return `${answer.status} ${answer.headers.get('x-gtg-reason')}`
}

type Say = (cluster: string, sequence: number) => Promise<unknown>

const overHttp: Say = (cluster, sequence) =>
  push(aHeartbeat({ cluster, sequence, observedAt: Date.now() }))

/** Five minutes in which reports came, and nobody read. */
async function steadyClusters(count: number, say: Say = overHttp): Promise<string[]> {
  const clusters = Array.from({ length: count }, takeCluster)
  for (const cluster of clusters) {
    // oxlint-disable-next-line no-await-in-loop
    await push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now() }))
  }
  for (let sequence = 3; sequence < 33; sequence++) {
    // oxlint-disable-next-line no-await-in-loop
    await pass(10, clusters)
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(clusters.map((cluster) => say(cluster, sequence)))
  }
  return clusters
}

it('holds them all after ten minutes in which nothing reached the edge', async () => {
  const clusters = await steadyClusters(3)

  await pass(600, clusters)
  const seen: string[] = []
  // oxlint-disable-next-line no-await-in-loop
  for (const cluster of clusters) seen.push(await tell(cluster))

  expect(seen).toEqual(['200 held', '200 held', '200 held'])
}, 60_000) // a thousand alarms

it('publishes that one is dead within two minutes', async () => {
  const [cluster = '', ...others] = await steadyClusters(3)

  for (let i = 0; i < 12; i++) {
    // oxlint-disable-next-line no-await-in-loop
    await pass(10, [cluster, ...others])
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(others.map((other) => overHttp(other, 40 + i)))
  }

  expect(await recordOf(cluster)).toMatchObject({ isDead: true })
  expect(await tell(cluster)).toBe('503 stale')
})

it('gives no fresh lease for a lost link to one that was dead before', async () => {
  const links = new Map<string, Link>()
  const overLink: Say = async (cluster, sequence) => {
    const link = links.get(cluster) ?? (await openLink(cluster, { epoch: 1, sequence: 10 }))
    links.set(cluster, link)
    await link.push(aHeartbeat({ cluster, sequence: sequence + 20, observedAt: Date.now() }))
  }
  const [cluster = ''] = await steadyClusters(1, overLink)

  await pass(600, [cluster])
  await evictDurableObject(stubOf(cluster), { webSockets: 'close' })

  expect(await tell(cluster)).toBe('503 stale')
})
