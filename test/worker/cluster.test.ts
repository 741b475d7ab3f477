/** The object behind a cluster: what it keeps over an eviction, and when it writes where. */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Cluster } from '../../worker/index.ts'
import { readRecord } from '../../worker/store/cluster-record.ts'
import {
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
} from '../support/a-report.ts'
import { ask, heldOf, push, readAll, takeCluster, wireOf } from './edge.ts'
import { judgeAlone } from './object.ts'

beforeEach(judgeAlone)

function stubOf(cluster: string) {
  return env.CLUSTER.getByName(cluster)
}

const NOTHING_COUNTED = { gtg: {}, reports: {} }

const failing = aContent({ services: [aService({ targets: [aFailingTarget()] })] })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('an evicted object', () => {
  it('still knows the order, the verdict and the content', async () => {
    const cluster = takeCluster()
    await push(
      aSnapshot({ cluster, epoch: 2, sequence: 5, observedAt: Date.now(), content: failing }),
    )
    const before = await heldOf(cluster)

    await evictDurableObject(stubOf(cluster))

    expect(await heldOf(cluster)).toBe(before)
    expect((await ask(`/clusters/${cluster}/__gtg`)).status).toBe(503)
    expect((await push(aHeartbeat({ cluster, epoch: 2, sequence: 5 }))).status).toBe(409)
  })
})

describe('a content that no row could hold', () => {
  it('is kept in pieces, and its pieces go when it shrinks', async () => {
    const cluster = takeCluster()
    const text = 'ä'.repeat(500)
    const targets = Array.from({ length: 2500 }, (_, i) =>
      aTarget({ id: `web-${i}`, ok: false, reason: text }),
    )
    const content = aContent({ services: [aService({ targets })] })

    const response = await push(aSnapshot({ cluster, content }), { gzip: true })
    const pieces = await countPieces(cluster)
    const held = await readAll(cluster)
    await push(aSnapshot({ cluster, sequence: 2 }))

    expect(response.status).toBe(202)
    expect(pieces).toBe(2)
    expect(held?.content?.services?.[0]?.targets?.at(-1)?.reason).toBe(text)
    expect(await countPieces(cluster)).toBe(1)
  })

  function countPieces(cluster: string): Promise<number> {
    return runInDurableObject(stubOf(cluster), (_: Cluster, state) =>
      Number(
        state.storage.sql.exec("SELECT COUNT(*) n FROM state WHERE key = 'report'").one()['n'],
      ),
    )
  }
})

describe('the steady state', () => {
  it('writes one row a heartbeat, and nothing to KV', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, observedAt: Date.now() }))
    await runDurableObjectAlarm(stubOf(cluster))
    const published = await readRecord(env.STATE, cluster)

    const written = await runInDurableObject(stubOf(cluster), async (object: Cluster, state) => {
      const { sql } = state.storage
      const exec = vi.spyOn(sql, 'exec')
      for (let sequence = 2; sequence <= 101; sequence++) {
        vi.setSystemTime(Date.now() + 10_000)
        // oxlint-disable-next-line no-await-in-loop
        await object.take(
          wireOf(aHeartbeat({ cluster, sequence, observedAt: Date.now() })),
          NOTHING_COUNTED,
        )
      }
      const statements = exec.mock.calls.map(([query]) => query)
      return statements.filter((query) => /^INSERT|^UPDATE/.test(query)).length
    })
    await runDurableObjectAlarm(stubOf(cluster))

    expect(written).toBe(100)
    expect(await readRecord(env.STATE, cluster)).toEqual(published)
  })
})

describe('KV', () => {
  it('is written when a verdict turns, with the next version', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, sequence: 1, observedAt: Date.now() }))
    await runDurableObjectAlarm(stubOf(cluster))
    const first = await readRecord(env.STATE, cluster)

    vi.setSystemTime(Date.now() + 40_000)
    await push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content: failing }))
    await runDurableObjectAlarm(stubOf(cluster))
    const text = await env.STATE.get(`cluster/${cluster}`)

    expect(first).toMatchObject({ version: 1, isDead: false })
    expect(JSON.parse(text ?? '')).toMatchObject({
      version: 2,
      categories: [{ name: 'default', passes: false, failing: ['web'] }],
    })
  })

  it('gets the newest of several turns, once', async () => {
    const cluster = takeCluster()
    const put = vi.spyOn(env.STATE, 'put')
    for (let sequence = 1; sequence <= 6; sequence++) {
      const content = sequence % 2 === 0 ? aContent() : failing
      // oxlint-disable-next-line no-await-in-loop
      await push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
    }

    await runDurableObjectAlarm(stubOf(cluster))
    await runDurableObjectAlarm(stubOf(cluster))

    const text = await env.STATE.get(`cluster/${cluster}`)
    expect(JSON.parse(text ?? '')).toMatchObject({ categories: [{ passes: true }] })
    expect(put.mock.calls.length).toBeLessThan(6)
  })

  it('is tried again by an alarm after a put that failed', async () => {
    const cluster = takeCluster()
    vi.spyOn(console, 'error').mockReturnValue()
    await runInDurableObject(stubOf(cluster), async (object: Cluster) => {
      await object.take(wireOf(aSnapshot({ cluster, observedAt: Date.now() })), NOTHING_COUNTED)
      const state: unknown = Reflect.get(object, 'env')
      Reflect.set(object, 'env', { ...env, STATE: failingPut() })
      await object.alarm()
      Reflect.set(object, 'env', state)
    })
    const before = await env.STATE.get(`cluster/${cluster}`)
    vi.setSystemTime(Date.now() + 2000)

    const ran = await runDurableObjectAlarm(stubOf(cluster))

    expect(before).toBeNull()
    expect(ran).toBe(true)
    expect(await env.STATE.get(`cluster/${cluster}`)).not.toBeNull()
  })

  function failingPut() {
    return {
      get: () => Promise.resolve(null),
      put: () => Promise.reject(new Error('429 Too Many Requests')),
    }
  }
})

describe('a cluster that dies', () => {
  it('is published as dead by an alarm, and as alive when it is back', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, sequence: 1, observedAt: Date.now() }))
    await runDurableObjectAlarm(stubOf(cluster))

    vi.setSystemTime(Date.now() + 60_001)
    await runDurableObjectAlarm(stubOf(cluster))
    const dead = await env.STATE.get(`cluster/${cluster}`)
    for (const sequence of [2, 3]) {
      vi.setSystemTime(Date.now() + 10_000)
      // oxlint-disable-next-line no-await-in-loop
      await push(aHeartbeat({ cluster, sequence, observedAt: Date.now() }))
    }
    await runDurableObjectAlarm(stubOf(cluster))
    const alive = await env.STATE.get(`cluster/${cluster}`)

    expect(JSON.parse(dead ?? '')).toMatchObject({ isDead: true })
    expect(JSON.parse(alive ?? '')).toMatchObject({ isDead: false })
  })
})
