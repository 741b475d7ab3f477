/** The router's readiness, asked of real servers on loopback: 2xx in time passes, all else fails. */
import { expect, it } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import {
  makeOkdRouter1936,
  okdRouter1936,
} from '../../../../node-exporter/checks/okd-router-1936.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { findDeadPort, serve, serveRaw } from '../../../support/exporter/local-server.ts'
import { matching } from '../../../support/like.ts'

/** `answerMs` is short only where a server is meant to exceed it. */
function check(port: number, answerMs = 5000) {
  return runCheck(makeOkdRouter1936({ port, answerMs }), aNodeFacts())
}

it('gives the router 5 s, and no answer fails', () => {
  expect(okdRouter1936).toMatchObject({
    name: 'okd_router_1936',
    timeoutMs: 5500,
    cannotTell: 'fail',
  })
})

it('asks for readiness, once, on a connection of its own', async () => {
  const server = await serve((_, response) => response.end('ok'))

  const results = [await check(server.port), await check(server.port)]

  expect(results.map(({ passed }) => passed)).toEqual([true, true])
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /healthz/ready',
    'GET /healthz/ready',
  ])
  expect(server.sockets).toHaveLength(2)
})

it.each([
  [200, true],
  [204, true],
  [299, true],
  [300, false],
  [301, false],
  [404, false],
  [500, false],
  [503, false],
  [599, false],
])('passes with any 2xx and nothing else: %i', async (status, passed) => {
  const server = await serve((_, response) => response.writeHead(status).end())

  const result = await check(server.port)

  expect(result.passed).toBe(passed)
  expect(result.reason).toBe(passed ? undefined : `HTTP ${status}`)
})

it.each([301, 302, 303, 307, 308])('fails with a redirect unfollowed: %i', async (status) => {
  const server = await serve((request, response) => {
    if (request.url === '/fine') response.end('ok')
    else response.writeHead(status, { location: '/fine' }).end()
  })

  expect(await check(server.port)).toMatchObject({ passed: false, reason: `HTTP ${status}` })
  expect(server.requests).toHaveLength(1)
})

it('fails where nobody listens', async () => {
  const port = await findDeadPort()

  expect(await check(port)).toMatchObject({ passed: false, reason: matching(/ECONNREFUSED/) })
})

it.each([
  ['199 and hangs up', 'HTTP/1.1 199 X\r\n\r\n', /hang up/],
  ['what is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error/],
  ['nothing, and hangs up', '', /hang up/],
])('fails when it says %s', async (_, words, reason) => {
  const server = await serveRaw((socket) => {
    socket.end(words)
  })

  expect(await check(server.port)).toMatchObject({ passed: false, reason: matching(reason) })
})

it('fails when it resets the connection', async () => {
  const server = await serveRaw((socket) => {
    socket.resetAndDestroy()
  })

  expect(await check(server.port)).toMatchObject({ passed: false, reason: matching(/ECONNRESET/) })
})

it('passes by its status, however long its body is', async () => {
  const server = await serve((_, response) => {
    response.write('x'.repeat(10_000_000))
  })

  expect(await check(server.port)).toMatchObject({ passed: true })
})

it.each([
  ['in time', 100, 1000, true],
  ['too late', 1000, 100, false],
])('has so long to answer: %s', async (_, delayMs, answerMs, passed) => {
  const server = await serve((_request, response) => {
    const timer = setTimeout(() => response.end('ok'), delayMs)
    response.on('close', () => {
      clearTimeout(timer)
    })
  })

  const result = await check(server.port, answerMs)

  expect(result.passed).toBe(passed)
  expect(result.reason).toBe(passed ? undefined : 'no answer in 0.1 s')
  expect(server.requests).toHaveLength(1)
})
