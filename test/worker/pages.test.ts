/** Every page: its headers, nothing that a strict policy forbids, current by ETag, and harmless whatever names it shows. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../support/a-report.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { browse, operate, signIn, submit } from './visitors.ts'

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A cluster whose service and pod are called like that, each text the same; acked and disabled by hand. */
async function aCluster(name = 'web', text = 'refused'): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content: contentOf(name, text) }))
  return cluster
}

function contentOf(name: string, text: string) {
  const check = { id: name, name, checkOutput: text, panicGuide: text, technicalSummary: text }
  const targets = [aFailingTarget(check, { id: name, node: name, reason: text })]
  return aContent({
    environment: name,
    services: [aService({ name, targets, businessImpact: text, panicGuide: text })],
    categories: [aCategory({ name, services: [name, 'gone'], isSticky: true })],
    acks: [],
    warnings: [{ subject: text, message: text }],
  })
}

function pagesOf(cluster: string, name = 'web'): string[] {
  const encoded = encodeURIComponent(name)
  const own = [...livePages(name), `/add-ack-form?service-name=${encoded}`]
  return ['/', '/sign-in', ...own.map((path) => `/clusters/${cluster}${path}`)]
}

function livePages(name = 'web'): string[] {
  const encoded = encodeURIComponent(name)
  return [
    '/__health',
    `/__health?categories=${encoded}`,
    `/__pods-health?service-name=${encoded}`,
    `/__pod-individual-health?pod-name=${encoded}`,
    '/categories',
    '/history',
    `/history?service-name=${encoded}`,
    `/history?category-name=${encoded}`,
  ]
}

const INLINE = /<style|\sstyle=|<script(?![^>]*\ssrc=)|<script[^>]*>[^<]|\son\w+=|javascript:/i
const FOREIGN = /(?:href|src|action|srcset|content)="(?:[a-z]+:)?\/\//i

describe('every page', () => {
  it('has the strict policy, and nothing that it forbids', async () => {
    const cluster = await aCluster()
    const session = await signIn()

    for (const path of [...pagesOf(cluster), '/nothing', '/clusters/nowhere/__health']) {
      for (const headers of [{}, session]) {
        // oxlint-disable-next-line no-await-in-loop
        const response = await browse(path, headers)
        // oxlint-disable-next-line no-await-in-loop
        const page = await response.text()
        expect([path, response.status]).toEqual([path, path.includes('no') ? 404 : 200])
        expect(Object.fromEntries(response.headers)).toMatchObject({
          'content-type': 'text/html; charset=UTF-8',
          'content-security-policy': POLICY,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'same-origin',
        })
        expect(page).toMatch(/^<!doctype html><html lang="en">/)
        expect(page.match(INLINE)).toBeNull()
        expect(page.match(FOREIGN)).toBeNull()
      }
    }
  })

  it('shows no buttons to those who may not act', async () => {
    const cluster = await aCluster()
    const session = await signIn()

    for (const path of ['/__health', '/categories', '/add-ack-form?service-name=web']) {
      // oxlint-disable-next-line no-await-in-loop
      const [open, own] = await Promise.all(
        [{}, session].map(async (headers) => {
          return (await browse(`/clusters/${cluster}${path}`, headers)).text()
        }),
      )
      expect(open).not.toMatch(/add-ack\?|disable-category|rem-ack/)
      expect(own).toMatch(/add-ack|disable-category/)
    }
  })

  it('loads what it needs from here, for ever', async () => {
    const page = await (await browse('/')).text()
    const assets = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)

    expect(new Set(assets).size).toBe(3)
    for (const path of assets) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await ask(path)
      expect([path, response.status]).toEqual([path, 200])
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    }
    const old = await ask(assets[0]?.replace(/\/\w+\//, '/other/') ?? '')
    expect(old.headers.get('cache-control')).not.toContain('immutable')
  })
})

