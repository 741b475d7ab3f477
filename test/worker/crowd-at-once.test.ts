/** Many at once: the one object of a cluster is asked by one of them, and the others are shown what is known. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from '../../worker/index.ts'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { runAlarm, judgeAlone } from './object.ts'

beforeEach(judgeAlone)

const content = aContent({
  services: [aService({ targets: [aFailingTarget()] })],
  categories: [aCategory()],
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: Date.now() + 100_000 })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  await runAlarm(cluster)
  return cluster
}

describe('a crowd', () => {
  it('of probers of a dead cluster costs one read', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(Date.now() + 61_000)
    await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() + 1000)
    const view = vi.spyOn(Cluster.prototype, 'view')

    await Promise.all(Array.from({ length: 100 }, () => ask(`/clusters/${cluster}/__gtg`)))

    expect(view).toHaveBeenCalledOnce()
  })

  it('that comes at the end of the memo costs one read', async () => {
    const cluster = await aCluster()
    await askJson(`/clusters/${cluster}/__health`)
    vi.setSystemTime(Date.now() + 1000)
    const read = vi.spyOn(Cluster.prototype, 'read')

    await Promise.all(Array.from({ length: 60 }, () => askJson(`/clusters/${cluster}/__health`)))

    expect(read).toHaveBeenCalledOnce()
  })
})
