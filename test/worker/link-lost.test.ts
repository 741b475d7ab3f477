/** A live link that goes: what of it is left, and for how long its cluster is believed (behaviour, section 2). */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import * as v from 'valibot'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CLOSED } from '../../worker/contract/link.ts'
import { placeSchema } from '../../worker/contract/report.ts'
import { Fleet } from '../../worker/index.ts'
import { aBlind } from '../support/a-report.ts'
import { countersOf, alarmOf, judgeAlone, loseStorage, runAlarm, stubOf } from './object.ts'
import { aLinkedCluster, aSteadyCluster, beat, tell } from './linked-cluster.ts'
import { setTimeByHand } from './put-cluster.ts'
import { operate } from './visitors.ts'

beforeEach(judgeAlone)

setTimeByHand()

const attachment = v.pipe(v.string(), v.parseJson(), v.object({ place: placeSchema }))

describe('a link that goes', () => {
  it('leaves the verdict late, then dead, by the clock alone', async () => {
    const { cluster, link } = await aLinkedCluster()
    link.close()
    await link.closed

    const seen = []
    for (const afterMs of [30_000, 1, 29_999, 1]) {
      vi.setSystemTime(Date.now() + afterMs)
      // oxlint-disable-next-line no-await-in-loop
      seen.push(await tell(cluster))
    }

    expect(seen).toEqual(['200 healthy', '200 late', '200 late', '503 stale'])
  })

  it('sets the alarm for the end of the lease', async () => {
    const { cluster, link } = await aSteadyCluster()
    const steadyMs = await alarmOf(cluster)
    await beat(link, cluster, 4)

    link.close()
    await link.closed
    const setMs = (await alarmOf(cluster)) ?? 0

    expect([steadyMs, setMs - Date.now()]).toEqual([null, 60_001])
  })

  it('without a word, in a deploy, costs one fresh lease and never reads as dead', async () => {
    const { cluster, link } = await aSteadyCluster()
    for (let sequence = 4; sequence < 20; sequence++) {
      vi.setSystemTime(Date.now() + 10_000)
      // oxlint-disable-next-line no-await-in-loop
      await beat(link, cluster, sequence)
    }

    await evictDurableObject(stubOf(cluster), { webSockets: 'close' })
    const seen = [await tell(cluster)]
    vi.setSystemTime(Date.now() + 60_000)
    seen.push(await tell(cluster))
    vi.setSystemTime(Date.now() + 1)
    seen.push(await tell(cluster))
    await evictDurableObject(stubOf(cluster))
    seen.push(await tell(cluster))

    expect(seen).toEqual(['200 late', '200 late', '503 stale', '503 stale'])
  })

  it.each([
    ['is woken', {}, 'reports accepted 5'],
    ['is lost in a deploy', { webSockets: 'close' }, null],
  ] as const)('tells no count twice when it %s', async (_, how, expected) => {
    const { cluster, link } = await aSteadyCluster()
    for (const sequence of [4, 5, 6]) {
      vi.setSystemTime(Date.now() + 10_000)
      // oxlint-disable-next-line no-await-in-loop
      await beat(link, cluster, sequence)
    }
    const before = await countersOf(cluster)

    await evictDurableObject(stubOf(cluster), how)

    // What fell to the row's 2 would read as a restart that counted 2 more.
    const after = await countersOf(cluster)
    expect(before).toContain('reports accepted 5')
    expect(after.find((line) => line.startsWith('reports accepted')) ?? null).toBe(expected)
  })

  it('and whose end can’t be stored is one that was lost', async () => {
    const { cluster, link } = await aSteadyCluster()
    vi.setSystemTime(Date.now() + 50_000)
    await beat(link, cluster, 4)
    vi.setSystemTime(Date.now() + 20_000)
    await runInDurableObject(stubOf(cluster), (_, { storage }) => {
      vi.spyOn(storage, 'transactionSync').mockImplementation(() => {
        throw new Error('disk I/O error')
      })
    })

    link.close()
    await vi.waitFor(async () => {
      expect(await tell(cluster)).toBe('200 healthy')
    })
  })

  it('of another version, whose words can’t be read, is one that was lost', async () => {
    const { cluster, link } = await aSteadyCluster()
    for (let sequence = 4; sequence < 14; sequence++) {
      vi.setSystemTime(Date.now() + 10_000)
      // oxlint-disable-next-line no-await-in-loop
      await beat(link, cluster, sequence)
    }
    await runInDurableObject(stubOf(cluster), (_, state) => {
      for (const socket of state.getWebSockets()) {
        const { place } = v.parse(attachment, socket.deserializeAttachment())
        socket.serializeAttachment(JSON.stringify({ place, carried: { pulse: 'other' } }))
      }
    })
    vi.setSystemTime(Date.now() + 20_000)
    await evictDurableObject(stubOf(cluster))
    await alarmOf(cluster)
    vi.setSystemTime(Date.now() + 10_000)
    await evictDurableObject(stubOf(cluster))
    const seen = [await tell(cluster)]
    vi.setSystemTime(Date.now() + 50_001)
    seen.push(await tell(cluster))

    expect(seen).toEqual(['200 late', '503 stale'])
  })

  it('sets the alarm for the end of the lease, where the fleet can’t look on', async () => {
    const { cluster } = await aLinkedCluster()
    vi.spyOn(Fleet.prototype, 'watch').mockRejectedValue(new Error('overloaded'))
    vi.setSystemTime(Date.now() + 50_000)
    await runAlarm(cluster)

    expect(((await alarmOf(cluster)) ?? 0) - Date.now()).toBe(10_001)
  })

  it('that is half open reads as dead by what it last carried', async () => {
    const { cluster, link } = await aSteadyCluster()
    vi.setSystemTime(Date.now() + 20_000)
    await beat(link, cluster, 4)

    vi.setSystemTime(Date.now() + 60_000)
    const last = await tell(cluster)
    vi.setSystemTime(Date.now() + 1)

    expect([last, await tell(cluster)]).toEqual(['200 late', '503 stale'])
  })

  it('is not believed by an object that lost its storage', async () => {
    const { cluster, link } = await aLinkedCluster()
    await beat(link, cluster, 3)

    await loseStorage(cluster)
    const seen = await tell(cluster)

    expect([seen, await link.closed]).toEqual(['200 held', CLOSED.again])
  })

  it('is closed when its cluster is erased', async () => {
    const { cluster, link } = await aLinkedCluster()

    await operate(`/clusters/${cluster}/erase?confirm=${cluster}`)

    expect([await link.closed, await tell(cluster)]).toEqual([CLOSED.again, '503 no-data'])
  })

  it('while the exporter is blind keeps what is held', async () => {
    const { cluster, link } = await aLinkedCluster()
    for (const sequence of [3, 4, 5, 6, 7, 8, 9, 10]) {
      vi.setSystemTime(Date.now() + 10_000)
      // oxlint-disable-next-line no-await-in-loop
      await link.push(aBlind({ cluster, sequence, observedAt: Date.now() }))
    }

    await evictDurableObject(stubOf(cluster), { webSockets: 'close' })

    expect(await tell(cluster)).toBe('200 held')
  })
})
