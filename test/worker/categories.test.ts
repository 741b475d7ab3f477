/** Categories switched by hand, and sticky ones that trip: over HTTP, as `__gtg` then answers (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import type { Category, Snapshot } from '../../worker/contract/report.ts'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { ask, askJson, heldOf, push, takeCluster } from './edge.ts'
import { BEARER, operate, operateJson, signIn, submit } from './visitors.ts'

const well = [aService(), aService({ name: 'api' })]
const broken = [aService({ targets: [aFailingTarget()] }), aService({ name: 'api' })]

/** Reports that follow one another about one cluster. */
function anExporter(category: Partial<Category> = {}) {
  const cluster = takeCluster()
  const categories = [aCategory(category), aCategory({ name: 'write', services: ['api'] })]
  let sequence = 0
  const report = (given: Partial<Snapshot> = {}, services = well) => {
    sequence += 1
    const content = aContent({ services, categories, ...given.content })
    return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), ...given, content }))
  }
  return {
    cluster,
    say: report,
    fail: (streak: number, epoch = 1) => report({ streaks: { web: streak }, epoch }, broken),
  }
}

/** Status, reason, and whether Envoy is told to fail at once. */
async function gtgOf(cluster: string, names: string): Promise<unknown[]> {
  const response = await ask(`/clusters/${cluster}/__gtg?cache=false&categories=${names}`, {
    headers: BEARER,
  })
  const envoy = response.headers.get('x-envoy-immediate-health-check-fail')
  return [response.status, response.headers.get('x-gtg-reason'), envoy]
}

const HEALTHY = [200, 'healthy', null]
const UNHEALTHY = [503, 'unhealthy', null]
const DISABLED = [503, 'disabled', 'true']

async function categoryOf(cluster: string, headers = {}): Promise<unknown> {
  const response = await askJson(`/clusters/${cluster}/categories`, { headers })
  const { categories } = await response.json<{ categories: { name: string }[] }>()
  return categories.find(({ name }) => name === 'read')
}

