/** Acks that are refused: what is wrong is told, and nothing changes; names that are out to harm are only names. */
import { describe, expect, it } from 'vitest'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { ask, askJson, heldOf, push, takeCluster } from './edge.ts'
import { operate, operateJson, signIn, submit } from './visitors.ts'

async function aCluster(name = 'web'): Promise<string> {
  const cluster = takeCluster()
  const content = aContent({ services: [aService({ name, targets: [aFailingTarget()] })] })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

const right = { 'service-name': 'web', 'ack-msg': 'known' }
const tooLong = 'ä'.repeat(513) // 1,026 bytes

describe('a fault in the fields', () => {
  it.each([
    ['no service', { 'ack-msg': 'x' }, 400, 'service-name'],
    ['an empty service', { ...right, 'service-name': '' }, 400, 'service-name'],
    ['a service of 254 characters', { ...right, 'service-name': 'a'.repeat(254) }, 400, 'service'],
    ['an unknown service', { ...right, 'service-name': 'nobody' }, 404, 'no service'],
    ['a service that objects inherit', { ...right, 'service-name': 'constructor' }, 404, 'no serv'],
    ['__proto__', { ...right, 'service-name': '__proto__' }, 404, 'no service'],
    ['no message', { 'service-name': 'web' }, 400, 'ack-msg'],
    ['a blank message', { ...right, 'ack-msg': ' \n\t' }, 400, 'ack-msg'],
    ['a message of 1,026 bytes', { ...right, 'ack-msg': tooLong }, 400, 'ack-msg'],
    ['a message that is no text', { ...right, 'ack-msg': ['x'] }, 400, 'ack-msg'],
    ['a number without a unit', { ...right, 'expires-in': '4' }, 400, 'expires-in'],
    ['a number that is no text', { ...right, 'expires-in': 4 }, 400, 'expires-in'],
    ['no time at all', { ...right, 'expires-in': '0h' }, 400, 'expires-in'],
    ['a time in the past', { ...right, 'expires-in': '-4h' }, 400, 'expires-in'],
    ['words', { ...right, 'expires-in': 'tomorrow' }, 400, 'expires-in'],
    ['more than a year', { ...right, 'expires-in': '367d' }, 400, 'expires-in'],
    ['more than any year', { ...right, 'expires-in': `${'9'.repeat(400)}h` }, 400, 'expires-in'],
    ['another until', { ...right, until: 'friday' }, 400, 'until'],
    ['an empty until', { ...right, until: '' }, 400, 'until'],
    ['an until that is no text', { ...right, until: 5 }, 400, 'until'],
  ])('is told and changes nothing: %s', async (_, fields, status, words) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)

    const response = await operateJson(`/clusters/${cluster}/add-ack`, fields)

    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining(words),
    ])
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['1,024 bytes of message', { 'ack-msg': 'ä'.repeat(512) }],
    ['a year', { 'expires-in': '366d' }],
    ['blanks around a time', { 'expires-in': ' 90 m ' }],
    ['an empty time', { 'expires-in': '' }],
    ['half an hour', { 'expires-in': '0.5H' }],
    ['until change', { until: 'change' }],
  ])('is none: %s', async (_, fields) => {
    const cluster = await aCluster()

    const response = await operateJson(`/clusters/${cluster}/add-ack`, { ...right, ...fields })

    expect(response.status).toBe(200)
  })

  it('brings a person the form back, with what was typed', async () => {
    const cluster = await aCluster()
    const session = await signIn()

    const response = await submit(
      `/clusters/${cluster}/add-ack?service-name=web`,
      { 'ack-msg': 'typed <b>words</b>', 'expires-in': 'soon' },
      session,
    )

    const page = await response.text()
    expect(response.status).toBe(400)
    expect(page).toContain('typed &lt;b&gt;words&lt;/b&gt;')
    expect(page).toContain('must be a time such as 30m')
    expect(page).not.toContain('<b>words')
  })
})

