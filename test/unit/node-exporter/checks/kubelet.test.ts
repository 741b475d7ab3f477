/** The kubelet's ping, asked of real servers on loopback: what passes, and what two tries make of the rest. */
import { describe, expect, it } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import { makeKubelet } from '../../../../node-exporter/checks/kubelet.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { findDeadPort, serve, serveRaw } from '../../../support/exporter/local-server.ts'
import { having, matching } from '../../../support/like.ts'

/** `tryMs` is short only where a server is meant to exceed it. */
function check(port: number, tryMs = 5000) {
  return runCheck(makeKubelet({ port, tryMs }), aNodeFacts())
}

it('is two tries of a second, and no answer fails', () => {
  expect(makeKubelet()).toMatchObject({ name: 'kubelet', timeoutMs: 2500, cannotTell: 'fail' })
})

describe('a kubelet that answers', () => {
  it('is asked once while it is well', async () => {
    const server = await serve((_, response) => response.end('ok'))

    const result = await check(server.port)

    expect(result).toEqual(having({ name: 'kubelet', passed: true }))
    expect(result).not.toHaveProperty('reason')
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /healthz'])
  })

  it('is asked over IPv4, and no connection is kept', async () => {
    const server = await serve((_, response) => response.end('ok'))

    await check(server.port)
    await check(server.port)

    expect(server.sockets).toHaveLength(2)
    expect(server.requests.map(({ headers }) => headers.connection)).toEqual(['close', 'close'])
    expect(server.requests[0]?.headers.host).toBe(`127.0.0.1:${server.port}`)
  })

  it.each([
    [199, false],
    [200, true],
    [201, false],
    [204, false],
    [299, false],
    [300, false],
    [301, false],
    [404, false],
    [500, false],
    [503, false],
  ])('passes with 200 alone: %i', async (status, passed) => {
    const server = await serveRaw((socket) => {
      // 1xx but for the last: Node waits for the answer after it, and there is none.
      socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
    })

    const result = await check(server.port)

    expect(result.passed).toBe(passed)
    expect(server.sockets).toHaveLength(passed ? 1 : 2)
  })

  it('is followed nowhere by a redirect', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/healthz') response.writeHead(302, { location: '/fine' }).end()
      else response.end('ok')
    })

    const result = await check(server.port)

    expect(result).toMatchObject({ passed: false, reason: 'HTTP 302' })
    expect(server.requests.map(({ url }) => url)).toEqual(['/healthz', '/healthz'])
  })

  it.each([
    ['that never ends', (write: () => void) => setInterval(write, 1)],
    ['that never begins', () => undefined],
  ])('passes by its status, whatever its body: one %s', async (_, start) => {
    const server = await serve((_request, response) => {
      response.writeHead(200).flushHeaders()
      const timer = start(() => response.write('x'.repeat(100_000)))
      response.on('close', () => {
        clearInterval(timer)
      })
    })

    expect(await check(server.port)).toMatchObject({ passed: true })
    await expect.poll(() => server.sockets.every(({ closed }) => closed)).toBe(true)
  })
})

describe('a kubelet without an answer', () => {
  it('fails where nobody listens', async () => {
    const port = await findDeadPort()

    const result = await check(port)

    expect(result).toMatchObject({ passed: false, reason: matching(/ECONNREFUSED/) })
  })

  it.each([
    ['hangs', () => undefined, 'no answer in 0.1 s'],
    ['says half a head', 'HTTP/1.1 200 OK\r\nContent-', 'no answer in 0.1 s'],
    ['promises an answer for ever', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'no answer in 0.1 s'],
  ])('fails in its own time when it %s', async (_, words, reason) => {
    const server = await serveRaw((socket) => {
      if (typeof words === 'string') socket.write(words)
    })

    const result = await check(server.port, 100)

    expect(result).toMatchObject({ passed: false, reason })
    expect(result.duration_ms).toBeGreaterThanOrEqual(198) // two tries; timers may be a millisecond early
    expect(server.sockets).toHaveLength(2)
  })

  it.each([
    ['what is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error/],
    ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`, /overflow/i],
    ['another protocol', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', /ended/],
    ['nothing, and hangs up', '', /hang up/],
  ])('fails when it says %s', async (_, words, reason) => {
    const server = await serveRaw((socket) => {
      socket.end(words)
    })

    const result = await check(server.port)

    expect(result).toMatchObject({ passed: false, reason: matching(reason) })
  })

  it('fails when it resets the connection', async () => {
    const server = await serveRaw((socket) => {
      socket.resetAndDestroy()
    })

    expect(await check(server.port)).toMatchObject({
      passed: false,
      reason: matching(/ECONNRESET/),
    })
  })
})

describe('the second try', () => {
  it.each([
    ['after no answer', null],
    ['after another status', 500],
  ])('passes %s', async (_, firstStatus) => {
    const server = await serve((_request, response) => {
      if (server.requests.length > 1) response.end('ok')
      else if (firstStatus !== null) response.writeHead(firstStatus).end()
    })

    expect(await check(server.port, 300)).toMatchObject({ passed: true })
    expect(server.requests).toHaveLength(2)
  })

  it('has as much time as the first', async () => {
    const server = await serve((_, response) => {
      const isSecond = server.requests.length > 1
      if (isSecond) setTimeout(() => response.end('ok'), 150)
    })

    expect(await check(server.port, 600)).toMatchObject({ passed: true })
  })

  it('is the last one, and its reason is told', async () => {
    const server = await serve((_, response) => {
      if (server.requests.length === 1) response.writeHead(500).end()
    })

    const result = await check(server.port, 100)

    expect(result).toMatchObject({ passed: false, reason: 'no answer in 0.1 s' })
    expect(server.requests).toHaveLength(2)
  })
})
