/** What the schema of the wire accepts and what it refuses: each limit with its edge on both sides. */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { findExcess, findLongList } from '../../../../worker/contract/counts.ts'
import {
  contentSchema,
  reportSchema,
  type WireContent,
} from '../../../../worker/contract/report.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
  aTarget,
} from '../../../support/a-report.ts'

const DAY_SECONDS = 86_400

function isAccepted(report: unknown): boolean {
  return v.safeParse(reportSchema, report).success
}

/** A snapshot with any content at all: what a stranger might send. */
function withContent(content: { [K in keyof WireContent]?: unknown }) {
  return { ...aSnapshot(), content: { ...aContent(), ...content } }
}

function withService(service: Record<string, unknown>) {
  return withContent({ services: [{ ...aService(), ...service }] })
}

function withTarget(target: Record<string, unknown>) {
  return withService({ targets: [{ ...aTarget(), ...target }] })
}

function withCategory(category: Record<string, unknown>) {
  return withContent({ categories: [{ ...aCategory(), ...category }] })
}

function withExporter(exporter: Record<string, unknown>) {
  return { ...aHeartbeat(), exporter: { ...aHeartbeat().exporter, ...exporter } }
}

describe('a kind of report', () => {
  const table: [string, unknown, boolean][] = [
    ['a snapshot', aSnapshot(), true],
    ['a heartbeat', aHeartbeat(), true],
    ['a blind report', aBlind(), true],
    ['a kind that nobody knows', { ...aHeartbeat(), kind: 'gossip' }, false],
    ['no kind at all', { ...aHeartbeat(), kind: undefined }, false],
    ['a snapshot without content', { ...aHeartbeat(), kind: 'snapshot' }, false],
    ['a heartbeat with content', { ...aSnapshot(), kind: 'heartbeat' }, true],
    ['a list of reports', [aSnapshot()], false],
    ['null', null, false],
  ]

  it.each(table)('takes or refuses by its kind: %s', (_what, report, expected) => {
    expect(isAccepted(report)).toBe(expected)
  })

  it('forgets the content that a heartbeat brings', () => {
    const report = v.parse(reportSchema, { ...aSnapshot(), kind: 'heartbeat' })

    expect(report).toEqual(aHeartbeat())
  })

  it.each([
    'cluster',
    'epoch',
    'sequence',
    'observedAt',
    'intervalSeconds',
    'digest',
    'streaks',
    'exporter',
  ])('is refused without its %s', (key) => {
    const reports = [aSnapshot(), aHeartbeat(), aBlind()]

    const accepted = reports.map((report) => isAccepted({ ...report, [key]: undefined }))

    expect(accepted).toEqual([false, false, false])
  })
})

describe("a cluster's id", () => {
  const table: [string, unknown, boolean][] = [
    ['one letter', 'a', true],
    ['digits alone', '42', true],
    ['letters, digits and hyphens', 'eu-west-1', true],
    ['63 characters', 'a'.repeat(63), true],
    ['64 characters', 'a'.repeat(64), false],
    ['nothing', '', false],
    ['a capital', 'Demo', false],
    ['a dot', 'a.b', false],
    ['an underscore', 'a_b', false],
    ['a slash', 'a/b', false],
    ['a hyphen first', '-a', false],
    ['a hyphen last', 'a-', false],
    ['a newline last', 'a\n', false],
    ['a letter outside ASCII', 'zürich', false],
    ['a number', 7, false],
  ]

  it.each(table)('is a DNS-1123 label: %s', (_what, cluster, expected) => {
    expect(isAccepted({ ...aHeartbeat(), cluster })).toBe(expected)
  })
})

describe('the end of what can be counted', () => {
  it.each([
    ['epoch', 2 ** 31 - 1],
    ['observedAt', 8_640_000_000_000_000],
    ['sequence', Number.MAX_SAFE_INTEGER],
  ])('stands where its use ends: %s', (key, largest) => {
    expect(isAccepted({ ...aHeartbeat(), [key]: largest })).toBe(true)
    expect(isAccepted({ ...aHeartbeat(), [key]: largest + 1 })).toBe(false)
  })
})

