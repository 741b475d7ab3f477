/** The live link at the edge (behaviour, section 2): who may open one, what it carries, and what is left when it goes. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CLOSED } from '../../worker/contract/link.ts'
import { Cluster } from '../../worker/index.ts'
import { aBlind, aContent, aHeartbeat, aSnapshot } from '../support/a-report.ts'
import { OTHER_SECRET } from '../support/secrets.ts'
import { openLink, upgrade } from './a-link.ts'
import { ask, bytesOf, gzip, push, readAll, takeCluster } from './edge.ts'
import { alarmOf, judgeAlone, runAlarm, stubOf } from './object.ts'
import { aLinkedCluster, aSteadyCluster, beat, tell } from './linked-cluster.ts'
import { setTimeByHand } from './put-cluster.ts'
import { operate } from './visitors.ts'

beforeEach(judgeAlone)

setTimeByHand()

/** How many rows the work writes, of SQL and of alarms. */
async function countRows(cluster: string, work: () => Promise<unknown>): Promise<number> {
  let rows = 0
  await runInDurableObject(stubOf(cluster), (_, { storage }) => {
    const { sql } = storage
    const exec = sql.exec.bind(sql)
    vi.spyOn(sql, 'exec').mockImplementation((query, ...bindings: SqlStorageValue[]) => {
      const cursor = exec(query, ...bindings)
      rows += cursor.rowsWritten
      return cursor
    })
    const setAlarm = storage.setAlarm.bind(storage)
    vi.spyOn(storage, 'setAlarm').mockImplementation((at) => {
      rows += 1
      return setAlarm(at)
    })
  })
  await work()
  return rows
}

describe('an upgrade', () => {
  it('is a WebSocket to the cluster’s own exporter', async () => {
    const response = await upgrade(takeCluster(), { epoch: 0, sequence: 1 })

    expect(response.status).toBe(101)
    response.webSocket?.accept()
    response.webSocket?.close()
  })

  it.each([
    ['another secret', { secret: OTHER_SECRET }, 401, 'unauthorized'],
    ['a signature of long ago', { timestampSeconds: 1_700_000_000 }, 401, 'unauthorized'],
    ['a malformed header', { headers: { 'webhook-timestamp': 'now' } }, 400, 'headers'],
    ['no upgrade', { headers: { upgrade: '' } }, 426, 'not-an-upgrade'],
  ])('is refused with %s', async (_, options, status, code) => {
    const response = await upgrade(takeCluster(), { epoch: 0, sequence: 1 }, options)

    expect([response.status, await response.json()]).toMatchObject([status, { error: { code } }])
    expect(Date.parse(response.headers.get('date') ?? '')).not.toBeNaN()
  })

  it('covers the place with its signature', async () => {
    const cluster = takeCluster()
    const target = `/v1/clusters/${cluster}/link?epoch=0&sequence=2`

    const response = await upgrade(cluster, { epoch: 0, sequence: 1 }, { target })

    expect(response.status).toBe(401)
  })

  it('of an unknown cluster touches no object', async () => {
    const view = vi.spyOn(env.CLUSTER, 'getByName')

    const response = await upgrade('nobody', { epoch: 0, sequence: 1 })

    expect(response.status).toBe(401)
    expect(view).not.toHaveBeenCalled()
  })

  it('that was overheard opens nothing a second time', async () => {
    const { cluster } = await aLinkedCluster()

    const response = await upgrade(cluster, { epoch: 1, sequence: 2 })

    const { held } = await response.json<{ held: unknown }>()
    expect([response.status, held]).toEqual([409, { epoch: 1, sequence: 2 }])
  })

  it('takes the place of the link before', async () => {
    const { cluster, link } = await aLinkedCluster()

    const newer = await openLink(cluster, { epoch: 1, sequence: 3 })

    expect(await link.closed).toBe(CLOSED.superseded)
    expect(await beat(newer, cluster, 4)).toMatchObject({ status: 202 })
  })
})

