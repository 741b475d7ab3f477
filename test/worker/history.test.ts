/** `/history`: what happened to a cluster, a service, a category, with its cause and who made it (behaviour, section 3). */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { addEvents, loadEvents, splitLargeRows } from '../../worker/cluster/event-log.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { askJson, push, takeCluster } from './edge.ts'
import { runAlarm, stubOf, judgeAlone } from './object.ts'
import { BEARER, browse, operate, signIn } from './visitors.ts'

beforeEach(judgeAlone)

const START = Date.parse('2030-01-01T00:00:00Z')
const ADDRESS = '192.0.2.7'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

interface Event {
  at: string
  subject: string
  name: string
  from: string | null
  to: string | null
  cause: string
  actor: { by: string; address: string } | null
  note: string
}

async function eventsOf(
  cluster: string,
  query = '',
  headers: Record<string, string> = BEARER,
): Promise<Event[]> {
  const response = await askJson(`/clusters/${cluster}/history${query}`, { headers })
  return (await response.json<{ events: Event[] }>()).events
}

/** `12s service web ok→failing (report)` */
function tell({ at, subject, name, from, to, cause, actor }: Event): string {
  const seconds = (Date.parse(at) - START) / 1000
  const by = actor === null ? '' : ` by ${actor.by}`
  return `${seconds}s ${subject} ${name}: ${from ?? '-'} → ${to ?? '-'} (${cause}${by})`
}

async function pushAt(seconds: number, cluster: string, isOk: boolean): Promise<void> {
  vi.setSystemTime(START + seconds * 1000)
  const targets = isOk ? aService().targets : [aFailingTarget()]
  const content = aContent({
    services: [aService({ targets }), aService({ name: 'api' })],
    categories: [
      aCategory({ name: 'read', services: ['api'] }),
      aCategory({ name: 'latched', isSticky: true, failureThreshold: 2 }),
    ],
  })
  const streaks: Record<string, number> = isOk ? {} : { web: seconds / 10 }
  await push(
    aSnapshot({ cluster, sequence: seconds + 1, observedAt: Date.now(), content, streaks }),
  )
}

async function operateAt(seconds: number, path: string): Promise<void> {
  vi.setSystemTime(START + seconds * 1000)
  await operate(path, { headers: { 'cf-connecting-ip': ADDRESS } })
}