describe('a counter', () => {
  const values: [string, unknown, boolean][] = [
    ['zero', 0, true],
    ['a large one', 2 ** 31 - 1, true],
    ['one past the largest safe integer', Number.MAX_SAFE_INTEGER + 1, false],
    ['below zero', -1, false],
    ['a fraction', 1.5, false],
    ['a number in a string', '1', false],
    ['null', null, false],
    ['not a number', Number.NaN, false],
  ]
  const table = ['epoch', 'sequence', 'observedAt'].flatMap((key) =>
    values.map(([what, value, expected]) => ({ key, what, value, expected })),
  )

  it.each(table)('is an integer from 0: $key, $what', ({ key, value, expected }) => {
    expect(isAccepted({ ...aHeartbeat(), [key]: value })).toBe(expected)
  })

  it.each([
    ['a streak of one', 1, true],
    ['a streak of none', 0, false],
  ])('of failed checks starts at 1: %s', (_what, streak, expected) => {
    expect(isAccepted(aHeartbeat({ streaks: { web: streak } }))).toBe(expected)
  })

  it.each(['web', 'web.other', 'toString', 'constructor'])(
    'of failed checks is kept for a service called %s',
    (name) => {
      const report = v.parse(reportSchema, aHeartbeat({ streaks: { [name]: 3 } }))

      expect(Object.entries(report.streaks)).toEqual([[name, 3]])
    },
  )

  it.each([
    ['a threshold of one', 1, true],
    ['a threshold of none', 0, false],
  ])('of failures that trip starts at 1: %s', (_what, failureThreshold, expected) => {
    expect(isAccepted(withCategory({ failureThreshold }))).toBe(expected)
  })
})

describe('a time in seconds', () => {
  const values: [string, unknown, boolean][] = [
    ['the least above zero', Number.MIN_VALUE, true],
    ['zero', 0, false],
    ['below zero', -10, false],
    ['half a second', 0.5, true],
    ['a day', DAY_SECONDS, true],
    ['a second more than a day', DAY_SECONDS + 1, false],
    ['for ever', Number.POSITIVE_INFINITY, false],
    ['a number in a string', '10', false],
  ]

  it.each(values)('is above 0 and a day at most, as interval: %s', (_what, value, expected) => {
    expect(isAccepted({ ...aHeartbeat(), intervalSeconds: value })).toBe(expected)
  })

  it.each(values)('is above 0 and a day at most, as refresh: %s', (_what, value, expected) => {
    expect(isAccepted(withCategory({ refreshSeconds: value }))).toBe(expected)
  })
})

describe('a text', () => {
  const places: [string, (text: string) => unknown][] = [
    ['the output of a check', (text) => withTarget(aFailingTarget({ checkOutput: text }))],
    ['the impact of a check', (text) => withTarget(aFailingTarget({ businessImpact: text }))],
    ['the summary of a check', (text) => withTarget(aFailingTarget({ technicalSummary: text }))],
    ['the guide of a check', (text) => withTarget(aFailingTarget({ panicGuide: text }))],
    ['the time of a check', (text) => withTarget(aFailingTarget({ lastUpdated: text }))],
    ['the reason of a target', (text) => withTarget({ reason: text })],
    ['the impact of a service', (text) => withService({ businessImpact: text })],
    ['the guide of a service', (text) => withService({ panicGuide: text })],
    ['an ack', (text) => withContent({ acks: [{ service: 'web', message: text }] })],
    ['a warning', (text) => withContent({ warnings: [{ subject: 'web', message: text }] })],
    ['its subject', (text) => withContent({ warnings: [{ subject: text, message: '' }] })],
    [
      'the reason of a node check',
      (text) => withContent({ nodes: [aNode({ checks: [aNodeCheck({ reason: text })] })] }),
    ],
    [
      'the warning of a node check',
      (text) => withContent({ nodes: [aNode({ checks: [aNodeCheck({ warning: text })] })] }),
    ],
    [
      'a word of a component',
      (text) => withExporter({ components: { push: { status: 'degraded', message: text } } }),
    ],
  ]

  it.each(places)('holds 1 KiB and not a byte more: %s', (_place, put) => {
    const atTheEdge = ['', 'x'.repeat(1024), 'é'.repeat(512), '😀'.repeat(256)]
    const pastIt = ['x'.repeat(1025), `${'é'.repeat(512)}x`, `${'😀'.repeat(256)}x`]

    const accepted = [...atTheEdge, ...pastIt].map((text) => isAccepted(put(text)))

    expect(accepted).toEqual([true, true, true, true, false, false, false])
  })

  function aNodeCheck(given: { reason?: string; warning?: string }) {
    return { name: 'kubelet', passed: false, ...given }
  }
})

