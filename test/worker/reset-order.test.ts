/** The order of reports: how far one report may move it, and how a person starts it anew (behaviour, section 2). */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { Place, Report } from '../../worker/contract/report.ts'
import { Cluster } from '../../worker/index.ts'
import { CLOSED } from '../../worker/contract/link.ts'
import { aBlind, aCategory, aHeartbeat, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { openLink, upgrade } from './a-link.ts'
import { ask, askJson, bytesOf, gzip, heldOf, push, readAll, takeCluster } from './edge.ts'
import { countersOf, keepCounters, loseStorage, recordOf, runAlarm, stubOf } from './object.ts'
import { aLinkedCluster, beat } from './linked-cluster.ts'
import { aPutCluster, content, setTimeByHand } from './put-cluster.ts'
import { BEARER, browse, HTML, operate, operateJson, signIn, submit } from './visitors.ts'

const STEP = 1_000_000
const INT32_MAX = 2 ** 31 - 1

setTimeByHand()

function pushAt(cluster: string, place: Place): Promise<Response> {
  return push(aSnapshot({ cluster, ...place, observedAt: Date.now(), content }))
}

function reset(cluster: string): Promise<Response> {
  return operateJson(`/clusters/${cluster}/reset-order`, { why: 'the secret leaked' })
}

/** A refusal in short; a link that was opened is closed again. */
async function tellUpgrade(response: Response): Promise<unknown> {
  const { webSocket } = response
  webSocket?.accept()
  webSocket?.close()
  if (webSocket !== null) return 'open'
  const { error, held } = await response.json<{ error: { code: string }; held?: Place }>()
  return { code: error.code, held }
}

/** Seconds pass: what is signed from now on is after whatever was done before. */
function pass(ms = 1000): void {
  vi.setSystemTime(Date.now() + ms)
}

/** A cluster whose failing service is acked, and whose order a thief has moved as far up as a few reports can. */
async function aPoisonedCluster(epoch = 3 * STEP): Promise<string> {
  const cluster = await aPutCluster()
  await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`)
  for (let next = STEP; next <= epoch; next += STEP) {
    // oxlint-disable-next-line no-await-in-loop -- one step after the other
    await pushAt(cluster, { epoch: next, sequence: 1 })
  }
  pass()
  await runAlarm(cluster)
  pass(10_000)
  return cluster
}

async function statusesOf(cluster: string, places: Place[]): Promise<number[]> {
  const statuses: number[] = []
  for (const place of places) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    statuses.push((await pushAt(cluster, place)).status)
  }
  return statuses
}

describe('a report far above the order', () => {
  const kinds = { snapshot: aSnapshot, heartbeat: aHeartbeat, blind: aBlind }

  it.each(['snapshot', 'heartbeat', 'blind'] as const)(
    'is refused, and says what is held: %s',
    async (kind) => {
      const cluster = await aPutCluster()
      const before = await heldOf(cluster)

      const place = { cluster, epoch: INT32_MAX, sequence: 1, observedAt: Date.now() }
      const response = await push(kinds[kind](place))

      expect(response.status).toBe(409)
      expect(await response.json()).toMatchObject({
        error: { code: 'epoch-too-high' },
        held: { epoch: 1, sequence: 1 },
      })
      expect(await heldOf(cluster)).toBe(before)
    },
  )

  it.each([
    ['a million', STEP, 202],
    ['one more', STEP + 1, 409],
  ])('is refused where nothing is held: %s', async (_, epoch, status) => {
    const cluster = takeCluster()

    const response = await pushAt(cluster, { epoch, sequence: 5 })

    expect(response.status).toBe(status)
    const held = { held: { epoch: 0, sequence: 0 } }
    expect(await response.json()).toMatchObject(status === 409 ? held : { accepted: true })
  })

  it.each([
    ['a million', 1 + STEP, 'open'],
    ['one more', 2 + STEP, { code: 'epoch-too-high', held: { epoch: 1, sequence: 2 } }],
  ])('opens no live link either: %s', async (_, epoch, expected) => {
    const { cluster } = await aLinkedCluster()

    const response = await upgrade(cluster, { epoch, sequence: 1 })

    expect(await tellUpgrade(response)).toEqual(expected)
  })

  it('is counted', async () => {
    const cluster = await aPutCluster()

    await pushAt(cluster, { epoch: INT32_MAX, sequence: 1 })

    await keepCounters(cluster)
    expect(await countersOf(cluster)).toContain('reports epoch-too-high 1')
  })
})

describe('starting the order anew', () => {
  it('lets the honest exporter in again, just above zero', async () => {
    const cluster = await aPoisonedCluster()
    const shut = await statusesOf(cluster, [{ epoch: 1, sequence: 2 }])

    const response = await reset(cluster)
    pass()

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ ok: true })
    const honest = [
      { epoch: 3 * STEP + 1, sequence: 9 },
      { epoch: 1, sequence: 10 },
      { epoch: 1, sequence: 11 },
    ]
    expect([shut, await statusesOf(cluster, honest)]).toEqual([[409], [409, 202, 202]])
  })

  it('keeps acks, switches, verdict and facts', async () => {
    const cluster = await aPoisonedCluster()
    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=failover`)
    const before = await readAll(cluster)

    await reset(cluster)

    const after = await readAll(cluster)
    const { acks, overrides } = before?.decisions ?? {}
    expect(after?.standing).toEqual(before?.standing)
    expect(after?.content).toEqual(before?.content)
    expect(after?.decisions).toMatchObject({ acks, overrides })
    expect([acks?.length, overrides?.length]).toEqual([1, 1])
  })

  it('stands in the history, with who and why', async () => {
    const cluster = await aPoisonedCluster()

    await reset(cluster)

    const history = await askJson(`/clusters/${cluster}/history`, { headers: BEARER })
    const { events } = await history.json<{ events: unknown[] }>()
    expect(events.length).toBeGreaterThan(1)
    expect(events[0]).toMatchObject({
      subject: 'cluster',
      cause: 'hand',
      actor: { by: 'nina' },
      note: 'the order of reports started anew: the secret leaked',
    })
  })

  it('counts no failed check twice that the same exporter tells again', async () => {
    const cluster = takeCluster()
    const sticky = { ...content, categories: [aCategory({ isSticky: true, failureThreshold: 9 })] }
    const tell = (epoch: number, sequence: number, failed: number) =>
      push(
        aSnapshot({
          cluster,
          epoch,
          sequence,
          observedAt: Date.now(),
          content: sticky,
          streaks: { web: failed },
        }),
      )
    await tell(STEP, 1, 1)
    await tell(STEP, 2, 2)
    const before = (await readAll(cluster))?.pulse.counts

    await reset(cluster)
    pass()
    await tell(1, 3, 2)

    expect(before).toMatchObject([{ service: 'web', failed: 2 }])
    expect((await readAll(cluster))?.pulse.counts).toEqual(before)
  })

  it('leads a form to the history', async () => {
    const cluster = await aPoisonedCluster()
    const session = await signIn()

    const response = await submit(`/clusters/${cluster}/reset-order`, { why: '' }, session)

    expect(response.status).toBe(303)
    const page = await browse(response.headers.get('location') ?? '', { accept: HTML })
    expect(await page.text()).toContain('the order of reports started anew')
  })

  it.each([
    ['no token', {}, 401],
    ['a token that may only read', { authorization: `Bearer ${READ_TOKEN}` }, 403],
  ])('is refused to %s', async (_, headers, status) => {
    const cluster = await aPutCluster()
    const before = await heldOf(cluster)

    const response = await ask(`/clusters/${cluster}/reset-order`, { method: 'POST', headers })

    expect(response.status).toBe(status)
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['a reason that is no text', { why: 7 }],
    ['a reason that is too long', { why: 'x'.repeat(1025) }],
  ])('is refused with %s', async (_, body) => {
    const cluster = await aPutCluster()
    const before = await heldOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/reset-order`, body)

    expect(response.status).toBe(400)
    expect(await heldOf(cluster)).toBe(before)
  })

  it('has nothing to start anew where nothing was reported', async () => {
    expect((await reset(takeCluster())).status).toBe(503)
  })
})

describe('a report that was recorded before the order started anew', () => {
  /** What an eavesdropper has: the very bytes, signed at their time. */
  async function replay(cluster: string, signedAtMs: number): Promise<Response> {
    const timestampSeconds = Math.floor(signedAtMs / 1000)
    const place = { cluster, epoch: STEP, sequence: 1 }
    return push(aSnapshot({ ...place, observedAt: Date.now(), content }), { timestampSeconds })
  }

  it('is refused, also in the same second', async () => {
    const cluster = await aPoisonedCluster()
    const recordedMs = Date.now()
    await reset(cluster)
    const before = await heldOf(cluster)

    pass(20_000)
    const response = await replay(cluster, recordedMs)

    expect(response.status).toBe(409)
    const body = await response.json<{ error: { code: string }; held?: Place }>()
    expect([body.error.code, body.held]).toEqual(['signed-before-reset', undefined])
    expect(response.headers.get('date')).not.toBeNull()
    expect(await heldOf(cluster)).toBe(before)
  })

  it('is accepted once it is signed anew, a second later', async () => {
    const cluster = await aPoisonedCluster()
    await reset(cluster)

    const first = await pushAt(cluster, { epoch: 1, sequence: 2 })
    pass()
    const second = await pushAt(cluster, { epoch: 1, sequence: 3 })

    expect([first.status, second.status]).toEqual([409, 202])
  })

  it.each<[string, (cluster: string) => Promise<unknown>]>([
    ['an eviction', (cluster) => evictDurableObject(stubOf(cluster))],
    ['the storage was lost', loseStorage],
  ])('is refused also after %s', async (_, forget) => {
    const cluster = await aPoisonedCluster()
    const recordedMs = Date.now()
    await reset(cluster)
    pass()
    await runAlarm(cluster)
    await forget(cluster)

    const old = await replay(cluster, recordedMs)
    const honest = await pushAt(cluster, { epoch: 1, sequence: 2 })

    expect([old.status, honest.status]).toEqual([409, 202])
  })

  it('opens no live link', async () => {
    const cluster = await aPoisonedCluster()
    await reset(cluster)
    const timestampSeconds = Math.floor(Date.now() / 1000)
    pass(100_000)

    const old = await upgrade(cluster, { epoch: 1, sequence: 2 }, { timestampSeconds })
    const link = await openLink(cluster, { epoch: 1, sequence: 2 })

    expect(old.status).toBe(409)
    expect(await beat(link, cluster, 3)).toMatchObject({ status: 202 })
  })
})

describe('the live link when the order starts anew', () => {
  it('is closed, and what it carried does not come back', async () => {
    const { cluster, link } = await aLinkedCluster()
    await beat(link, cluster, 3)

    await reset(cluster)
    const code = await link.closed
    pass()

    expect(code).toBe(CLOSED.again)
    expect((await readAll(cluster))?.pulse).toMatchObject({ epoch: -1, sequence: -1 })
    const next = await openLink(cluster, { epoch: 0, sequence: 1 })
    expect(
      await next.push(aSnapshot({ cluster, epoch: 0, sequence: 2, observedAt: Date.now() })),
    ).toMatchObject({
      status: 202,
    })
  })

  it('does not take the report that was on its way over the link', async () => {
    const { cluster } = await aLinkedCluster()
    const report = aHeartbeat({ cluster, sequence: 3, observedAt: Date.now() })
    const bytes = await gzip(bytesOf(JSON.stringify(report)))

    await runInDurableObject(stubOf(cluster), async (object, state) => {
      const [socket] = state.getWebSockets()
      if (socket === undefined) throw new Error('no link is open')
      const heard = object.webSocketMessage(socket, bytes.buffer) // it is unpacked meanwhile
      await object.act({ kind: 'reset-order', why: '' }, { by: 'nina', address: '' })
      await heard
    })

    expect((await readAll(cluster))?.pulse).toMatchObject({ epoch: -1, sequence: -1 })
    await keepCounters(cluster)
    expect(await countersOf(cluster)).toContain('reports signed-before-reset 1')
  })

  it.each<[string, (cluster: string) => Promise<unknown>]>([
    ['started anew', reset],
    ['erased', (cluster) => operateJson(`/clusters/${cluster}/erase`, { confirm: cluster })],
  ])('brings nothing back when its end comes late: %s', async (_, begin) => {
    const cluster = takeCluster()
    const thief = await aSlowLink(cluster, { epoch: STEP, sequence: 1 })
    const place = { cluster, epoch: STEP }
    await thief.push(aSnapshot({ ...place, sequence: 2, observedAt: Date.now(), content }))
    await thief.push(aHeartbeat({ ...place, sequence: 3, observedAt: Date.now() }))
    await begin(cluster)
    pass()
    const link = await openLink(cluster, { epoch: 0, sequence: 1 })
    const honest = aSnapshot({ cluster, epoch: 0, sequence: 2, observedAt: Date.now() })
    expect(await link.push(honest)).toMatchObject({ status: 202 })

    await thief.end()

    expect((await readAll(cluster))?.pulse).toMatchObject({ epoch: 0, sequence: 2 })
    const next = aSnapshot({ cluster, epoch: 0, sequence: 3, observedAt: Date.now() })
    expect(await link.push(next)).toMatchObject({ status: 202 })
  })

  it('keeps what the link had heard but for the order', async () => {
    const { cluster, link } = await aLinkedCluster()
    pass(20_000)
    await beat(link, cluster, 3)
    const before = await readAll(cluster)

    await reset(cluster)

    const after = await readAll(cluster)
    expect(after?.pulse.lease).toEqual(before?.pulse.lease)
  })
})

describe('KV’s copy when the order starts anew', () => {
  it('follows at once, and does not bring the poisoned epoch back', async () => {
    const cluster = await aPoisonedCluster()
    await operate(`/clusters/${cluster}/rem-ack?service-name=web`)
    await runAlarm(cluster)
    const before = await recordOf(cluster)
    pass()

    await reset(cluster)
    await runAlarm(cluster)
    const after = await recordOf(cluster)
    await loseStorage(cluster)
    pass()

    expect(before).toMatchObject({ epoch: 3 * STEP })
    expect(after).toMatchObject({ epoch: -1, decisions: { orderSinceMs: Date.now() - 1000 } })
    expect(await statusesOf(cluster, [{ epoch: 1, sequence: 2 }])).toEqual([202])
  })

  it('does not win over a reset that it has not got', async () => {
    const cluster = await aPoisonedCluster()
    await operate(`/clusters/${cluster}/rem-ack?service-name=web`)
    await runAlarm(cluster)
    await reset(cluster)
    pass()

    await spoilPulse(cluster)

    expect(await statusesOf(cluster, [{ epoch: 1, sequence: 2 }])).toEqual([202])
  })
})

/** A live link whose other side does not answer a close: the edge hears of its end much later. */
async function aSlowLink(cluster: string, place: Place) {
  const { webSocket: socket } = await upgrade(cluster, place)
  if (socket === null) throw new Error('no link')
  socket.accept({ allowHalfOpen: true })
  const ended = vi.spyOn(Cluster.prototype, 'webSocketClose')
  return {
    push: async (report: Report) => {
      const answered = new Promise((resolve) => {
        socket.addEventListener('message', resolve, { once: true })
      })
      socket.send(await gzip(bytesOf(JSON.stringify(report))))
      await answered
    },
    end: async () => {
      const before = ended.mock.calls.length
      socket.close(1000)
      await vi.waitFor(() => {
        expect(ended.mock.calls.length).toBeGreaterThan(before)
      })
      await Promise.all(ended.mock.results.map((result): unknown => result.value))
    },
  }
}

/** As another version would have written it: the object restores all but what was decided. */
async function spoilPulse(cluster: string): Promise<void> {
  await runInDurableObject(stubOf(cluster), (_, state) => {
    const other = new TextEncoder().encode('{"from":"another version"}').buffer
    state.storage.sql.exec("UPDATE state SET value = ? WHERE key = 'pulse'", other)
  })
  await evictDurableObject(stubOf(cluster))
}