/** A service fails, is acked, the ack is taken back, a category trips and is enabled, another is disabled. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  const base = `/clusters/${cluster}`
  await pushAt(0, cluster, true)
  await pushAt(10, cluster, false)
  await operateAt(12, `${base}/add-ack?service-name=web&ack-msg=known`)
  await operateAt(14, `${base}/rem-ack?service-name=web`)
  await pushAt(20, cluster, false)
  await operateAt(22, `${base}/enable-category?category-name=latched`)
  await operateAt(24, `${base}/disable-category?category-name=read&why=failover`)
  await pushAt(30, cluster, true)
  return cluster
}

describe('the history', () => {
  it('of a service has its turns and its acks, newest first', async () => {
    const cluster = await aCluster()

    const events = await eventsOf(cluster, '?service-name=web')

    expect(events.map(tell)).toEqual([
      '30s service web: failing → ok (report)',
      '14s ack web: acked → - (hand by nina)',
      '12s ack web: - → acked (hand by nina)',
      '10s service web: ok → failing (report)',
    ])
    expect(events[2]?.note).toBe('known')
  })

  it('of a category has its turns and its trips', async () => {
    const cluster = await aCluster()

    const latched = await eventsOf(cluster, '?category-name=latched')
    const read = await eventsOf(cluster, '?category-name=read')

    expect(latched.map(tell)).toContain('20s trip latched: - → tripped (threshold)')
    expect(latched.map(tell)).toContain('22s trip latched: tripped → - (hand by nina)')
    expect(read.map(tell)).toEqual(['24s category read: healthy → disabled (hand by nina)'])
    expect(read[0]?.note).toBe('failover')
  })

  it('of the cluster has all of it, and its silences', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(START + 100_000)
    await runAlarm(cluster)

    const events = await eventsOf(cluster)

    expect(events.map(({ at }) => at)).toEqual(
      events.map(({ at }) => at).toSorted((a, b) => (a < b ? 1 : -1)),
    )
    expect(new Set(events.map(({ subject }) => subject))).toEqual(
      new Set(['cluster', 'category', 'service', 'ack', 'trip']),
    )
    expect(events.slice(0, 2).map(tell)).toEqual([
      '90s cluster : late → dead (silence)',
      '60s cluster : fresh → late (silence)',
    ])
  })

  it('keeps apart a service and a category of one name', async () => {
    const cluster = takeCluster()
    const content = aContent({
      services: [aService({ targets: [aFailingTarget()] })],
      categories: [aCategory({ name: 'web' })],
    })
    await push(aSnapshot({ cluster, observedAt: Date.now(), content }))

    const ofService = await eventsOf(cluster, '?service-name=web')
    const ofCategory = await eventsOf(cluster, '?category-name=web')

    expect(ofService.map(({ subject }) => subject)).toEqual(['service'])
    expect(ofCategory.map(({ subject }) => subject)).toEqual(['category'])
  })

  it('is empty for what nobody knows, without a fault', async () => {
    const cluster = await aCluster()

    expect(await eventsOf(cluster, '?service-name=nobody')).toEqual([])
    expect(await eventsOf(cluster, '?service-name=__proto__')).toEqual([])
    expect(await eventsOf(takeCluster())).toEqual([])
  })

  it('survives an eviction', async () => {
    const cluster = await aCluster()
    const before = await eventsOf(cluster)

    await evictDurableObject(stubOf(cluster))

    expect(await eventsOf(cluster)).toEqual(before)
    expect(before.length).toBeGreaterThan(8)
  })

  it('says nothing when nothing turns', async () => {
    const cluster = await aCluster()
    const before = await eventsOf(cluster)

    vi.setSystemTime(START + 40_000)
    await push(aHeartbeat({ cluster, sequence: 50, observedAt: Date.now() }))

    expect(await eventsOf(cluster)).toEqual(before)
  })
})

describe('an address', () => {
  it('is told to no visitor, nor is the name of a token', async () => {
    const cluster = await aCluster()
    const path = `/clusters/${cluster}/history?category-name=read`

    const [event] = await (await askJson(path)).json<{ events: Event[] }>().then((a) => a.events)
    const page = await (await browse(path)).text()

    expect(event).toMatchObject({ actor: null, note: 'failover' })
    expect(page).not.toContain('nina')
    expect(page).not.toContain(ADDRESS)
  })

  it.each([
    ['who may read', () => Promise.resolve({ authorization: `Bearer ${READ_TOKEN}` }), ''],
    ['who may read, by a session', () => signIn(READ_TOKEN), ''],
    ['who may operate', () => Promise.resolve(BEARER), ADDRESS],
    ['who may operate, by a session', () => signIn(), ADDRESS],
  ])('is told to %s as far as it goes', async (_, headersOf, address) => {
    const cluster = await aCluster()
    const headers = await headersOf()

    const [event] = await eventsOf(cluster, '?category-name=read', headers)
    const page = await browse(`/clusters/${cluster}/history?category-name=read`, headers)

    const text = await page.text()
    expect(event?.actor).toEqual({ by: 'nina', address })
    expect(text.includes(ADDRESS)).toBe(address !== '')
    expect(text).toMatch(address === '' ? /by nina</ : /by nina from 192\.0\.2\.7</)
  })
})

describe('what is kept', () => {
  const told = { subject: 'service', from: 'ok', to: 'failing', cause: 'report' } as const

  it.each([
    ['2,000 steps', 2100, '', 2000],
    ['4 MB', 200, 'x'.repeat(100_000), 40],
  ])('is bounded by %s, and the oldest go', async (_, steps, note, most) => {
    const cluster = takeCluster()

    const kept = await runInDurableObject(stubOf(cluster), (__, { storage: { sql } }) => {
      for (let atMs = 0; atMs < steps; atMs++) {
        addEvents(sql, [{ ...told, name: 'web', atMs, actor: null, note }])
      }
      return loadEvents(sql, null, steps).map(({ atMs }) => atMs)
    })

    expect(kept).toEqual(Array.from({ length: most }, (__, i) => steps - 1 - i))
  })

  it.each([
    ['escapes', '"\n'.repeat(900)],
    ['control characters', '\u0001'.repeat(600)],
    ['four bytes each', '𝄞'.repeat(900)],
    ['half a pair', '\ud800'.repeat(600)],
  ])('holds all of one step in rows under a row’s bytes: %s', async (_, note) => {
    const cluster = takeCluster()
    const names = Array.from({ length: 900 }, (__, i) => `service-${i}`)

    const [rows, kept] = await runInDurableObject(stubOf(cluster), (__, { storage: { sql } }) => {
      const steps = names.map((name) => ({ ...told, name, atMs: START, actor: null, note }))
      addEvents(sql, steps)
      const sizes = sql.exec('SELECT length(CAST(events AS BLOB)) AS bytes FROM history').toArray()
      return [sizes.map(({ bytes }) => Number(bytes)), loadEvents(sql, null, 1000)] as const
    })

    expect(Math.max(...rows)).toBeLessThanOrEqual(1_000_000) // half of what the platform takes
    expect(kept.map(({ name }) => name)).toEqual(names.toReversed())
  })

  it.each([
    ['of a row for each step', 'web', 300],
    ['of a name with quotes', 'a"b', 1],
    ['of no service', 'we', 0],
  ])('is searched by rows that hold the name, in a full log: %s', async (_, name, found) => {
    const cluster = takeCluster()
    const step = (atMs: number, names: string[]) =>
      names.map((one) => ({ ...told, name: one, atMs, actor: null, note: '' }))
    const others = Array.from({ length: 60 }, (__, i) => `service-${i}`)

    const [rows, events] = await runInDurableObject(stubOf(cluster), (__, { storage: { sql } }) => {
      addEvents(sql, step(0, ['a"b']))
      for (let atMs = 1; atMs <= 240; atMs++) addEvents(sql, step(atMs, [...others, 'web', 'web']))
      const query = 'SELECT length(events) AS length FROM history'
      return [
        sql
          .exec(query)
          .toArray()
          .map(({ length }) => Number(length)),
        loadEvents(sql, { kind: 'service', name }, 300),
      ] as const
    })

    expect([rows.length > 900, Math.max(...rows) <= 2200]).toEqual([true, true])
    expect(events.map((event) => event.name)).toEqual(Array.from({ length: found }, () => name))
  })

  it('loses nothing of rows that a version before wrote a whole step in', async () => {
    const cluster = takeCluster()
    const names = Array.from({ length: 900 }, (__, i) => `service-${i}`)
    const events = names.map((name) => ({ ...told, name, atMs: START, actor: null, note: '' }))

    await runInDurableObject(stubOf(cluster), (__, { storage: { sql } }) => {
      sql.exec('DELETE FROM history')
      sql.exec('INSERT INTO history (events, total) VALUES (?, 150000)', JSON.stringify(events))
    })
    await evictDurableObject(stubOf(cluster))
    const [longest, kept] = await runInDurableObject(
      stubOf(cluster),
      (__, { storage: { sql } }) => {
        const rows = sql.exec('SELECT MAX(length(events)) AS longest FROM history').one()
        splitLargeRows(sql)
        return [Number(rows['longest']), loadEvents(sql, null, 1000)] as const
      },
    )

    expect(longest).toBeLessThanOrEqual(2200)
    expect(kept.map(({ name }) => name)).toEqual(names.toReversed())
  })

  it('holds a step in which a thousand services turn', async () => {
    const cluster = takeCluster()
    const services = (targets: ReturnType<typeof aService>['targets']) =>
      Array.from({ length: 1500 }, (_, i) => aService({ name: `service-${i}`, targets }))
    const say = (sequence: number, targets = aService().targets) => {
      const content = aContent({ services: services(targets) })
      const report = aSnapshot({ cluster, sequence, observedAt: Date.now(), content })
      return push(report, { gzip: true })
    }
    await say(1)
    await say(2, [aFailingTarget()])

    expect(await eventsOf(cluster, '?service-name=service-0')).toHaveLength(1)
    expect(await eventsOf(cluster, '?service-name=service-1499')).toHaveLength(1)
    expect(await eventsOf(cluster)).toHaveLength(300)
  })
})