describe('a name', () => {
  const places: [string, (name: string) => unknown][] = [
    ['a service', (name) => withService({ name })],
    ['a target', (id) => withTarget({ id })],
    ['a node', (name) => withContent({ nodes: [aNode({ name })] })],
    ['a category', (name) => withCategory({ name })],
    ['a service of a category', (name) => withCategory({ services: [name] })],
    ['a check', (name) => withTarget(aFailingTarget({ name }))],
    ['the id of a check', (id) => withTarget(aFailingTarget({ id }))],
    ['the service of an ack', (service) => withContent({ acks: [{ service, message: '' }] })],
    ['a service that failed', (name) => ({ ...aHeartbeat(), streaks: { [name]: 1 } })],
    ['the version of the exporter', (version) => withExporter({ version })],
  ]

  it.each(places)('has 1 to 253 characters: %s', (_place, put) => {
    const names = ['', 'x', 'x'.repeat(253), 'x'.repeat(254)]

    const accepted = names.map((name) => isAccepted(put(name)))

    expect(accepted).toEqual([false, true, true, false])
  })

  it.each([
    ['empty, as in a development build', '', true],
    ['of 253 characters', 'c'.repeat(253), true],
    ['of 254 characters', 'c'.repeat(254), false],
  ])('of a commit may be missing: %s', (_what, commit, expected) => {
    expect(isAccepted(withExporter({ commit }))).toBe(expected)
  })

  it.each([
    ['128 characters', 'd'.repeat(128), true],
    ['129 characters', 'd'.repeat(129), false],
  ])('of a content is opaque and bounded: %s', (_what, digest, expected) => {
    expect(isAccepted(aHeartbeat({ digest }))).toBe(expected)
  })
})

describe('a word from a list', () => {
  const table: [string, unknown, boolean][] = [
    ['severity 0', withTarget({ checks: [aCheck({ severity: 0 })] }), false],
    ['severity 1', withTarget({ checks: [aCheck({ severity: 1 })] }), true],
    ['severity 3', withTarget({ checks: [aCheck({ severity: 3 })] }), true],
    ['severity 4', withTarget({ checks: [aCheck({ severity: 4 })] }), false],
    ['severity in a string', withTarget({ checks: [aCheck({ severity: '1' })] }), false],
    ['no severity', withTarget({ checks: [aCheck({})] }), true],
    ['a missing service that degrades', withCategory({ onMissing: 'degrade' }), true],
    ['a missing service that fails', withCategory({ onMissing: 'fail' }), true],
    ['a missing service that is ignored', withCategory({ onMissing: 'ignore' }), false],
    ['a healthy exporter', withExporter({ status: 'healthy' }), true],
    ['an exporter that is fine', withExporter({ status: 'fine' }), false],
    ['enabled as a word', withCategory({ enabled: 'true' }), false],
    ['ok as a number', withTarget({ ok: 1 }), false],
  ]

  it.each(table)('is one of the list and nothing else: %s', (_what, report, expected) => {
    expect(isAccepted(report)).toBe(expected)
  })

  function aCheck(given: Record<string, unknown>) {
    return { id: 'database', name: 'database', ok: false, ...given }
  }
})

describe('a section that could not be read', () => {
  it.each(['categories', 'services', 'nodes', 'acks'])('is null: %s', (section) => {
    const accepted = [null, [], undefined, 'none'].map((value) =>
      isAccepted(withContent({ [section]: value })),
    )

    expect(accepted).toEqual([true, true, false, false])
  })

  it('is never null for warnings and the environment', () => {
    expect(isAccepted(withContent({ warnings: null }))).toBe(false)
    expect(isAccepted(withContent({ environment: null }))).toBe(false)
  })

  const table: [string, unknown, boolean][] = [
    ['targets not probed yet', withService({ targets: null }), true],
    ['targets left out', withService({ targets: undefined }), false],
    ['no workload', withService({ desired: null }), true],
    ['a workload not listed', withService({ desired: undefined }), true],
    ['zero replicas', withService({ desired: 0 }), true],
    ['replicas below zero', withService({ desired: -1 }), false],
    ['a category that says nothing of enabled', withCategory({ enabled: undefined }), true],
    ['a category enabled by null', withCategory({ enabled: null }), false],
    ['readiness of a node unknown', withContent({ nodes: [aNode({ ready: null })] }), true],
  ]

  it.each(table)('is told from one that is empty: %s', (_what, report, expected) => {
    expect(isAccepted(report)).toBe(expected)
  })
})

