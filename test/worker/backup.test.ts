/** KV as the backing copy when it fails: nothing wrong is ever written, nothing removed comes back (behaviour, section 3). */
import { env } from 'cloudflare:workers'
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { ask, push, readAll, takeCluster, wireOf } from './edge.ts'
import { alarmOf, giveKv, KV, loseStorage, recordOf, runAlarm, stubOf } from './object.ts'
import { setTimeByHand } from './put-cluster.ts'
import { operate } from './visitors.ts'

const content = aContent({ services: [aService({ targets: [aFailingTarget()] })] })

setTimeByHand()

/** A cluster whose failing service `web` is acked; both stands in KV, as version 2. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await pushTo(cluster, 1)
  await runAlarm(cluster)
  await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
  vi.setSystemTime(Date.now() + 1000)
  await runAlarm(cluster)
  return cluster
}

function pushTo(cluster: string, sequence: number): Promise<Response> {
  return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
}

function removeAck(cluster: string): Promise<Response> {
  return operate(`/clusters/${cluster}/rem-ack?service-name=web`)
}

async function statusOf(cluster: string): Promise<number> {
  return (await ask(`/clusters/${cluster}/__gtg?cache=false`)).status
}

const isDown = { get: () => Promise.reject(new Error('KV is down')) }
const refuses = { put: () => Promise.reject(new Error('429 Too Many Requests')) }

describe('a KV that can’t be read', () => {
  it('lets nothing be applied or written before it answers', async () => {
    const cluster = await aCluster()
    const record = await recordOf(cluster)
    await loseStorage(cluster)
    const put = vi.fn<(key: string) => Promise<void>>().mockResolvedValue()
    await giveKv(cluster, { ...isDown, put })

    const report = await pushTo(cluster, 2)
    const act = await removeAck(cluster)
    await runAlarm(cluster)

    expect([report.status, act.status]).toEqual([503, 503])
    expect(report.headers.has('retry-after')).toBe(true)
    expect(put).not.toHaveBeenCalled()
    expect(await recordOf(cluster)).toEqual(record)
  })

  it('is waited for 5 s, then the report is refused', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)
    await giveKv(cluster, { get: () => Promise.withResolvers<never>().promise })

    const told = await runInDurableObject(stubOf(cluster), async (object) => {
      const words: string[] = []
      const report = aSnapshot({ cluster, sequence: 2, observedAt: Date.now(), content })
      const applied = object.take(wireOf(report), { gtg: {}, reports: {} }).then(
        () => words.push('applied'),
        () => words.push('refused'),
      )
      await vi.advanceTimersByTimeAsync(4999)
      words.push('5 s')
      await vi.advanceTimersByTimeAsync(1)
      await applied
      return words
    })

    expect(told).toEqual(['5 s', 'refused'])
  })

  it('costs only the time until it answers', async () => {
    const cluster = await aCluster()
    await loseStorage(cluster)
    await giveKv(cluster, isDown)
    await pushTo(cluster, 2)

    await evictDurableObject(stubOf(cluster))
    const report = await pushTo(cluster, 2)

    expect([report.status, await statusOf(cluster)]).toEqual([202, 200])
  })

  it.each(['not JSON', '{"version":9,"from":"another version"}', '[]', '""'])(
    'is never written over by itself: %s',
    async (text) => {
      const cluster = takeCluster()
      const error = vi.spyOn(console, 'error').mockReturnValue()
      await env.STATE.put(`cluster/${cluster}`, text)

      const report = await pushTo(cluster, 1)
      await runAlarm(cluster)

      expect(report.status).toBe(503)
      expect(await env.STATE.get(`cluster/${cluster}`)).toBe(text)
      expect(error.mock.calls.join()).toContain(`POST /clusters/${cluster}/erase`)
    },
  )

  it('is started without once somebody erases it', async () => {
    const cluster = takeCluster()
    await env.STATE.put(`cluster/${cluster}`, 'not JSON')
    await pushTo(cluster, 1)

    await operate(`/clusters/${cluster}/erase?confirm=${cluster}`)
    vi.setSystemTime(Date.now() + 1000)
    const report = await pushTo(cluster, 1)

    expect([report.status, await statusOf(cluster)]).toEqual([202, 503])
  })
})

describe('a removed ack', () => {
  it('does not come back from a put that failed', async () => {
    const cluster = await aCluster()
    await giveKv(cluster, refuses)
    await removeAck(cluster)
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)
    await evictDurableObject(stubOf(cluster))
    vi.setSystemTime(Date.now() + 2000)
    await runAlarm(cluster)

    await loseStorage(cluster)

    expect(await statusOf(cluster)).toBe(503)
    expect(await recordOf(cluster)).toMatchObject({ version: 3, decisions: { acks: [] } })
  })

  it('does not come back from a put that lands late', async () => {
    const cluster = takeCluster()
    await pushTo(cluster, 1)
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
    const landed: string[] = []
    const gate = Promise.withResolvers<null>()
    const late = Promise.withResolvers<null>()
    await giveKv(cluster, {
      put: async (key, value) => {
        await gate.promise
        landed.push(value)
        await KV.put(key, value)
        late.resolve(null)
      },
    })

    await runInDurableObject(stubOf(cluster), async (object) => {
      const alarm = object.alarm()
      await vi.advanceTimersByTimeAsync(10_000)
      await alarm
      await object.act({ kind: 'remove-ack', service: 'web' }, { by: 'nina', address: '' })
      await object.alarm()
      gate.resolve(null)
      await late.promise
    })
    vi.setSystemTime(Date.now() + 4000)
    await runAlarm(cluster)

    expect(landed).toHaveLength(2)
    expect(await recordOf(cluster)).toMatchObject({ version: 3, decisions: { acks: [] } })
  })

  it('stays in the record only for as long as KV refuses', async () => {
    const cluster = await aCluster()
    await giveKv(cluster, refuses)
    await removeAck(cluster)
    const tries: boolean[] = []
    for (let i = 0; i < 8; i++) {
      vi.setSystemTime(Date.now() + 60_000)
      // oxlint-disable-next-line no-await-in-loop
      tries.push(await runAlarm(cluster))
    }
    await giveKv(cluster, {})
    vi.setSystemTime(Date.now() + 60_000)
    await runAlarm(cluster)

    expect(tries).toEqual(Array.from({ length: 8 }, () => true))
    expect(await recordOf(cluster)).toMatchObject({ version: 4, decisions: { acks: [] } })
  })
})

describe('a state that this version can’t read', () => {
  it.each(['decisions', 'pulse'])('brings no ack and no switch to an end: %s', async (key) => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=default&why=failover`)
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)
    const before = await readAll(cluster)
    await spoil(cluster, key)

    await pushTo(cluster, 2)
    vi.setSystemTime(Date.now() + 1000)
    await runAlarm(cluster)
    const after = await readAll(cluster)

    expect(before?.decisions.overrides).toHaveLength(1)
    expect(after?.decisions).toMatchObject({
      acks: [{ service: 'web' }],
      overrides: [{ category: 'default' }],
    })
  })

  it.each(['facts', 'pulse', 'publication'])(
    'costs no ack that KV has not got yet: %s',
    async (key) => {
      const cluster = await aCluster()
      await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=newer`)

      await spoil(cluster, key)
      await pushTo(cluster, 2)
      const after = await readAll(cluster)

      expect(after?.decisions.acks).toMatchObject([{ message: 'newer' }])
    },
  )

  it('leaves what was decided in force at once, and KV hears of it soon', async () => {
    const cluster = await aCluster()
    await giveKv(cluster, refuses)
    await operate(`/clusters/${cluster}/disable-category?category-name=default&why=failover`)
    await spoil(cluster, 'pulse')

    const response = await ask(`/clusters/${cluster}/__gtg?cache=false`)
    const alarmMs = await alarmOf(cluster)
    await runAlarm(cluster)

    expect([response.status, response.headers.get('x-gtg-reason')]).toEqual([503, 'disabled'])
    expect((alarmMs ?? Infinity) - Date.now()).toBeLessThanOrEqual(1000)
    expect(await recordOf(cluster)).toMatchObject({
      decisions: { acks: [{ service: 'web' }], overrides: [{ category: 'default' }] },
    })
  })

  /** The row as another version may have written it. */
  async function spoil(cluster: string, key: string): Promise<void> {
    await runInDurableObject(stubOf(cluster), (_, state) => {
      const other = new TextEncoder().encode('{"from":"another version"}').buffer
      state.storage.sql.exec('UPDATE state SET value = ? WHERE key = ?', other, key)
    })
    await evictDurableObject(stubOf(cluster))
  }
})