describe('an open page', () => {
  it.each(['/', ...livePages()])('is current by its ETag: %s', async (own) => {
    const cluster = await aCluster()
    const path = own === '/' ? '/' : `/clusters/${cluster}${own}`
    const first = await browse(path)
    const etag = first.headers.get('etag') ?? ''

    vi.setSystemTime(Date.now() + 1500)
    const same = await browse(path, { 'if-none-match': etag })
    await push(aHeartbeat({ cluster, sequence: 2, observedAt: Date.now() }))
    vi.setSystemTime(Date.now() + 1000) // past what others were shown
    const next = await browse(path, { 'if-none-match': etag })

    expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/)
    expect([same.status, await same.text(), same.headers.get('etag')]).toEqual([304, '', etag])
    expect([next.status, next.headers.get('etag') === etag]).toEqual([200, false])
  })

  it.each(['/', ...livePages()])('has another ETag after an ack: %s', async (own) => {
    const cluster = await aCluster()
    const path = own === '/' ? '/' : `/clusters/${cluster}${own}`
    const before = await browse(path)

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)

    const after = await browse(path, { 'if-none-match': before.headers.get('etag') ?? '' })
    expect(after.status).toBe(200)
  })

  it.each([
    ['when it turns late', 30_001],
    ['when it dies', 60_001],
  ])('is another one %s, without any report', async (_, afterMs) => {
    const cluster = await aCluster()
    const path = `/clusters/${cluster}/__health`
    const before = await browse(path)

    vi.setSystemTime(Date.now() + afterMs)
    const after = await browse(path, { 'if-none-match': before.headers.get('etag') ?? '' })

    expect(after.status).toBe(200)
  })

  it('is never shown to another than it was made for', async () => {
    const cluster = await aCluster()
    const path = `/clusters/${cluster}/__health`
    const before = await browse(path, await signIn())

    const after = await browse(path, { 'if-none-match': before.headers.get('etag') ?? '' })

    expect(after.status).toBe(200)
    expect(await after.text()).not.toContain('Sign out')
  })
})

describe('a hostile name', () => {
  it.each([
    ['HTML', '<img/src=x onerror=alert(1)><script>alert(1)</script>'],
    ['quotes', `"'\`><svg/onload=alert(1) style=x>`],
    ['the end of things', '--></title></textarea></script>]]>{{7*7}}${7*7}'],
    ['line breaks', 'web\r\nset-cookie: evil=1\r\n\r\n<script>alert(1)</script>\u2028\u0000'],
    ['another address', 'javascript:alert(1)'],
    ['253 characters', `${'<'.repeat(126)}${'"'.repeat(127)}`],
    ['what paths are made of', '../../x?y=z&a=b#c%00%2f;,'],
    ['__proto__', '__proto__'],
  ])('is only a name: %s', async (_, name) => {
    const cluster = await aCluster(name, name)
    const session = await signIn()
    const encoded = encodeURIComponent(name)
    await operate(`/clusters/${cluster}/add-ack?service-name=${encoded}&ack-msg=${encoded}`)
    await operate(`/clusters/${cluster}/disable-category?category-name=${encoded}&why=${encoded}`)

    const paths = pagesOf(cluster, name).filter((path) => !path.includes('categories='))
    for (const path of [...paths, `/nothing/${encoded}?${encoded}`]) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await browse(path, session)
      // oxlint-disable-next-line no-await-in-loop
      const page = await response.text()
      expect([path, response.status]).toEqual([path, path.startsWith('/nothing') ? 404 : 200])
      expect([...response.headers.keys()]).not.toContain('set-cookie')
      const tags = page.replaceAll(/"[^"]*"/g, '""').match(/<[^>]*>/g) ?? []
      expect(tags.filter((tag) => /<(script|img|svg)|\son\w+=|\sstyle/i.test(tag))).toEqual(
        tags.filter((tag) => OUR_TAGS.has(tag)),
      )
      expect(page).not.toMatch(/(?:href|src|action)="\s*javascript:/i)
    }
  })

  const OUR_TAGS = new Set([
    '<svg class="" width="" height="" aria-hidden="">',
    '<script src="" defer="">',
    '<img src="" alt="" width="" height=""/>',
    '<svg class="" aria-hidden="">',
  ])

  it('comes back in JSON as it was', async () => {
    const name = `a"b\\c\n<script>\u2028é𝄞`
    const cluster = await aCluster(name, name)

    const health = await askJson(`/clusters/${cluster}/__health`)
    const pods = await askJson(
      `/clusters/${cluster}/__pods-health?service-name=${encodeURIComponent(name)}`,
    )

    expect(await health.json()).toMatchObject({ systemCode: name, checks: [{ name }] })
    expect(await pods.json()).toMatchObject({ systemCode: name, checks: [{ name }] })
  })

  it('injects no header where a form leads back', async () => {
    const name = 'x\r\nset-cookie: evil=1'
    const cluster = await aCluster(name)
    const encoded = encodeURIComponent(name)

    const answers = await Promise.all([
      submit(
        `/clusters/${cluster}/add-ack?service-name=${encoded}`,
        { 'ack-msg': name },
        await signIn(),
      ),
      submit('/sign-in', { token: 'wrong', next: `/${name}` }),
      browse(`/clusters/${encoded}/__health`),
      ask(`/clusters/${cluster}/__gtg/other${encoded}`),
    ])

    expect(answers.map(({ status }) => status)).toEqual([303, 401, 404, 400])
    expect(answers.filter(({ headers }) => headers.has('set-cookie'))).toEqual([])
  })
})
