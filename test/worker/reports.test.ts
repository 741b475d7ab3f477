/** The way in for reports: each refusal of behaviour, section 2, in its order, and that it changes nothing. */
import { beforeEach, describe, expect, it } from 'vitest'
import { REPORT_MAX_BYTES, REPORT_WIRE_MAX_BYTES } from '../../worker/contract/limits.ts'
import { aContent, aHeartbeat, aService, aSnapshot } from '../support/a-report.ts'
import { OTHER_SECRET } from '../support/secrets.ts'
import { ask, bytesOf, gzip, heldOf, push, takeCluster, type PushOptions } from './edge.ts'
import { judgeAlone } from './object.ts'

beforeEach(judgeAlone)

const HOUR_AGO = Math.floor(Date.now() / 1000) - 3600

describe('a report that is in order', () => {
  it('is accepted, and the answer tells the time', async () => {
    const cluster = takeCluster()

    const response = await push(aSnapshot({ cluster, observedAt: Date.now() }))

    expect(response.status).toBe(202)
    expect(await response.json()).toEqual({ accepted: true, resend: false })
    expect(Math.abs(Date.parse(response.headers.get('date') ?? '') - Date.now())).toBeLessThan(5000)
  })

  it('may be packed with gzip', async () => {
    const cluster = takeCluster()

    const response = await push(aSnapshot({ cluster }), { gzip: true })

    expect(response.status).toBe(202)
  })

  it('may come every 15 s, four times within the 60 s to dead', async () => {
    const cluster = takeCluster()

    const response = await push(aSnapshot({ cluster, intervalSeconds: 15 }))

    expect(response.status).toBe(202)
  })

  it('may carry keys that this edge does not know', async () => {
    const cluster = takeCluster()

    const response = await push({ ...aSnapshot({ cluster }), tomorrow: { anything: true } })

    expect(response.status).toBe(202)
  })

  it('is answered that each service is judged by itself while one is overdue', async () => {
    const cluster = takeCluster()
    const observedAt = Date.now()
    const services = [aService({ overdueSince: observedAt - 1000 })]
    const late = aSnapshot({ cluster, observedAt, content: aContent({ services }), sequence: 1 })

    const first = await push(late)
    const second = await push(aHeartbeat({ cluster, observedAt, sequence: 2, digest: late.digest }))
    const third = await push(aSnapshot({ cluster, observedAt, sequence: 3 }))

    const judged = { accepted: true, resend: false, overdue: true }
    expect([await first.json(), await second.json()]).toEqual([judged, judged])
    expect(await third.json()).toEqual({ accepted: true, resend: false })
  })

  it('asks for a snapshot when a heartbeat names another content', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, sequence: 1, digest: 'a' }))

    const same = await push(aHeartbeat({ cluster, sequence: 2, digest: 'a' }))
    const other = await push(aHeartbeat({ cluster, sequence: 3, digest: 'b' }))

    expect(await same.json()).toEqual({ accepted: true, resend: false })
    expect(await other.json()).toEqual({ accepted: true, resend: true })
  })
})

