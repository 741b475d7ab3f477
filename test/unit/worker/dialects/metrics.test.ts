/** `/metrics` line by line: what each metric says, when it is absent, and that no name from outside breaks the page. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isOpenMetricsAsked,
  SAMPLES_MAX,
  writeCluster,
  writePage,
} from '../../../../worker/dialects/metrics.ts'
import type { ClusterMetrics } from '../../../../worker/dialects/metrics-families.ts'
import type { ClusterStatus } from '../../../../worker/domain/status.ts'
import {
  aCategoryStatus,
  aClusterStatus,
  aFailingServiceStatus,
  anAckStatus,
  aNodeCheckStatus,
  aNodesStatus,
  aNodeStatus,
  aServiceStatus,
} from '../../../support/a-status.ts'
import { T0 } from '../../../support/apply.ts'

const TEXT = { prefix: 'pilotlight', isOpenMetrics: false }
const OPEN = { prefix: 'pilotlight', isOpenMetrics: true }

/** The whole page of clusters that have room enough. */
function writeMetrics(clusters: ClusterMetrics[], format: typeof TEXT): string {
  const { prefix } = format
  const texts = clusters.map((one) => writeCluster(one, { prefix, maxLength: 1_000_000 }))
  return [...writePage(texts, format)].join('')
}

function aCluster(given: Partial<ClusterMetrics> = {}): ClusterMetrics {
  return { cluster: 'demo', status: aClusterStatus(), counters: { gtg: {}, reports: {} }, ...given }
}

/** The samples of some metrics, of one cluster. */
function samplesOf(status: Partial<ClusterStatus> | null, names: RegExp): string[] {
  const cluster = aCluster({ status: status === null ? null : aClusterStatus(status) })
  return writeMetrics([cluster], TEXT)
    .split('\n')
    .filter((line) => names.test(line) && !line.startsWith('#'))
}

const SHOP = aCluster({
  cluster: 'shop-eu',
  status: aClusterStatus({
    environment: 'shop',
    freshAtMs: T0 + 250,
    services: [
      aServiceStatus(),
      aFailingServiceStatus({ name: 'bank', ack: anAckStatus() }),
      aServiceStatus({ name: 'new', ok: null }),
    ],
    categories: [
      aCategoryStatus({ acked: ['bank'] }),
      aCategoryStatus({ name: 'buy', passes: false, reason: 'disabled', missing: ['cart'] }),
    ],
  }),
  counters: {
    gtg: { unhealthy: 2, healthy: 40 },
    reports: { accepted: 7, 'stale-sequence': 1 },
  },
})

