/** Acks over HTTP: given and taken back by forms, JSON and old scripts; every fault is told and changes nothing. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { ask, askJson, heldOf, push, takeCluster } from './edge.ts'
import { BEARER, HTML, operate, operateJson, signIn, submit } from './visitors.ts'

const content = aContent({
  services: [
    aService({ targets: [aFailingTarget()] }),
    aService({ name: 'api' }),
    aService({ name: 'known', targets: [aFailingTarget()] }),
  ],
  acks: [{ service: 'known', message: 'known since noon' }],
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A cluster that fails for its service `web` alone. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

async function statusOf(cluster: string): Promise<number> {
  return (await ask(`/clusters/${cluster}/__gtg`)).status
}

async function checkOf(cluster: string, name: string): Promise<unknown> {
  const response = await askJson(`/clusters/${cluster}/__health`)
  const { checks } = await response.json<{ checks: { name: string }[] }>()
  return checks.find((check) => check.name === name)
}

describe('giving an ack', () => {
  it('turns the verdict at once, and is shown', async () => {
    const cluster = await aCluster()
    const before = await statusOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/add-ack?service-name=web`, {
      'ack-msg': ' the disk is full ',
    })

    expect([before, response.status, await statusOf(cluster)]).toEqual([503, 200, 200])
    expect(await response.json()).toMatchObject({
      ok: true,
      ack: { service: 'web', message: 'the disk is full', by: 'nina', until: 'removed' },
    })
    expect(await checkOf(cluster, 'web')).toMatchObject({
      ok: false,
      ack: 'the disk is full',
      _acknowledged: 'the disk is full',
    })
    const health = await askJson(`/clusters/${cluster}/__health`)
    expect(await health.json()).toMatchObject({ ok: true })
  })

  it.each([
    ['in the cluster’s path', (id: string) => `/clusters/${id}/add-ack?service-name=web`],
    ['by ?cluster=', (id: string) => `/add-ack?service-name=web&cluster=${id}`],
  ])('leads a form back to the page: %s', async (_, pathOf) => {
    const cluster = await aCluster()
    const session = await signIn()

    const response = await submit(pathOf(cluster), { 'ack-msg': 'known' }, session)

    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(`/clusters/${cluster}/__health`)
    expect(await statusOf(cluster)).toBe(200)
  })

  it.each([
    ['a bare form, as curl sends it', 'application/x-www-form-urlencoded', '*/*', 303],
    ['a form that asks for JSON', 'application/x-www-form-urlencoded', 'application/json', 200],
    ['JSON', 'application/json', '*/*', 200],
  ])('takes a script’s fields from the body: %s', async (_, type, accept, status) => {
    const cluster = await aCluster()
    const fields = { 'service-name': 'web', 'ack-msg': 'known', 'expires-in': '4h' }
    const body = type.endsWith('json')
      ? JSON.stringify(fields)
      : String(new URLSearchParams(fields))

    const response = await operate(`/clusters/${cluster}/add-ack`, {
      body,
      headers: { 'content-type': type, accept },
    })

    expect([response.status, await statusOf(cluster)]).toEqual([status, 200])
  })

  it('takes a multipart form too', async () => {
    const cluster = await aCluster()
    const body = new FormData()
    body.set('ack-msg', 'known')

    const response = await operate(`/clusters/${cluster}/add-ack?service-name=web`, { body })

    expect([response.status, await statusOf(cluster)]).toEqual([200, 200])
  })

  it('replaces the ack that was there', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=first`)

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=second`)

    expect(await checkOf(cluster, 'web')).toMatchObject({ ack: 'second' })
  })

  it('is recorded with who, when and from where', async () => {
    const cluster = await aCluster()

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=known`, {
      headers: { 'cf-connecting-ip': '192.0.2.7' },
    })

    const path = `/clusters/${cluster}/history?service-name=web`
    const history = await askJson(path, { headers: BEARER })
    const { events } = await history.json<{ events: unknown[] }>()
    expect(events[0]).toMatchObject({
      subject: 'ack',
      name: 'web',
      to: 'acked',
      cause: 'hand',
      actor: { by: 'nina', address: '192.0.2.7' },
      note: 'known',
    })
  })
})

describe('an ack that expires', () => {
  it.each([
    ['30s', 30_000],
    ['90m', 5_400_000],
    ['4h', 14_400_000],
    ['2d', 172_800_000],
  ])('says when: in %s', async (time, ms) => {
    const cluster = await aCluster()

    const response = await operate(
      `/clusters/${cluster}/add-ack?service-name=web&ack-msg=x&expires-in=${time}`,
    )

    const expiresAt = new Date(Date.now() + ms).toISOString()
    expect(await response.json()).toMatchObject({ ack: { expiresAt } })
  })

  it.each([
    ['a millisecond before', 19_999, 200],
    ['then', 20_000, 503],
  ])('counts until then, without any alarm or report: %s', async (_, afterMs, status) => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x&expires-in=20s`)

    vi.setSystemTime(Date.now() + afterMs)

    expect(await statusOf(cluster)).toBe(status)
    const health = await askJson(`/clusters/${cluster}/__health`)
    expect((await health.text()).includes('"ack":"x"')).toBe(status === 200)
  })

  it('is judged by the clock also from the memo', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x&expires-in=2s`)
    vi.setSystemTime(Date.now() + 1999)
    const before = await statusOf(cluster)

    vi.setSystemTime(Date.now() + 1)

    expect([before, await statusOf(cluster)]).toEqual([200, 503])
  })
})

describe('taking an ack back', () => {
  it.each([
    ['POST', 'POST'],
    ['GET with a token, as old scripts do', 'GET'],
  ])('works by %s', async (_, method) => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)

    const response = await operate(`/clusters/${cluster}/rem-ack?service-name=web`, { method })

    expect(await response.json()).toEqual({ ok: true, ack: null })
    expect([response.status, await statusOf(cluster)]).toEqual([200, 503])
    expect(await checkOf(cluster, 'web')).not.toHaveProperty('ack')
  })

  it('by GET is refused to a session, and changes nothing', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)
    const session = await signIn()
    const before = await heldOf(cluster)

    const response = await ask(`/clusters/${cluster}/rem-ack?service-name=web`, {
      headers: { accept: HTML, 'sec-fetch-site': 'same-origin', ...session },
    })

    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE'])('never works by %s', async (method) => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)
    const before = await heldOf(cluster)

    const response = await operate(`/clusters/${cluster}/rem-ack?service-name=web`, { method })

    expect(response.ok).toBe(false)
    expect(await heldOf(cluster)).toBe(before)
  })

  it('says so when the service has none', async () => {
    const cluster = await aCluster()

    const response = await operate(`/clusters/${cluster}/rem-ack?service-name=api`)

    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not-acked' } })
  })
})

describe('an ack of the cluster’s ConfigMap', () => {
  function pushAck(cluster: string, sequence: number, message: string): Promise<Response> {
    const acks = [{ service: 'known', message }]
    const changed = { ...content, acks }
    return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content: changed }))
  }

  it('is hidden by rem-ack until its text changes', async () => {
    const cluster = await aCluster()
    const shown = await checkOf(cluster, 'known')

    await operate(`/clusters/${cluster}/rem-ack?service-name=known`)
    const hidden = await checkOf(cluster, 'known')
    await pushAck(cluster, 2, 'known since noon')
    const stillHidden = await checkOf(cluster, 'known')
    await pushAck(cluster, 3, 'known since one')

    expect(shown).toMatchObject({ ack: 'known since noon' })
    expect(hidden).not.toHaveProperty('ack')
    expect(stillHidden).not.toHaveProperty('ack')
    expect(await checkOf(cluster, 'known')).toMatchObject({ ack: 'known since one' })
  })

  it('stays in sight when its text changes and changes back', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/rem-ack?service-name=known`)
    await pushAck(cluster, 2, 'known since one')

    await pushAck(cluster, 3, 'known since noon')

    expect(await checkOf(cluster, 'known')).toMatchObject({ ack: 'known since noon' })
  })
})
