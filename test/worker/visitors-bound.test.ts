/** What readers without a token may cost, however they ask, and what they are never shown (behaviour, section 5). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from '../../worker/index.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../support/a-report.ts'
import { OPERATE_TOKEN, PUSH_SECRET, READ_TOKEN, VARS } from '../support/secrets.ts'
import { bytesKept } from '../../worker/routes/shared-answers.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { judgeAlone } from './object.ts'
import { askWith, BEARER, browse, HTML, operate, operateJson } from './visitors.ts'

beforeEach(judgeAlone)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const ADDRESS = '10.7.7.7'
const CALLS = ['read', 'glance', 'history', 'refresh', 'view', 'viewNodes', 'measure'] as const

/** Its Worker knows this cluster alone, so that ten calls at once are all that there are. */
async function aCluster(): Promise<{ cluster: string; vars: Record<string, string> }> {
  const cluster = takeCluster()
  const targets = [
    aFailingTarget({ checkOutput: `connect ECONNREFUSED ${ADDRESS}:5432` }, { id: 'web-1' }),
    aFailingTarget({}, { id: ADDRESS, answered: false, reason: `no route to ${ADDRESS}` }),
  ]
  const services = [
    aService({ targets }),
    ...Array.from({ length: 30 }, (_, i) => aService({ name: `service-${i}` })),
  ]
  const content = aContent({
    services,
    categories: [aCategory({ name: 'read', services: ['web'] })],
    warnings: [{ subject: 'web', message: `${ADDRESS} is no pod` }],
    nodes: [{ name: 'node-a', schedulable: true, ready: true, answered: true, checks: [] }],
  })
  const pushed = await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  expect(pushed.status).toBe(202)
  const vars = { ...VARS, CLUSTERS: '{}', PUSH_SECRETS: JSON.stringify({ [cluster]: PUSH_SECRET }) }
  return { cluster, vars }
}

function countCalls(): () => number {
  const spies = CALLS.map((name) => vi.spyOn(Cluster.prototype, name))
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
}

/** Each way to ask, a little different each time. */
const KINDS: [string, (i: number) => string][] = [
  ['/', (i) => `/?i=${i}`],
  ['__health', (i) => `/__health?i=${i}`],
  ['__health/', (i) => `/__health/?i=${i}`],
  ['__health?cache=false', (i) => `/__health?cache=false&i=${i}`],
  ['categories of __health', (i) => `/__health?categories=${'read,'.repeat(i + 1)}`],
  ['__pods-health', (i) => `/__pods-health?service-name=service-${i % 30}&cache=false`],
  ['__pod-individual-health', () => '/__pod-individual-health?pod-name=web-1'],
  ['a round of a pod', () => '/__pod-individual-health?pod-name=web-1&cache=false'],
  ['categories', () => '/categories?cache=false'],
  ['nodes', () => '/nodes?cache=false'],
  ['one node', () => '/nodes/node-a?cache=false'],
  ['history', () => '/history'],
  ['history, a search each', (i) => `/history?service-name=x${i}`],
  ['ack form', (i) => `/add-ack-form?service-name=service-${i % 30}`],
  ['sign-in', (i) => `/sign-in?next=/${i}`],
  ['unknown cluster', (i) => `/clusters/x${i}/__health`],
  ['unknown service', (i) => `/__pods-health?service-name=x${i}&cache=false`],
  ['unknown path', (i) => `/x${i}`],
  ['__gtg', (i) => `/__gtg?i=${i}`],
  ['__gtg?cache=false', (i) => `/__gtg?cache=false&i=${i}`],
]