describe('a small cluster', () => {
  it('reads like this in the text format 0.0.4', () => {
    expect(writeMetrics([SHOP], TEXT)).toMatchInlineSnapshot(`
      "# HELP pilotlight_pilotlight Burns (1) while the environment is known and not dead; else it is out, which is to say absent.
      # TYPE pilotlight_pilotlight gauge
      pilotlight_pilotlight{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_servicestatus Health of a service: 0 ok, 1 not, whether acked or not.
      # TYPE pilotlight_servicestatus gauge
      pilotlight_servicestatus{cluster="shop-eu",environment="shop",service="bank"} 1
      pilotlight_servicestatus{cluster="shop-eu",environment="shop",service="web"} 0
      # HELP pilotlight_service_acked There (1) for a service that is acked, whether it fails or not.
      # TYPE pilotlight_service_acked gauge
      pilotlight_service_acked{cluster="shop-eu",environment="shop",service="bank"} 1
      # HELP pilotlight_acks Services that are acked.
      # TYPE pilotlight_acks gauge
      pilotlight_acks{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_category_passes Whether a category passes: 1 yes, 0 no.
      # TYPE pilotlight_category_passes gauge
      pilotlight_category_passes{cluster="shop-eu",environment="shop",category="buy"} 0
      pilotlight_category_passes{cluster="shop-eu",environment="shop",category="default"} 1
      # HELP pilotlight_category_state Why a category passes or fails: 1 at the state that it is in.
      # TYPE pilotlight_category_state gauge
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="disabled"} 1
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="empty"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="healthy"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="unhealthy"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="disabled"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="empty"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="healthy"} 1
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="unhealthy"} 0
      # HELP pilotlight_category_missing_services Services that a category names and the cluster does not have.
      # TYPE pilotlight_category_missing_services gauge
      pilotlight_category_missing_services{cluster="shop-eu",environment="shop",category="buy"} 1
      pilotlight_category_missing_services{cluster="shop-eu",environment="shop",category="default"} 0
      # HELP pilotlight_category_incomplete Whether the exporter left out something that a category holds: 1 yes, 0 no.
      # TYPE pilotlight_category_incomplete gauge
      pilotlight_category_incomplete{cluster="shop-eu",environment="shop",category="buy"} 0
      pilotlight_category_incomplete{cluster="shop-eu",environment="shop",category="default"} 0
      # HELP pilotlight_cluster_state How fresh the verdict is: 1 at the state that the cluster is in.
      # TYPE pilotlight_cluster_state gauge
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="dead"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="fresh"} 1
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="held"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="late"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="no-data"} 0
      # HELP pilotlight_cluster_readable Whether the state of the cluster could be read for this scrape: 1 yes, 0 no.
      # TYPE pilotlight_cluster_readable gauge
      pilotlight_cluster_readable{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_last_report_timestamp_seconds When the verdict was last fresh, in seconds since 1970.
      # TYPE pilotlight_last_report_timestamp_seconds gauge
      pilotlight_last_report_timestamp_seconds{cluster="shop-eu",environment="shop"} 1700000000.25
      # HELP pilotlight_reports_total Reports that came in, by what became of them: accepted, or the code of the refusal.
      # TYPE pilotlight_reports_total counter
      pilotlight_reports_total{cluster="shop-eu",environment="shop",result="accepted"} 7
      pilotlight_reports_total{cluster="shop-eu",environment="shop",result="stale-sequence"} 1
      # HELP pilotlight_gtg_answers_total Answers of __gtg, by reason.
      # TYPE pilotlight_gtg_answers_total counter
      pilotlight_gtg_answers_total{cluster="shop-eu",environment="shop",result="healthy"} 40
      pilotlight_gtg_answers_total{cluster="shop-eu",environment="shop",result="unhealthy"} 2
      "
    `)
  })

  it('reads like this in OpenMetrics 1.0.0', () => {
    expect(writeMetrics([SHOP], OPEN)).toMatchInlineSnapshot(`
      "# HELP pilotlight_pilotlight Burns (1) while the environment is known and not dead; else it is out, which is to say absent.
      # TYPE pilotlight_pilotlight gauge
      pilotlight_pilotlight{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_servicestatus Health of a service: 0 ok, 1 not, whether acked or not.
      # TYPE pilotlight_servicestatus gauge
      pilotlight_servicestatus{cluster="shop-eu",environment="shop",service="bank"} 1
      pilotlight_servicestatus{cluster="shop-eu",environment="shop",service="web"} 0
      # HELP pilotlight_service_acked There (1) for a service that is acked, whether it fails or not.
      # TYPE pilotlight_service_acked gauge
      pilotlight_service_acked{cluster="shop-eu",environment="shop",service="bank"} 1
      # HELP pilotlight_acks Services that are acked.
      # TYPE pilotlight_acks gauge
      pilotlight_acks{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_category_passes Whether a category passes: 1 yes, 0 no.
      # TYPE pilotlight_category_passes gauge
      pilotlight_category_passes{cluster="shop-eu",environment="shop",category="buy"} 0
      pilotlight_category_passes{cluster="shop-eu",environment="shop",category="default"} 1
      # HELP pilotlight_category_state Why a category passes or fails: 1 at the state that it is in.
      # TYPE pilotlight_category_state stateset
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="disabled"} 1
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="empty"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="healthy"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="buy",pilotlight_category_state="unhealthy"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="disabled"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="empty"} 0
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="healthy"} 1
      pilotlight_category_state{cluster="shop-eu",environment="shop",category="default",pilotlight_category_state="unhealthy"} 0
      # HELP pilotlight_category_missing_services Services that a category names and the cluster does not have.
      # TYPE pilotlight_category_missing_services gauge
      pilotlight_category_missing_services{cluster="shop-eu",environment="shop",category="buy"} 1
      pilotlight_category_missing_services{cluster="shop-eu",environment="shop",category="default"} 0
      # HELP pilotlight_category_incomplete Whether the exporter left out something that a category holds: 1 yes, 0 no.
      # TYPE pilotlight_category_incomplete gauge
      pilotlight_category_incomplete{cluster="shop-eu",environment="shop",category="buy"} 0
      pilotlight_category_incomplete{cluster="shop-eu",environment="shop",category="default"} 0
      # HELP pilotlight_cluster_state How fresh the verdict is: 1 at the state that the cluster is in.
      # TYPE pilotlight_cluster_state stateset
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="dead"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="fresh"} 1
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="held"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="late"} 0
      pilotlight_cluster_state{cluster="shop-eu",environment="shop",pilotlight_cluster_state="no-data"} 0
      # HELP pilotlight_cluster_readable Whether the state of the cluster could be read for this scrape: 1 yes, 0 no.
      # TYPE pilotlight_cluster_readable gauge
      pilotlight_cluster_readable{cluster="shop-eu",environment="shop"} 1
      # HELP pilotlight_last_report_timestamp_seconds When the verdict was last fresh, in seconds since 1970.
      # TYPE pilotlight_last_report_timestamp_seconds gauge
      # UNIT pilotlight_last_report_timestamp_seconds seconds
      pilotlight_last_report_timestamp_seconds{cluster="shop-eu",environment="shop"} 1700000000.25
      # HELP pilotlight_reports Reports that came in, by what became of them: accepted, or the code of the refusal.
      # TYPE pilotlight_reports counter
      pilotlight_reports_total{cluster="shop-eu",environment="shop",result="accepted"} 7
      pilotlight_reports_total{cluster="shop-eu",environment="shop",result="stale-sequence"} 1
      # HELP pilotlight_gtg_answers Answers of __gtg, by reason.
      # TYPE pilotlight_gtg_answers counter
      pilotlight_gtg_answers_total{cluster="shop-eu",environment="shop",result="healthy"} 40
      pilotlight_gtg_answers_total{cluster="shop-eu",environment="shop",result="unhealthy"} 2
      # EOF
      "
    `)
  })

  it('has other names and the same values with another prefix', () => {
    const page = writeMetrics([SHOP], { ...TEXT, prefix: 'upp_health' })

    expect(page.replaceAll('upp_health_', 'pilotlight_')).toBe(writeMetrics([SHOP], TEXT))
    expect(page).toContain(
      '\nupp_health_servicestatus{cluster="shop-eu",environment="shop",service="bank"} 1\n',
    )
  })
})

