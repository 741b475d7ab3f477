/** `GET /health` of the node role over real HTTP: statuses, body and query exactly as load balancers know them. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { CheckResult } from '../../../../node-exporter/checks/check.ts'
import {
  ENDPOINT_LIMITS,
  splitChecks,
  startEndpoint,
} from '../../../../node-exporter/node/endpoint.ts'
import { PROXY_V1 } from '../../../support/exporter/proxy-headers.ts'

const SOON = { timeout: 10_000, interval: 20 }
const RESULTS = new Map<string, CheckResult>([
  ['node_ready', { name: 'node_ready', passed: true, duration_ms: 1 }],
  ['kubelet', { name: 'kubelet', passed: false, reason: 'refused', duration_ms: 2 }],
  ['clock', { name: 'clock', passed: true, warning: 'never heard', duration_ms: 0 }],
])

/** Gives its URL and port, what was asked, and how many parameters were ignored each time. */
async function anEndpoint({ isNamed = true, limits = {}, hangs = '' } = {}) {
  const asked: string[] = []
  const counted: number[] = []
  const server = await startEndpoint(0, {
    nodeName: isNamed ? 'node-a' : undefined,
    limits: { ...ENDPOINT_LIMITS, ...limits },
    onIgnored: (parameters) => counted.push(parameters),
    ask: (name) => {
      asked.push(name)
      if (name === hangs) return new Promise(() => undefined)
      const unknown = { name, passed: false, reason: `Unknown check: ${name}`, duration_ms: 0 }
      return Promise.resolve(RESULTS.get(name) ?? unknown)
    },
  })
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return { url: `http://127.0.0.1:${port}`, port, asked, counted }
}

/** Every byte that comes back for these. */
function talk(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

/** A connection that nothing is written on. */
async function hold(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined) // it may be hung up on
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  return socket.resume()
}

function statusOf(reply: string): string {
  return reply.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
}

describe('an answer', () => {
  it.each([
    ['all pass', '?check=node_ready,clock', 200, 'ready'],
    ['one fails', '?check=node_ready,kubelet', 503, 'not-ready'],
    ['one is unknown', '?check=node_ready,bogus', 503, 'not-ready'],
  ])('is this when %s', async (_, query, status, word) => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}/health${query}`)

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status: word })
  })

  it('names each check, with a reason only where it fails', async () => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}/health?check=kubelet,clock,bogus`)

    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({
      status: 'not-ready',
      checks: [
        { name: 'kubelet', passed: false, reason: 'refused', duration_ms: 2 },
        { name: 'clock', passed: true, warning: 'never heard', duration_ms: 0 },
        { name: 'bogus', passed: false, reason: 'Unknown check: bogus', duration_ms: 0 },
      ],
    })
  })

  it('is a 500 that says what to set without NODE_NAME', async () => {
    const { url, asked } = await anEndpoint({ isNamed: false })

    const response = await fetch(`${url}/health?check=kubelet`)

    expect(response.status).toBe(500)
    expect(await response.text()).toContain('NODE_NAME is not set')
    expect(asked).toEqual([])
  })
})

describe('another method', () => {
  it.each([
    ['HEAD', '/health', 200],
    ['HEAD', '/health?check=kubelet', 503],
    ['OPTIONS', '/health', 200],
    ['OPTIONS', '/health?check=kubelet', 503],
  ])('answers %s %s with the verdict and no body', async (method, path, status) => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}${path}`, { method })

    expect(response.status).toBe(status)
    expect(await response.text()).toBe('')
    // GET's length: it holds how long the answer took, so two of them may differ by a digit.
    const length = Number(response.headers.get('content-length'))
    expect(length > 0).toBe(method === 'HEAD')
  })

  it.each(['POST', 'PUT', 'DELETE'])('is refused: %s', async (method) => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}/health`, { method })

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})

