/** `__pods-health` and `__pod-individual-health`, as last reported; and the coded `application/health+json` (behaviour, section 5). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Service, Target } from '../../worker/contract/report.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from '../support/a-report.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { browse, operate } from './visitors.ts'

/** Every pod was asked four seconds ago. */
const NOW = '2030-01-01T00:00:10.000Z'
const CHECKED = '2030-01-01T00:00:06.000Z'
const checkedAt = Date.parse(CHECKED)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(NOW) })
})
afterEach(() => {
  vi.useRealTimers()
})

async function aCluster(service: Partial<Service> = {}): Promise<string> {
  const cluster = takeCluster()
  const content = aContent({
    services: [aService(service), aService({ name: 'api', targets: [aTarget({ id: 'api-1' })] })],
    categories: [aCategory({ name: 'read', services: ['api'] })],
  })
  await push(aSnapshot({ cluster, observedAt: Date.now(), content }))
  return cluster
}

const targets: Target[] = [
  aTarget({ id: 'web-1', node: 'node-a', checkedAt }),
  aFailingTarget(
    { severity: 1, checkOutput: 'refused' },
    { id: 'web-2', node: 'node-b', checkedAt },
  ),
  anUnreachableTarget({ id: 'web-3', checkedAt }),
]

describe('__pods-health', () => {
  it('has a check for each pod, with where more is said', async () => {
    const cluster = await aCluster({ targets })

    const response = await askJson(`/clusters/${cluster}/__pods-health?service-name=web`)

    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const link = `https://edge.example/clusters/${cluster}/__pod-individual-health?service-name=web&pod-name=`
    expect(await response.json()).toMatchObject({
      schemaVersion: 1,
      name: 'web pods health',
      ok: false,
      severity: 2,
      checks: [
        { name: 'web-1', ok: true, severity: 2, checkOutput: 'available', lastUpdated: CHECKED },
        {
          name: 'web-2',
          ok: false,
          severity: 1,
          checkOutput: 'database',
          technicalSummary: `What the pod on node node-b said of itself: ${link}web-2`,
        },
        { name: 'web-3', ok: false, severity: 1, checkOutput: 'refused' },
      ],
    })
  })

  it('tells a daemon’s pods apart by their nodes', async () => {
    const cluster = await aCluster({ targets, isDaemon: true })
    const path = `/clusters/${cluster}/__pods-health?service-name=web`

    const json = await (await askJson(path)).json()
    const page = await (await browse(path)).text()

    expect(json).toMatchObject({
      checks: [{ name: 'web-1 (node-a)' }, { name: 'web-2 (node-b)' }, { name: 'web-3' }],
    })
    expect(page).toContain('node-a')
    expect(page).toContain('<td data-label="Node">not known</td>')
  })

  it('is a page that links each pod', async () => {
    const cluster = await aCluster({ targets })

    const response = await browse(`/clusters/${cluster}/__pods-health?service-name=web`)

    const page = await response.text()
    expect(response.headers.get('content-type')).toContain('text/html')
    for (const { id } of targets) {
      const href = `/clusters/${cluster}/__pod-individual-health?service-name=web&amp;pod-name=${id}`
      expect(page).toContain(`<a href="${href}">${id}</a>`)
    }
    expect(page).toContain('no answer')
  })

  it('is well while its service is, and says when it has no pods', async () => {
    const cluster = await aCluster({ desired: 0, targets: [] })
    const path = `/clusters/${cluster}/__pods-health?service-name=web`

    const json = await askJson(path)
    const page = await browse(path)

    expect(await json.json()).toMatchObject({ ok: true, checks: [] })
    expect(await page.text()).toContain('no pods that are known')
  })
})