describe('a report over the link', () => {
  it('is answered as over HTTP, with the edge’s time', async () => {
    const { cluster, link } = await aLinkedCluster()

    const answer = await beat(link, cluster, 3)

    expect(answer).toEqual({
      kind: 'answer',
      sequence: 3,
      date: Date.now(),
      status: 202,
      body: { accepted: true, resend: false },
    })
  })

  it.each([
    ['an older one', { sequence: 2 }, 409, { held: { epoch: 1, sequence: 2 } }],
    [
      'one of an older leader',
      { epoch: 0, sequence: 9 },
      409,
      { error: { code: 'stale-sequence' } },
    ],
    ['another digest', { sequence: 3, digest: 'other' }, 202, { resend: true }],
  ])('is judged as over HTTP: %s', async (_, given, status, body) => {
    const { cluster, link } = await aLinkedCluster()

    const answer = await link.push(aHeartbeat({ cluster, observedAt: Date.now(), ...given }))

    expect(answer).toMatchObject({ status, body })
  })

  it.each([
    ['that is no gzip', () => Promise.resolve(bytesOf('{}')), 1008],
    ['that is no report', () => gzip(bytesOf('{"kind":"snapshot"}')), 1008],
    ['of another cluster', () => gzip(bytesOf(JSON.stringify(aBlind({ cluster: 'c0' })))), 1008],
    ['over 256 KiB', () => Promise.resolve(new Uint8Array(256 * 1024 + 1)), 1009],
  ])('%s ends the link and changes nothing', async (_, make, code) => {
    const { cluster, link } = await aSteadyCluster()
    vi.setSystemTime(Date.now() + 50_000)
    await beat(link, cluster, 4)
    const before = await readAll(cluster)

    link.sendRaw(await make())

    expect(await link.closed).toBe(code)
    expect(await readAll(cluster)).toEqual(before)
  })

  it('that is refused is not the end of what came before, also while the link closes', async () => {
    const { cluster, link } = await aSteadyCluster()
    vi.setSystemTime(Date.now() + 50_000)
    await beat(link, cluster, 4)
    vi.setSystemTime(Date.now() + 20_000)
    const closed = Promise.withResolvers<null>()
    const closing = vi
      .spyOn(Cluster.prototype, 'webSocketClose')
      .mockImplementation(() => closed.promise.then(() => undefined))

    link.sendRaw(bytesOf('{}'))
    await vi.waitFor(() => {
      expect(closing).toHaveBeenCalled()
    })
    const seen = await tell(cluster)
    closed.resolve(null)

    expect(seen).toBe('200 healthy')
  })

  it('that is rubbish in text is ignored', async () => {
    const { cluster, link } = await aLinkedCluster()

    link.sendRaw('{"kind":"pod"')

    expect(await beat(link, cluster, 3)).toMatchObject({ status: 202 })
  })

  it.each([
    ['of a newer leader', { epoch: 2, sequence: 1 }],
    ['of the same, whose link leads nowhere any more', { epoch: 1, sequence: 3 }],
  ])('over HTTP instead ends the link: %s', async (_, place) => {
    const { cluster, link } = await aLinkedCluster()

    await push(aBlind({ cluster, ...place, observedAt: Date.now() }))

    expect(await link.closed).toBe(CLOSED.superseded)
  })

  it('over HTTP that is refused leaves it alone', async () => {
    const { cluster, link } = await aLinkedCluster()

    const refused = await push(aBlind({ cluster, sequence: 2, observedAt: Date.now() }))

    expect(refused.status).toBe(409)
    expect(await beat(link, cluster, 3)).toMatchObject({ status: 202 })
  })
})