describe('a service', () => {
  it.each([
    [
      'ok',
      aServiceStatus(),
      ['pilotlight_servicestatus{cluster="demo",environment="demo",service="web"} 0'],
    ],
    [
      'failing',
      aFailingServiceStatus({ name: 'web' }),
      ['pilotlight_servicestatus{cluster="demo",environment="demo",service="web"} 1'],
    ],
    [
      'failing and acked',
      aFailingServiceStatus({ name: 'web', ack: anAckStatus() }),
      [
        'pilotlight_servicestatus{cluster="demo",environment="demo",service="web"} 1',
        'pilotlight_service_acked{cluster="demo",environment="demo",service="web"} 1',
      ],
    ],
    [
      'well and acked',
      aServiceStatus({ ack: anAckStatus({ given: null }) }),
      [
        'pilotlight_servicestatus{cluster="demo",environment="demo",service="web"} 0',
        'pilotlight_service_acked{cluster="demo",environment="demo",service="web"} 1',
      ],
    ],
    ['not checked yet', aServiceStatus({ ok: null }), []],
  ])('has exactly these samples: %s', (_what, service, expected) => {
    expect(samplesOf({ services: [service] }, /_service(status|_acked)/)).toEqual(expected)
  })

  it('counts as it was named last when named twice', () => {
    const services = [aServiceStatus(), aFailingServiceStatus({ name: 'web' })]

    expect(samplesOf({ services }, /servicestatus/)).toEqual([
      'pilotlight_servicestatus{cluster="demo",environment="demo",service="web"} 1',
    ])
  })
})

