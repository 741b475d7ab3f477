/** `/metrics` over HTTP: two formats, labels, counters over requests and evictions, what reads cost, clusters that can't be read. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest'
import { takeCounts } from '../../worker/cluster/counters.ts'
import { Cluster } from '../../worker/index.ts'
import { aCategory, aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { PUSH_SECRET } from '../support/secrets.ts'
import { ask, push, takeCluster } from './edge.ts'
import { stubOf, judgeAlone } from './object.ts'
import { askWith, BEARER, operate } from './visitors.ts'

beforeEach(judgeAlone)

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A cluster whose environment is called as it is, with one failing service of two. */
async function aCluster(): Promise<string> {
  const cluster = takeCluster()
  await pushTo(cluster, 1)
  return cluster
}

function pushTo(
  cluster: string,
  sequence: number,
  { name = 'web', environment = cluster } = {},
): Promise<Response> {
  const content = aContent({
    environment,
    services: [aService({ name, targets: [aFailingTarget()] }), aService({ name: 'api' })],
    categories: [aCategory({ name: 'read', services: ['api', 'gone'] })],
  })
  return push(aSnapshot({ cluster, sequence, observedAt: Date.now(), content }))
}

async function scrape(vars: Record<string, string> = {}, accept = '*/*'): Promise<string> {
  const response = await askWith(vars, '/metrics', { headers: { accept, ...BEARER } })
  expect(response.status).toBe(200)
  return response.text()
}

/** The lines about one cluster, without its name. */
function linesOf(text: string, cluster: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes(`{cluster="${cluster}",`))
    .map((line) => line.replace(/cluster="[^"]*",environment="[^"]*",?/, ''))
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
    await pushTo(cluster, 1, { name })

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

  /** A report comes, and with it what was counted until then is stored. */
  async function makeTraffic(cluster: string): Promise<void> {
    await pushTo(cluster, 1) // accepted
    await pushTo(cluster, 1) // stale
    await push({ cluster }) // invalid
    await push(aSnapshot({ cluster, sequence: 2 }), { secret: OTHER }) // unauthorized
    await ask(`/clusters/${cluster}/__gtg`)
    await ask(`/clusters/${cluster}/__gtg`)
    await ask(`/clusters/${cluster}/__gtg/read`)
    await ask(`/clusters/${cluster}/__gtg/typo`)
    await pushTo(cluster, 2) // accepted
  }

  const OTHER = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
  const expected = [
    'pilotlight_reports_total{result="accepted"} 2',
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

  it('are told once they are stored, and never fall after an eviction', async () => {
    const cluster = takeCluster()
    await makeTraffic(cluster)
    await ask(`/clusters/${cluster}/__gtg/typo`)
    const told = await countsOf(cluster) // brings the last answer, and must not store it

    await evictDurableObject(stubOf(cluster))
    const evicted = await countsOf(cluster)

    expect([told, evicted]).toEqual([expected, expected])
  })

  it('of a cluster whose reports are all refused are told after a minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
    const cluster = takeCluster()
    await push({ cluster })
    const before = await countsOf(cluster)

    vi.setSystemTime(Date.now() + 60_000)
    await push({ cluster })

    expect([before, await countsOf(cluster)]).toEqual([
      [],
      ['pilotlight_reports_total{result="invalid"} 1'],
    ])
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
    vi.spyOn(Cluster.prototype, 'measure').mockRejectedValue(new Error('overloaded'))
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
    await ask(`/clusters/${cluster}/__gtg`)
    await pushTo(cluster, 2)
    const counted = (text: string) =>
      linesOf(text, cluster).filter((line) => line.includes('_total{result="accepted"}'))
    const before = counted(await scrape())

    breakObject()
    const during = counted(await scrape())
    vi.restoreAllMocks()

    const line = 'pilotlight_reports_total{result="accepted"} 2'
    expect([before, during, counted(await scrape())]).toEqual([[line], [], [line]])
  })

  it('loses no count that was on its way', async () => {
    const cluster = await aCluster()
    await ask(`/clusters/${cluster}/__gtg`)

    breakObject()
    await scrape()
    vi.restoreAllMocks()
    await scrape()
    await pushTo(cluster, 2)

    expect(linesOf(await scrape(), cluster)).toContain(
      'pilotlight_gtg_answers_total{result="unhealthy"} 1',
    )
  })
})

