/** Where everything stands: PATH_PREFIX, a cluster's own paths, `?cluster=`, and links that lead back (behaviour, section 5). */
import { describe, expect, it } from 'vitest'
import { aCategory, aContent, aService, aSnapshot, aTarget } from '../support/a-report.ts'
import { ALONE, CLUSTERS, WITNESSED } from '../support/secrets.ts'
import { push, takeCluster } from './edge.ts'
import { askWith, BEARER, HTML } from './visitors.ts'

const KNOWN = [...CLUSTERS, ...WITNESSED, ...ALONE].length
const FAMILY = [
  '/__health',
  '/__pods-health?service-name=web',
  '/__pod-individual-health?pod-name=web-1',
  '/add-ack-form?service-name=web',
  '/categories',
  '/history',
]
const WRITES = [
  '/add-ack?service-name=web&ack-msg=x',
  '/rem-ack?service-name=web',
  '/disable-category?category-name=read',
  '/enable-category?category-name=read',
]
const content = aContent({
  services: [aService({ targets: [aTarget()] })],
  categories: [aCategory({ name: 'read' })],
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

async function settle(prefix: string) {
  const cluster = await aCluster()
  const vars = { PATH_PREFIX: prefix, DEFAULT_CLUSTER: cluster }
  const statusOf = async (path: string, method = 'GET') => {
    const response = await askWith(vars, path, { method, headers: BEARER })
    return [path, response.status]
  }
  return { cluster, vars, statusOf, base: prefix.replace(/\/$/, '') }
}

describe.each(['', '/__health', '/edge', '/ops/edge', '/edge/'])('PATH_PREFIX=%s', (prefix) => {
  it('carries the whole family, pages and writes', async () => {
    const { statusOf, base } = await settle(prefix)

    for (const path of [...FAMILY, ...WRITES]) {
      const method = WRITES.includes(path) ? 'POST' : 'GET'
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(`${base}${path}`, method)).toEqual([`${base}${path}`, 200])
    }
  })

  it('is never carried by what stands by itself', async () => {
    const { statusOf } = await settle(prefix)

    for (const path of ['/__gtg', '/__gtg/', '/__gtg/read', '/metrics', '/sign-in', '/']) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(path)).toEqual([path, 200])
    }
  })

  it('is not carried by a cluster’s own paths', async () => {
    const { cluster, statusOf } = await settle(prefix)

    for (const path of ['', '/', '/__gtg', '/__gtg/read', ...FAMILY]) {
      const own = `/clusters/${cluster}${path}`
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(own)).toEqual([own, 200])
    }
    for (const path of WRITES) {
      const own = `/clusters/${cluster}${path}`
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(own, 'POST')).toEqual([own, 200])
    }
  })

  it('begins every link of a page that was reached by it', async () => {
    const { cluster, vars, base } = await settle(prefix)

    for (const [start, expected] of [
      [base, base],
      [`/clusters/${cluster}`, `/clusters/${cluster}`],
    ] as const) {
      for (const path of FAMILY) {
        // oxlint-disable-next-line no-await-in-loop
        const links = await linksOn(vars, `${start}${path}`)
        const shared = /^(\/|#main|\/sign-in.*|\/sign-out|\/assets\/.*)$/
        const others = links.filter((link) => !shared.test(link))
        expect(others.filter((link) => !link.startsWith(`${expected}/`))).toEqual([])
        expect(others).toContain(`${expected}/categories`)
      }
    }
  })

  it('leads from every page to pages that exist', async () => {
    const { vars, base } = await settle(prefix)
    const found = await Promise.all(FAMILY.map((path) => linksOn(vars, `${base}${path}`)))
    const all = found.flat().filter((link) => link.startsWith('/'))
    // The same pages, but each would wait for an exporter that isn't there.
    const links = new Set(all.map((link) => link.replace(/[?&](amp;)?cache=false$/, '')))

    for (const link of links) {
      if (/\/(add-ack|rem-ack|enable-category|disable-category)\?|\/hold$|sign-out/.test(link))
        continue
      // oxlint-disable-next-line no-await-in-loop
      const { status } = await askWith(vars, link.replaceAll('&amp;', '&'), { headers: BEARER })
      expect([link, status]).toEqual([link, 200])
    }
    expect(links.size).toBeGreaterThan(10)
  })

  it('is where its forms lead back to', async () => {
    const { cluster, vars, base } = await settle(prefix)
    const init = {
      method: 'POST',
      body: new URLSearchParams({ 'ack-msg': 'x' }),
      headers: { ...BEARER, accept: HTML },
    }

    for (const start of [base, `/clusters/${cluster}`]) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await askWith(vars, `${start}/add-ack?service-name=web`, init)
      expect(response.headers.get('location')).toBe(`${start}/__health`)
    }
  })
})

describe.each(['/__health', '/edge', '/ops/edge', '/edge/'])('a prefix such as %s', (prefix) => {
  it('is needed: without it there is nothing', async () => {
    const { statusOf, base } = await settle(prefix)

    for (const path of [...FAMILY, ...WRITES, '/__health/']) {
      if (path.startsWith('/__health') && base === '/__health') continue
      const method = WRITES.includes(path) ? 'POST' : 'GET'
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(path, method)).toEqual([path, 404])
    }
  })

  it('serves the health itself, also with a slash', async () => {
    const { vars, base } = await settle(prefix)
    const headers = { accept: 'application/json' }

    const bare = await askWith(vars, base, { headers })
    const slashed = await askWith(vars, `${base}/`, { headers })

    expect(await bare.json()).toMatchObject({ schemaVersion: 1, ok: true })
    expect(await slashed.json()).toMatchObject({ schemaVersion: 1, ok: true })
  })

  it('is refused by what stands by itself', async () => {
    const { cluster, statusOf, base } = await settle(prefix)

    for (const path of ['/__gtg', '/metrics', '/sign-in', `/clusters/${cluster}`, '/v1', '/x']) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await statusOf(`${base}${path}`)).toEqual([`${base}${path}`, 404])
    }
  })
})