describe('__pod-individual-health', () => {
  it('has the pod’s own checks as last reported', async () => {
    const cluster = await aCluster({ targets })

    const response = await askJson(`/clusters/${cluster}/__pod-individual-health?pod-name=web-2`)

    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      name: 'web-2 pod health',
      ok: false,
      severity: 1,
      checks: [{ id: 'database', ok: false, checkOutput: 'refused', lastUpdated: CHECKED }],
    })
  })

  it.each([
    ['web-1', true, 'No pod checks were reported.'],
    ['web-2', false, 'database'],
    ['web-3', false, 'refused'],
  ])('is a page, and tells how %s is', async (pod, ok, words) => {
    const cluster = await aCluster({ targets })
    const path = `/clusters/${cluster}/__pod-individual-health?pod-name=${pod}`

    const page = await (await browse(path)).text()
    const json = await (await askJson(path)).json()

    expect(page).toContain(`<h1>${pod}</h1>`)
    expect(page).toContain(words)
    expect(page).toContain('2030-01-01 00:00:06 UTC')
    expect(json).toMatchObject({ ok })
  })

  it.each([
    ['service-name=web', 200, 'refused'],
    ['service-name=web.other', 200, 'disk full'],
    ['service-name=api', 404, 'unknown-pod'],
    ['service-name=gone', 404, 'unknown-service'],
    ['service-name=', 404, 'unknown-service'],
    ['', 400, 'service-name='],
  ])('is found by its service, where namespaces share a name: %s', async (query, status, words) => {
    const cluster = takeCluster()
    const failing = (checkOutput: string) => [aFailingTarget({ checkOutput }, { id: 'db-0' })]
    const services = [
      aService({ targets: failing('refused') }),
      aService({ name: 'web.other', targets: failing('disk full') }),
      aService({ name: 'api', targets: [aTarget({ id: 'api-1' })] }),
    ]
    await push(aSnapshot({ cluster, observedAt: Date.now(), content: aContent({ services }) }))
    const path = `/clusters/${cluster}/__pod-individual-health?pod-name=db-0&${query}`

    const json = await askJson(path)
    const page = await browse(path)

    expect([json.status, page.status]).toEqual([status, status])
    expect(await json.text()).toContain(words)
    expect(await page.text()).toContain(
      words === 'unknown-pod' ? 'No pod' : words === 'unknown-service' ? 'no service' : words,
    )
  })

  it('is found by its name alone behind two Services of its namespace', async () => {
    const cluster = takeCluster()
    const services = [aService({ targets }), aService({ name: 'web-headless', targets })]
    await push(aSnapshot({ cluster, observedAt: Date.now(), content: aContent({ services }) }))

    const json = await askJson(`/clusters/${cluster}/__pod-individual-health?pod-name=web-2`)

    expect(await json.json()).toMatchObject({ name: 'web-2 pod health', ok: false })
  })

  it('is not ok when no check says why', async () => {
    const cluster = await aCluster({ targets: [aTarget({ ok: false })] })

    const response = await askJson(`/clusters/${cluster}/__pod-individual-health?pod-name=web-1`)

    expect(await response.json()).toMatchObject({ ok: false, checks: [{ name: 'answer' }] })
  })
})

describe('a question that can’t be answered', () => {
  it.each([
    ['/__pods-health?service-name=nobody', 404, 'unknown-service'],
    ['/__pods-health?service-name=constructor', 404, 'unknown-service'],
    ['/__pods-health', 400, 'service-name'],
    ['/__pods-health?service-name=', 400, 'service-name'],
    ['/__pods-health?pod-name=web-1', 400, 'service-name'],
    ['/__pod-individual-health?pod-name=nobody', 404, 'unknown-pod'],
    ['/__pod-individual-health?pod-name=__proto__', 404, 'unknown-pod'],
    ['/__pod-individual-health', 400, 'pod-name'],
    ['/__pod-individual-health?service-name=web', 400, 'pod-name'],
    ['/add-ack-form?service-name=nobody', 404, 'unknown-service'],
    ['/add-ack-form', 400, 'service-name'],
  ])('%s is %i, in JSON and on a page', async (path, status, words) => {
    const cluster = await aCluster()

    const script = await askJson(`/clusters/${cluster}${path}`)
    const person = await browse(`/clusters/${cluster}${path}`)

    expect([script.status, person.status]).toEqual([status, status])
    expect(await script.text()).toContain(words)
    expect(person.headers.get('content-type')).toContain('text/html')
  })
})

describe('application/health+json', () => {
  async function askCoded(cluster: string, query = ''): Promise<[number, unknown]> {
    const response = await ask(`/clusters/${cluster}/__health${query}`, {
      headers: { accept: 'application/health+json' },
    })
    expect(response.headers.get('content-type')).toContain('application/health+json')
    return [response.status, (await response.json<{ status: string }>()).status]
  }

  it('codes its status as the cluster is', async () => {
    const cluster = await aCluster({ targets: [aFailingTarget()] })
    const failing = await askCoded(cluster)
    const narrowed = await askCoded(cluster, '?categories=read')
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)
    const acked = await askCoded(cluster)
    await push(aBlind({ cluster, sequence: 2, observedAt: Date.now() }))
    const held = await askCoded(cluster, '?categories=read')
    vi.setSystemTime(Date.now() + 16 * 60_000)

    expect([failing, narrowed, acked, held]).toEqual([
      [503, 'fail'],
      [200, 'pass'],
      [200, 'warn'],
      [200, 'warn'],
    ])
    expect(await askCoded(cluster)).toEqual([503, 'fail'])
    expect(await askCoded(takeCluster())).toEqual([503, 'fail'])
  })
})