describe('visitors', () => {
  it.each(KINDS)('make ten calls of the object at most in a second: %s', async (_, pathOf) => {
    const { vars } = await aCluster()
    const calls = countCalls()
    const methods = ['GET', 'HEAD']
    const accepts = ['application/json', HTML, '*/*']

    const answers: Response[] = []
    for (let i = 0; i < 60; i++) {
      const init = { method: methods[i % 2] ?? 'GET', headers: { accept: accepts[i % 3] ?? '' } }
      // oxlint-disable-next-line no-await-in-loop
      answers.push(await askWith(vars, pathOf(i), init))
    }

    expect(calls()).toBeLessThanOrEqual(10)
    const busy = answers.filter(({ status, headers }) => status === 503 && !headers.has('x-gtg'))
    expect(answers.filter(({ status }) => ![200, 400, 404, 503].includes(status))).toEqual([])
    expect(busy.filter(({ headers }) => headers.get('retry-after') !== '1')).toEqual([])
  })

  it.each(['/__pod-individual-health?pod-name=web-1', '/nodes/node-a'])(
    'who have the page are told that its hold is another one: %s',
    async (path) => {
      const { cluster } = await aCluster()
      const read = (headers = {}) => browse(`/clusters/${cluster}${path}`, headers)
      await operateJson(`/clusters/${cluster}/hold`, { for: '30m' })
      vi.setSystemTime(Date.now() + 120_000)
      const etag = (await read()).headers.get('etag') ?? ''
      expect((await read({ 'if-none-match': etag })).status).toBe(304)

      await operateJson(`/clusters/${cluster}/hold`, { for: '4h' })

      expect((await read({ 'if-none-match': etag })).status).toBe(200)
    },
  )

  it('fill no memory with the way they ask', async () => {
    const { cluster } = await aCluster()
    const before = bytesKept()

    for (let i = 0; i < 20; i++) {
      const path = `/clusters/${cluster}/history?service-name=web&service-name=${'x'.repeat(8000)}${i}`
      // oxlint-disable-next-line no-await-in-loop
      expect((await askJson(path)).status).toBe(200)
    }

    expect(bytesKept() - before).toBeGreaterThan(20 * 8000)
  })

  it('who ask at once for the same share one call', async () => {
    const { cluster } = await aCluster()
    const calls = countCalls()

    const path = `/clusters/${cluster}/__health`
    const answers = await Promise.all(Array.from({ length: 100 }, () => browse(path)))
    const pages = await Promise.all(answers.map((answer) => answer.text()))

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect([calls(), new Set(pages).size]).toEqual([1, 1])
  })

  it('leave token holders, probers and the pages their reads', async () => {
    const { cluster, vars } = await aCluster()
    for (let i = 0; i < 30; i++) {
      // oxlint-disable-next-line no-await-in-loop
      await askWith(vars, `/history?service-name=x${i}`)
    }

    const visitor = await askWith(vars, '/history?service-name=y')
    const known = await askWith(vars, '/history?service-name=y', { headers: BEARER })
    const page = await askWith(vars, '/__health', { headers: { accept: HTML } })
    const probe = await ask(`/clusters/${cluster}/__gtg`)

    expect([visitor.status, known.status, page.status]).toEqual([503, 200, 200])
    expect(probe.headers.get('x-gtg-reason')).toBe('unhealthy')
  })

  it.each([
    ['application/json', '"code":"busy"'],
    [HTML, 'Too much is asked without a token'],
  ])('are told when to come again, in their own format: %s', async (accept, words) => {
    const { vars } = await aCluster()
    for (let i = 0; i < 30; i++) {
      // oxlint-disable-next-line no-await-in-loop
      await askWith(vars, `/history?service-name=x${i}`)
    }

    const answer = await askWith(vars, '/history?service-name=y', { headers: { accept } })

    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.text()).toContain(words)
  })

  it('are never given a page from before an act', async () => {
    const { cluster } = await aCluster()
    const path = `/clusters/${cluster}/__health`
    const before = await (await browse(path)).text()

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known-fault`)

    expect([
      before.includes('known-fault'),
      (await (await browse(path)).text()).includes('known-fault'),
    ]).toEqual([false, true])
  })

  it('see a page turn dead to the millisecond, whatever was made before', async () => {
    const { cluster } = await aCluster()
    const path = `/clusters/${cluster}/__health`
    vi.setSystemTime(Date.now() + 59_700)
    const before = await (await browse(path)).text()

    vi.setSystemTime(Date.now() + 301)

    expect(
      [before, await (await browse(path)).text()].map((page) => page.includes('is dead')),
    ).toEqual([false, true])
  })

  it('get one page each second at most, with its age where the budget is used up', async () => {
    const { cluster } = await aCluster()
    const path = `/clusters/${cluster}/__health`
    await browse(path)
    vi.setSystemTime(Date.now() + 2000)
    for (let i = 0; i < 90; i++) {
      // oxlint-disable-next-line no-await-in-loop
      await browse(
        `/clusters/${cluster}/__pods-health?service-name=service-${i % 30}&categories=${i}`,
      )
      // oxlint-disable-next-line no-await-in-loop
      await browse(`/clusters/${cluster}/__health?categories=${'read,'.repeat(i)}`)
    }

    const answer = await browse(path)
    vi.setSystemTime(Date.now() + 2000)
    const known = await browse(path, BEARER)

    expect([answer.status, answer.headers.get('age')]).toEqual([200, '2'])
    expect(answer.headers.get('x-health-age')).toBe('2')
    expect(known.headers.has('age')).toBe(false)
  })
})

describe('a visitor', () => {
  const PAGES = [
    '/__health',
    '/__pods-health?service-name=web',
    '/__pod-individual-health?service-name=web&pod-name=web-1',
    '/add-ack-form?service-name=web',
    '/categories',
    '/nodes',
    '/nodes/node-a',
    '/history',
    '/history?service-name=web',
    '/history?category-name=read',
    '/__gtg',
  ]
  const FORMATS = ['application/json', 'application/health+json', HTML]

  async function aDecidedCluster(): Promise<string> {
    const { cluster } = await aCluster()
    const base = `/clusters/${cluster}`
    const headers = { 'cf-connecting-ip': ADDRESS }
    await operate(`${base}/add-ack?service-name=web&ack-msg=known`, { headers })
    await operate(`${base}/disable-category?category-name=read&why=failover`, { headers })
    await operate(`${base}/hold?for=4h&why=cut`, { headers })
    return cluster
  }

  async function readAllPages(cluster: string, headers = {}): Promise<string[]> {
    const paths = [...PAGES.map((path) => `/clusters/${cluster}${path}`), '/', '/metrics']
    const asked = paths.flatMap((path) => FORMATS.map((accept) => ({ path, accept })))
    const found: string[] = []
    for (const { path, accept } of asked) {
      // oxlint-disable-next-line no-await-in-loop
      const text = await (await ask(path, { headers: { accept, ...headers } })).text()
      if (/nina|10\.7\.7\.7/.test(text)) found.push(`${path} ${accept}`)
    }
    return found
  }

  it.each([
    ['fresh', 0],
    ['held by hand', 70_000],
  ])('is told no name of a token and no address on any page: %s', async (_, afterMs) => {
    const cluster = await aDecidedCluster()
    vi.setSystemTime(Date.now() + afterMs)

    expect(await readAllPages(cluster)).toEqual([])
    expect((await readAllPages(cluster, BEARER)).length).toBeGreaterThan(8)
  })

  it('is told apart pods that are known by their address alone', async () => {
    const { cluster } = await aCluster()
    const path = `/clusters/${cluster}/__pods-health?service-name=web`
    const page = await (await browse(path)).text()
    const [, href = ''] = /href="([^"]*pod-name=address-\d)"/.exec(page) ?? []

    const pod = await (await browse(href.replaceAll('&amp;', '&'))).text()

    expect(pod).toMatch(/no route to address-\d/)
  })

  it.each([`Bearer ${READ_TOKEN}`, `Bearer ${OPERATE_TOKEN}`])(
    'with a token is shown the address',
    async (authorization) => {
      const { cluster } = await aCluster()
      const path = `/clusters/${cluster}/__pods-health?service-name=web`

      expect(await (await browse(path, { authorization })).text()).toContain(ADDRESS)
    },
  )
})

describe('a search of the history', () => {
  it.each([
    [253, 200],
    [254, 400],
  ])('for a name of %i characters is answered with %i', async (length, status) => {
    const { cluster } = await aCluster()
    await push(aHeartbeat({ cluster, sequence: 2, observedAt: Date.now() }))

    const answer = await browse(`/clusters/${cluster}/history?service-name=${'x'.repeat(length)}`)

    expect(answer.status).toBe(status)
  })
})