describe('a category', () => {
  it.each(['healthy', 'unhealthy', 'disabled', 'empty'] as const)(
    'is in exactly one state: %s',
    (reason) => {
      const categories = [aCategoryStatus({ reason })]

      const lines = samplesOf({ categories }, /category_state/)

      expect(lines).toHaveLength(4)
      expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
        `pilotlight_category_state{cluster="demo",environment="demo",category="default",pilotlight_category_state="${reason}"} 1`,
      ])
    },
  )

  it.each([
    ['none', [], 0],
    ['two', ['a', 'b'], 2],
  ])('counts the services that it misses: %s', (_what, missing, count) => {
    expect(samplesOf({ categories: [aCategoryStatus({ missing })] }, /missing/)).toEqual([
      `pilotlight_category_missing_services{cluster="demo",environment="demo",category="default"} ${count}`,
    ])
  })
})

describe('a node', () => {
  it('passes or not, answers or not, takes pods or not', () => {
    const nodes = aNodesStatus([
      aNodeStatus({ name: 'a' }),
      aNodeStatus({ name: 'b', passes: false, answered: false, isSchedulable: false }),
    ])

    expect(samplesOf({ nodes }, /node_(passes|answered|schedulable)/)).toEqual([
      'pilotlight_node_passes{cluster="demo",environment="demo",node="a"} 1',
      'pilotlight_node_passes{cluster="demo",environment="demo",node="b"} 0',
      'pilotlight_node_answered{cluster="demo",environment="demo",node="a"} 1',
      'pilotlight_node_answered{cluster="demo",environment="demo",node="b"} 0',
      'pilotlight_node_schedulable{cluster="demo",environment="demo",node="a"} 1',
      'pilotlight_node_schedulable{cluster="demo",environment="demo",node="b"} 0',
    ])
  })

  it('tells each check that fails', () => {
    const checks = [
      aNodeCheckStatus({ name: 'clock', passed: false }),
      aNodeCheckStatus({ name: 'kubelet', passed: null }),
      aNodeCheckStatus(),
    ]

    expect(
      samplesOf({ nodes: aNodesStatus([aNodeStatus({ checks })]) }, /node_check_failing/),
    ).toEqual([
      'pilotlight_node_check_failing{cluster="demo",environment="demo",node="node-1",check="clock"} 1',
    ])
  })
})

