/** What is known of a cluster, spelled out: the whole's word, categories with what was decided, services (behaviour, sections 1 and 5). */
import { describe, expect, it } from 'vitest'
import type { Category, Content, Service, Target } from '../../../../worker/contract/report.ts'
import { applyAct, type Act } from '../../../../worker/domain/acts.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import { publish, restoreState } from '../../../../worker/domain/restore.ts'
import {
  describeCluster,
  explain,
  tellSeverity,
  type ServiceStatus,
} from '../../../../worker/domain/status.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from '../../../support/a-report.ts'
import { stateAfter, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const FAILING = aService({ targets: [aFailingTarget()] })
const WELL = aService({ name: 'api' })

function stateOf(given: Partial<Content> = {}, streaks: Record<string, number> = {}): ClusterState {
  const content = aContent({ environment: 'prod', services: [FAILING, WELL], ...given })
  return deepFreeze(stateAfter([aSnapshot({ content, streaks })]))
}

function describeAt(state: ClusterState | null, laterMs = 0, names: string[] = []) {
  return describeCluster(state, { cluster: 'demo', names, nowMs: T0 + laterMs })
}

function afterAct(state: ClusterState, act: Act): ClusterState {
  const acted = applyAct(state, act, { nowMs: T0, actor: { by: 'nina', address: '' } })
  if (!acted.ok) throw new Error(`refused: ${acted.reason}, not expected`)
  return deepFreeze(acted.state)
}

function anAck(expiresAtMs: number | null): Act {
  return { kind: 'add-ack', service: 'web', message: 'known', until: 'removed', expiresAtMs }
}

describe('a cluster', () => {
  it.each([
    ['before any report', null],
    ['before any snapshot', stateAfter([aHeartbeat()])],
  ])('of which nothing is known is critical: %s', (_what, state) => {
    expect(describeAt(state)).toMatchObject({
      environment: 'demo',
      freshness: 'no-data',
      word: 'critical',
      services: [],
      categories: [],
    })
  })

  const table: [string, number, string, string][] = [
    ['exactly three intervals', 30_000, 'fresh', 'unhealthy'],
    ['a millisecond more', 30_001, 'late', 'unhealthy'],
    ['exactly a minute', 60_000, 'late', 'unhealthy'],
    ['a millisecond more than that', 60_001, 'dead', 'critical'],
  ]

  it.each(table)('is judged by the reader’s clock: %s', (_what, laterMs, freshness, word) => {
    expect(describeAt(stateOf(), laterMs)).toMatchObject({ freshness, word, freshAtMs: T0 })
  })

  it('keeps its name where its storage was lost', () => {
    const restored = restoreState(publish(stateOf()), T0).state

    expect(describeAt(restored)).toMatchObject({
      environment: 'prod',
      freshness: 'held',
      word: 'unhealthy',
      services: [],
      exporter: null,
    })
  })
})

describe('the whole', () => {
  const severe = aService({ name: 'bank', targets: [aFailingTarget({ severity: 1 })] })
  const table: [string, Partial<Content>, string[], string][] = [
    ['all is well', { services: [WELL] }, [], 'healthy'],
    ['a mild failure', {}, [], 'unhealthy'],
    ['a severe failure', { services: [severe] }, [], 'critical'],
    ['a severe one elsewhere', { services: [severe, WELL] }, ['one'], 'healthy'],
    ['all that were asked for', { services: [severe, WELL] }, ['one', 'default'], 'critical'],
    [
      'a category apart is not asked for',
      { categories: [aCategory({ enabled: false })] },
      [],
      'unhealthy',
    ],
    ['nothing to check', { services: [] }, [], 'unhealthy'],
  ]

  it.each(table)('is as bad as the categories asked for: %s', (_what, given, names, expected) => {
    const categories = given.categories ?? [aCategory({ name: 'one', services: ['api'] })]

    expect(describeAt(stateOf({ ...given, categories }), 0, names)?.word).toBe(expected)
  })

  it('is not told where one of the names is unknown', () => {
    expect(describeAt(stateOf(), 0, ['default', 'toString'])).toBeNull()
    expect(describeAt(stateOf(), 0, ['default', 'default'])?.categories).toHaveLength(1)
  })

  it('shows the services of the categories asked for, by name', () => {
    const state = stateOf({ categories: [aCategory({ name: 'one', services: ['api', 'gone'] })] })

    const namesOf = (names: string[]) => describeAt(state, 0, names)?.services.map((s) => s.name)

    expect([namesOf([]), namesOf(['one']), namesOf(['one', 'default'])]).toEqual([
      ['api', 'web'],
      ['api'],
      ['api', 'web'],
    ])
  })
})

describe('a category', () => {
  const sticky: Category = aCategory({ isSticky: true, failureThreshold: 2 })

  function readOf(state: ClusterState, laterMs = 0) {
    return describeAt(state, laterMs, ['read'])?.categories[0]
  }

  it('shows counts, and the trip that came of them', () => {
    const counting = stateOf({ categories: [sticky] }, { web: 1 })
    const tripped = stateOf({ categories: [sticky] }, { web: 2 })

    expect(readOf(counting)).toMatchObject({
      isSticky: true,
      failureThreshold: 2,
      counts: { web: 1 },
      override: null,
    })
    expect(readOf(tripped)).toMatchObject({
      reason: 'disabled',
      counts: { web: 2 },
      override: { isEnabled: false, cause: 'trip', by: null, isRestored: false },
    })
  })

  it('shows who disabled it, and why', () => {
    const state = afterAct(stateOf({ categories: [sticky] }), {
      kind: 'disable-category',
      category: 'read',
      why: 'failover',
    })

    expect(readOf(state)?.override).toMatchObject({ cause: 'hand', by: 'nina', why: 'failover' })
    expect(
      describeAt(state)?.categories.find(({ name }) => name === 'default')?.override,
    ).toBeNull()
  })

  it.each([
    ['a millisecond before it', 9999, 'healthy', T0, []],
    ['exactly then', 10_000, 'unhealthy', T0 + 10_000, ['web']],
    ['long after', 50_000, 'unhealthy', T0 + 10_000, ['web']],
  ])('turns when an ack runs out: %s', (_what, laterMs, reason, sinceMs, failing) => {
    const state = afterAct(stateOf({ categories: [sticky] }), anAck(T0 + 10_000))

    expect(readOf(state, laterMs)).toMatchObject({ reason, sinceMs, failing })
  })

  it('of any name has counts by any name', () => {
    const name = '__proto__'
    const services = [{ ...FAILING, name }]
    const streaks = Object.fromEntries([[name, 1]])
    const state = stateOf(
      { services, categories: [{ ...sticky, name, services: [name] }] },
      streaks,
    )

    const category = describeAt(state, 0, [name])?.categories[0]

    expect(Object.entries(category?.counts ?? {})).toEqual([[name, 1]])
  })
})

describe('a service', () => {
  function webOf(state: ClusterState, laterMs = 0) {
    return describeAt(state, laterMs)?.services.find(({ name }) => name === 'web')
  }

  it('says how many pods are there, and why not all', () => {
    const targets = [aTarget(), aFailingTarget(), anUnreachableTarget()]

    const web = webOf(stateOf({ services: [aService({ targets, desired: 4 })] }))

    expect(web).toMatchObject({
      ok: false,
      word: 'warning',
      healthy: 1,
      total: 3,
      desired: 4,
      output: '1/3 pods available (web-2: database; web-3: refused)',
      sinceMs: T0,
      checkedAtMs: T0,
    })
  })

  it('that was never checked says so', () => {
    expect(webOf(stateOf({ services: [aService({ targets: null })] }))).toMatchObject({
      ok: null,
      word: 'not checked yet',
      output: '0/0 pods available',
      checkedAtMs: null,
      sinceMs: null,
    })
  })

  it('called as an object’s own has no time from there', () => {
    const services = [aService({ name: 'constructor', targets: null })]

    expect(describeAt(stateOf({ services }))?.services[0]?.sinceMs).toBeNull()
  })

  it('shows the ack given here before the ConfigMap’s', () => {
    const acks = [{ service: 'web', message: 'theirs' }]
    const honoured = stateOf({ acks })
    const both = afterAct(honoured, anAck(T0 + 10_000))

    expect(webOf(honoured)?.ack).toEqual({ message: 'theirs', given: null })
    expect(webOf(both, 9999)?.ack).toMatchObject({ message: 'known', given: { by: 'nina' } })
    expect(webOf(both, 10_000)?.ack).toEqual({ message: 'theirs', given: null })
  })

  it('shows no ack of the ConfigMap that is hidden', () => {
    const honoured = stateOf({ acks: [{ service: 'web', message: 'theirs' }] })

    const hidden = afterAct(honoured, { kind: 'remove-ack', service: 'web' })

    expect(webOf(hidden)?.ack).toBeNull()
  })
})

describe('a service that is overdue', () => {
  const dueMs = T0 - 5000
  const shown = (given: Partial<Service>, laterMs = 0) => {
    const service = aService({ overdueSince: dueMs, ...given })
    const seen = aSnapshot({ content: aContent({ services: [service] }), observedAt: T0 + laterMs })
    return describeAt(stateAfter([seen], T0 + laterMs), laterMs)?.services[0]
  }

  it.each<[string, Partial<Service>, number, ServiceStatus['word'], boolean | null]>([
    ['late', {}, 0, 'late', true],
    ['late without any result', { targets: null }, 0, 'late', null],
    ['late until the time to dead is over', {}, 54_999, 'late', true],
    ['failing from then on', {}, 55_000, 'critical', false],
    ['failing by its pods all the same', { targets: [aFailingTarget()] }, 0, 'warning', false],
  ])('is %s', (_, given, laterMs, word, ok) => {
    const service = shown(given, laterMs)

    expect(service).toMatchObject({ word, ok, overdueSinceMs: dueMs })
    expect(service?.output).toContain('late: a new result is due since 2023-11-14T22:13:15.000Z')
  })

  it('is checked no later than its results say', () => {
    expect(shown({ targets: [aTarget({ checkedAt: T0 - 40_000 })] }, 30_000)?.checkedAtMs).toBe(
      T0 - 40_000,
    )
  })
})

describe('the words', () => {
  it.each([
    [null, 'ok'],
    [1, 'critical'],
    [2, 'warning'],
    [3, 'warning'],
  ] as const)('of a severity are three: %s', (severity, expected) => {
    expect(tellSeverity(severity)).toBe(expected)
  })

  const table: [string, Target, string][] = [
    ['the prober’s reason', anUnreachableTarget(), 'refused'],
    ['its reason before its checks', aFailingTarget({}, { reason: 'HTTP 500' }), 'HTTP 500'],
    ['its failing checks', aFailingTarget({ name: 'DB' }), 'DB'],
    ['none that pass', aTarget({ checks: [{ id: 'a', name: 'A', ok: true }] }), ''],
  ]

  it.each(table)('for why a pod is not ok are few: %s', (_what, target, expected) => {
    expect(explain(target)).toBe(expected)
  })
})
