/** The contract with probers (behaviour, section 4), over HTTP in the Workers runtime. */
import { env } from 'cloudflare:workers'
import { listDurableObjectIds } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { ask, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'

beforeEach(judgeAlone)

const UNHEALTHY = 'UNAVAILABLE\ngtg=fail reason=unhealthy\n'
const OK = 'OK\ngtg=pass\n'

const services = [
  aService({ name: 'web' }),
  aService({ name: 'orders', targets: [aFailingTarget({ severity: 1 })] }),
]
const categories = [
  aCategory({ name: 'read', services: ['web'] }),
  aCategory({ name: 'write', services: ['orders'] }),
  aCategory({ name: 'partly', services: ['web', 'gone'] }),
  aCategory({ name: 'off', services: ['web'], enabled: false }),
  aCategory({ name: 'nobody', services: ['gone'] }),
]

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  const content = aContent({ services, categories })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

describe('what a prober gets', () => {
  it.each([
    ['?categories=read', 200, OK, 'healthy'],
    ['/read', 200, OK, 'healthy'],
    ['', 503, UNHEALTHY, 'unhealthy'],
    ['/', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=write', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=read,write', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=read&categories=write', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=%20read%20,,read', 200, OK, 'healthy'],
    ['?categories=partly', 200, OK, 'degraded'],
    ['?categories=nobody', 503, UNHEALTHY, 'unhealthy'],
    ['?categories=off', 503, 'UNAVAILABLE\ngtg=fail reason=disabled\n', 'disabled'],
    [
      '?categories=read,typo',
      400,
      'UNAVAILABLE\ngtg=fail reason=unknown-category\n',
      'unknown-category',
    ],
    ['/a/b', 400, 'UNAVAILABLE\ngtg=fail reason=unknown-category\n', 'unknown-category'],
    ['/%zz', 400, 'UNAVAILABLE\ngtg=fail reason=unknown-category\n', 'unknown-category'],
    [
      '?categories=<script>',
      400,
      'UNAVAILABLE\ngtg=fail reason=unknown-category\n',
      'unknown-category',
    ],
  ])('%s is %i', async (path, status, body, reason) => {
    const cluster = await aCluster()

    const response = await ask(`/clusters/${cluster}/__gtg${path}`)

    expect([response.status, await response.text()]).toEqual([status, body])
    expect(Object.fromEntries(response.headers)).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'content-length': String(body.length),
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-gtg': status === 200 ? 'pass' : 'fail',
      'x-gtg-age': '0',
      'x-gtg-reason': reason,
      ...(status === 503 ? { 'retry-after': '10' } : {}),
      ...(reason === 'degraded' ? { 'x-envoy-degraded': 'true' } : {}),
      ...(reason === 'disabled' ? { 'x-envoy-immediate-health-check-fail': 'true' } : {}),
    })
  })

  it('knows the cluster from the path, the query, or nothing at all', async () => {
    const cluster = await aCluster()

    const byQuery = await ask(`/__gtg?categories=read&cluster=${cluster}`)
    const byNothing = await ask('/__gtg')
    const unknown = await ask('/__gtg?cluster=nowhere')

    expect(byQuery.status).toBe(200)
    expect(await byNothing.text()).toBe('UNAVAILABLE\ngtg=fail reason=ambiguous-cluster\n')
    expect([unknown.status, await unknown.text()]).toEqual([
      400,
      'UNAVAILABLE\ngtg=fail reason=unknown-cluster\n',
    ])
  })

  it('makes no object for an id that nobody configured', async () => {
    const before = await listDurableObjectIds(env.CLUSTER)

    await ask('/clusters/invented/__gtg')
    await ask('/__gtg?cluster=invented-too&cache=false')
    const inherited = await ask('/clusters/constructor/__gtg')

    expect(await listDurableObjectIds(env.CLUSTER)).toHaveLength(before.length)
    expect(inherited.headers.get('x-gtg-reason')).toBe('unknown-cluster')
  })

  it('is no-data before the first report', async () => {
    const response = await ask(`/clusters/${takeCluster()}/__gtg`)

    expect([response.status, await response.text()]).toEqual([
      503,
      'UNAVAILABLE\ngtg=fail reason=no-data\n',
    ])
    expect(response.headers.get('x-gtg-age')).toBe('none')
  })
})

describe('HEAD and OPTIONS', () => {
  it.each(['read', 'write', 'off', 'typo'])(
    'answer as GET does, without a body: %s',
    async (name) => {
      const cluster = await aCluster()
      const path = `/clusters/${cluster}/__gtg/${name}`

      const get = await ask(path)
      const head = await ask(path, { method: 'HEAD' })
      const options = await ask(path, {
        method: 'OPTIONS',
        headers: { origin: 'https://page.example', 'access-control-request-method': 'GET' },
      })

      const plain = (response: Response) => ({
        ...Object.fromEntries(response.headers),
        status: response.status,
      })
      expect(plain(head)).toEqual(plain(get))
      expect(plain(options)).toEqual({
        ...plain(get),
        'content-length': '0',
        allow: 'GET, HEAD, OPTIONS',
      })
      expect([await head.text(), await options.text()]).toEqual(['', ''])
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
    const response = await ask(`/clusters/${takeCluster()}/__gtg`, { method })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })
})

