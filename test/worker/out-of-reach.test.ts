/** The object out of reach: what KV last published is held, within 700 ms, and never for longer than 15 minutes. */
import { env } from 'cloudflare:workers'
import { runDurableObjectAlarm } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clusterViews } from '../../worker/cluster/read-view.ts'
import { makeView, type ClusterView } from '../../worker/domain/gtg.ts'
import { Cluster } from '../../worker/index.ts'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { ask, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'
import { operate } from './visitors.ts'

beforeEach(judgeAlone)

function stubOf(cluster: string) {
  return env.CLUSTER.getByName(cluster)
}

/** A real object out of reach can't be ordered here: this one gives no view, as one that is overloaded or cut off. */
function breakObject(view: () => Promise<never>): void {
  vi.spyOn(Cluster.prototype, 'view').mockImplementation(view)
}

const throws = () => Promise.reject(new Error('the object is overloaded'))
const hangs = () => Promise.withResolvers<never>().promise

async function publish(cluster: string, targets = aService().targets, sequence = 1): Promise<void> {
  const content = aContent({ services: [aService({ targets })] })
  await push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
  await runDurableObjectAlarm(stubOf(cluster))
}

describe('the object out of reach', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
    vi.spyOn(console, 'error').mockReturnValue()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('holds the last good verdict that KV has', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect(response.status).toBe(200)
    expect(response.headers.get('x-gtg-reason')).toBe('held')
    expect(response.headers.get('x-envoy-degraded')).toBe('true')
  })

  it('keeps a bad verdict bad', async () => {
    const cluster = takeCluster()
    await publish(cluster, [aFailingTarget()])
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect(response.status).toBe(503)
    expect(response.headers.get('x-gtg-reason')).toBe('unhealthy')
  })

  it('holds what was published days ago just as well', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    vi.setSystemTime(Date.now() + 3 * 86_400_000)
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect(response.headers.get('x-gtg-reason')).toBe('held')
  })

  it('does not hold a cluster that was dead when last published', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    vi.setSystemTime(Date.now() + 61_000)
    await runDurableObjectAlarm(stubOf(cluster))
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'stale'])
  })

  it('ends the hold 15 minutes after the first failed read', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    breakObject(throws)
    await ask(`/clusters/${cluster}/__gtg`)

    vi.setSystemTime(Date.now() + 5 * 60_000)
    await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() + 10 * 60_000)
    const atLast = await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() + 1)
    const after = await ask(`/clusters/${cluster}/__gtg`)

    expect(atLast.headers.get('x-gtg-reason')).toBe('held')
    expect([after.status, await after.text()]).toEqual([
      503,
      'UNAVAILABLE\ngtg=fail reason=internal\n',
    ])
  })

  it('counts a failure long after the last one as another outage', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    breakObject(throws)
    await ask(`/clusters/${cluster}/__gtg`)

    vi.setSystemTime(Date.now() + 20 * 60_000)
    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect(response.headers.get('x-gtg-reason')).toBe('held')
  })

  it('lets an ack run out that KV has', async () => {
    const cluster = takeCluster()
    await publish(cluster, [aFailingTarget()])
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x&expires-in=5m`)
    vi.setSystemTime(Date.now() + 1000)
    await runDurableObjectAlarm(stubOf(cluster))
    breakObject(throws)
    const before = await ask(`/clusters/${cluster}/__gtg`)

    vi.setSystemTime(Date.now() + 5 * 60_000)
    const after = await ask(`/clusters/${cluster}/__gtg`)

    expect(before.headers.get('x-gtg-reason')).toBe('held')
    expect([after.status, after.headers.get('x-gtg-reason')]).toEqual([503, 'unhealthy'])
  })

  it('keeps a category disabled that KV has as such', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    await operate(`/clusters/${cluster}/disable-category?category-name=default`)
    vi.setSystemTime(Date.now() + 1000)
    await runDurableObjectAlarm(stubOf(cluster))
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'disabled'])
    expect(response.headers.get('x-envoy-immediate-health-check-fail')).toBe('true')
  })

  it('is internal once it was erased, whatever was before', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    await operate(`/clusters/${cluster}/erase?confirm=${cluster}`)
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'internal'])
  })

  it('is internal when KV has nothing either', async () => {
    const cluster = takeCluster()
    breakObject(throws)

    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect([response.status, await response.text()]).toEqual([
      503,
      'UNAVAILABLE\ngtg=fail reason=internal\n',
    ])
  })

  it('prefers the memo while its lease lasts', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    await ask(`/clusters/${cluster}/__gtg`)
    breakObject(throws)

    vi.setSystemTime(Date.now() + 30_000)
    const response = await ask(`/clusters/${cluster}/__gtg`)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([200, 'healthy'])
  })
})

describe('an object that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.now() + 100_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('is given 450 ms; KV is asked beside it from 300 ms on', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    breakObject(hangs)
    const get = vi.spyOn(env.STATE, 'get')

    const read = clusterViews.read(env, cluster, { skipMemo: 'never', goOn: () => undefined })
    await vi.advanceTimersByTimeAsync(299)
    const before = get.mock.calls.length
    await vi.advanceTimersByTimeAsync(1)
    const at = get.mock.calls.length
    await vi.advanceTimersByTimeAsync(150)

    expect([before, at]).toEqual([0, 1])
    expect(await read).toMatchObject({ isCopy: true })
  })

  it('is not out of reach when it is only late for one prober', async () => {
    const cluster = takeCluster()
    await publish(cluster)
    const { promise, resolve } = Promise.withResolvers<ClusterView>()
    vi.spyOn(Cluster.prototype, 'view').mockReturnValue(promise)
    const behind: Promise<unknown>[] = []

    const late = clusterViews.read(env, cluster, {
      skipMemo: 'never',
      goOn: (work) => behind.push(work),
    })
    await vi.advanceTimersByTimeAsync(480)
    resolve({ ...makeView(null), intervalSeconds: 7 })
    await Promise.all(behind)
    const next = await clusterViews.read(env, cluster, { skipMemo: 'never', goOn: () => undefined })

    expect(await late).toMatchObject({ isCopy: true })
    expect(next).toMatchObject({ isCopy: false, view: { intervalSeconds: 7 } })
  })

  it('costs a prober 700 ms at most, even when KV hangs too', async () => {
    const cluster = takeCluster()
    breakObject(hangs)
    const get = vi.spyOn(env.STATE, 'get').mockReturnValue(hangs())

    const read = clusterViews.read(env, cluster, { skipMemo: 'never', goOn: () => undefined })
    await vi.advanceTimersByTimeAsync(650)

    expect(await read).toBeNull()
    expect(get).toHaveBeenCalledOnce()
  })
})