describe('what a client writes', () => {
  it.each([
    ['HAProxy’s own, without a Host', 'OPTIONS /health HTTP/1.0\r\n\r\n', '200'],
    ['a slash at its end', 'GET /health/?check=kubelet HTTP/1.0\r\n\r\n', '503'],
    ['scheme and host, as a proxy does', 'GET http://n:1/health HTTP/1.0\r\n\r\n', '200'],
    ['two slashes', 'GET //health HTTP/1.0\r\n\r\n', '404'],
    ['slashes alone', 'GET // HTTP/1.0\r\n\r\n', '404'],
    ['no URL', 'OPTIONS * HTTP/1.0\r\n\r\n', '400'],
    ['a port that is none', 'GET http://n:x/health HTTP/1.0\r\n\r\n', '400'],
    ['a query that does not decode', 'GET /health?check=%ff%zz HTTP/1.0\r\n\r\n', '503'],
    ['HTTP/1.1 without a Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', '200'],
    ['PROXY, version 1', `${PROXY_V1}OPTIONS /health HTTP/1.0\r\n\r\n`, '200'],
    ['no HTTP', 'HELO node\r\n\r\n', '400'],
    ['headers without end', `GET /health HTTP/1.0\r\nx: ${'x'.repeat(20_000)}`, '431'],
  ])('is answered by its status: %s', async (_, bytes, status) => {
    const { port } = await anEndpoint()

    expect(statusOf(await talk(port, bytes))).toBe(status)
  })

  it('is answered in order when it comes all at once', async () => {
    const { port } = await anEndpoint()
    const ask = (name: string) => `GET /health?check=${name} HTTP/1.1\r\nHost: n\r\n`

    const reply = await talk(port, `${ask('clock')}\r\n${ask('kubelet')}Connection: close\r\n\r\n`)

    expect(reply.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503'])
  })

  it.each([
    ['31 more than it knows', 31, 503],
    ['one past the most', 32, 400],
  ])('may name 32 checks: %s', async (_, more, status) => {
    const { url, asked } = await anEndpoint()
    const names = Array.from({ length: more }, (_one, i) => `x${i}`)

    const response = await fetch(`${url}/health?check=clock,${names.join()}`)

    expect(response.status).toBe(status)
    expect(asked).toHaveLength(status === 400 ? 0 : 32)
  })
})

describe('a client that only holds on', () => {
  it('is hung up on when its request does not come', async () => {
    const { port } = await anEndpoint({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } })

    expect(statusOf(await talk(port, 'GET /health HTTP/1.1\r\nHost: n\r\n'))).toBe('408')
  })

  it('makes room for the next one, the one that has been idle for longest first', async () => {
    const { url, port } = await anEndpoint({ limits: { connections: 2 } })
    const [first, second] = [await hold(port), await hold(port)]
    first.write('GET /health HTTP/1.1\r\nHost: n\r\n\r\n')
    await once(first, 'data') // so that the second is idle for longer

    const response = await fetch(`${url}/health`)

    expect(response.status).toBe(200)
    await vi.waitFor(() => {
      expect([first.readyState, second.readyState]).toEqual(['open', 'closed'])
    })
  })

  it.each([
    ['one less than there may be', 511, true],
    ['as many as there may be', 512, false],
  ])('is never cut off while it waits for its answer: %s', async (_, many, hasRoom) => {
    const { url, port, asked } = await anEndpoint({ hangs: 'slow' })
    const busy = await Promise.all(Array.from({ length: many }, () => hold(port)))
    for (const socket of busy) socket.write('GET /health?check=slow HTTP/1.1\r\nHost: n\r\n\r\n')
    await vi.waitFor(() => {
      expect(asked).toHaveLength(many)
    }, SOON)

    const isAnswered = await fetch(`${url}/health`).then(
      ({ status }) => status === 200,
      () => false,
    )

    expect(isAnswered).toBe(hasRoom)
    expect(busy.every(({ readyState }) => readyState === 'open')).toBe(true)
  })

  it('keeps its connection longer than a load balancer waits between two questions', async () => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}/health`)

    expect(response.headers.get('keep-alive')).toBe('timeout=75')
  })
})

it('has nothing at any other path', async () => {
  const { url } = await anEndpoint()

  expect((await fetch(`${url}/healthz`)).status).toBe(404)
})

describe('a parameter', () => {
  it.each([
    ['?checks=clock', 'checks'],
    ['?Check=clock', 'Check'],
    ['?check=clock&chekc=kubelet', 'chekc'],
    ['?check[]=clock', 'check[]'],
    ['?check-name=clock', 'check-name'],
    ['?check_id=clock', 'check_id'],
    ['?checkId=clock', 'checkId'],
    ['?%63heck%73=clock', 'checks'],
    ['?chec"k=clock', 'chec"k'],
  ])('that is spelled wrong is a 400 that names it and what was meant: %s', async (query, name) => {
    const { url, asked } = await anEndpoint()

    const response = await fetch(`${url}/health${query}`)
    const head = await fetch(`${url}/health${query}`, { method: 'HEAD' })
    const options = await fetch(`${url}/health${query}`, { method: 'OPTIONS' })

    expect([response.status, head.status, options.status]).toEqual([400, 400, 400])
    expect(await response.json()).toEqual({
      error: `Unknown parameter ${name}: ask with check`,
    })
    expect(asked).toEqual([])
  })

  it.each([
    ['?source=lb', 1],
    ['?check=clock&_=1&utm_source=x', 2],
    ['?check=clock&check=node_ready', 0],
    ['', 0],
  ])('of another name is ignored and counted: %s', async (query, ignored) => {
    const { url, counted } = await anEndpoint()

    const response = await fetch(`${url}/health${query}`)

    expect(response.status).toBe(200)
    expect(counted.reduce((sum, n) => sum + n, 0)).toBe(ignored)
  })
})

describe('the query', () => {
  it.each([
    ['nothing', [], ['node_ready']],
    ['blanks alone', [' , ,'], ['node_ready']],
    ['one', ['kubelet'], ['kubelet']],
    ['several with blanks', [' kubelet , clock,'], ['kubelet', 'clock']],
    ['repeats', ['clock,clock', 'clock'], ['clock']],
    ['several keys', ['clock', 'kubelet'], ['clock', 'kubelet']],
    ['another case', ['Kubelet'], ['Kubelet']],
  ])('names the checks: %s', (_what, lists, expected) => {
    expect(splitChecks(lists)).toEqual(expected)
  })
})