describe('a key that this edge does not know', () => {
  it('is ignored wherever it stands', () => {
    const tomorrow = { tomorrow: { anything: true } }
    const target = { ...aFailingTarget(), ...tomorrow }
    const service = { ...aService(), targets: [target], ...tomorrow }
    const content = { ...aContent(), services: [service], ...tomorrow }

    const report = v.parse(reportSchema, { ...aSnapshot(), content, ...tomorrow })

    const known = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
    expect(report).toEqual(aSnapshot({ content: known }))
  })
})

describe('a count', () => {
  const many = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i))
  const service = (i: number, targets: number, checks: unknown = []) => ({
    ...aService({ name: `s${i}` }),
    targets: many(targets, () => ({ ...aTarget(), checks })),
  })
  const category = (i: number, names: number) =>
    aCategory({ name: `c${i}`, services: many(names, (n) => `s${n}`) })
  const node = (i: number, checks: number) =>
    aNode({ name: `n${i}`, checks: many(checks, (n) => ({ name: `c${n}`, passed: true })) })
  const check = (i: number) => ({ id: `c${i}` })
  const isWithin = (report: unknown) => {
    const { content } = v.parse(v.object({ content: v.optional(contentSchema) }), report)
    return findLongList(report) === null && (content === undefined || findExcess(content) === null)
  }
  const byNames = <T>(count: number, value: T) =>
    Object.fromEntries(many(count, (i) => [`s${i}`, value]))
  const shared = (targets: number) => ({
    checkSets: [many(100, check)],
    services: [service(0, targets, 0)],
  })
  const table: [what: string, max: number, make: (count: number) => unknown][] = [
    ['services', 5000, (n) => withContent({ services: many(n, (i) => service(i, 0)) })],
    ['targets of a service', 10_000, (n) => withContent({ services: [service(0, n)] })],
    [
      'targets in all',
      10_000,
      (n) => withContent({ services: [service(0, 5000), service(1, n - 5000)] }),
    ],
    ['checks of a target', 200, (n) => withTarget({ checks: many(n, check) })],
    ['hundreds of checks that targets share', 1000, (n) => withContent(shared(n))],
    ['checks in a set', 200, (n) => withContent({ checkSets: [many(n, check)] })],
    ['sets of checks', 10_000, (n) => withContent({ checkSets: many(n, () => []) })],
    ['names of nodes', 10_000, (n) => withContent({ nodeNames: many(n, (i) => `n${i}`) })],
    ['categories', 500, (n) => withContent({ categories: many(n, (i) => category(i, 1)) })],
    ['services of a category', 5000, (n) => withContent({ categories: [category(0, n)] })],
    [
      'names in categories',
      20_000,
      (n) =>
        withContent({
          categories: [...many(4, (i) => category(i, 4999)), category(4, n - 4 * 4999)],
        }),
    ],
    ['nodes', 5000, (n) => withContent({ nodes: many(n, (i) => node(i, 1)) })],
    ['checks of a node', 100, (n) => withContent({ nodes: [node(0, n)] })],
    [
      'checks of nodes in all',
      65_000,
      (n) =>
        withContent({
          nodes: [...many(649, (i) => node(i, 100)), node(649, 50), node(650, n - 64_950)],
        }),
    ],
    [
      'acks',
      1000,
      (n) => withContent({ acks: many(n, (i) => ({ service: `s${i}`, message: 'known' })) }),
    ],
    [
      'warnings',
      200,
      (n) => withContent({ warnings: many(n, (i) => ({ subject: `${i}`, message: 'odd' })) }),
    ],
    ['streaks', 5000, (n) => ({ ...aHeartbeat(), streaks: byNames(n, 1) })],
    ['components', 32, (n) => withExporter({ components: byNames(n, { status: 'healthy' }) })],
  ]

  it.each(table)('is taken up to its bound and refused above it: %s', (_what, max, make) => {
    expect([isWithin(make(max)), isWithin(make(max + 1))]).toEqual([true, false])
  })

  it('is refused with its path, before the items are read', () => {
    expect(findLongList(withContent({ nodes: many(5001, () => 'no node') }))).toBe(
      'content.nodes: has more than 5000',
    )
    expect(findLongList(withTarget({ checks: many(201, () => null) }))).toBe(
      'content.services.0.targets.0.checks: has more than 200',
    )
  })
})
