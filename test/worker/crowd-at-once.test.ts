/** Many at once: the one object of a cluster is asked by one of them, and the others are shown what is known. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from '../../worker/index.ts'

import { ask, askJson } from './edge.ts'
import { timesAsked, judgeAlone } from './object.ts'
import { aPutCluster, setTimeByHand } from './put-cluster.ts'

beforeEach(judgeAlone)

setTimeByHand()

describe('a crowd', () => {
  it('of probers of a dead cluster costs one read', async () => {
    const cluster = await aPutCluster()
    vi.setSystemTime(Date.now() + 61_000)
    await ask(`/clusters/${cluster}/__gtg`)
    vi.setSystemTime(Date.now() + 1000)
    const view = vi.spyOn(Cluster.prototype, 'view')

    await Promise.all(Array.from({ length: 100 }, () => ask(`/clusters/${cluster}/__gtg`)))

    expect(await timesAsked(view)).toBe(1)
  })

  it('that comes at the end of the memo costs one read', async () => {
    const cluster = await aPutCluster()
    await askJson(`/clusters/${cluster}/__health`)
    vi.setSystemTime(Date.now() + 1000)
    const read = vi.spyOn(Cluster.prototype, 'read')

    await Promise.all(Array.from({ length: 60 }, () => askJson(`/clusters/${cluster}/__health`)))

    expect(read).toHaveBeenCalledOnce()
  })
})