describe('what is left of a cluster', () => {
  const names = (status: Partial<ClusterStatus> | null) => [
    ...new Set(samplesOf(status, /./).map((line) => line.replace(/^pilotlight_|\{.*$/g, ''))),
  ]
  const nodes = aNodesStatus([aNodeStatus()])
  const all = [
    'pilotlight',
    'servicestatus',
    'acks',
    'category_passes',
    'category_state',
    'category_missing_services',
    'category_incomplete',
    'node_passes',
    'node_answered',
    'node_schedulable',
    'cluster_state',
    'cluster_readable',
    'last_report_timestamp_seconds',
  ]
  const standing = ['cluster_state', 'cluster_readable', 'last_report_timestamp_seconds']

  it.each([
    ['fresh', { freshness: 'fresh' }, all],
    ['late', { freshness: 'late' }, all],
    ['held', { freshness: 'held' }, all],
    ['dead', { freshness: 'dead' }, standing],
    ['no data', { freshness: 'no-data', freshAtMs: null }, ['cluster_state', 'cluster_readable']],
    ['unreadable', null, ['cluster_readable']],
  ] as const)('is this when it is %s', (_what, status, expected) => {
    expect(names(status && { nodes, ...status })).toEqual(expected)
  })

  it.each(['no-data', 'fresh', 'late', 'held', 'dead'] as const)(
    'is in exactly one state: %s',
    (freshness) => {
      const lines = samplesOf({ freshness }, /cluster_state/)

      expect(lines).toHaveLength(5)
      expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
        `pilotlight_cluster_state{cluster="demo",environment="demo",pilotlight_cluster_state="${freshness}"} 1`,
      ])
    },
  )

  it('goes on being counted while its object is unreadable', () => {
    const counters = { gtg: { internal: 3 }, reports: { unavailable: 2 } }

    const page = writeMetrics([aCluster({ status: null, counters })], TEXT)

    expect(page).toContain('\npilotlight_cluster_readable{cluster="demo",environment="demo"} 0\n')
    expect(page).toContain(
      '\npilotlight_gtg_answers_total{cluster="demo",environment="demo",result="internal"} 3\n',
    )
    expect(page).toContain(
      '\npilotlight_reports_total{cluster="demo",environment="demo",result="unavailable"} 2\n',
    )
  })
})

describe('every sample', () => {
  function named(cluster: string, environment: string, status: Partial<ClusterStatus> = {}) {
    return aCluster({ cluster, status: aClusterStatus({ cluster, environment, ...status }) })
  }
  function labelsOf(given: ClusterMetrics[]): string[] {
    const page = writeMetrics(given, TEXT)
    return [...page.matchAll(/^pilotlight_cluster_readable\{(.*)\}/gm)].map(
      ([, labels]) => labels ?? '',
    )
  }

  it.each([
    ['another name', named('a', 'shop'), 'cluster="a",environment="shop"'],
    ['an empty name', named('a', ''), 'cluster="a",environment="a"'],
    ['the id of another', named('a', 'b'), 'cluster="a",environment="b"'],
    [
      'a name like labels',
      named('a', 'x",cluster="b'),
      String.raw`cluster="a",environment="x\",cluster=\"b"`,
    ],
    ['half a pair', named('a', 'x\uD800'), 'cluster="a",environment="x\uFFFD"'],
    ['no data', named('a', 'a', { freshness: 'no-data' }), 'cluster="a",environment="a"'],
    ['no state', aCluster({ cluster: 'a', status: null }), 'cluster="a",environment="a"'],
  ])('names its cluster, also one with %s', (_what, given, expected) => {
    expect(labelsOf([given])).toEqual([expected])
  })

  it('is the same whatever another cluster calls itself', () => {
    const own = { ...SHOP, cluster: 'a' }
    const alone = writeMetrics([own], TEXT).split('\n')
    for (const environment of ['shop', 'a', 'shop/a', 'x",cluster="a']) {
      const page = writeMetrics([own, named('b', environment)], TEXT).split('\n')

      expect(page.filter((line) => alone.includes(line))).toEqual(alone)
      const added = page.filter((line) => !alone.includes(line))
      expect(added.filter((line) => !line.includes('{cluster="b",'))).toEqual([])
    }
  })
})

