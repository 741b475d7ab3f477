/** `/metrics` over HTTP: two formats, counters that add up over requests and evictions, and clusters that can't be read. */
import { evictDurableObject } from 'cloudflare:test'
import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest'
import { takeCounts } from '../../worker/cluster/counters.ts'
import { Cluster } from '../../worker/index.ts'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { ask, push, takeCluster } from './edge.ts'
import { stubOf, judgeAlone } from './object.ts'
import { askWith, operate } from './visitors.ts'

beforeEach(judgeAlone)

afterEach(() => {
  vi.restoreAllMocks()
})

/** A cluster whose environment is called as it is, with one failing service of two. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await pushTo(cluster, 1)
  return cluster
}

function pushTo(cluster: string, sequence: number, name = 'web'): Promise<Response> {
  const content = aContent({
    environment: cluster,
    services: [aService({ name, targets: [aFailingTarget()] }), aService({ name: 'api' })],
    categories: [aCategory({ name: 'read', services: ['api', 'gone'] })],
  })
  return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
}

async function scrape(vars: Record<string, string> = {}, accept = '*/*'): Promise<string> {
  const response = await askWith(vars, '/metrics', { headers: { accept } })
  expect(response.status).toBe(200)
  return response.text()
}

/** The lines about one cluster, without its name. */
function linesOf(text: string, cluster: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes(`environment="${cluster}"`))
    .map((line) => line.replace(`environment="${cluster}"`, '').replace('{,', '{'))
}

