/** How often KV's copy is put: what a person decides at once, a flapping service's verdicts at most once in 10 s. */
import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { push, takeCluster } from './edge.ts'
import { alarmOf, giveKv, KV, recordOf, stubOf } from './object.ts'
import { setTimeByHand } from './put-cluster.ts'
import { operate } from './visitors.ts'

setTimeByHand()

const FAILING = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
const WELL = aContent({ services: [aService()] })

/** A cluster that was put 10 s ago; `putsAtMs`: when its object puts from now on, ms from now. */
async function aCountedCluster() {
  const cluster = takeCluster()
  const counted = { cluster, sequence: 0, putsAtMs: Array<number>() }
  await turn(counted, true)
  await passTo(cluster, Date.now())
  await passTo(cluster, Date.now() + 10_000)
  const startMs = Date.now()
  await giveKv(cluster, {
    put: async (key, value) => {
      counted.putsAtMs.push(Date.now() - startMs)
      await KV.put(key, value)
    },
  })
  return { ...counted, counted, startMs }
}

async function turn(counted: { cluster: string; sequence: number }, isWell: boolean) {
  counted.sequence += 1
  const { cluster, sequence } = counted
  const content = isWell ? WELL : FAILING
  await push(
    aSnapshot({ cluster, sequence, observedAt: Date.now(), content, digest: `${sequence}` }),
  )
}

/** Time goes on, and the alarm rings whenever it is due. */
async function passTo(cluster: string, untilMs: number): Promise<void> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one moment after the other
    const dueMs = await alarmOf(cluster)
    if (dueMs === null || dueMs > untilMs) break
    vi.setSystemTime(Math.max(dueMs, Date.now()))
    // oxlint-disable-next-line no-await-in-loop
    await runInDurableObject(stubOf(cluster), async (object, { storage }) => {
      await storage.deleteAlarm()
      await object.alarm()
    })
  }
  vi.setSystemTime(untilMs)
}

describe('a flapping service', () => {
  it('costs one put at once, and then one in 10 s', async () => {
    const { cluster, counted, startMs, putsAtMs } = await aCountedCluster()

    for (let second = 0; second < 60; second++) {
      // oxlint-disable-next-line no-await-in-loop -- a turn each second
      await turn(counted, second % 2 === 1)
      // oxlint-disable-next-line no-await-in-loop
      await passTo(cluster, startMs + (second + 1) * 1000 - 1)
    }

    expect(putsAtMs).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000])
  })

  it('costs no more where it is acked until it recovers', async () => {
    const { cluster, counted, startMs, putsAtMs } = await aCountedCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known&until=recovery`)
    await passTo(cluster, startMs + 999)

    for (let second = 1; second < 30; second++) {
      // oxlint-disable-next-line no-await-in-loop -- a turn each second
      await turn(counted, second % 2 === 1)
      // oxlint-disable-next-line no-await-in-loop
      await passTo(cluster, startMs + (second + 1) * 1000 - 1)
    }

    expect(putsAtMs).toEqual([0, 10_000, 20_000])
  })

  it('is in the copy as it is at last', async () => {
    const { cluster, counted, startMs, putsAtMs } = await aCountedCluster()
    await turn(counted, false)
    await passTo(cluster, startMs + 1000)
    await turn(counted, true)

    await passTo(cluster, startMs + 11_000)

    expect(putsAtMs).toEqual([0, 10_000])
    expect(await recordOf(cluster)).toMatchObject({
      categories: [{ name: 'default', passes: true }],
    })
  })
})

describe('what a person decides', () => {
  it.each([
    ['an ack', 'add-ack?service-name=web&ack-msg=known'],
    ['a switch', 'disable-category?category-name=default&why=failover'],
    ['a hold', 'hold?for=1h&why=drill'],
    ['the order started anew', 'reset-order?why=leak'],
  ])('is put at once, though a service flaps: %s', async (_, path) => {
    const { cluster, counted, startMs, putsAtMs } = await aCountedCluster()
    await turn(counted, false)
    await passTo(cluster, startMs + 2000)
    await turn(counted, true)
    await passTo(cluster, startMs + 3000)

    const { status } = await operate(`/clusters/${cluster}/${path}`)
    await passTo(cluster, startMs + 5000)

    expect(status).toBe(200)
    expect(putsAtMs).toEqual([0, 3000])
  })

  it('is put once a second at most', async () => {
    const { cluster, startMs, putsAtMs } = await aCountedCluster()

    for (const verb of ['disable', 'enable', 'disable', 'enable']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await operate(`/clusters/${cluster}/${verb}-category?category-name=default`)
      // oxlint-disable-next-line no-await-in-loop
      await passTo(cluster, Date.now() + 300)
    }
    await passTo(cluster, startMs + 5000)

    expect(putsAtMs).toEqual([0, 1000])
  })
})

describe('a death', () => {
  it('is put at once, though a verdict has just turned', async () => {
    const { cluster, counted, startMs, putsAtMs } = await aCountedCluster()
    await turn(counted, false)
    await passTo(cluster, startMs + 55_000)
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)

    await passTo(cluster, startMs + 65_000)

    expect(putsAtMs.slice(0, 2)).toEqual([0, 55_000])
    expect(putsAtMs[2]).toBeLessThan(62_000)
    expect(await recordOf(cluster)).toMatchObject({ isDead: true })
  })
})