describe('a cluster that has more than the page may hold', () => {
  const cutOf = (page: string) =>
    page.split('\n').filter((line) => line.startsWith('pilotlight_metrics_lines_cut'))
  const nodes = (count: number, perNode: number) => {
    const checks = Array.from({ length: perNode }, (_, i) =>
      aNodeCheckStatus({ name: `check-${i}`, passed: false }),
    )
    const all = Array.from({ length: count }, (_, i) => aNodeStatus({ name: `node-${i}`, checks }))
    return aNodesStatus(all)
  }
  const write = (status: Partial<ClusterStatus>, maxLength: number) => {
    const text = writeCluster(aCluster({ status: aClusterStatus(status) }), {
      prefix: 'pilotlight',
      maxLength,
    })
    return [...writePage([text], TEXT)].join('')
  }

  it.each([
    ['as many as it may', 25, []],
    [
      'more',
      26,
      [
        'pilotlight_metrics_lines_cut{cluster="demo",environment="demo",metric="pilotlight_node_check_failing"} 200',
      ],
    ],
  ])('tells how many lines of a metric are left out: %s', (_what, perNode, expected) => {
    expect(cutOf(write({ nodes: nodes(SAMPLES_MAX / 25, perNode) }, 4_000_000))).toEqual(expected)
  })

  it('keeps all small metrics, and whole lines of the large ones', () => {
    const page = write({ nodes: nodes(100, 30) }, 50_000)

    const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const told = lines.filter((line) => !line.includes('metrics_lines_cut'))
    expect(told.join('\n').length).toBeLessThanOrEqual(50_000)
    expect(lines.filter((line) => line.startsWith('pilotlight_cluster_state'))).toHaveLength(5)
    expect(lines.filter((line) => line.startsWith('pilotlight_node_passes'))).toHaveLength(100)
    const failing = lines.filter((line) => line.startsWith('pilotlight_node_check_failing'))
    expect(failing.length).toBeGreaterThan(100)
    expect(failing.filter((line) => !line.endsWith('} 1'))).toEqual([])
    expect(cutOf(page)).toEqual([
      `pilotlight_metrics_lines_cut{cluster="demo",environment="demo",metric="pilotlight_node_check_failing"} ${3000 - failing.length}`,
    ])
  })

  it.each([0, 1, 1000, 100_000])('is bounded to %i characters of any text', (maxLength) => {
    const name = '"\\\n'.repeat(80)
    const services = Array.from({ length: 300 }, (_, i) => aServiceStatus({ name: `${name}${i}` }))
    const text = writeCluster(
      aCluster({ status: aClusterStatus({ environment: name, services }) }),
      { prefix: 'pilotlight', maxLength },
    )

    const { metrics_lines_cut: told = '', ...rest } = text
    expect(Object.values(rest).join('').length).toBeLessThanOrEqual(maxLength)
    expect(told).toContain('metric="pilotlight_servicestatus"')
  })
})

