/** People: a token becomes a session, and only a form of our own pages acts with it (issue 3, people and scripts). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { OPERATE_TOKEN, READ_TOKEN, VARS } from '../support/secrets.ts'
import { ask, heldOf, ORIGIN, push, takeCluster } from './edge.ts'
import { askWith, browse, HTML, signIn, submit } from './visitors.ts'

const content = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
const SHIFT_MS = 12 * 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

/** Whose name stands in the head of a page. null: nobody's. */
async function nameOn(headers: Record<string, string>): Promise<string | null> {
  const page = await (await browse('/', headers)).text()
  return /action="\/sign-out"><span>([^<]*)</.exec(page)?.[1] ?? null
}

function ackWith(cluster: string, headers: Record<string, string>): Promise<Response> {
  return ask(`/clusters/${cluster}/add-ack?service-name=web`, {
    method: 'POST',
    body: new URLSearchParams({ 'ack-msg': 'x' }),
    headers: { accept: HTML, ...headers },
  })
}

describe('signing in', () => {
  it('shows a form that posts to itself', async () => {
    const page = await (await browse('/sign-in?next=%2Fcategories')).text()

    expect(page).toContain('method="post" action="/sign-in"')
    expect(page).toContain('name="next" value="/categories"')
    expect(page).toContain('type="password"')
  })

  it('gives a cookie for this host alone, and leads on', async () => {
    const response = await submit('/sign-in', { token: OPERATE_TOKEN, next: '/categories' })

    expect([response.status, response.headers.get('location')]).toEqual([303, '/categories'])
    const [pair, ...attributes] = (response.headers.get('set-cookie') ?? '').split('; ')
    expect(pair).toMatch(/^__Host-pilotlight=[\w%.-]+$/)
    expect(attributes.toSorted()).toEqual([
      'HttpOnly',
      'Max-Age=43200',
      'Path=/',
      'SameSite=Strict',
      'Secure',
    ])
  })

  it('makes a known person of who has the cookie', async () => {
    const session = await signIn()

    expect([await nameOn({}), await nameOn(session)]).toEqual([null, 'nina'])
  })

  it.each([
    ['a wrong token', { token: 'wrong' }],
    ['an empty token', { token: '' }],
    ['no token', {}],
    ['the hash of a token', { token: `${/[0-9a-f]{64}/.exec(VARS.TOKENS)?.[0]}` }],
  ])('is refused with %s', async (_, fields) => {
    const response = await submit('/sign-in', fields)

    expect(response.status).toBe(401)
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(await response.text()).toContain('This token is not known.')
  })

  it.each([
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['\\\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/\n/evil.example', '/'],
    ['https://evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
    ['evil', '/'],
    ['/.//evil.example', '/'],
    ['/..//evil.example', '/'],
    ['/%2e//evil.example', '/'],
    ['/x/..//evil.example', '/'],
    ['/./\\evil.example', '/'],
    ['/categories', '/categories'],
    ['/clusters/c1/__health?categories=a%2Cb', '/clusters/c1/__health?categories=a%2Cb'],
  ])('leads to our own pages alone: %j', async (next, location) => {
    const response = await submit('/sign-in', { token: OPERATE_TOKEN, next })

    const target = response.headers.get('location') ?? ''
    expect(new URL(target, ORIGIN).origin).toBe(ORIGIN)
    expect(target).toBe(location)
  })

  it('is refused to a form of another site', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

    const response = await submit('/sign-in', { token: OPERATE_TOKEN }, headers)

    expect(response.status).toBe(403)
    expect(response.headers.has('set-cookie')).toBe(false)
  })

  it('is switched off without SESSION_SECRET, for old sessions too', async () => {
    const { cookie } = await signIn()
    const vars = { SESSION_SECRET: null }
    const init = { headers: { accept: HTML, cookie, origin: ORIGIN } }

    const page = await askWith(vars, '/sign-in', init)
    const post = await askWith(vars, '/sign-in', {
      ...init,
      method: 'POST',
      body: new URLSearchParams({ token: OPERATE_TOKEN }),
    })
    const act = await askWith(vars, '/clusters/c0/add-ack', { ...init, method: 'POST' })

    expect(await page.text()).toContain('Signing in is switched off')
    expect([post.status, post.headers.has('set-cookie'), act.status]).toEqual([401, false, 401])
  })
})

describe('a session', () => {
  it.each([
    ['a millisecond before a shift is over', SHIFT_MS - 1, 'nina'],
    ['when it is over', SHIFT_MS, null],
  ])('ends by the clock: %s', async (_, afterMs, name) => {
    const session = await signIn()

    vi.setSystemTime(Date.now() + afterMs)

    expect(await nameOn(session)).toBe(name)
  })

  it.each([
    ['a letter changed', (cookie: string) => cookie.replace('nina', 'nino')],
    ['a longer life', (cookie: string) => cookie.replace(/(\d)(?=%7D)/, '9$1')],
    ['no signature', (cookie: string) => cookie.replace(/\.[^.]*$/, '')],
    ['another signature', (cookie: string) => cookie.replace(/\.[^.]*$/, `.${'A'.repeat(43)}%3D`)],
    ['nothing in it', () => '__Host-pilotlight='],
    ['only a name', () => '__Host-pilotlight=nina'],
    ['bad encoding', () => '__Host-pilotlight=%ff%zz.%'],
    ['another cookie’s name', (cookie: string) => cookie.replace('__Host-', '')],
  ])('is none with %s', async (_, forge) => {
    const cluster = await aCluster()
    const { cookie } = await signIn()
    const forged = forge(cookie)

    const response = await ackWith(cluster, { cookie: forged, origin: ORIGIN })

    expect(forged).not.toBe(cookie)
    expect(response.status).toBe(401)
    expect(await nameOn({ cookie: forged })).toBeNull()
  })

  it.each([
    ['is taken out', JSON.stringify([])],
    ['is another one', VARS.TOKENS.replaceAll(/[0-9a-f]{64}/g, 'a'.repeat(64))],
    ['lost the role operate', VARS.TOKENS.replace('"operate"', '"read"')],
  ])('can do no more than its token, when that %s', async (words, TOKENS) => {
    const { cookie } = await signIn()
    const init = { method: 'POST', headers: { cookie, origin: ORIGIN } }

    const response = await askWith({ TOKENS }, '/clusters/c0/rem-ack?service-name=web', init)

    expect(response.status).toBe(words.startsWith('lost') ? 403 : 401)
  })

  it('ends with another SESSION_SECRET', async () => {
    const { cookie } = await signIn()
    const SESSION_SECRET = 'x'.repeat(32)
    const init = { method: 'POST', headers: { cookie, origin: ORIGIN } }

    const response = await askWith({ SESSION_SECRET }, '/clusters/c0/rem-ack', init)

    expect(response.status).toBe(401)
  })

  it('counts for nothing beside a wrong Bearer token', async () => {
    const session = await signIn()

    expect(await nameOn({ ...session, authorization: 'Bearer wrong' })).toBeNull()
  })

  it('of a token that may only read can’t act', async () => {
    const cluster = await aCluster()
    const session = await signIn(READ_TOKEN)
    const before = await heldOf(cluster)

    const response = await ackWith(cluster, { ...session, origin: ORIGIN })

    expect([response.status, await nameOn(session)]).toEqual([403, 'reader'])
    expect(await heldOf(cluster)).toBe(before)
  })

  it('ends by signing out', async () => {
    const session = await signIn()

    const response = await submit('/sign-out', {}, session)

    expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
    expect(response.headers.get('set-cookie')).toMatch(/^__Host-pilotlight=;.*Max-Age=0/)
  })
})
