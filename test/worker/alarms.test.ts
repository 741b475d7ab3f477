/** When the object's alarm comes: for KV, for what time alone turns, and for nothing else (behaviour, sections 3 and 6). */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { aBlind, aSnapshot } from '../support/a-report.ts'
import { push, readAll } from './edge.ts'
import { alarmOf, giveKv, loseStorage, runAlarm, judgeAlone } from './object.ts'
import { operate } from './visitors.ts'
import { aPutCluster, content, setTimeByHand } from './put-cluster.ts'

beforeEach(judgeAlone)

setTimeByHand()

describe('the alarm', () => {
  async function aDeadCluster(): Promise<string> {
    const cluster = await aPutCluster()
    vi.setSystemTime(Date.now() + 61_000)
    await runAlarm(cluster)
    vi.setSystemTime(Date.now() + 10_000)
    return cluster
  }

  it('puts to KV once a second at most, also of a dead cluster', async () => {
    const cluster = await aDeadCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=1`)
    await runAlarm(cluster)
    vi.setSystemTime(Date.now() + 100)

    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=2`)

    expect(((await alarmOf(cluster)) ?? 0) - Date.now()).toBe(900)
  })

  it('is not set by each report that a dead cluster merely hears', async () => {
    const cluster = await aDeadCluster()

    await push(aBlind({ cluster, sequence: 2, observedAt: Date.now() }))

    expect(await alarmOf(cluster)).toBeNull()
  })

  it('comes when the lease ends, also after a restore', async () => {
    const cluster = await aPutCluster()
    await loseStorage(cluster)
    await readAll(cluster)
    await runAlarm(cluster)

    await push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content }))

    expect(((await alarmOf(cluster)) ?? 0) - Date.now()).toBeLessThanOrEqual(60_001)
  })

  it('puts once a second at most when an ack runs out right after a put', async () => {
    const cluster = await aPutCluster()
    vi.setSystemTime(Date.now() + 5000)
    const put = vi.fn<() => Promise<void>>(() => Promise.resolve())
    await giveKv(cluster, { put })
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x&expires-in=20s`)
    await runAlarm(cluster)
    vi.setSystemTime(Date.now() + 19_500)
    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=x`)
    await runAlarm(cluster)
    vi.setSystemTime(Date.now() + 500)
    await runAlarm(cluster)

    expect(put).toHaveBeenCalledTimes(2)
  })
})