describe('a scrape', () => {
  it('tells of each cluster as it stands', async () => {
    const cluster = await aCluster()
    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)
    await operate(`/clusters/${cluster}/disable-category?category-name=read`)

    const lines = linesOf(await scrape(), cluster)

    expect(lines).toEqual(
      expect.arrayContaining([
        'pilotlight_pilotlight{} 1',
        'pilotlight_servicestatus{service="api"} 0',
        'pilotlight_servicestatus{service="web"} 1',
        'pilotlight_service_acked{service="web"} 1',
        'pilotlight_acks{} 1',
        'pilotlight_category_passes{category="default"} 1',
        'pilotlight_category_passes{category="read"} 0',
        'pilotlight_category_state{category="read",pilotlight_category_state="disabled"} 1',
        'pilotlight_category_missing_services{category="read"} 1',
        'pilotlight_cluster_readable{} 1',
        'pilotlight_cluster_state{pilotlight_cluster_state="fresh"} 1',
      ]),
    )
  })

  it.each([
    ['*/*', 'text/plain; version=0.0.4; charset=utf-8', false],
    [
      'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
      true,
    ],
    ['text/html', 'text/plain; version=0.0.4; charset=utf-8', false],
  ])('comes as it is asked for: %s', async (accept, type, isOpen) => {
    await aCluster()

    const response = await ask('/metrics', { headers: { accept } })

    const text = await response.text()
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'Accept',
    })
    expect(text.endsWith('# EOF\n')).toBe(isOpen)
    expect(text).toContain(`# TYPE pilotlight_reports${isOpen ? '' : '_total'} counter\n`)
  })

  it('has names that begin with METRICS_PREFIX', async () => {
    const cluster = await aCluster()

    const text = await scrape({ METRICS_PREFIX: 'upp_health' })

    expect(linesOf(text, cluster)).toContain('upp_health_servicestatus{service="web"} 1')
    expect(text.replaceAll(/^(# (HELP|TYPE) )?upp_health_/gm, '')).not.toMatch(/^pilotlight_\w+\{/m)
  })

  it('has no line that a service’s name could add', async () => {
    const cluster = takeCluster()
    const name = 'a"} 1\npilotlight_evil{x="\\'
    await pushTo(cluster, 1, name)

    const text = await scrape()

    expect(text).not.toMatch(/^pilotlight_evil/m)
    expect(linesOf(text, cluster)).toContain(
      String.raw`pilotlight_servicestatus{service="a\"} 1\npilotlight_evil{x=\"\\"} 1`,
    )
  })

  it('is 404 under a prefix, and answers HEAD', async () => {
    const head = await ask('/metrics', { method: 'HEAD' })
    const prefixed = await askWith({ PATH_PREFIX: '/edge' }, '/edge/metrics')

    expect([head.status, await head.text(), prefixed.status]).toEqual([200, '', 404])
  })
})

describe('the counters', () => {
  async function countsOf(cluster: string): Promise<string[]> {
    return linesOf(await scrape(), cluster).filter((line) => line.includes('_total{'))
  }

  async function makeTraffic(cluster: string): Promise<void> {
    await pushTo(cluster, 1) // accepted
    await pushTo(cluster, 1) // stale
    await push({ cluster }) // invalid
    await push(aSnapshot({ cluster, sequence: 2 }), { secret: OTHER }) // unauthorized
    await ask(`/clusters/${cluster}/__gtg`)
    await ask(`/clusters/${cluster}/__gtg`)
    await ask(`/clusters/${cluster}/__gtg/read`)
    await ask(`/clusters/${cluster}/__gtg/typo`)
  }

  const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
  const expected = [
    'pilotlight_reports_total{result="accepted"} 1',
    'pilotlight_reports_total{result="invalid"} 1',
    'pilotlight_reports_total{result="stale-sequence"} 1',
    'pilotlight_reports_total{result="unauthorized"} 1',
    'pilotlight_gtg_answers_total{result="degraded"} 1',
    'pilotlight_gtg_answers_total{result="unhealthy"} 2',
    'pilotlight_gtg_answers_total{result="unknown-category"} 1',
  ]

  it('add up over requests, and a scrape adds nothing', async () => {
    const cluster = takeCluster()
    await makeTraffic(cluster)

    const first = await countsOf(cluster)

    expect(first).toEqual(expected)
    expect(await countsOf(cluster)).toEqual(expected)
  })

  it('survive an eviction once a report has come', async () => {
    const cluster = takeCluster()
    await makeTraffic(cluster)
    await pushTo(cluster, 2)
    const before = await countsOf(cluster)

    await evictDurableObject(stubOf(cluster))

    expect(before[0]).toBe('pilotlight_reports_total{result="accepted"} 2')
    expect(await countsOf(cluster)).toEqual(before)
  })

  it('never fall once they were told, though no report came since', async () => {
    const cluster = takeCluster()
    await makeTraffic(cluster)
    const told = await countsOf(cluster)

    await evictDurableObject(stubOf(cluster))
    const evicted = await countsOf(cluster)
    await ask(`/clusters/${cluster}/__gtg/typo`)

    expect([told, evicted]).toEqual([expected, expected])
    expect(await countsOf(cluster)).toContain(
      'pilotlight_gtg_answers_total{result="unknown-category"} 2',
    )
  })

  it('keep nothing of clusters that nobody configured', async () => {
    await push(aSnapshot({ cluster: 'invented' }))
    await ask('/clusters/invented/__gtg')

    expect(await scrape()).not.toContain('invented')
    expect(takeCounts('invented')).toEqual({ gtg: {}, reports: {} })
  })
})

describe('a cluster that can’t be read', () => {
  function breakObject(): void {
    vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(Cluster.prototype, 'countersWith').mockRejectedValue(new Error('overloaded'))
  }

  it('is told as such, and nothing else of it', async () => {
    const cluster = await aCluster()
    breakObject()

    const lines = linesOf(await scrape(), cluster)

    expect(lines.filter((line) => !line.includes('_total{'))).toEqual([
      'pilotlight_cluster_readable{} 0',
    ])
  })

  it('has no counter that seems to start anew', async () => {
    const cluster = await aCluster()
    for (let i = 0; i < 5; i++) {
      // oxlint-disable-next-line no-await-in-loop
      await ask(`/clusters/${cluster}/__gtg`)
    }
    const line = 'pilotlight_gtg_answers_total{result="unhealthy"}'
    const before = linesOf(await scrape(), cluster)
    await ask(`/clusters/${cluster}/__gtg`)

    breakObject()
    const during = linesOf(await scrape(), cluster).filter((one) => one.startsWith(line))
    vi.restoreAllMocks()
    const after = linesOf(await scrape(), cluster)

    expect(before).toContain(`${line} 5`)
    expect(during.filter((one) => one !== `${line} 5` && one !== `${line} 6`)).toEqual([])
    expect(after).toContain(`${line} 6`)
  })
})