async function linksOn(vars: Record<string, string>, path: string): Promise<string[]> {
  const response = await askWith(vars, path, { headers: { accept: HTML, ...BEARER } })
  const page = await response.text()
  const links = Array.from(page.matchAll(/(?:href|action|src)="([^"]*)"/g), ([, link = '']) => link)
  return links.filter((link) => link !== '' && !link.startsWith('#'))
}

describe('/', () => {
  it('is the overview of all clusters to a browser', async () => {
    const cluster = await aCluster()

    const response = await askWith({}, '/', { headers: { accept: HTML } })

    const page = await response.text()
    expect(response.status).toBe(200)
    expect(page).toContain(`href="/clusters/${cluster}/__health"`)
    expect(page).toContain(`${KNOWN} clusters`)
  })

  it('is the default cluster’s health to a script, unless prefixed', async () => {
    const DEFAULT_CLUSTER = await aCluster()
    const init = { headers: { accept: 'application/json' } }

    const plain = await askWith({ DEFAULT_CLUSTER }, '/', init)
    const prefixed = await askWith({ DEFAULT_CLUSTER, PATH_PREFIX: '/edge' }, '/', init)

    expect(await plain.json()).toMatchObject({ schemaVersion: 1, ok: true })
    const { clusters } = await prefixed.json<{ clusters: unknown[] }>()
    expect(clusters).toHaveLength(KNOWN)
  })
})

describe('the cluster that is meant', () => {
  it('is the path’s before the query’s before the default', async () => {
    const [one, other, standard] = [await aCluster(), takeCluster(), takeCluster()]
    const nameOf = async (path: string) => {
      const init = { headers: { accept: 'application/json' } }
      const response = await askWith({ DEFAULT_CLUSTER: standard }, path, init)
      return (await response.json<{ systemCode: string }>()).systemCode
    }

    expect(await nameOf(`/clusters/${one}/__health?cluster=${other}`)).toBe('demo')
    expect(await nameOf(`/__health?cluster=${other}`)).toBe(other)
    expect(await nameOf('/__health')).toBe(standard)
  })
})

describe('technicalSummary', () => {
  it.each([
    ['the request’s own origin', {}, 'https://edge.example'],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://health.example.com/' }, 'https://health.example.com'],
  ])('ends with a link by %s', async (_, vars, origin) => {
    const cluster = await aCluster()
    const init = { headers: { accept: 'application/json' } }

    const own = await askWith(vars, `/clusters/${cluster}/__health`, init)
    const prefixed = { ...vars, DEFAULT_CLUSTER: cluster, PATH_PREFIX: '/edge' }
    const under = await askWith(prefixed, '/edge/__health', init)

    const pods = '__pods-health?service-name=web"'
    expect(await own.text()).toContain(`: ${origin}/clusters/${cluster}/${pods}`)
    expect(await under.text()).toContain(`: ${origin}/edge/${pods}`)
  })
})

describe('a path that nothing serves', () => {
  it.each([
    '/nothing',
    '/clusters',
    '/clusters/',
    '/clusters/c0/nothing',
    '/__healthy',
    '/assets/x/none.js',
    '/assets/x/constructor',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//evil.example',
    '/%zz',
  ])('is a 404 to scripts and people: %s', async (path) => {
    const script = await askWith({}, path, { headers: { accept: 'application/json' } })
    const person = await askWith({}, path, { headers: { accept: HTML } })

    expect([script.status, person.status]).toEqual([404, 404])
    expect(await script.json()).toMatchObject({ error: { code: 'not-found' } })
    expect(person.headers.get('content-type')).toContain('text/html')
  })
})

describe('a method that a path does not take', () => {
  it.each([
    ['PUT', '/__health', 'GET'],
    ['POST', '/categories', 'GET'],
    ['GET', '/add-ack?service-name=web&ack-msg=x', 'POST'],
    ['DELETE', '/rem-ack?service-name=web', 'POST'],
    ['GET', '/erase', 'POST'],
  ])('is a 405 that names the right ones: %s %s', async (method, path, right) => {
    const cluster = await aCluster()
    const headers = { ...BEARER, accept: 'application/json' }

    const response = await askWith({}, `/clusters/${cluster}${path}`, { method, headers })

    expect(response.status).toBe(405)
    expect(response.headers.get('allow')?.split(', ')).toContain(right)
    expect(await response.json()).toMatchObject({ error: { code: 'method-not-allowed' } })
  })

  it('is a 405 under a prefix too, and 404 beside it', async () => {
    const vars = { PATH_PREFIX: '/edge', DEFAULT_CLUSTER: await aCluster() }

    const under = await askWith(vars, '/edge/__health', { method: 'PUT' })
    const beside = await askWith(vars, '/__health', { method: 'PUT' })

    expect([under.status, beside.status]).toEqual([405, 404])
  })
})