describe('a body', () => {
  it.each([
    ['that is not JSON', '{"ack-msg":'],
    ['that is no object', '"known"'],
    ['that is null', 'null'],
  ])('is refused: %s', async (_, body) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)

    const response = await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`, {
      body,
      headers: { 'content-type': 'application/json' },
    })

    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('Unexpected')
    expect(await heldOf(cluster)).toBe(before)
  })

  it.each([
    ['at the limit', 16 * 1024, 400],
    ['a byte over it', 16 * 1024 + 1, 413],
  ])('is bounded at 16 KiB: %s', async (_, bytes, status) => {
    const cluster = await aCluster()
    const before = await heldOf(cluster)
    const frame = JSON.stringify({ ...right, 'ack-msg': '' })
    const text = JSON.stringify({ ...right, 'ack-msg': 'x'.repeat(bytes - frame.length) })

    const response = await operate(`/clusters/${cluster}/add-ack`, {
      body: text,
      headers: { 'content-type': 'application/json', 'content-length': String(text.length) },
    })

    expect(text).toHaveLength(bytes)
    expect(response.status).toBe(status)
    expect(await heldOf(cluster)).toBe(before)
  })

  it('is bounded also when it doesn’t say how long it is', async () => {
    const cluster = await aCluster()
    const stream = new Blob(['ack-msg=', 'x'.repeat(20_000)]).stream()

    const response = await operate(`/clusters/${cluster}/add-ack?service-name=web`, {
      body: stream,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })

    expect(response.status).toBe(413)
  })

  it('that is too long tells a person so on a page', async () => {
    const cluster = await aCluster()
    const session = await signIn()

    const response = await submit(
      `/clusters/${cluster}/add-ack?service-name=web`,
      { 'ack-msg': 'x'.repeat(20_000) },
      session,
    )

    expect(response.status).toBe(413)
    expect(response.headers.get('content-type')).toContain('text/html')
  })
})

describe('who may not', () => {
  it.each([
    ['nobody', {}, 401],
    ['a wrong token', { authorization: 'Bearer wrong' }, 401],
    ['another scheme', { authorization: 'Basic bmluYTpuaW5h' }, 401],
    ['a token with the role read alone', { authorization: `Bearer ${READ_TOKEN}` }, 403],
  ])('gives no ack and takes none back: %s', async (_, headers, status) => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)
    const before = await heldOf(cluster)

    for (const [method, path] of [
      ['POST', 'add-ack?service-name=web&ack-msg=x'],
      ['POST', 'rem-ack?service-name=web'],
      ['GET', 'rem-ack?service-name=web'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await ask(`/clusters/${cluster}/${path}`, { method, headers })
      expect(response.status).toBe(status)
    }

    expect(await heldOf(cluster)).toBe(before)
  })
})

describe('where there is nothing to ack', () => {
  it.each([
    ['/clusters/nowhere/add-ack', 404, 'unknown-cluster'],
    ['/add-ack?cluster=constructor', 404, 'unknown-cluster'],
    ['/add-ack', 400, 'ambiguous-cluster'],
    ['/clusters/c59/add-ack', 503, 'no-data'],
  ])('%s is %i', async (path, status, code) => {
    const response = await operateJson(path, right)

    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining(code),
    ])
  })
})

describe('a name that is out to harm', () => {
  it.each([
    ['HTML', '<img src=x onerror=alert(1)>'],
    ['quotes', `"><'\`\\`],
    ['line breaks', 'a\r\nset-cookie: b=c\n\nd'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['253 characters', 'ü'.repeat(253)],
    ['a lone half of a pair', 'a\ud800b'.toWellFormed()],
  ])('is acked and taken back like any other: %s', async (_, name) => {
    const cluster = await aCluster(name)
    const query = `service-name=${encodeURIComponent(name)}`

    const acked = await operate(`/clusters/${cluster}/add-ack?${query}&ack-msg=${query}`)
    const gtg = await ask(`/clusters/${cluster}/__gtg`)
    const health = await askJson(`/clusters/${cluster}/__health`)
    const removed = await operate(`/clusters/${cluster}/rem-ack?${query}`)

    expect([acked.status, gtg.status, removed.status]).toEqual([200, 200, 200])
    expect(await health.json()).toMatchObject({ checks: [{ name, ack: `service-name=${name}` }] })
    expect(await acked.json()).toMatchObject({ ack: { service: name } })
  })
})
