/** A cluster emptied on purpose: the tombstone goes first, and nothing from before comes back (behaviour, section 3). */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { ask, askJson, heldOf, push, readAll, takeCluster, wireOf } from './edge.ts'
import { giveKv, KV, loseStorage, recordOf, runAlarm, stubOf } from './object.ts'
import { BEARER, operate, operateJson } from './visitors.ts'

const content = aContent({ services: [aService({ targets: [aFailingTarget()] })] })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A cluster whose failing service `web` is acked; both stands in KV. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
  await runAlarm(cluster)
  return cluster
}

function erase(cluster: string): Promise<Response> {
  return operateJson(`/clusters/${cluster}/erase`, { confirm: cluster })
}

async function reasonOf(cluster: string): Promise<string | null> {
  const response = await ask(`/clusters/${cluster}/__gtg?cache=false`)
  return response.headers.get('x-gtg-reason')
}

describe('erasing a cluster', () => {
  it('leaves nothing but the word of who did it', async () => {
    const cluster = await aCluster()

    const response = await erase(cluster)
    const history = await askJson(`/clusters/${cluster}/history`, { headers: BEARER })

    expect(response.status).toBe(200)
    expect([await heldOf(cluster), await reasonOf(cluster)]).toEqual(['null', 'no-data'])
    const body = await history.json<{ events: unknown[] }>()
    expect(body.events).toHaveLength(1)
    expect(body).toMatchObject({ events: [{ actor: { by: 'nina' }, note: 'erased' }] })
  })

  it('is remembered by a storage that is lost again', async () => {
    const cluster = await aCluster()
    await erase(cluster)

    await loseStorage(cluster)
    vi.setSystemTime(Date.now() + 1000)
    await push(aSnapshot({ cluster, observedAt: Date.now(), content }))

    expect(await reasonOf(cluster)).toBe('unhealthy')
    expect(await recordOf(cluster)).toMatchObject({ version: 3, erasedAtMs: Date.now() - 1000 })
  })

  it('lets the first report afterwards start a record anew', async () => {
    const cluster = await aCluster()
    await erase(cluster)
    vi.setSystemTime(Date.now() + 1000)

    await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)

    expect(await recordOf(cluster)).toMatchObject({ version: 4, decisions: { acks: [] } })
  })

  it('goes on from the version that a lost storage left', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=default&why=x`)
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)
    const before = await recordOf(cluster)
    await loseStorage(cluster)

    await erase(cluster)

    expect(before).toMatchObject({ version: 3 })
    expect(await recordOf(cluster)).toMatchObject({ version: 4, erasedAtMs: Date.now() })
  })

  it.each([
    ['no word', {}],
    ['another cluster’s id', { confirm: 'c59' }],
    ['a yes', { confirm: true }],
  ])('needs the id repeated: %s', async (_, body) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/erase`, body)

    expect(response.status).toBe(400)
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['no token', {}, 401],
    ['a token that may only read', { authorization: `Bearer ${READ_TOKEN}` }, 403],
  ])('is refused to %s', async (_, headers, status) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)

    const response = await ask(`/clusters/${cluster}/erase?confirm=${cluster}`, {
      method: 'POST',
      headers,
    })

    expect(response.status).toBe(status)
    expect(await heldOf(cluster)).toBe(before)
  })
})

describe('a report that was recorded before an erase', () => {
  function replay(cluster: string, signedAtMs: number, sequence = 9): Promise<Response> {
    const timestampSeconds = Math.floor(signedAtMs / 1000)
    const snapshot = aSnapshot({ cluster, sequence, observedAt: Date.now(), content })
    return push(snapshot, { timestampSeconds })
  }

  it.each<[string, (cluster: string) => Promise<unknown>]>([
    ['at once', () => Promise.resolve()],
    ['after an eviction', (cluster) => evictDurableObject(stubOf(cluster))],
    ['after the storage was lost', loseStorage],
    ['after the first report', (cluster) => replay(cluster, Date.now(), 1)],
    [
      'after the first report, its copy in KV, and the loss of the storage',
      async (cluster) => {
        await replay(cluster, Date.now(), 1)
        await runAlarm(cluster)
        await loseStorage(cluster)
      },
    ],
  ])('is refused after it: %s', async (_, meanwhile) => {
    const cluster = await aCluster()
    const recordedMs = Date.now()
    await erase(cluster)
    vi.setSystemTime(Date.now() + 2000)
    await meanwhile(cluster)
    const before = await heldOf(cluster)

    const response = await replay(cluster, recordedMs)

    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({ error: { code: 'signed-before-reset' } })
    expect(await heldOf(cluster)).toBe(before)
    vi.setSystemTime(Date.now() + 1000)
    expect((await replay(cluster, Date.now(), 10)).status).toBe(202)
  })
})

