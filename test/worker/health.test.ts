/** `__health` in the Financial Times' shape, over HTTP (behaviour, section 5). */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { app } from '../../worker/app.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from '../support/a-report.ts'
import { READ_TOKEN } from '../support/secrets.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'

const content = aContent({
  environment: 'prod-eu',
  services: [
    aService({ name: 'web', targets: [aTarget(), aFailingTarget({ severity: 1 })] }),
    aService({ name: 'api', desired: 0, targets: [] }),
    aService({ name: 'ledger', isResilient: false, targets: [anUnreachableTarget()] }),
    aService({ name: 'newborn', targets: null }),
  ],
  categories: [aCategory({ name: 'read', services: ['api'] })],
  acks: [{ service: 'ledger', message: 'known since noon' }],
})

async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

describe('__health', () => {
  it('lists every checked service by name, with its pods and the reason', async () => {
    const cluster = await aCluster()

    const response = await askJson(`/clusters/${cluster}/__health`)

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toMatchObject({
      schemaVersion: 1,
      systemCode: 'prod-eu',
      name: 'prod-eu cluster health',
      checks: [
        { name: 'api', ok: true, severity: 2, checkOutput: '0/0 pods available' },
        {
          name: 'ledger',
          ok: false,
          severity: 1,
          ack: 'known since noon',
          _acknowledged: 'known since noon',
        },
        {
          name: 'web',
          ok: false,
          severity: 2,
          checkOutput: '1/2 pods available (web-2: database)',
        },
      ],
      ok: false,
      severity: 2,
    })
  })

  it('is narrowed down to categories, and well when they are', async () => {
    const cluster = await aCluster()

    const response = await askJson(`/clusters/${cluster}/__health?categories=read`)

    const body = await response.json<Record<string, unknown>>()
    expect(body).toMatchObject({ ok: true, checks: [{ name: 'api' }] })
    expect(body).not.toHaveProperty('severity')
  })

  it('says that there was never a report', async () => {
    const response = await askJson(`/clusters/${takeCluster()}/__health`)

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      ok: false,
      severity: 1,
      checks: [{ name: 'cluster-report', ok: false, checkOutput: 'No report was ever received.' }],
    })
  })

  it.each([
    ['?categories=typo', 400, 'unknown-category'],
    ['?cluster=other', 200, ''],
  ])('%s is %i', async (query, status, code) => {
    const cluster = await aCluster()

    const response = await askJson(`/clusters/${cluster}/__health${query}`)

    expect(response.status).toBe(status)
    expect(await response.text()).toContain(code)
  })

  it.each([
    ['/__health', 400, 'ambiguous-cluster'],
    ['/__health?cluster=nowhere', 404, 'unknown-cluster'],
  ])('%s says which clusters can be asked', async (path, status, code) => {
    const response = await askJson(path)

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })
})

/** The same app under another configuration. */
async function askWith(vars: Record<string, string>, path: string, token?: string) {
  const context = createExecutionContext()
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const request = new Request(`https://edge.example${path}`, { headers })
  const response = await app.fetch(request, { ...env, ...vars }, context)
  await waitOnExecutionContext(context)
  return response
}

describe('HEALTH_ACCESS=token', () => {
  const vars = { HEALTH_ACCESS: 'token' }

  it.each([
    ['no token', undefined, 401],
    ['a wrong token', 'wrong', 401],
    ['a token with the role read', READ_TOKEN, 200],
  ])('with %s', async (_, token, status) => {
    const cluster = await aCluster()

    const response = await askWith(vars, `/clusters/${cluster}/__health`, token)

    expect(response.status).toBe(status)
    expect((await response.text()).includes('ledger')).toBe(status === 200)
  })

  it('keeps the names of services out of __gtg, and lets anybody ask', async () => {
    const cluster = await aCluster()
    const context = createExecutionContext()
    const request = new Request(`https://edge.example/clusters/${cluster}/__gtg`, {
      headers: { accept: 'application/json' },
    })

    const response = await app.fetch(request, { ...env, ...vars }, context)

    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('web')
  })
})

describe('a wrong configuration', () => {
  it.each([
    ['/clusters/c0/__gtg', 'UNAVAILABLE\ngtg=fail reason=internal\n'],
    ['/__health', 'misconfigured'],
    ['/anything', 'misconfigured'],
  ])('is a 503 on %s, and the log says what to mend', async (path, text) => {
    const lines: string[] = []
    const original = console.error
    console.error = (line: string) => lines.push(line)

    const response = await askWith(
      { DEAD_AFTER_SECONDS: 'soon', PUSH_SECRETS: '{"c0":"s3cret"}' },
      path,
    )
    console.error = original

    expect(response.status).toBe(503)
    expect(await response.text()).toContain(text)
    expect(lines.join()).toMatch(/PUSH_SECRETS\.c0.*DEAD_AFTER_SECONDS: must be a number/)
    expect(lines.join()).not.toContain('s3cret')
  })
})

describe('a path that nothing serves', () => {
  it('is a 404 with words', async () => {
    const response = await ask('/nothing')

    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not-found' } })
  })
})
