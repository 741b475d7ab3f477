/** An object that lost its storage: back from KV with what was decided, its verdict held (behaviour, section 3). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
  anUnreachableTarget,
} from '../support/a-report.ts'
import { ask, askJson, push, readAll, takeCluster } from './edge.ts'
import { loseStorage, recordOf, runAlarm, judgeAlone } from './object.ts'
import { operate } from './visitors.ts'

beforeEach(judgeAlone)

const MINUTE_MS = 60_000

const failing = aContent({
  services: [aService({ targets: [aFailingTarget()] }), aService({ name: 'api' })],
  categories: [
    aCategory({ name: 'read', services: ['api'] }),
    aCategory({ name: 'latched', services: ['web'], isSticky: true, failureThreshold: 2 }),
  ],
})
const streaks = { web: 1 }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A cluster whose service `web` fails; its record stands in KV. */
async function aCluster(epoch = 1): Promise<string> {
  const cluster = takeCluster()
  await push(
    aSnapshot({ cluster, epoch, observedAt: Date.now(), content: failing, streaks, sequence: 5 }),
  )
  await runAlarm(cluster)
  return cluster
}

async function ackWeb(cluster: string): Promise<void> {
  await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
  vi.setSystemTime(Date.now() + 1000)
  await runAlarm(cluster)
}

function pushNext(cluster: string, sequence = 6, epoch = 1): Promise<Response> {
  return push(
    aSnapshot({ cluster, epoch, sequence, observedAt: Date.now(), content: failing, streaks }),
  )
}

async function gtgOf(cluster: string, category = ''): Promise<[number, string | null]> {
  const response = await ask(`/clusters/${cluster}/__gtg/${category}?cache=false`)
  return [response.status, response.headers.get('x-gtg-reason')]
}

