/** The kubelet's ping, asked of real servers on loopback: what passes, and what two tries make of the rest. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type http from 'node:http'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import { makeKubelet } from '../../../../node-exporter/checks/kubelet.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { findDeadPort, serve, serveRaw } from '../../../support/exporter/local-server.ts'
import { having, matching } from '../../../support/like.ts'

/** `tryMs` is short only where a server is meant to exceed it. */
function check(port: number, tryMs = 5000, others: string[] = []) {
  const made = makeKubelet({ port, tryMs, findAddresses: () => others })
  return runCheck(made, aNodeFacts())
}

const OTHER = '127.0.0.2'
const THIRD = '127.0.0.3'
const ok: http.RequestListener = (_, response) => response.end('ok')

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

describe('a kubelet that is bound to another address', () => {
  it('is found on an address of the node', async () => {
    const server = await serve(ok, OTHER)

    const result = await check(server.port, 5000, [THIRD, OTHER])

    expect(result).toEqual(having({ passed: true }))
    expect(server.requests.map(({ url }) => url)).toEqual(['/healthz'])
  })

  it.skipIf(!hasIPv6())('is found by itself, over IPv6 as well', async () => {
    const { port } = await serve(ok, '::1')

    expect(await runCheck(makeKubelet({ port }), aNodeFacts())).toMatchObject({ passed: true })
  })

  it('is not looked for while loopback answers', async () => {
    const other = await serve(ok, OTHER)
    const loopback = await serve(ok, '127.0.0.1', other.port)

    expect(await check(other.port, 5000, [OTHER])).toMatchObject({ passed: true })
    expect([loopback.requests.length, other.requests.length]).toEqual([1, 0])
  })

  it('passes beside an address that hangs, without waiting for it', async () => {
    const { port } = await serve(ok, OTHER)
    await serveRaw(() => undefined, THIRD, port)

    const result = await check(port, 60_000, [THIRD, OTHER])

    expect(result).toMatchObject({ passed: true })
  })

  it('passes beside loopback that is filtered', async () => {
    const port = await stall('127.0.0.1')
    await serve(ok, OTHER, port)

    expect(await check(port, 5000, [OTHER])).toMatchObject({ passed: true })
  })

  it('fails by its own answer', async () => {
    const { port, requests } = await serve((_, response) => response.writeHead(500).end(), OTHER)

    const result = await check(port, 5000, [THIRD, OTHER])

    expect(result).toMatchObject({ passed: false, reason: '127.0.0.2: HTTP 500' })
    expect(requests).toHaveLength(2)
  })

  it('fails in its own time when all addresses hang', async () => {
    const port = await stall('127.0.0.1')
    await serveRaw(() => undefined, OTHER, port)
    await stall(THIRD, port)

    const result = await check(port, 1000, [OTHER, THIRD])

    expect(result).toMatchObject({ passed: false, reason: matching(/^127.0.0.2: no answer in/) })
  })

  it('fails where nothing listens on any address', async () => {
    const result = await check(await findDeadPort(), 5000, [OTHER, THIRD])

    const reason = matching(/ECONNREFUSED 127.0.0.1.*; nothing .* other addresses \(2\)$/)
    expect(result).toMatchObject({ passed: false, reason })
  })
})

describe('another service on the port of a kubelet', () => {
  it.each<[string, http.RequestListener]>([
    ['answers with an error', (_, response) => response.writeHead(500).end()],
    ['answers with a redirect', (_, response) => response.writeHead(302).end()],
    ['hangs', () => undefined],
    ['hangs up', (request) => request.socket.destroy()],
  ])('masks no kubelet on loopback that %s', async (_, answer) => {
    const other = await serve(ok, OTHER)
    await serve(answer, '127.0.0.1', other.port)

    expect(await check(other.port, 1000, [OTHER])).toMatchObject({ passed: false })
    expect(other.requests).toHaveLength(0)
  })

  it.each<[string, http.RequestListener]>([
    ['nothing', (_, response) => response.end()],
    ['a page', (_, response) => response.end('<html>ok</html>')],
    ['more than ok', (_, response) => response.end('ok\nbut not a kubelet')],
    ['OK', (_, response) => response.end('OK')],
    ['half of it', (_, response) => response.writeHead(200, { 'content-length': 2 }).write('o')],
    [
      'a redirect to it',
      (request, response) => {
        if (request.url === '/healthz') response.writeHead(302, { location: '/fine' }).end()
        else response.end('ok')
      },
    ],
  ])('is no kubelet where it says %s', async (_, answer) => {
    const { port } = await serve(answer, OTHER)

    const result = await check(port, 1000, [OTHER])

    expect(result).toMatchObject({ passed: false, reason: matching(/^127.0.0.2: /) })
  })

  it('is read no further than an ok is long', async () => {
    const { port, sockets } = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(100_000)), 1)
      response.on('close', () => {
        clearInterval(timer)
      })
    }, OTHER)

    const result = await check(port, 5000, [OTHER])

    const reason = '127.0.0.2: HTTP 200, but not with "ok"'
    expect(result).toMatchObject({ passed: false, reason })
    await expect.poll(() => sockets.every(({ closed }) => closed)).toBe(true)
  })

  it('hides no kubelet on a third address', async () => {
    const { port } = await serve((_, response) => response.end('hello'), OTHER)
    await serve(ok, THIRD, port)

    expect(await check(port, 5000, [OTHER, THIRD])).toMatchObject({ passed: true })
  })
})

describe('the address that an operator names', () => {
  it.each([
    ['is asked alone', OTHER, OTHER, true],
    ['is asked in place of loopback', OTHER, '127.0.0.1', false],
    ['may be every address', '0.0.0.0', '127.0.0.1', true],
  ])('%s: %s', async (_, address, listening, passed) => {
    const { port } = await serve(ok, listening)

    const made = makeKubelet({ address, port, findAddresses: () => [listening] })

    expect((await runCheck(made, aNodeFacts())).passed).toBe(passed)
  })

  it.skipIf(!hasIPv6())('may be an IPv6 address', async () => {
    const { port } = await serve(ok, '::1')

    const made = makeKubelet({ address: '::1', port })

    expect(await runCheck(made, aNodeFacts())).toMatchObject({ passed: true })
  })
})

function hasIPv6(): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.some(({ address }) => address === '::1')
}

/**
 * A process that listens and accepts no connection; its queue is full. The kernel drops whatever asks for another one,
 * as a packet filter does.
 */
async function stall(host: string, at = 0): Promise<number> {
  const code = `const server = require('net').createServer().listen({ port: ${at}, host: '${host}', backlog: 1 }, () => {
    require('fs').writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [port] = (await once(child.stdout, 'data')).map(Number)
  if (port === undefined) throw new Error('it does not listen')
  const waiting = [1, 2].map(() => net.connect({ port, host }).on('error', () => undefined))
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy()
  })
  await Promise.all(waiting.map((socket) => once(socket, 'connect')))
  return port
}
