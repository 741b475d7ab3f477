/** One question to one pod, against real servers on loopback: what they do to it, and what the probe makes of that. */
import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { askDirectly } from '../../../../node-exporter/probing/ask.ts'
import { probeBy, type Probed } from '../../../../node-exporter/probing/probe.ts'
import type { Service } from '../../../../worker/contract/report.ts'
import { describeFailure } from '../../../../worker/domain/acks.ts'
import { SERVED } from '../../../../worker/domain/service-memory.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'
import { findDeadPort, serve, serveRaw } from '../../../support/exporter/local-server.ts'

const LIMIT = 256 * 1024
const HEALTHY = JSON.stringify({ checks: [{ id: 'db', name: 'db', ok: true, severity: 2 }] })
const IPV6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

/** `timeoutMs` is short only where a server is meant to exceed it. */
function probe(port: number, { timeoutMs = 5000, address = '127.0.0.1', path = '/__health' } = {}) {
  return probeBy(askDirectly)(aKnownTarget({ address, port, path }), timeoutMs)
}

function aServiceOf(outcome: Probed): Service {
  const targets = outcome === null ? [] : [{ id: 'web-1', ready: true, checkedAt: 0, ...outcome }]
  return { name: 'web', isResilient: true, isDaemon: false, targets }
}

describe('a pod that answers', () => {
  it('is asked for JSON at its path', async () => {
    const server = await serve((_, response) => response.end(HEALTHY))

    const probed = await probe(server.port, { path: '/health?deep=1' })

    expect(probed).toMatchObject({ ok: true, answered: true, mayRetry: false })
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /health?deep=1',
    ])
    expect(server.requests[0]?.headers).toMatchObject({ accept: 'application/json' })
  })

  it('keeps no connection', async () => {
    const server = await serve((_, response) => response.end(HEALTHY))

    await probe(server.port)
    await probe(server.port)

    expect(server.sockets).toHaveLength(2)
    expect(server.requests.map(({ headers }) => headers.connection)).toEqual(['close', 'close'])
  })

  it.runIf(IPV6)('may have an address of IPv6', async () => {
    const server = await serve((_, response) => response.end(HEALTHY), '::1')

    const probed = await probe(server.port, { address: '::1' })

    expect(probed).toMatchObject({ ok: true, answered: true })
    expect(server.requests[0]?.headers.host).toBe(`[::1]:${server.port}`)
  })

  it.each([301, 302, 307, 308])('is not followed elsewhere by a %i', async (status) => {
    const server = await serve((request, response) => {
      if (request.url === '/elsewhere') response.end(HEALTHY)
      else response.writeHead(status, { location: '/elsewhere' }).end()
    })

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered: false, reason: `HTTP ${status}` })
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['a status that is not 200', 503, HEALTHY, true],
    ['a page in its place', 503, '<p>no', false],
    ['what is not JSON', 200, '<p>ok', false],
  ])('is not asked again after %s', async (_, status, body, answered) => {
    const server = await serve((_request, response) => response.writeHead(status).end(body))

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered, mayRetry: false })
  })

  it('keeps its failing checks and their severity beside a 503', async () => {
    const check = { id: 'db', name: 'db', ok: false, severity: 2, checkOutput: 'refused' }
    const server = await serve((_, response) =>
      response.writeHead(503).end(JSON.stringify({ checks: [check] })),
    )

    const probed = await probe(server.port)

    expect(probed).toEqual({ ok: false, answered: true, checks: [check], mayRetry: false })
    const [answering, gone] = [probed, await probe(await findDeadPort())].map((outcome) =>
      describeFailure(aServiceOf(outcome), SERVED),
    )
    expect(answering).toEqual({ marks: ['check db'], severity: 2 })
    expect(gone).toEqual({ marks: ['unreachable'], severity: 1 })
  })

  it.each([
    ['at the limit', LIMIT, true, undefined],
    ['one byte over it', LIMIT + 1, false, `the answer is over ${LIMIT} bytes`],
  ])('is read up to 256 KiB: %s', async (_, bytes, ok, reason) => {
    const server = await serve((_request, response) => response.end(HEALTHY.padEnd(bytes)))

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok, answered: ok, mayRetry: false })
    expect(probed?.reason).toBe(reason)
  })

  it('is hung up on when it never stops talking', async () => {
    const { promise: hungUp, resolve } = Promise.withResolvers<void>()
    const server = await serve((_, response) => {
      const talk = () => {
        while (response.write('x'.repeat(64 * 1024)));
      }
      response.on('drain', talk).once('close', resolve)
      talk()
    })

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered: false, mayRetry: false })
    await hungUp
  })

  it('may send its body in pieces within a character', async () => {
    const bytes = Buffer.from(JSON.stringify({ checks: [{ id: 'é', ok: false, severity: 1 }] }))
    const cut = bytes.indexOf(0xa9)
    const server = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`)
      socket.write(bytes.subarray(0, cut), () => {
        socket.end(bytes.subarray(cut))
      })
    })

    const probed = await probe(server.port)

    expect(probed?.checks.map(({ id }) => id)).toEqual(['é'])
  })
})

describe('a connection that fails', () => {
  it('may be tried again when nobody listens', async () => {
    const port = await findDeadPort()

    const probed = await probe(port)

    expect(probed).toMatchObject({ ok: false, answered: false, checks: [], mayRetry: true })
    expect(probed?.reason).toContain('ECONNREFUSED')
  })

  it('may be tried again after garbage', async () => {
    const server = await serveRaw((socket) => {
      socket.end(Buffer.from([0, 255, 1, 254, 10, 13, 7]))
    })

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered: false, mayRetry: true })
  })

  it('may be tried again when it was closed without a word', async () => {
    const server = await serveRaw((socket) => {
      socket.end()
    })

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered: false, mayRetry: true })
  })

  it('may be tried again when it was reset within the body', async () => {
    const server = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"checks":', () => {
        socket.resetAndDestroy()
      })
    })

    const probed = await probe(server.port)

    expect(probed).toMatchObject({ ok: false, answered: false, mayRetry: true })
  })

  it('ends when the pod switches to another protocol', { timeout: 3000 }, async () => {
    const server = await serveRaw((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')
    })

    const probed = await probe(server.port, { timeoutMs: 50 })

    expect(probed).toMatchObject({ ok: false, answered: false })
  })
})

describe('a pod that hangs', () => {
  it.each([
    ['before its answer', ''],
    ['within its head', 'HTTP/1.1 200 OK\r\n'],
    ['after its head', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'],
    ['within its body', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"checks":'],
  ])('is given up in time and not tried again: %s', async (_, said) => {
    const server = await serveRaw((socket) => {
      socket.write(said)
    })

    const probed = await probe(server.port, { timeoutMs: 50 })

    expect(probed).toEqual({
      ok: false,
      answered: false,
      checks: [],
      reason: 'no answer in 0.05 s',
      mayRetry: false,
    })
  })
})
