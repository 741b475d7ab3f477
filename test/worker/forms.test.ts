/** Forms that other sites send change nothing, and no secret ever leaves (issue 3, people and scripts). */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { OPERATE_TOKEN, PUSH_SECRET, READ_TOKEN, VARS } from '../support/secrets.ts'
import { ask, heldOf, ORIGIN, push, takeCluster } from './edge.ts'
import { BEARER, browse, HTML, operate, signIn, submit } from './visitors.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  const content = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

interface Sent {
  type?: string | null
  headers: Record<string, string>
}

function send(path: string, { type = FORM, headers }: Sent): Promise<Response> {
  const body = type === 'application/json' ? '{"ack-msg":"x"}' : 'ack-msg=x'
  const bytes = new TextEncoder().encode(body)
  const contentType = type === null ? {} : { 'content-type': type }
  return ask(path, { method: 'POST', body: bytes, headers: { ...contentType, ...headers } })
}

const FORM = 'application/x-www-form-urlencoded'
const EVIL = 'https://evil.example'
const EVIL_HEADERS = { origin: EVIL, 'sec-fetch-site': 'cross-site' }

describe('a form with a session', () => {
  it.each([
    ['from our own page', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }],
    ['from a browser that sends only Origin', { origin: ORIGIN }],
    ['from behind a proxy', { origin: 'https://other.name', 'sec-fetch-site': 'same-origin' }],
  ])('acts %s', async (_, headers) => {
    const cluster = await aCluster()
    const session = await signIn()

    const response = await send(`/clusters/${cluster}/add-ack?service-name=web`, {
      headers: { ...session, ...headers },
    })

    expect(response.status).toBe(303)
    expect((await ask(`/clusters/${cluster}/__gtg`)).status).toBe(200)
  })

  const foreign: [string, Record<string, string>][] = [
    ['from another site', { origin: EVIL, 'sec-fetch-site': 'cross-site' }],
    ['from a sister site', { origin: 'https://a.edge.example', 'sec-fetch-site': 'same-site' }],
    ['from a place that hides itself', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['from another port', { origin: `${ORIGIN}:8443` }],
    ['from http', { origin: ORIGIN.replace('https', 'http') }],
    ['from an address that begins alike', { origin: `${ORIGIN}.evil.example` }],
    ['with neither header', {}],
    ['from another site, with our Origin', { origin: ORIGIN, 'sec-fetch-site': 'cross-site' }],
    ['from a sister site, with our Origin', { origin: ORIGIN, 'sec-fetch-site': 'same-site' }],
    ['from no page at all, with our Origin', { origin: ORIGIN, 'sec-fetch-site': 'none' }],
    ['with a header that no browser sends', { 'sec-fetch-site': 'same-origin, cross-site' }],
  ]

  it.each(foreign)('changes nothing %s', async (_, headers) => {
    const cluster = await aCluster()
    const session = await signIn()
    const before = await heldOf(cluster)

    for (const type of [FORM, 'multipart/form-data; boundary=x', 'text/plain', null]) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await send(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`, {
        type,
        headers: { ...session, ...headers },
      })
      expect([type, response.status]).toEqual([type, 403])
    }

    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['from another site', EVIL_HEADERS],
    ['with neither header', {}],
  ])('changes nothing as JSON either, %s', async (_, headers) => {
    const cluster = await aCluster()
    const session = await signIn()
    const before = await heldOf(cluster)

    const response = await send(`/clusters/${cluster}/add-ack?service-name=web`, {
      type: 'application/json',
      headers: { ...session, ...headers },
    })

    expect(response.status).toBe(403)
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each(['rem-ack', 'enable-category', 'disable-category', 'erase', 'reset-order'])(
    'of another site is refused by every write: %s',
    async (verb) => {
      const cluster = await aCluster()
      const session = await signIn()
      const before = await heldOf(cluster)
      const query = `service-name=web&category-name=default&confirm=${cluster}`

      const response = await send(`/clusters/${cluster}/${verb}?${query}`, {
        headers: { ...session, origin: EVIL, 'sec-fetch-site': 'cross-site' },
      })

      expect(response.status).toBe(403)
      expect(await heldOf(cluster)).toBe(before)
    },
  )

  it('of another site does not sign anybody out', async () => {
    const session = await signIn()

    const response = await submit('/sign-out', {}, { ...session, ...EVIL_HEADERS })

    expect(response.status).toBe(403)
    expect(response.headers.has('set-cookie')).toBe(false)
  })

  it('tells a person what is wrong on a page', async () => {
    const session = await signIn()

    const response = await submit(
      '/clusters/c59/add-ack?service-name=web',
      {},
      { ...session, ...EVIL_HEADERS },
    )

    expect(response.headers.get('content-type')).toContain('text/html')
    expect(await response.text()).toContain('not sent from a page of this site')
  })
})

describe('a script with its token', () => {
  it('acts from wherever it runs', async () => {
    const cluster = await aCluster()

    const response = await send(`/clusters/${cluster}/add-ack?service-name=web`, {
      headers: { ...BEARER, ...EVIL_HEADERS },
    })

    expect(response.status).toBe(303)
  })
})

describe('a secret', () => {
  const secrets = [
    OPERATE_TOKEN,
    READ_TOKEN,
    PUSH_SECRET,
    VARS.SESSION_SECRET,
    ...Array.from(VARS.TOKENS.matchAll(/[0-9a-f]{64}/g), ([hash]) => hash),
  ]

  it('stands in no answer and no line of the log', async () => {
    const logged: string[] = []
    for (const level of ['error', 'warn', 'info', 'log', 'debug'] as const) {
      vi.spyOn(console, level).mockImplementation((...words) => {
        logged.push(words.map(String).join(' '))
      })
    }
    const cluster = await aCluster()
    const session = await signIn()
    const base = `/clusters/${cluster}`

    const answers = await Promise.all([
      submit('/sign-in', { token: OPERATE_TOKEN }),
      submit('/sign-in', { token: `${OPERATE_TOKEN}x` }),
      submit('/sign-in', { token: READ_TOKEN, next: `/${READ_TOKEN}x` }, EVIL_HEADERS),
      browse('/', session),
      browse(`${base}/__health`, session),
      browse(`${base}/add-ack-form?service-name=web`, session),
      browse('/sign-in', { ...session, ...BEARER }),
      operate(`${base}/add-ack?service-name=web&ack-msg=x`),
      operate(`${base}/add-ack`, { body: '{', headers: { 'content-type': 'application/json' } }),
      operate(`${base}/rem-ack`, { headers: { authorization: `Bearer ${OPERATE_TOKEN}x` } }),
      operate(`${base}/rem-ack`, { headers: { authorization: `Bearer ${READ_TOKEN}` } }),
      operate(`${base}/history`, { method: 'GET' }),
      ask('/metrics', { headers: BEARER }),
      ask('/nothing', { headers: { accept: HTML, ...BEARER } }),
    ])

    const texts = await Promise.all(
      answers.map(async (r) => `${JSON.stringify([...r.headers])}\n${await r.text()}`),
    )
    const told = [...texts, ...logged].join('\n')
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
    expect(secrets).toHaveLength(6)
  })
})

describe('__gtg', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'POST'])('never sets a cookie: %s', async (method) => {
    const cluster = await aCluster()
    const headers = { ...(await signIn()), accept: 'application/json' }

    const known = await ask(`/clusters/${cluster}/__gtg?cache=false`, { method, headers })
    const unknown = await ask('/__gtg/typo?cluster=nowhere', { method })

    expect([known, unknown].map((r) => r.headers.has('set-cookie'))).toEqual([false, false])
  })
})
