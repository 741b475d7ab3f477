/** People: a token becomes a session, and only a form of our own pages acts with it (docs/behaviour.md, section 5). */
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { setSignedCookie } from 'hono/cookie'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { OPERATE_TOKEN, READ_TOKEN, VARS } from '../support/secrets.ts'
import { Fleet } from '../../worker/index.ts'
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
  vi.unstubAllGlobals()
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

/** What a session's cookie names. */
function contentOf({ cookie }: { cookie: string }) {
  const text = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1))
  const schema = v.object({ id: v.string(), hash: v.string() })
  return v.parse(v.pipe(v.string(), v.parseJson(), schema), text.slice(0, text.indexOf('}') + 1))
}

function from(address: string): Record<string, string> {
  return { 'cf-connecting-ip': address }
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
    const response = await submit('/sign-in', fields, from('192.0.2.1'))

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

  describe('after five failures from a network', () => {
    const tryFrom = (address: string, token = 'wrong') =>
      submit('/sign-in', { token }, from(address))

    /** ms of each wait; none of them takes any time. */
    async function failFiveTimes(address: string): Promise<(number | undefined)[]> {
      for (let i = 0; i < 5; i += 1) {
        // oxlint-disable-next-line no-await-in-loop
        expect((await tryFrom(address)).status).toBe(401)
      }
      const waits: (number | undefined)[] = []
      vi.stubGlobal('setTimeout', (goOn: () => void, ms?: number) => {
        waits.push(ms)
        goOn()
      })
      return waits
    }

    it('is slowed for it, and for no other', async () => {
      const waits = await failFiveTimes('2001:db8:1:2::1')

      const tries = [1, 2, 3, 4, 5, 6, 7].map((n) => tryFrom(`2001:db8:1:2::${n}`))
      const statuses = (await Promise.all(tries)).map(({ status }) => status)
      const tooMany = await tryFrom('2001:db8:1:2:ffff::1')
      const other = await tryFrom('192.0.2.9')

      expect(waits).toEqual([250, 750, 1750, 3750, 5750, 7750, 9750])
      expect(new Set(statuses)).toEqual(new Set([401]))
      expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([429, '2'])
      expect(other.status).toBe(401)
    })

    it('takes the right token when its turn comes, and clears the count', async () => {
      const waits = await failFiveTimes('192.0.2.2')

      const right = await tryFrom('192.0.2.2', OPERATE_TOKEN)
      const wrong = await tryFrom('192.0.2.2')

      expect([right.status, wrong.status]).toEqual([303, 401])
      expect(waits).toEqual([250])
    })
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

  it('replayed after signing out counts for nothing, anywhere', async () => {
    const cluster = await aCluster()
    const session = await signIn()
    const other = await signIn()
    expect(await nameOn(session)).toBe('nina')

    await submit('/sign-out', {}, session)
    vi.setSystemTime(Date.now() + 5000)

    const act = await ackWith(cluster, { ...session, origin: ORIGIN })
    const page = await askWith({ HEALTH_ACCESS: 'token' }, `/clusters/${cluster}/__health`, {
      headers: session,
    })
    expect([await nameOn(session), act.status, page.status]).toEqual([null, 401, 401])
    expect(await nameOn(other)).toBe('nina')
  })

  it('is ended by a sign-out in another isolate within a second', async () => {
    const session = await signIn()
    expect(await nameOn(session)).toBe('nina')
    const cookie = contentOf(session)

    const ended = { id: cookie.id, issuedAtMs: Date.now() }
    await env.FLEET.getByName('sessions').endSession(cookie.hash, ended)
    vi.setSystemTime(Date.now() + 1000)

    expect(await nameOn(session)).toBeNull()
  })

  it('without an id, as older Workers gave them, has to sign in anew', async () => {
    const { hash } = contentOf(await signIn())
    const old = JSON.stringify({ name: 'nina', hash, expiresAtMs: Date.now() + SHIFT_MS })
    const app = new Hono().get('/', async (c) => {
      await setSignedCookie(c, '__Host-pilotlight', old, VARS.SESSION_SECRET, {
        secure: true,
        path: '/',
      })
      return c.body(null)
    })
    const [cookie = ''] = ((await app.request('/')).headers.get('set-cookie') ?? '').split(';')

    expect(await nameOn({ cookie })).toBeNull()
  })

  it('counts for nothing where it can’t be checked, and public pages go on', async () => {
    const cluster = await aCluster()
    const session = await signIn()
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(Fleet.prototype, 'readEndedSessions').mockRejectedValue(new Error('overloaded'))
    const before = await heldOf(cluster)

    const act = await ackWith(cluster, { ...session, origin: ORIGIN, accept: 'application/json' })
    const page = await browse(`/clusters/${cluster}/__health`, session)
    const guarded = await askWith({ HEALTH_ACCESS: 'token' }, `/clusters/${cluster}/__health`, {
      headers: { ...session, accept: 'application/json' },
    })

    expect([act.status, page.status, guarded.status]).toEqual([503, 200, 503])
    expect(await act.json()).toMatchObject({ error: { code: 'session-unchecked' } })
    expect(await heldOf(cluster)).toBe(before)
    expect(await nameOn(session)).toBeNull()
  })

  it('that the server can’t end keeps its cookie, and says so', async () => {
    const session = await signIn()
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(Fleet.prototype, 'endSession').mockRejectedValue(new Error('overloaded'))

    const response = await submit('/sign-out', {}, session)

    expect([response.status, response.headers.has('set-cookie')]).toEqual([503, false])
    expect(await response.text()).toContain('could not be ended at the server')
  })

  it.each([
    ['none', ''],
    ['a forged one', '__Host-pilotlight=%7B%22id%22%3A%22x%22%7D.AAAA'],
  ])('ends by signing out without a call to the object: %s', async (_, cookie) => {
    const end = vi.spyOn(Fleet.prototype, 'endSession')

    const response = await submit('/sign-out', {}, { cookie })

    expect([response.status, end.mock.calls.length]).toEqual([303, 0])
  })
})

describe('a token that expires', () => {
  const EXPIRES = '2031-01-31T00:00:00Z'
  const vars = { TOKENS: VARS.TOKENS.replaceAll('"roles"', `"expires":"${EXPIRES}","roles"`) }
  const bearer = { authorization: `Bearer ${OPERATE_TOKEN}` }

  function ackAt(ms: number, headers: Record<string, string>, cluster: string): Promise<Response> {
    vi.setSystemTime(ms)
    return askWith(vars, `/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`, {
      method: 'POST',
      headers: { accept: 'application/json', ...headers },
    })
  }

  it.each([
    ['a millisecond before', Date.parse(EXPIRES) - 1, 200],
    ['at its time', Date.parse(EXPIRES), 401],
  ])('acts until its time: %s', async (_, ms, status) => {
    const cluster = await aCluster()

    expect((await ackAt(ms, bearer, cluster)).status).toBe(status)
  })

  it('takes its sessions along', async () => {
    const cluster = await aCluster()
    vi.setSystemTime(Date.parse(EXPIRES) - 1000)
    const session = { ...(await signIn()), origin: ORIGIN }

    const before = await ackAt(Date.parse(EXPIRES) - 1, session, cluster)
    const after = await ackAt(Date.parse(EXPIRES), session, cluster)

    expect([before.status, after.status]).toEqual([200, 401])
  })

  it('says so to who sends it, and to no other', async () => {
    const cluster = await aCluster()
    const ms = Date.parse(EXPIRES)

    const own = await ackAt(ms, bearer, cluster)
    const other = await ackAt(ms, { authorization: 'Bearer wrong' }, cluster)
    const form = await askWith(vars, '/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ token: OPERATE_TOKEN }),
      headers: { origin: ORIGIN, ...from('192.0.2.3') },
    })

    expect(await own.json()).toEqual({
      error: { code: 'token-expired', message: 'This token has expired. Ask for a new one.' },
    })
    expect(await other.text()).not.toContain('expired')
    expect([form.status, await form.text()]).toEqual([
      401,
      expect.stringContaining('This token has expired.'),
    ])
  })

  it('gives way to another entry of the same token', async () => {
    const cluster = await aCluster()
    const TOKENS = `${vars.TOKENS.slice(0, -1)},${VARS.TOKENS.slice(1)}`
    vi.setSystemTime(Date.parse(EXPIRES))

    const response = await askWith(
      { TOKENS },
      `/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`,
      {
        method: 'POST',
        headers: bearer,
      },
    )

    expect(response.status).toBe(200)
  })
})