describe('while a cluster is erased', () => {
  const ack = { kind: 'add-ack', service: 'web', message: 'newer' } as const

  it.each([
    ['it is done', () => Promise.resolve()],
    ['it fails', () => Promise.reject(new Error('429 Too Many Requests'))],
  ])('reports and acts wait until %s, and are there afterwards', async (_, put) => {
    const cluster = await aCluster()

    const order = await runInDurableObject(stubOf(cluster), async (object) => {
      const ended: string[] = []
      const tell = (word: string) => () => ended.push(word)
      const asked = Promise.withResolvers<null>()
      const gate = Promise.withResolvers<null>()
      const slow = async () => {
        asked.resolve(null)
        await gate.promise
        await put()
      }
      Reflect.set(object, 'env', { ...env, STATE: { ...KV, put: slow } })
      const actor = { by: 'nina', address: '' }
      const erased = object.erase(actor).finally(tell('erased'))
      await asked.promise
      const snapshot = aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content })
      const nothing = { gtg: {}, reports: {} }
      const applied = object
        .take(wireOf(snapshot, Date.now() + 1000), nothing)
        .finally(tell('report'))
      await scheduler.wait(0) // it is read by then, and waits
      const act = { ...ack, until: 'removed', expiresAtMs: null } as const
      const acted = object.act(act, actor).finally(tell('act'))
      gate.resolve(null)
      await Promise.allSettled([erased, applied, acted])
      return ended
    })

    const state = await readAll(cluster)
    expect(order[0]).toBe('erased')
    expect(state?.pulse.sequence).toBe(2)
    expect(state?.decisions.acks).toMatchObject([{ message: 'newer' }])
  })
})

describe('a tombstone that KV does not take', () => {
  it('leaves everything as it was, and says so', async () => {
    const cluster = await aCluster()
    const before = [await heldOf(cluster), await recordOf(cluster)]
    await giveKv(cluster, { put: () => Promise.reject(new Error('429 Too Many Requests')) })

    const response = await erase(cluster)

    expect(response.status).toBe(503)
    expect([await heldOf(cluster), await recordOf(cluster)]).toEqual(before)
  })

  it('does not stand in for the record when its answer was lost', async () => {
    const cluster = await aCluster()
    await giveKv(cluster, {
      put: async (key, value) => {
        await KV.put(key, value)
        throw new Error('the connection was lost')
      },
    })
    const response = await erase(cluster)
    await giveKv(cluster, {})

    vi.setSystemTime(Date.now() + 60_000)
    await runAlarm(cluster)

    expect(response.status).toBe(503)
    expect(await heldOf(cluster)).toContain('known')
    expect(await recordOf(cluster)).toMatchObject({ decisions: { acks: [{ service: 'web' }] } })
  })
})

describe('an object that lost its storage', () => {
  it('gets all of it back when its erasing failed', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)
    await giveKv(cluster, { put: () => Promise.reject(new Error('429 Too Many Requests')) })
    const response = await erase(cluster)

    await giveKv(cluster, {})
    await push(aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content }))
    vi.setSystemTime(Date.now() + 60_000)
    await runAlarm(cluster)

    expect(response.status).toBe(503)
    expect(await heldOf(cluster)).toContain('known')
    expect(await recordOf(cluster)).toMatchObject({ decisions: { acks: [{ service: 'web' }] } })
  })

  it.each([
    ['before it', 1],
    ['while it', 2],
  ])('restores nothing %s is erased', async (_, slow) => {
    const cluster = await aCluster()
    const record = await env.STATE.get(`cluster/${cluster}`)
    await loseStorage(cluster)

    await runInDurableObject(stubOf(cluster), async (object) => {
      const gate = Promise.withResolvers<string | null>()
      const working: Promise<unknown>[] = []
      const asked: string[] = []
      const get = (key: string) => {
        if (asked.push(key) === slow) return gate.promise
        // A call of its own: none ever comes in the middle of another's turn.
        working.push(Promise.resolve().then(() => object.read()))
        return Promise.resolve(record)
      }
      Reflect.set(object, 'env', { ...env, STATE: { get, put: () => Promise.resolve() } })
      if (slow === 1) working.push(object.read())
      working.push(object.erase({ by: 'nina', address: '' }))
      // Turns enough for what does not wait for the other.
      // oxlint-disable-next-line no-await-in-loop
      for (let turn = 0; turn < 200; turn++) await Promise.resolve()
      gate.resolve(record)
      await Promise.allSettled(working)
    })

    expect(await heldOf(cluster)).toBe('null')
  })
})