describe('an object that lost its storage', () => {
  it('still knows which services have served', async () => {
    const cluster = takeCluster()
    const starting = anUnreachableTarget({ ready: false, starting: true })
    const tell = (sequence: number, isUp: boolean) => {
      const targets = isUp ? [aTarget()] : [starting]
      const services = [aService({ targets }), aService({ name: 'new', targets: [starting] })]
      const content = aContent({ services, categories: [aCategory({ services: ['new'] })] })
      return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
    }
    await tell(1, true)
    await runAlarm(cluster)
    expect(await gtgOf(cluster)).toEqual([200, 'healthy'])

    await loseStorage(cluster)
    vi.setSystemTime(Date.now() + 2000)
    await tell(2, false)

    expect(await gtgOf(cluster)).toEqual([503, 'unhealthy'])
    expect(await gtgOf(cluster, 'read')).toEqual([200, 'degraded'])
  })

  it('holds an acked failure as passing until a snapshot comes', async () => {
    const cluster = await aCluster()
    await ackWeb(cluster)

    await loseStorage(cluster)
    vi.setSystemTime(Date.now() + 3 * 24 * 60 * MINUTE_MS)
    const held = await ask(`/clusters/${cluster}/__gtg`)
    await pushNext(cluster)
    const after = await ask(`/clusters/${cluster}/__gtg?cache=false`)

    expect([held.status, held.headers.get('x-gtg-reason')]).toEqual([200, 'held'])
    expect(held.headers.get('x-envoy-degraded')).toBe('true')
    expect([after.status, after.headers.get('x-gtg-reason')]).toEqual([200, 'healthy'])
    expect(after.headers.has('x-envoy-degraded')).toBe(false)
  })

  it('marks the acks it got back, with who gave them', async () => {
    const cluster = await aCluster()
    await ackWeb(cluster)
    const before = await readAll(cluster)

    await loseStorage(cluster)
    const after = await readAll(cluster)

    expect(after?.decisions.acks).toEqual(
      before?.decisions.acks.map((ack) => ({ ...ack, isRestored: true })),
    )
    expect(after?.decisions.acks).toMatchObject([{ service: 'web', message: 'known', by: 'nina' }])
  })

  it('keeps a failing verdict failing, with its reason', async () => {
    const cluster = await aCluster()

    await loseStorage(cluster)

    expect(await gtgOf(cluster)).toEqual([503, 'unhealthy'])
    expect(await gtgOf(cluster, 'read')).toEqual([200, 'held'])
    expect(await gtgOf(cluster, 'typo')).toEqual([400, 'unknown-category'])
  })

  it('keeps a category disabled, also after the snapshot', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=failover`)
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)

    await loseStorage(cluster)
    const held = await gtgOf(cluster, 'read')
    await pushNext(cluster)

    expect([held, await gtgOf(cluster, 'read')]).toEqual([
      [503, 'disabled'],
      [503, 'disabled'],
    ])
  })

  it('keeps a trip until somebody enables the category', async () => {
    const cluster = await aCluster()
    await push(aHeartbeat({ cluster, sequence: 6, observedAt: Date.now(), streaks: { web: 2 } }))
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)

    await loseStorage(cluster)
    await push(aSnapshot({ cluster, sequence: 7, observedAt: Date.now(), content: wellContent() }))
    const tripped = await gtgOf(cluster, 'latched')
    await operate(`/clusters/${cluster}/enable-category?category-name=latched`)

    expect([tripped, await gtgOf(cluster, 'latched')]).toEqual([
      [503, 'disabled'],
      [200, 'healthy'],
    ])
  })

  it('asks for a snapshot, and no heartbeat ends the hold', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)

    const response = await push(aHeartbeat({ cluster, sequence: 6, observedAt: Date.now() }))

    expect(await response.json()).toEqual({ accepted: true, resend: true })
    expect(await gtgOf(cluster, 'read')).toEqual([200, 'held'])
  })

  it.each([
    ['at 15 min', 15 * MINUTE_MS, [200, 'held']],
    ['a millisecond later', 15 * MINUTE_MS + 1, [503, 'stale']],
  ])('holds no longer than that: %s', async (_, afterMs, expected) => {
    const cluster = await aCluster()
    await loseStorage(cluster)
    await gtgOf(cluster, 'read')

    vi.setSystemTime(Date.now() + afterMs)

    expect(await gtgOf(cluster, 'read')).toEqual(expected)
  })

  it('goes on with the order, so a deposed leader stays refused', async () => {
    const cluster = await aCluster(4)
    await loseStorage(cluster)

    const deposed = await pushNext(cluster, 99, 3)
    const repeated = await pushNext(cluster, 5, 4)
    const next = await pushNext(cluster, 6, 4)

    expect([deposed.status, repeated.status, next.status]).toEqual([409, 409, 202])
    expect(await deposed.json()).toMatchObject({ held: { epoch: 4, sequence: 5 } })
  })

  it('is dead when it was, and comes back by two reports', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(Date.now() + MINUTE_MS + 1)
    await runAlarm(cluster)

    await loseStorage(cluster)
    const dead = await gtgOf(cluster, 'read')
    await pushNext(cluster, 6)
    const heardOnce = await gtgOf(cluster, 'read')
    vi.setSystemTime(Date.now() + 10_000)
    await pushNext(cluster, 7)

    expect([dead, heardOnce]).toEqual([
      [503, 'stale'],
      [503, 'stale'],
    ])
    expect(await gtgOf(cluster, 'read')).toEqual([200, 'healthy'])
  })

  it('brings nobody back from the dead by blind reports', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(Date.now() + MINUTE_MS + 1)
    await runAlarm(cluster)
    await loseStorage(cluster)

    await push(aBlind({ cluster, sequence: 6, observedAt: Date.now() }))

    expect(await gtgOf(cluster, 'read')).toEqual([503, 'stale'])
  })

  it('tells it in the history, and refuses to ack the unseen', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)

    const refused = await operate(`/clusters/${cluster}/add-ack?service-name=api&ack-msg=x`)
    const history = await askJson(`/clusters/${cluster}/history`)

    expect(refused.status).toBe(503)
    expect(await history.json()).toMatchObject({ events: [{ cause: 'restored', to: 'held' }] })
  })

  it('counts versions on from those that KV has', async () => {
    const cluster = await aCluster()
    await ackWeb(cluster)
    const before = await recordOf(cluster)
    await loseStorage(cluster)

    await operate(`/clusters/${cluster}/rem-ack?service-name=web`)
    await runAlarm(cluster)

    expect(before).toMatchObject({ version: 2, decisions: { acks: [{ service: 'web' }] } })
    expect(await recordOf(cluster)).toMatchObject({ version: 4, decisions: { acks: [] } })
  })

  it('publishes its death though nobody reports any more', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)
    await gtgOf(cluster)

    vi.setSystemTime(Date.now() + 15 * MINUTE_MS + 1)
    const ran = await runAlarm(cluster)

    expect(ran).toBe(true)
    expect(await recordOf(cluster)).toMatchObject({ isDead: true })
  })

  it('starts empty where KV never had a record', async () => {
    const cluster = takeCluster()

    const response = await push(aSnapshot({ cluster, observedAt: Date.now() }))

    expect(response.status).toBe(202)
    expect(await gtgOf(cluster)).toEqual([200, 'healthy'])
  })
})

function wellContent() {
  return { ...failing, services: [aService(), aService({ name: 'api' })] }
}
