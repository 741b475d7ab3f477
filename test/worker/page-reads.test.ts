/** What pages and their JSON cost the one object, and whom they may show what was a second ago (behaviour, section 5). */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from '../../worker/index.ts'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { askJson, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'
import { BEARER, browse, operate, signIn } from './visitors.ts'

beforeEach(judgeAlone)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await say(cluster, 1)
  return cluster
}

function say(cluster: string, sequence: number, targets = aService().targets): Promise<Response> {
  const content = aContent({ services: [aService({ targets })] })
  return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
}

async function isOk(cluster: string, headers: Record<string, string> = {}): Promise<boolean> {
  const response = await askJson(`/clusters/${cluster}/__health`, { headers })
  return (await response.json<{ ok: boolean }>()).ok
}

describe('readers without a token', () => {
  it.each([
    ['within a second', 999, 1],
    ['from a second on', 1000, 2],
  ])('cost the object one read, however many they are: %s', async (_, afterMs, reads) => {
    const cluster = await aCluster()
    const read = vi.spyOn(Cluster.prototype, 'read')
    const pages = ['/__health', '/categories', '/__pods-health?service-name=web']

    for (const path of [...pages, ...pages]) {
      // oxlint-disable-next-line no-await-in-loop
      await browse(`/clusters/${cluster}${path}`)
    }
    vi.setSystemTime(Date.now() + afterMs)
    await isOk(cluster)

    expect(read).toHaveBeenCalledTimes(reads)
  })

  it('are told apart by cluster', async () => {
    const well = await aCluster()
    const broken = takeCluster()
    await say(broken, 1, [aFailingTarget()])

    expect([await isOk(well), await isOk(broken)]).toEqual([true, false])
    expect([await isOk(well), await isOk(broken)]).toEqual([true, false])
  })

  it('see a cluster turn late and dead all the same', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(Date.now() + 59_500)
    const before = await isOk(cluster)

    vi.setSystemTime(Date.now() + 501)

    expect([before, await isOk(cluster)]).toEqual([true, false])
  })
})

describe('whoever has a token', () => {
  it.each([
    ['by a script that may read', () => Promise.resolve({ authorization: `Bearer ${READ_TOKEN}` })],
    ['by a session', () => signIn()],
  ])('sees what is there now: %s', async (_, headersOf) => {
    const cluster = await aCluster()
    const headers: Record<string, string> = await headersOf()
    await isOk(cluster)
    await say(cluster, 2, [aFailingTarget()])

    const others = await isOk(cluster)
    const own = await isOk(cluster, headers)

    expect([others, own]).toEqual([true, false])
    expect(await isOk(cluster)).toBe(false)
  })
})

describe('an act', () => {
  it.each([
    ['in the same millisecond', 0],
    ['five later', 5],
  ])('outdoes a read that was under way: %s', async (_, afterMs) => {
    const cluster = await aCluster()
    await say(cluster, 2, [aFailingTarget()])
    const before = await env.CLUSTER.getByName(cluster).read()
    const { promise, resolve } = Promise.withResolvers<typeof before>()
    const asked = Promise.withResolvers<null>()
    vi.spyOn(Cluster.prototype, 'read').mockImplementationOnce(() => {
      asked.resolve(null)
      return promise
    })

    const older = isOk(cluster)
    await asked.promise
    vi.setSystemTime(Date.now() + afterMs)
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
    resolve(before)

    expect([await older, await isOk(cluster)]).toEqual([false, true])
  })

  it('is shown to everybody at once', async () => {
    const cluster = await aCluster()
    await say(cluster, 2, [aFailingTarget()])
    const before = [await isOk(cluster), await isOk(cluster, BEARER)]

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)

    expect([before, await isOk(cluster)]).toEqual([[false, false], true])
  })
})