describe('a name from outside', () => {
  it.each([
    ['quotes', 'say "hi"', String.raw`say \"hi\"`],
    ['a backslash', String.raw`C:\new`, String.raw`C:\\new`],
    ['a backslash at its end', 'web\\', String.raw`web\\`],
    ['a line break', 'web\n# EOF', String.raw`web\n# EOF`],
    ['what looks escaped', String.raw`\n\"`, String.raw`\\n\\\"`],
    ['HTML', '<b>&amp;</b>', '<b>&amp;</b>'],
    ['braces and commas', 'a="b",c{}', String.raw`a=\"b\",c{}`],
    ['other scripts', 'пекарня 🥐', 'пекарня 🥐'],
    ['half a pair', 'a\uD83E', 'a\uFFFD'],
  ])('is escaped where it holds %s', (_what, name, expected) => {
    expect(samplesOf({ services: [aServiceStatus({ name })] }, /servicestatus/)).toEqual([
      `pilotlight_servicestatus{cluster="demo",environment="demo",service="${expected}"} 0`,
    ])
  })

  const name = fc.oneof(
    fc.constantFrom('web', 'a', 'a/b', '__proto__', 'constructor', '', '"', '\\', '\n', '#'),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc
      .array(fc.constantFrom('\uD800', '\uDFFF', '\0', '\r', '"', '\\', '\n', '}', ' '), {
        maxLength: 4,
      })
      .map((parts) => parts.join('')),
  )
  const status = fc.option(
    fc
      .record({
        environment: name,
        freshness: fc.constantFrom('no-data', 'fresh', 'late', 'held', 'dead'),
        freshAtMs: fc.option(fc.nat(2_000_000_000_000)),
        services: fc.array(
          fc
            .record({
              name,
              ok: fc.constantFrom(true, false, null),
              ack: fc.option(fc.constant(anAckStatus())),
            })
            .map(aServiceStatus),
          { maxLength: 4 },
        ),
        categories: fc.array(fc.record({ name }).map(aCategoryStatus), { maxLength: 3 }),
      })
      .map(aClusterStatus),
  )
  const counts = fc.dictionary(name, fc.nat(), { maxKeys: 3 })
  const clusters = fc.uniqueArray(
    fc.record({
      cluster: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      status,
      counters: fc.record({ gtg: counts, reports: counts }),
    }),
    { selector: ({ cluster }) => cluster },
  )

  const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"`
  const sample = new RegExp(String.raw`^(([a-z_]+)\{${label}(?:,${label})*\}) \d+(?:\.\d+)?$`, 'u')
  const comment = /^# (HELP|TYPE|UNIT) ([a-z_]+) [^"\\]+$|^# EOF$/

  it.each([
    ['the text format', TEXT],
    ['OpenMetrics', OPEN],
  ])('never breaks a line nor repeats a sample: %s', (_what, format) => {
    fc.assert(
      fc.property(clusters, (given) => {
        const lines = onTheWire(writeMetrics(given, format)).split('\n')

        expect(lines.pop()).toBe('')
        expect(lines.filter((line) => !sample.test(line) && !comment.test(line))).toEqual([])
        const samples = lines.flatMap((line) => sample.exec(line)?.[1] ?? [])
        expect(new Set(samples).size).toBe(samples.length)
      }),
    )
  })

  it('never splits a metric, nor describes one twice', () => {
    fc.assert(
      fc.property(clusters, (given) => {
        const lines = writeMetrics(given, OPEN).split('\n')

        const names = lines.flatMap((line) => {
          const called = sample.exec(line)?.[2] ?? comment.exec(line)?.[2] ?? []
          return typeof called === 'string' ? [called.replace(/_total$/, '')] : []
        })
        const runs = names.filter((called, i) => called !== names[i - 1])
        expect(new Set(runs).size).toBe(runs.length)
        const described = lines.filter((line) => /^# [HTU]/.test(line))
        expect(new Set(described).size).toBe(described.length)
      }),
    )
  })

  function onTheWire(page: string): string {
    return new TextDecoder().decode(new TextEncoder().encode(page))
  }
})

describe('no cluster at all', () => {
  it.each([
    ['text', TEXT, ''],
    ['OpenMetrics', OPEN, '# EOF\n'],
  ])('is a valid page: %s', (_what, format, expected) => {
    expect(writeMetrics([], format)).toBe(expected)
  })
})

describe('the Accept header', () => {
  const om = 'application/openmetrics-text'
  const table: [string, string | undefined, boolean][] = [
    ['none', undefined, false],
    ['empty', '', false],
    ['anything', '*/*', false],
    ['a browser', 'text/html,application/xhtml+xml,*/*;q=0.8', false],
    ['OpenMetrics alone', om, true],
    ['OpenMetrics 1.0.0', `${om}; version=1.0.0`, true],
    ['OpenMetrics 1.0.0 in capitals', `Application/OpenMetrics-Text; version="1.0.0"`, true],
    ['only an older draft of it', `${om};version=0.0.1`, false],
    ['only a later one', `${om};version=2.0.0`, false],
    ['refused by weight', `${om};version=1.0.0;q=0`, false],
    ['both alike', `text/plain,${om};version=1.0.0`, true],
    ['text liked better', `${om};version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.5`, false],
    [
      'Prometheus 2',
      `${om};version=1.0.0,${om};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      true,
    ],
    [
      'Prometheus 3',
      `${om};version=1.0.0;escaping=allow-utf-8;q=0.5,${om};version=0.0.1;q=0.4,` +
        'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
      true,
    ],
    [
      'Prometheus 3, told to scrape text',
      `text/plain;version=0.0.4;q=0.5,${om};version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.1`,
      false,
    ],
    ['malformed', ';;,=;q=,', false],
  ]

  it.each(table)('chooses the format: %s', (_what, accept, expected) => {
    expect(isOpenMetricsAsked(accept)).toBe(expected)
  })
})