describe('heartbeats over the link', () => {
  it('write no row, and none is written to KV', async () => {
    const { cluster, link } = await aSteadyCluster()
    const put = vi.spyOn(env.STATE, 'put')

    const rows = await countRows(cluster, async () => {
      for (let sequence = 10; sequence < 40; sequence++) {
        vi.setSystemTime(Date.now() + 10_000)
        // One after the other: it is a history.
        // oxlint-disable-next-line no-await-in-loop
        await beat(link, cluster, sequence)
        // oxlint-disable-next-line no-await-in-loop
        await ask(`/clusters/${cluster}/__gtg`)
      }
    })

    expect([rows, put.mock.calls]).toEqual([0, []])
    expect(await tell(cluster)).toBe('200 healthy')
  })

  it('over HTTP write one each', async () => {
    const cluster = takeCluster()
    const send = (sequence: number) =>
      push(aHeartbeat({ cluster, sequence, observedAt: Date.now() }))
    await push(aSnapshot({ cluster, sequence: 1, observedAt: Date.now() }))
    await runAlarm(cluster)
    vi.setSystemTime(Date.now() + 59_000)
    await send(2)
    vi.setSystemTime(Date.now() + 1001)
    await runAlarm(cluster)

    const rows = await countRows(cluster, async () => {
      for (let sequence = 3; sequence < 13; sequence++) {
        vi.setSystemTime(Date.now() + 10_000)
        // oxlint-disable-next-line no-await-in-loop
        await send(sequence)
      }
    })

    expect(rows).toBe(10)
  })

  it.each([
    ['the object stays', () => Promise.resolve()],
    ['it hibernates', (cluster: string) => evictDurableObject(stubOf(cluster))],
  ])('are known when %s', async (_, happen) => {
    const { cluster, link } = await aLinkedCluster()
    vi.setSystemTime(Date.now() + 50_000)
    await beat(link, cluster, 3)
    await happen(cluster)

    vi.setSystemTime(Date.now() + 25_000)
    const alive = await tell(cluster)
    const older = await push(aHeartbeat({ cluster, sequence: 3, observedAt: Date.now() }))

    expect([alive, older.status]).toEqual(['200 healthy', 409])
  })

  it('are known when the link has closed', async () => {
    const { cluster, link } = await aLinkedCluster()
    vi.setSystemTime(Date.now() + 50_000)
    await beat(link, cluster, 3)

    link.close()
    await link.closed
    await evictDurableObject(stubOf(cluster))
    vi.setSystemTime(Date.now() + 59_000)

    expect(await tell(cluster)).toBe('200 late')
  })

  it('set an alarm that was lost anew, where something waits for it', async () => {
    const { cluster, link } = await aSteadyCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=default`)
    await beat(link, cluster, 4)
    await runInDurableObject(stubOf(cluster), (_, { storage }) => storage.deleteAlarm())

    await beat(link, cluster, 5)

    expect(await alarmOf(cluster)).toBe(Date.now())
  })

  it('stand beside what was acted since', async () => {
    const { cluster, link } = await aLinkedCluster()
    await beat(link, cluster, 3)
    await operate(`/clusters/${cluster}/disable-category?category-name=default`)
    vi.setSystemTime(Date.now() + 10_000)

    await beat(link, cluster, 4)

    expect(await tell(cluster)).toBe('503 disabled')
  })

  it('of hundreds of failing services stand in a row', async () => {
    const { cluster, link } = await aLinkedCluster()
    const names = Array.from({ length: 1000 }, (_, i) => `service-number-${i}`)
    const streaks = Object.fromEntries(names.map((name) => [name, 1]))
    vi.setSystemTime(Date.now() + 10_000)

    const rows = await countRows(cluster, () =>
      link.push(aHeartbeat({ cluster, sequence: 3, observedAt: Date.now(), streaks })),
    )

    expect(rows).toBeGreaterThan(0)
    expect(await tell(cluster)).toBe('200 healthy')
  })
})

it('carries a snapshot of more than one socket’s attachment', async () => {
  const { cluster, link } = await aLinkedCluster()
  const content = aContent({ environment: 'x'.repeat(200) })

  await link.push(
    aSnapshot({ cluster, sequence: 3, observedAt: Date.now(), digest: 'd2', content }),
  )
  await beat(link, cluster, 4)

  expect((await readAll(cluster))?.pulse).toMatchObject({ sequence: 4, digest: 'd2' })
})
