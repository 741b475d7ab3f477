/** HEALTH_ACCESS=token: whatever tells about a cluster needs a token, `__gtg` never does (behaviour, section 4 and 5). */
import { describe, expect, it } from 'vitest'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { OPERATE_TOKEN, READ_TOKEN } from '../support/secrets.ts'
import { ORIGIN, push, takeCluster } from './edge.ts'
import { askWith, HTML, signIn } from './visitors.ts'

const vars = { HEALTH_ACCESS: 'token' }
const PAGES = [
  '/__health',
  '/__pods-health?service-name=ledger',
  '/__pod-individual-health?pod-name=ledger-1',
  '/add-ack-form?service-name=ledger',
  '/categories',
  '/history',
  '/history?service-name=ledger',
]

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  const targets = [aFailingTarget({}, { id: 'ledger-1' })]
  const content = aContent({
    environment: 'secret-place',
    services: [aService({ name: 'ledger', targets })],
    categories: [aCategory({ name: 'money', services: ['ledger', 'gone'] })],
  })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

/** All ways to one cluster's pages, and those to all clusters. */
function pathsOf(cluster: string): string[] {
  const own = PAGES.map((path) => `/clusters/${cluster}${path}`)
  const named = PAGES.map((path) => `${path}${path.includes('?') ? '&' : '?'}cluster=${cluster}`)
  const bare = [`/clusters/${cluster}`, `/clusters/${cluster}/`]
  return [...own, ...named, ...bare, '/', '/metrics', `/__health/?cluster=${cluster}`]
}

const WORDS = /ledger|money|secret-place/

describe('without a token', () => {
  it('every path asks a script for one, and tells nothing', async () => {
    const cluster = await aCluster()

    for (const path of pathsOf(cluster)) {
      for (const accept of ['application/json', 'application/health+json', '*/*']) {
        // oxlint-disable-next-line no-await-in-loop
        const response = await askWith(vars, path, { headers: { accept } })
        // oxlint-disable-next-line no-await-in-loop
        const text = await response.text()
        expect([path, response.status]).toEqual([path, 401])
        expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
        expect(response.headers.has('access-control-allow-origin')).toBe(false)
        expect(text).toContain('"unauthorized"')
        expect(text).not.toMatch(WORDS)
      }
    }
  })

  it('every path shows a browser the way to sign in', async () => {
    const cluster = await aCluster()

    for (const path of pathsOf(cluster)) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await askWith(vars, path, { headers: { accept: HTML } })
      // oxlint-disable-next-line no-await-in-loop
      const text = await response.text()
      expect([path, response.status]).toEqual([path, 401])
      expect(response.headers.get('content-type')).toContain('text/html')
      expect(text).toContain(`href="/sign-in?next=${encodeURIComponent(path)}"`)
      expect(text.replaceAll(encodeURIComponent(path), '')).not.toMatch(WORDS)
    }
  })

  it('tells nobody which clusters and services there are', async () => {
    const cluster = await aCluster()
    const tell = async (path: string) => {
      const response = await askWith(vars, path, { headers: { accept: 'application/json' } })
      return [response.status, await response.text()]
    }

    const known = await tell(`/clusters/${cluster}/__pods-health?service-name=ledger`)

    expect(await tell('/clusters/nowhere/__pods-health?service-name=ledger')).toEqual(known)
    expect(await tell(`/clusters/${cluster}/__pods-health?service-name=gone`)).toEqual(known)
    expect(await tell(`/clusters/${cluster}/__health?categories=typo`)).toEqual(known)
  })

  it('writes say the same as ever', async () => {
    const cluster = await aCluster()
    const path = `/clusters/${cluster}/add-ack?service-name=ledger&ack-msg=x`

    const response = await askWith(vars, path, { method: 'POST' })

    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it.each(['/sign-in', '/nothing'])('%s stays open to whoever comes', async (path) => {
    const response = await askWith(vars, path, { headers: { accept: HTML } })

    expect(response.status).not.toBe(401)
  })
})

describe('with a token', () => {
  const ways: [string, () => Promise<Record<string, string>>, number][] = [
    ['read', () => Promise.resolve({ authorization: `Bearer ${READ_TOKEN}` }), 200],
    ['operate', () => Promise.resolve({ authorization: `Bearer ${OPERATE_TOKEN}` }), 200],
    ['read, by a session', () => signIn(READ_TOKEN), 200],
    ['a lower-case scheme', () => Promise.resolve({ authorization: `bearer ${READ_TOKEN}` }), 200],
    ['none that is known', () => Promise.resolve({ authorization: 'Bearer wrong' }), 401],
    ['an empty one', () => Promise.resolve({ authorization: 'Bearer ' }), 401],
    ['two', () => Promise.resolve({ authorization: `Bearer x, Bearer ${READ_TOKEN}` }), 401],
  ]

  it.each(ways)('every path is as open as it says: %s', async (_, headersOf, status) => {
    const cluster = await aCluster()
    const headers = await headersOf()

    for (const path of pathsOf(cluster)) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await askWith(vars, path, { headers: { accept: HTML, ...headers } })
      const isAmbiguous = path === '/' && response.status === 400
      expect([path, isAmbiguous ? status : response.status]).toEqual([path, status])
    }
  })

  it('keeps the JSON from other sites’ pages', async () => {
    const cluster = await aCluster()
    const headers = { accept: 'application/json', authorization: `Bearer ${READ_TOKEN}` }

    const guarded = await askWith(vars, `/clusters/${cluster}/__health`, { headers })
    const open = await askWith({}, `/clusters/${cluster}/__health`, { headers })

    expect(guarded.headers.has('access-control-allow-origin')).toBe(false)
    expect(open.headers.get('access-control-allow-origin')).toBe('*')
  })
})

describe('__gtg', () => {
  it.each([
    ['nobody', {}, false],
    ['a wrong token', { authorization: 'Bearer wrong' }, false],
    ['a token', { authorization: `Bearer ${READ_TOKEN}` }, true],
  ])('answers %s, and names services to tokens alone', async (_, headers, isTold) => {
    const cluster = await aCluster()
    const path = `/clusters/${cluster}/__gtg?categories=money`

    const plain = await askWith(vars, path, { headers })
    const spelled = await askWith(vars, path, {
      headers: { ...headers, accept: 'application/json' },
    })

    expect([plain.status, await plain.text()]).toEqual([
      503,
      'UNAVAILABLE\ngtg=fail reason=unhealthy\n',
    ])
    const text = await spelled.text()
    expect([text.includes('ledger'), text.includes('gone')]).toEqual([isTold, isTold])
    expect(plain.headers.has('www-authenticate')).toBe(false)
  })
})

describe('a report', () => {
  it('needs its signature, and no token of a person', async () => {
    const cluster = takeCluster()
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${OPERATE_TOKEN}`, origin: ORIGIN },
    }

    const response = await askWith(vars, `/v1/clusters/${cluster}/reports`, init)

    expect(response.status).toBe(400)
  })
})