describe('a refused report', () => {
  const huge = `"${'x'.repeat(REPORT_WIRE_MAX_BYTES)}"`
  const random = crypto.getRandomValues(new Uint8Array(1024))
  const table: [string, PushOptions, Record<string, unknown>, number, string][] = [
    ['over the bytes of the wire', { body: bytesOf(huge) }, {}, 413, 'too-large'],
    [
      'without a signature header',
      { headers: { 'webhook-signature': '' } },
      {},
      401,
      'unauthorized',
    ],
    ['with an id that has a dot', { headers: { 'webhook-id': 'a.b' } }, {}, 400, 'headers'],
    ['with a timestamp in words', { headers: { 'webhook-timestamp': 'noon' } }, {}, 400, 'headers'],
    ['signed with another secret', { secret: OTHER_SECRET }, {}, 401, 'unauthorized'],
    ['signed for another id', { headers: { 'webhook-id': 'msg_2' } }, {}, 401, 'unauthorized'],
    ['signed an hour ago', { timestampSeconds: HOUR_AGO }, {}, 401, 'unauthorized'],
    [
      'of another content type',
      { headers: { 'content-type': 'text/plain' } },
      {},
      415,
      'content-type',
    ],
    ['of another packing', { headers: { 'content-encoding': 'br' } }, {}, 415, 'content-encoding'],
    ['packed by nobody', { headers: { 'content-encoding': 'gzip' } }, {}, 422, 'invalid'],
    ['that is not JSON', { body: bytesOf('{"kind":') }, {}, 422, 'invalid'],
    ['that is noise', { body: random }, {}, 422, 'invalid'],
    ['of an unknown kind', {}, { kind: 'gossip' }, 422, 'invalid'],
    ['with a negative sequence', {}, { sequence: -1 }, 422, 'invalid'],
    [
      'with more nodes than a report may hold',
      {},
      { content: { nodes: Array(5001) } },
      422,
      'invalid',
    ],
    ['with an interval of 15.1 s', {}, { intervalSeconds: 15.1 }, 422, 'invalid'],
  ]

  it.each(table)('%s', async (_, options, change, status, code) => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, sequence: 1 }))
    const before = await heldOf(cluster)

    const response = await push({ ...aSnapshot({ cluster, sequence: 2 }), ...change }, options)

    const { error } = await response.json<{ error: { code: string; message: string } }>()
    expect([response.status, error.code]).toEqual([status, code])
    expect(error.message).toMatch(/\.$|:/)
    expect(response.headers.get('date')).toBeTruthy()
    expect(await heldOf(cluster)).toBe(before)
  })

  it('says which of its headers is missing', async () => {
    const response = await ask(`/v1/clusters/${takeCluster()}/reports`, {
      method: 'POST',
      headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': '1' },
      body: '{}',
    })

    expect(response.status).toBe(400)
    expect(await response.text()).toContain('webhook-signature is missing')
  })

  it('names the path of the first fault', async () => {
    const cluster = takeCluster()
    const services = [aService(), { ...aService(), name: '' }]

    const response = await push({
      ...aSnapshot({ cluster }),
      content: { ...aContent(), services },
    })

    expect(response.status).toBe(422)
    expect(await response.text()).toContain('content.services.1.name')
  })

  it('is told the same for an unknown cluster as for a wrong signature', async () => {
    const cluster = takeCluster()

    const unknown = await push(aSnapshot({ cluster: 'nowhere' }))
    const inherited = await push(aSnapshot({ cluster: 'constructor' }))
    const wrong = await push(aSnapshot({ cluster }), { secret: OTHER_SECRET })

    expect([unknown.status, inherited.status]).toEqual([401, 401])
    expect(await unknown.text()).toBe(await wrong.text())
  })

  it('may not speak for another cluster than its path', async () => {
    const [mine, other] = [takeCluster(), takeCluster()]

    const response = await push(aSnapshot({ cluster: other }), { cluster: mine })

    expect(response.status).toBe(403)
    expect(await heldOf(other)).toBe('null')
  })

  it.each([
    ['a replay', { epoch: 3, sequence: 7 }],
    ['an older sequence', { epoch: 3, sequence: 6 }],
    ['a deposed leader', { epoch: 2, sequence: 99 }],
  ])('carries what is held: %s', async (_, order) => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, epoch: 3, sequence: 7 }))
    const before = await heldOf(cluster)

    const response = await push(aSnapshot({ cluster, ...order, digest: 'other' }))

    expect(response.status).toBe(409)
    expect(await response.json()).toMatchObject({
      error: { code: 'stale-sequence' },
      held: { epoch: 3, sequence: 7 },
    })
    expect(await heldOf(cluster)).toBe(before)
  })
})

describe('a bomb', () => {
  it('is refused at the first byte too many, though small on the wire', async () => {
    const cluster = takeCluster()
    const body = await gzip(new Uint8Array(64 * 1024 * 1024).fill(32))

    const response = await push({ cluster }, { body, headers: { 'content-encoding': 'gzip' } })

    expect(body.length).toBeLessThan(REPORT_WIRE_MAX_BYTES)
    expect(response.status).toBe(413)
    expect(await response.text()).toContain(String(REPORT_MAX_BYTES))
  })
})

describe('other ways to the same path', () => {
  it('are refused, and told which one is right', async () => {
    const response = await ask(`/v1/clusters/${takeCluster()}/reports`)

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('a thousand fuzzed bodies', () => {
  it('are refused one and all, without a 5xx', async () => {
    const cluster = takeCluster()
    await push(aSnapshot({ cluster, epoch: 9, sequence: 9 }))
    const before = await heldOf(cluster)
    const whole = bytesOf(JSON.stringify(aSnapshot({ cluster, epoch: 1 })))
    const random = mulberry32(20_261_121)

    const statuses = new Map<number, number>()
    for (let i = 0; i < 1000; i++) {
      // One after the other: a thousand at once would test the queue instead.
      // oxlint-disable-next-line no-await-in-loop
      const { status } = await push({ cluster }, { body: mutate(whole, random), gzip: i % 2 === 0 })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }

    expect([...statuses.keys()].filter((s) => ![403, 409, 422].includes(s))).toEqual([])
    expect(statuses.get(422)).toBeGreaterThan(100)
    expect(await heldOf(cluster)).toBe(before)
  }, 60_000)
})

/** Cuts, doubles, flips, or replaces a value by another kind of value. */
function mutate(whole: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const at = Math.floor(random() * whole.length)
  const text = new TextDecoder().decode(whole)
  switch (Math.floor(random() * 5)) {
    case 0:
      return new Uint8Array(whole.subarray(0, at))
    case 1:
      return bytesOf(text.slice(0, at) + text.slice(at - 20))
    case 2:
      return new Uint8Array(whole.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte)))
    case 3: {
      const odd = [
        'null',
        '-1',
        '1e999',
        '"\\u0000"',
        '[]',
        '{}',
        '[[[[]]]]',
        'true',
        '"__proto__"',
      ]
      const values = [...text.matchAll(/:("[^"]*"|\d+|true|false|null)/g)]
      const chosen = values[Math.floor(random() * values.length)]
      const value = odd[Math.floor(random() * odd.length)] ?? ''
      const from = (chosen?.index ?? 0) + 1
      return bytesOf(text.slice(0, from) + value + text.slice(from + (chosen?.[1]?.length ?? 0)))
    }
    default:
      return Uint8Array.from({ length: at % 500 }, () => Math.floor(random() * 256))
  }
}

/** A seeded generator, so that a failure can be seen again. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