describe('spelled out as JSON', () => {
  it('has the same status, and says which categories and since when', async () => {
    const cluster = await aCluster()

    const response = await ask(`/clusters/${cluster}/__gtg?categories=write,partly`, {
      headers: { accept: 'application/json' },
    })

    expect(response.status).toBe(503)
    expect(response.headers.get('x-gtg-reason')).toBe('unhealthy')
    expect(await response.json()).toMatchObject({
      gtg: 'fail',
      reason: 'unhealthy',
      categories: [
        { name: 'partly', passes: true, missing: ['gone'] },
        { name: 'write', passes: false, severity: 1, failing: ['orders'] },
      ],
    })
  })
})

describe('the Accept header of a probe', () => {
  const json = 'application/json; charset=utf-8'
  const text = 'text/plain; charset=utf-8'

  it.each([
    ['a browser, Uptime Kuma', 'text/html,application/xml;q=0.9,*/*;q=0.8', text],
    ['axios', 'application/json, text/plain, */*', json],
    ['JSON', 'application/json', json],
    ['JSON refused', 'application/json;q=0, */*', text],
    ['text liked better', 'application/json;q=0.5, text/plain', text],
    ['JSON in capitals', 'APPLICATION/JSON', json],
  ])('gets %s the type of its quality, and the line to match', async (_, accept, type) => {
    const cluster = await aCluster()
    const headers = { accept }
    const read = (path: string) => ask(`/clusters/${cluster}/__gtg${path}`, { headers })

    // The query that needs decoding goes through the router, the plain one past it once it is in memory.
    const passing = [await read('/read'), await read('/read'), await read('?categories=%72ead')]
    const failing = [await read('/write'), await read('?categories=%77rite')]

    for (const response of passing) {
      expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
      expect(await response.text()).toContain('gtg=pass')
    }
    for (const response of failing) {
      expect([response.status, response.headers.get('content-type')]).toEqual([503, type])
      expect(await response.text()).toContain('gtg=fail reason=unhealthy')
    }
  })
})

describe('a cluster that falls silent', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['59 s', 59_000, 200, OK],
    ['60 s', 60_000, 200, OK],
    ['60.001 s', 60_001, 503, 'UNAVAILABLE\ngtg=fail reason=stale\n'],
  ])('after %s', async (_, afterMs, status, body) => {
    const cluster = await aCluster()

    vi.setSystemTime(Date.now() + afterMs)
    const response = await ask(`/clusters/${cluster}/__gtg/read`)

    expect([response.status, await response.text()]).toEqual([status, body])
    expect(response.headers.get('x-gtg-age')).toBe(String(Math.floor(afterMs / 1000)))
  })

  it('is judged by the clock of the reader, also from memory', async () => {
    const cluster = await aCluster()
    await ask(`/clusters/${cluster}/__gtg/read`)
    vi.setSystemTime(Date.now() + 59_500)
    await ask(`/clusters/${cluster}/__gtg/read`)

    vi.setSystemTime(Date.now() + 501)
    const response = await ask(`/clusters/${cluster}/__gtg/read`)

    expect(response.headers.get('x-gtg-reason')).toBe('stale')
  })
})

describe('the memo', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** Whatever was asked of the object behind an answer has come back: the object answers in order. */
  async function settled(cluster: string): Promise<void> {
    await env.CLUSTER.getByName(cluster).view({ gtg: {}, reports: {} })
    await scheduler.wait(0)
  }

  async function turn(cluster: string, sequence: number, targets = [aFailingTarget()]) {
    const content = aContent({ services: [aService({ targets })], categories })
    await push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
  }

  it.each([
    ['999 ms old: nobody is asked', 999, [200, 200]],
    ['1 s old: a newer one is read behind the answer', 1000, [200, 503]],
    ['3.999 s old: the same', 3999, [200, 503]],
    ['4 s old: the object is asked first', 4000, [503, 503]],
  ])('answers for a second, and up to four while it is renewed: %s', async (_, afterMs, told) => {
    const cluster = await aCluster()
    const read = () => ask(`/clusters/${cluster}/__gtg/read`)
    await read()
    await turn(cluster, 2)

    vi.setSystemTime(Date.now() + afterMs)
    const first = await read()
    await settled(cluster)
    const next = await read()

    expect([first.status, next.status]).toEqual(told)
  })

  it('is passed by cache=false once a second, and always with a token', async () => {
    const cluster = await aCluster()
    const uncached = `/clusters/${cluster}/__gtg?cache=false`
    const headers = { authorization: `Bearer ${READ_TOKEN}` }
    await turn(cluster, 2, undefined)
    const first = await ask(uncached)
    await turn(cluster, 3, [])
    await push(aSnapshot({ cluster, sequence: 4, observedAt: Date.now() }))

    const second = await ask(uncached)
    const withToken = await ask(uncached, { headers })

    expect([first.status, second.status, withToken.status]).toEqual([503, 503, 200])
  })
})
