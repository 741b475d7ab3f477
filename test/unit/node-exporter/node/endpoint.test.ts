/** `GET /health` of the node role over real HTTP: statuses, body and query exactly as load balancers know them. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { CheckResult } from '../../../../node-exporter/checks/check.ts'
import { splitChecks, startEndpoint } from '../../../../node-exporter/node/endpoint.ts'

const RESULTS = new Map<string, CheckResult>([
  ['node_ready', { name: 'node_ready', passed: true, duration_ms: 1 }],
  ['kubelet', { name: 'kubelet', passed: false, reason: 'refused', duration_ms: 2 }],
  ['clock', { name: 'clock', passed: true, warning: 'never heard', duration_ms: 0 }],
])

/** Gives its URL, and what was asked. */
async function anEndpoint({ isNamed = true } = {}): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = await startEndpoint(0, {
    nodeName: isNamed ? 'node-a' : undefined,
    ask: (name) => {
      asked.push(name)
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
  return { url: `http://127.0.0.1:${port}`, asked }
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
    const get = await fetch(`${url}${path}`)

    const response = await fetch(`${url}${path}`, { method })

    expect(response.status).toBe(status)
    expect(await response.text()).toBe('')
    const length = method === 'OPTIONS' ? '0' : get.headers.get('content-length')
    expect(response.headers.get('content-length')).toBe(length)
  })

  it.each(['POST', 'PUT', 'DELETE'])('is refused: %s', async (method) => {
    const { url } = await anEndpoint()

    const response = await fetch(`${url}/health`, { method })

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})

it('has nothing at any other path', async () => {
  const { url } = await anEndpoint()

  expect((await fetch(`${url}/healthz`)).status).toBe(404)
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
