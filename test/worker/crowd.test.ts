/** Many probers at once: what they cost the one object, and how old an answer may be meanwhile (behaviour, section 4). */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clusterViews, type ReadView } from '../../worker/cluster/read-view.ts'
import type { ClusterView } from '../../worker/domain/gtg.ts'
import { Cluster } from '../../worker/index.ts'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { aView } from '../support/a-view.ts'
import { ask, push, takeCluster } from './edge.ts'
import { timesAsked } from './object.ts'
import { operate } from './visitors.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function probe(cluster: string): Promise<ReadView<ClusterView> | null> {
  return clusterViews.read(env, cluster, { skipMemo: 'never', goOn: () => undefined })
}

/** A cluster that this isolate just read; the object gives what a case says from then on. */
async function aCluster(leaseMs = 60_000): Promise<string> {
  const cluster = takeCluster()
  const freshAtMs = Date.now()
  const lease = {
    freshAtMs,
    validUntilMs: freshAtMs + leaseMs,
    heldUntilMs: null,
    byHandUntilMs: null,
    ruling: null,
  }
  vi.spyOn(Cluster.prototype, 'view').mockResolvedValue(aView({ lease }))
  await probe(cluster)
  return cluster
}

function spyHangingView() {
  const { promise } = Promise.withResolvers<ClusterView>()
  return vi.spyOn(Cluster.prototype, 'view').mockClear().mockReturnValue(promise)
}

describe('a clock that was set back', () => {
  it('makes no old answer good for longer', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    const before = await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() - 50_000)
    const content = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
    await push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content }))

    const after = await ask(`/clusters/${cluster}/__gtg`)
    const view = vi.spyOn(Cluster.prototype, 'view')
    const next = await ask(`/clusters/${cluster}/__gtg`)

    expect([before.status, after.status, next.status]).toEqual([200, 503, 503])
    expect(view).not.toHaveBeenCalled()
  })
})

describe('a crowd of probers', () => {
  it('asks the object once when the memo has ended', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() + 1000)
    const view = vi.spyOn(Cluster.prototype, 'view')

    const crowd = Array.from({ length: 100 }, () => ask(`/clusters/${cluster}/__gtg`))
    const answers = await Promise.all(crowd)

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await timesAsked(view)).toBe(1)
  })

  it('does not all ask an object that takes 1.2 s', async () => {
    const cluster = await aCluster()
    const view = spyHangingView()
    vi.setSystemTime(Date.now() + 1000)

    const crowd: Promise<ReadView<ClusterView> | null>[] = []
    for (let ms = 0; ms < 1200; ms += 20) {
      crowd.push(probe(cluster))
      // oxlint-disable-next-line no-await-in-loop
      await vi.advanceTimersByTimeAsync(20)
    }
    await vi.advanceTimersByTimeAsync(700)

    // One each time that the one before is given up: at 0, 460 and 920 ms.
    expect(view).toHaveBeenCalledTimes(3)
    expect((await Promise.all(crowd)).filter((read) => read?.isCopy !== false)).toEqual([])
  })

  it.each([
    ['at the end of its lease', 1500, 1],
    ['a millisecond past it', 1501, 2],
  ])('is served a memo while somebody asks: %s', async (_, afterMs, asked) => {
    const cluster = await aCluster(1500)
    const view = spyHangingView()
    vi.setSystemTime(Date.now() + 1400)
    void probe(cluster)

    vi.setSystemTime(Date.now() + afterMs - 1400)
    void probe(cluster)
    await vi.advanceTimersByTimeAsync(0)

    expect(view).toHaveBeenCalledTimes(asked)
  })

  it.each([
    ['3.999 s old', 3999, 1],
    ['4 s old', 4000, 2],
  ])('is served a memo no longer than that: %s', async (_, afterMs, asked) => {
    const cluster = await aCluster()
    const view = spyHangingView()
    vi.setSystemTime(Date.now() + 3700)
    void probe(cluster)

    vi.setSystemTime(Date.now() + afterMs - 3700)
    void probe(cluster)
    await vi.advanceTimersByTimeAsync(0)

    expect(view).toHaveBeenCalledTimes(asked)
  })
})

describe('an act', () => {
  it.each([
    ['in the same millisecond', 0],
    ['five later', 5],
  ])('outdoes a read that was under way: %s', async (_, afterMs) => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    const before = await env.CLUSTER.getByName(cluster).view({ gtg: {}, reports: {} })
    const { promise, resolve } = Promise.withResolvers<ClusterView>()
    const asked = Promise.withResolvers<null>()
    vi.spyOn(Cluster.prototype, 'view').mockImplementationOnce(() => {
      asked.resolve(null)
      return promise
    })

    const older = ask(`/clusters/${cluster}/__gtg`)
    await asked.promise
    vi.setSystemTime(Date.now() + afterMs)
    await operate(`/clusters/${cluster}/disable-category?category-name=default`)
    resolve(before)
    const told = (await older).headers.get('x-gtg-reason')
    const next = await ask(`/clusters/${cluster}/__gtg`)

    expect([told, next.headers.get('x-gtg-reason')]).toEqual(['healthy', 'disabled'])
  })
})
