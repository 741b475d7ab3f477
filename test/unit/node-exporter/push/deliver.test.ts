/** One try to hand over a report, against a local server: each answer, and no answer, becomes a value. */
import type http from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createDeliver } from '../../../../node-exporter/push/deliver.ts'
import { EdgeClock } from '../../../../node-exporter/push/edge-clock.ts'
import { importSecret, verifyBody } from '../../../../worker/contract/signature.ts'
import { findDeadPort, readBody, serve, serveRaw } from '../../../support/exporter/local-server.ts'
import { OTHER_SECRET, PUSH_SECRET } from '../../../support/secrets.ts'
import { containing } from '../../../support/like.ts'

const HOUR_MS = 3_600_000
const BODY = new TextEncoder().encode('{"kind":"heartbeat"}')

async function aDelivery(port: number, { timeoutMs = 5000, secrets = [PUSH_SECRET] } = {}) {
  const clock = new EdgeClock()
  const { deliver, stop } = createDeliver({
    url: new URL(`http://127.0.0.1:${port}/v1/clusters/c0/reports`),
    keys: await Promise.all(secrets.map(importSecret)),
    clock,
    timeoutMs,
  })
  onTestFinished(stop)
  return { clock, deliver }
}

interface Answer {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** One try against a server that always answers so. A body that is a text is sent as it is. */
async function deliverTo({ status, body = '', headers = {} }: Answer) {
  const server = await serve((request, response) => {
    request.resume()
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  const { deliver, clock } = await aDelivery(server.port)
  return { delivered: await deliver(BODY), clock, server }
}

function dateAfter(ms: number): string {
  return new Date(Date.now() + ms).toUTCString()
}

describe('a report', () => {
  it('is posted packed and signed for every secret', async () => {
    const { promise: received, resolve } = Promise.withResolvers<Buffer>()
    const server = await serve((request, response) => {
      void readBody(request).then((body) => {
        resolve(body)
        response.writeHead(202).end('{"accepted":true,"resend":false}')
      })
    })
    const { deliver, clock } = await aDelivery(server.port, {
      secrets: [PUSH_SECRET, OTHER_SECRET],
    })

    await deliver(BODY)

    const [request] = server.requests
    const body = new Uint8Array(await received)
    expect(request).toMatchObject({ method: 'POST', url: '/v1/clusters/c0/reports' })
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    })
    for (const secret of [PUSH_SECRET, OTHER_SECRET]) {
      // oxlint-disable-next-line no-await-in-loop -- two
      const keys = [await importSecret(secret)]
      // oxlint-disable-next-line no-await-in-loop -- two
      expect(await verifyBody(signatureOf(request), body, { keys, nowMs: clock.now() })).toBe(true)
    }
  })

  it('has an id of its own with every try', async () => {
    const server = await serve((_, response) => response.writeHead(503).end())
    const { deliver } = await aDelivery(server.port)

    await deliver(BODY)
    await deliver(BODY)

    const ids = server.requests.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(2)
  })

  it("is stamped in the edge's time once a reply told it", async () => {
    const server = await serve((_, response) => {
      response.writeHead(503, { date: dateAfter(HOUR_MS) }).end()
    })
    const { deliver } = await aDelivery(server.port)

    await deliver(BODY)
    await deliver(BODY)

    const stamps = server.requests.map(({ headers }) => Number(headers['webhook-timestamp']) * 1000)
    expect(Math.abs((stamps[0] ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(Math.abs((stamps[1] ?? 0) - Date.now() - HOUR_MS)).toBeLessThan(60_000)
  })
})

describe('an answer', () => {
  const error = { code: 'any', message: 'says why' }
  const failed = { kind: 'failed', retryAfterMs: null, clockMoved: false }

  it.each<[string, Answer, Record<string, unknown>]>([
    [
      '202',
      { status: 202, body: { accepted: true, resend: false } },
      { kind: 'accepted', resend: false, commands: [] },
    ],
    [
      '202 that asks for a snapshot',
      { status: 202, body: { accepted: true, resend: true, more: 1 } },
      { kind: 'accepted', resend: true, commands: [] },
    ],
    [
      '202 with commands that nobody has read yet',
      { status: 202, body: { accepted: true, resend: false, commands: [{ kind: 'new' }, 7] } },
      { kind: 'accepted', resend: false, commands: [{ kind: 'new' }, 7] },
    ],
    [
      '409 with what is held',
      { status: 409, body: { error, held: { epoch: 4, sequence: 9 } } },
      { kind: 'superseded', held: { epoch: 4, sequence: 9 } },
    ],
    [
      '409 without it',
      { status: 409, body: { error } },
      { ...failed, reason: 'HTTP 409: says why' },
    ],
    [
      '409 with nonsense held',
      { status: 409, body: { error, held: { epoch: -1 } } },
      { ...failed, reason: 'HTTP 409' },
    ],
    [
      '422 with a reason',
      { status: 422, body: { error } },
      { ...failed, reason: 'HTTP 422: says why' },
    ],
    ['503 with a page', { status: 503, body: '<p>sorry' }, { ...failed, reason: 'HTTP 503' }],
    ['202 with a page', { status: 202, body: '<p>welcome' }, { ...failed, reason: 'HTTP 202' }],
    [
      '202 that does not accept',
      { status: 202, body: { accepted: false, resend: false } },
      { ...failed, reason: 'HTTP 202' },
    ],
    [
      '200 with the right words',
      { status: 200, body: { accepted: true, resend: false } },
      { ...failed, reason: 'HTTP 200' },
    ],
    ['204', { status: 204 }, { ...failed, reason: 'HTTP 204' }],
    [
      'a redirect',
      { status: 302, headers: { location: '/elsewhere' } },
      { ...failed, reason: 'HTTP 302' },
    ],
    [
      'another redirect',
      { status: 307, headers: { location: '/elsewhere' } },
      { ...failed, reason: 'HTTP 307' },
    ],
  ])('is read: %s', async (_, answer, expected) => {
    const { delivered, server } = await deliverTo(answer)

    expect(delivered).toEqual(expected)
    expect(server.requests).toHaveLength(1)
  })

  it.each<[string, Record<string, string>, number | null]>([
    ['seven seconds', { 'retry-after': '7' }, 7000],
    ['at once', { 'retry-after': '0' }, 0],
    ['a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, null],
    ['words', { 'retry-after': 'soon' }, null],
    ['less than nothing', { 'retry-after': '-1' }, null],
    ['nothing', {}, null],
  ])('may say when to come again: %s', async (_, headers, retryAfterMs) => {
    const { delivered } = await deliverTo({ status: 503, headers })

    expect(delivered).toEqual({ ...failed, reason: 'HTTP 503', retryAfterMs })
  })

  it.each([
    ['401, an hour ahead', 401, HOUR_MS, true],
    ['401, an hour behind', 401, -HOUR_MS, true],
    ['401, on time', 401, 0, false],
    ['503, an hour ahead', 503, HOUR_MS, false],
  ])('tells the time, which explains a 401 alone: %s', async (_, status, aheadMs, clockMoved) => {
    const { delivered, clock } = await deliverTo({ status, headers: { date: dateAfter(aheadMs) } })

    expect(delivered).toMatchObject({ kind: 'failed', clockMoved })
    expect(Math.abs(clock.now() - Date.now() - aheadMs)).toBeLessThan(60_000)
  })
})

describe('an answer without end', () => {
  it.each([202, 409, 503])(
    'is a failed try after 64 KiB, and its connection is closed: %i',
    async (status) => {
      const closed = Promise.withResolvers<number>()
      const server = await serve((request, response) => {
        request.resume()
        response.writeHead(status)
        streamOn(response, closed.resolve)
      })
      const { deliver } = await aDelivery(server.port, { timeoutMs: 60_000 })

      const delivered = await deliver(BODY)

      expect(delivered).toMatchObject({ kind: 'failed', reason: 'the answer is too large' })
      expect(await closed.promise).toBeLessThan(16 * 1024 * 1024) // what sockets hold, and no more
    },
  )

  it.each([
    ['as long as it may be', 64 * 1024, 'accepted'],
    ['a byte more', 64 * 1024 + 1, 'failed'],
  ])('begins after 64 KiB: %s', async (_, length, kind) => {
    const { delivered } = await deliverTo({
      status: 202,
      body: '{"accepted":true,"resend":false}'.padEnd(length),
    })

    expect(delivered.kind).toBe(kind)
  })
})

describe('no answer', () => {
  it.each([
    ['before it', ''],
    ['within its head', 'HTTP/1.1 202 Accepted\r\n'],
    ['within its body', 'HTTP/1.1 202 Accepted\r\ncontent-length: 99\r\n\r\n{"accepted":true'],
  ])('is a failed try when the edge hangs %s', async (_, said) => {
    const server = await serveRaw((socket) => {
      socket.write(said)
    })
    const { deliver } = await aDelivery(server.port, { timeoutMs: 50 })

    const delivered = await deliver(BODY)

    expect(delivered).toEqual({
      kind: 'failed',
      reason: 'no answer in time',
      retryAfterMs: null,
      clockMoved: false,
    })
  })

  it('is a failed try when nobody listens', async () => {
    const { deliver } = await aDelivery(await findDeadPort())

    const delivered = await deliver(BODY)

    expect(delivered).toMatchObject({ kind: 'failed', reason: containing('REFUSED') })
  })

  it.each([
    ['garbage', '\0\x01garbage\r\n\r\n'],
    ['nothing', ''],
  ])('is a failed try when %s comes', async (_, said) => {
    const server = await serveRaw((socket) => {
      socket.end(said)
    })
    const { deliver } = await aDelivery(server.port)

    const delivered = await deliver(BODY)

    expect(delivered).toMatchObject({ kind: 'failed', retryAfterMs: null, clockMoved: false })
  })
})

function signatureOf(request: http.IncomingMessage | undefined) {
  const read = (name: string) => String(request?.headers[name])
  return {
    id: read('webhook-id'),
    timestampSeconds: Number(read('webhook-timestamp')),
    signature: read('webhook-signature'),
  }
}

/** Sends for as long as somebody reads. Tells the bytes when the connection ends. */
function streamOn(response: http.ServerResponse, tell: (bytes: number) => void): void {
  const piece = Buffer.alloc(16 * 1024, ' ')
  let bytes = 0
  const send = () => {
    while (!response.destroyed) {
      bytes += piece.length
      if (!response.write(piece)) return
    }
  }
  response.on('drain', send)
  response.on('close', () => {
    tell(bytes)
  })
  send()
}