describe('disabling a category', () => {
  it('fails it at once, and no other', async () => {
    const { cluster, say } = anExporter()
    await say()
    const before = await gtgOf(cluster, 'read')

    const response = await operateJson(`/clusters/${cluster}/disable-category`, {
      'category-name': 'read',
      why: 'failover to the west',
    })

    expect([before, response.status]).toEqual([HEALTHY, 200])
    expect(await gtgOf(cluster, 'read')).toEqual(DISABLED)
    expect(await gtgOf(cluster, 'write,read')).toEqual(DISABLED)
    expect(await gtgOf(cluster, 'write')).toEqual(HEALTHY)
    expect(await gtgOf(cluster, 'default')).toEqual(HEALTHY)
  })

  it('outweighs failing, and outlasts every report', async () => {
    const { cluster, say, fail } = anExporter()
    await say()
    await operate(`/clusters/${cluster}/disable-category?category-name=read`)

    await fail(1)
    const failing = await gtgOf(cluster, 'read,default')
    await say()

    expect([failing, await gtgOf(cluster, 'read')]).toEqual([DISABLED, DISABLED])
  })

  it('is shown and recorded with who and why', async () => {
    const { cluster, say } = anExporter()
    await say()

    await operate(`/clusters/${cluster}/disable-category?category-name=read&why=failover`)
    const history = await askJson(`/clusters/${cluster}/history?category-name=read`, {
      headers: BEARER,
    })

    expect(await categoryOf(cluster, BEARER)).toMatchObject({
      passes: false,
      reason: 'disabled',
      override: { isEnabled: false, cause: 'hand', by: 'nina', why: 'failover' },
    })
    expect(await history.json()).toMatchObject({
      events: [{ to: 'disabled', cause: 'hand', actor: { by: 'nina' }, note: 'failover' }],
    })
  })

  it.each(['POST', 'GET'])('and enabling work for scripts by %s', async (method) => {
    const { cluster, say } = anExporter()
    await say()
    const path = (verb: string) => `/clusters/${cluster}/${verb}-category?category-name=read`

    const off = await operate(path('disable'), { method })
    const disabled = await gtgOf(cluster, 'read')
    const on = await operate(path('enable'), { method })

    expect([off.status, disabled, on.status]).toEqual([200, DISABLED, 200])
    expect(await on.json()).toMatchObject({ ok: true, category: { name: 'read', passes: true } })
    expect(await gtgOf(cluster, 'read')).toEqual(HEALTHY)
  })

  it('leads a form back to the list of categories', async () => {
    const { cluster, say } = anExporter()
    await say()
    const path = `/clusters/${cluster}/disable-category?category-name=read`

    const response = await submit(path, { why: 'x' }, await signIn())

    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(`/clusters/${cluster}/categories`)
    expect(await gtgOf(cluster, 'read')).toEqual(DISABLED)
  })

  it.each(['enable-category', 'disable-category'])('never comes of HEAD: %s', async (verb) => {
    const { cluster, say } = anExporter()
    await say()
    await operate(`/clusters/${cluster}/disable-category?category-name=read`)
    const before = await heldOf(cluster)
    const name = verb.startsWith('enable') ? 'read' : 'write'

    const path = `/clusters/${cluster}/${verb}?category-name=${name}`
    const response = await operate(path, { method: 'HEAD' })

    expect(response.ok).toBe(false)
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each(['enable-category', 'disable-category'])('by a session needs POST: %s', async (verb) => {
    const { cluster, say } = anExporter()
    await say()
    const before = await heldOf(cluster)

    const response = await ask(`/clusters/${cluster}/${verb}?category-name=read`, {
      headers: { ...(await signIn()), 'sec-fetch-site': 'same-origin' },
    })

    expect(response.status).toBe(405)
    expect(await heldOf(cluster)).toBe(before)
  })
})

describe('a fault', () => {
  const tooLong = 'x'.repeat(1025)

  it.each([
    ['no name', 'disable-category', {}, 400, 'category-name'],
    ['no name', 'enable-category', { 'category-name': '' }, 400, 'category-name'],
    ['an unknown one', 'disable-category', { 'category-name': 'typo' }, 404, 'unknown-category'],
    ['an unknown one', 'enable-category', { 'category-name': 'typo' }, 404, 'unknown-category'],
    ['inherited', 'enable-category', { 'category-name': '__proto__' }, 404, 'unknown-category'],
    ['a long why', 'disable-category', { 'category-name': 'read', why: tooLong }, 400, 'why'],
    ['no text', 'disable-category', { 'category-name': 'read', why: 5 }, 400, 'why'],
  ])('is told and changes nothing: %s, %s', async (_, verb, fields, status, words) => {
    const { cluster, say } = anExporter()
    await say()
    const before = await heldOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/${verb}`, fields)

    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining(words),
    ])
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['no token', {}, 401],
    ['a token that may only read', { authorization: `Bearer ${READ_TOKEN}` }, 403],
  ])('is to come with %s', async (_, headers, status) => {
    const { cluster, say } = anExporter()
    await say()
    const before = await heldOf(cluster)

    for (const [method, verb] of [
      ['GET', 'disable'],
      ['POST', 'disable'],
      ['GET', 'enable'],
      ['POST', 'enable'],
    ] as const) {
      const path = `/clusters/${cluster}/${verb}-category?category-name=read`
      // oxlint-disable-next-line no-await-in-loop
      expect((await ask(path, { method, headers })).status).toBe(status)
    }

    expect(await heldOf(cluster)).toBe(before)
  })
})

describe('a sticky category', () => {
  const sticky = { isSticky: true, failureThreshold: 3 }

  it('trips at its threshold, and stays so when all is well', async () => {
    const { cluster, say, fail } = anExporter(sticky)
    await fail(1)
    await fail(2)
    const under = await gtgOf(cluster, 'read')

    await fail(3)
    const tripped = await gtgOf(cluster, 'read')
    await say()

    expect([under, tripped]).toEqual([UNHEALTHY, DISABLED])
    expect(await gtgOf(cluster, 'read')).toEqual(DISABLED)
    expect(await categoryOf(cluster)).toMatchObject({ override: { cause: 'trip', by: null } })
  })

  it('does not count how often it is read', async () => {
    const { cluster, fail } = anExporter(sticky)
    await fail(2)

    for (let read = 0; read < 20; read++) {
      // oxlint-disable-next-line no-await-in-loop
      await gtgOf(cluster, 'read')
    }
    await fail(2)

    expect(await gtgOf(cluster, 'read')).toEqual(UNHEALTHY)
    expect(await categoryOf(cluster)).toMatchObject({ counts: { web: 2 } })
  })

  it('starts at nothing once somebody enables it', async () => {
    const { cluster, fail } = anExporter(sticky)
    await fail(3)

    await operate(`/clusters/${cluster}/enable-category?category-name=read`)
    const enabled = await gtgOf(cluster, 'read')
    await fail(5)
    const under = await gtgOf(cluster, 'read')
    await fail(6)

    expect([enabled, under]).toEqual([UNHEALTHY, UNHEALTHY])
    expect(await gtgOf(cluster, 'read')).toEqual(DISABLED)
  })

  it('counts an exporter that starts anew on top', async () => {
    const { cluster, fail } = anExporter(sticky)
    await fail(2)

    await fail(1, 2)

    expect(await gtgOf(cluster, 'read')).toEqual(DISABLED)
  })

  it('does not count what is acked', async () => {
    const { cluster, fail } = anExporter(sticky)
    await fail(2)
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)

    await fail(9)

    expect(await gtgOf(cluster, 'read')).toEqual(HEALTHY)
  })
})

describe('an override', () => {
  it.each([
    ['disabled by hand, and the ConfigMap says nothing', undefined, undefined, DISABLED],
    ['disabled by hand, and the ConfigMap goes on saying on', true, true, DISABLED],
    ['disabled by hand, and the ConfigMap falls silent', true, undefined, DISABLED],
    ['disabled by hand, and the ConfigMap says on at last', undefined, true, DISABLED],
    ['enabled by hand, and the ConfigMap says on itself', false, true, HEALTHY],
  ])('ends only by another word of the ConfigMap: %s', async (_, then, now, expected) => {
    const cluster = takeCluster()
    const say = (sequence: number, enabled: boolean | undefined) => {
      const rule = aCategory(enabled === undefined ? {} : { enabled })
      const content = aContent({ categories: [rule] })
      return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
    }
    await say(1, then)
    const verb = then === false ? 'enable' : 'disable'
    await operate(`/clusters/${cluster}/${verb}-category?category-name=read`)

    await say(2, now)

    expect(await gtgOf(cluster, 'read')).toEqual(expected)
  })
})