describe('a cluster that calls itself as another does', () => {
  it('changes no line of the other', async () => {
    const cluster = await aCluster()
    const before = linesOf(await scrape(), cluster)
    const other = takeCluster()

    await pushTo(other, 1, { environment: cluster })
    const text = await scrape()

    // What an alert of the Financial Times' dashboards selects.
    const alert = `pilotlight_servicestatus{cluster="${cluster}",environment="${cluster}",service="web"} 1`
    expect(text).toContain(`\n${alert}\n`)
    expect(linesOf(text, cluster)).toEqual(before)
    const named = text.split('\n').filter((line) => line.includes(`environment="${cluster}"`))
    expect(new Set(named).size).toBe(named.length)
    expect(linesOf(text, other)).toContain('pilotlight_servicestatus{service="web"} 1')
  })
})

describe('scrapes without a token', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 })
  })

  function aWorkerOf(cluster: string): Record<string, string> {
    return { CLUSTERS: '{}', PUSH_SECRETS: JSON.stringify({ [cluster]: PUSH_SECRET }) }
  }

  it('call the object once a second, 10,000 of them in ten seconds', async () => {
    const cluster = await aCluster()
    const vars = aWorkerOf(cluster)
    const measure = vi.spyOn(Cluster.prototype, 'measure')

    for (let i = 0; i < 10_000; i++) {
      // oxlint-disable-next-line no-await-in-loop
      const response = await askWith(vars, `/metrics?i=${i}`, { method: 'HEAD' })
      if (response.status !== 200) throw new Error(`${response.status}`)
      vi.setSystemTime(Date.now() + 1)
    }

    expect(measure).toHaveBeenCalledTimes(10)
  })

  it('that come at once share one call', async () => {
    const cluster = await aCluster()
    const vars = aWorkerOf(cluster)
    const measure = vi.spyOn(Cluster.prototype, 'measure')

    const answers = await Promise.all(Array.from({ length: 100 }, () => askWith(vars, '/metrics')))
    const pages = await Promise.all(answers.map((answer) => answer.text()))

    expect([measure.mock.calls.length, new Set(pages).size]).toEqual([1, 1])
    expect(pages[0]).toContain(`pilotlight_cluster_readable{cluster="${cluster}",`)
  })

  it('through many isolates share a text for a second', async () => {
    const cluster = await aCluster()
    const how = { prefix: 'pilotlight', maxLength: 1_000_000, isKnown: false }
    const measure = () => stubOf(cluster).measure({ gtg: {}, reports: {} }, how)
    const first = await measure()
    await pushTo(cluster, 2)

    vi.setSystemTime(Date.now() + 999)
    const second = await measure()
    vi.setSystemTime(Date.now() + 1)

    expect(second).toEqual(first)
    expect(await measure()).not.toEqual(first)
  })

  it('store nothing in the object, however much there is to count', async () => {
    const cluster = takeCluster()
    await ask(`/clusters/${cluster}/__gtg`)
    const before = await storedOf(cluster)

    vi.setSystemTime(Date.now() + 120_000)
    await askWith(aWorkerOf(cluster), '/metrics')
    vi.setSystemTime(Date.now() + 1000)
    await scrape()
    const after = await storedOf(cluster)
    await ask(`/clusters/${cluster}/__gtg`)

    expect(after).toBe(before)
    expect(await storedOf(cluster)).not.toBe(before) // it is the prober's answer that is stored
  })

  it('show what a person has just done', async () => {
    const cluster = await aCluster()
    const vars = aWorkerOf(cluster)
    const acksOf = async () =>
      linesOf(await (await askWith(vars, '/metrics')).text(), cluster).filter((line) =>
        line.startsWith('pilotlight_acks'),
      )
    const before = await acksOf()

    await operate(`/clusters/${cluster}/add-ack?service-name=web&ack-msg=x`)

    expect([before, await acksOf()]).toEqual([['pilotlight_acks{} 0'], ['pilotlight_acks{} 1']])
  })
})

/** All that the object has stored. */
function storedOf(cluster: string): Promise<string> {
  return runInDurableObject(stubOf(cluster), (_: Cluster, { storage }) =>
    JSON.stringify(
      storage.sql
        .exec('SELECT key, piece, hex(value) AS value FROM state ORDER BY key, piece')
        .toArray(),
    ),
  )
}
