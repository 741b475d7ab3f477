/** The one question, good to go: which reason wins, which categories count, how old the answer is (behaviour, section 4). */
import { describe, expect, it } from 'vitest'
import {
  CATEGORIES_MAX,
  judgeGtg,
  makeView,
  refuseGtg,
  type ClusterView,
  type GtgReason,
} from '../../../../worker/domain/gtg.ts'
import {
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { aStanding, aView } from '../../../support/a-view.ts'
import { stateAfter, T0 } from '../../../support/apply.ts'

const NOW = { nowMs: T0, isCopy: false }
const DEAD = {
  freshAtMs: T0 - 60_001,
  validUntilMs: T0 - 1,
  heldUntilMs: null,
  byHandUntilMs: null,
  ruling: null,
}
const HELD = {
  freshAtMs: T0 - 60_001,
  validUntilMs: T0 - 1,
  heldUntilMs: T0,
  byHandUntilMs: null,
  ruling: null,
}
const NEVER = {
  freshAtMs: null,
  validUntilMs: null,
  heldUntilMs: null,
  byHandUntilMs: null,
  ruling: null,
}

const WELL = aStanding({ name: 'well' })
const POOR = aStanding({ name: 'poor', passes: false, reason: 'unhealthy', failing: ['web'] })
const EMPTY = aStanding({ name: 'empty', passes: false, reason: 'empty' })
const OFF = aStanding({ name: 'off', passes: false, reason: 'disabled' })
const THIN = aStanding({ name: 'thin', missing: ['gone'] })
const NEW = aStanding({ name: 'new', isChecked: false })
const CUT = aStanding({ name: 'cut', isIncomplete: true })
const ALL = [WELL, POOR, EMPTY, OFF, THIN, NEW, CUT]

describe('which reason wins', () => {
  const table: [string, ClusterView['lease'] | null, string[], GtgReason][] = [
    ['all is well', null, ['well'], 'healthy'],
    ['a service is missing', null, ['thin'], 'degraded'],
    ['missing here, well there', null, ['well', 'thin'], 'degraded'],
    ['nothing counts yet', null, ['new'], 'degraded'],
    ['the exporter left something out', null, ['cut'], 'degraded'],
    ['held', HELD, ['well'], 'held'],
    ['held over degraded', HELD, ['thin'], 'held'],
    ['a category fails', null, ['poor'], 'unhealthy'],
    ['a category is empty', null, ['empty'], 'unhealthy'],
    ['one of two fails', null, ['well', 'poor'], 'unhealthy'],
    ['unhealthy over degraded', null, ['thin', 'poor'], 'unhealthy'],
    ['unhealthy over held', HELD, ['poor'], 'unhealthy'],
    ['dead', DEAD, ['well'], 'stale'],
    ['stale over unhealthy', DEAD, ['poor'], 'stale'],
    ['stale over degraded', DEAD, ['thin'], 'stale'],
    ['disabled', null, ['off'], 'disabled'],
    ['one of two is disabled', null, ['well', 'off'], 'disabled'],
    ['disabled over unhealthy', null, ['poor', 'off'], 'disabled'],
    ['disabled over held, for holding never acts', HELD, ['off'], 'disabled'],
    ['disabled over stale', DEAD, ['off'], 'disabled'],
    ['a category that nobody knows', null, ['who'], 'unknown-category'],
    ['unknown over disabled', null, ['off', 'who'], 'unknown-category'],
    ['unknown over stale', DEAD, ['who'], 'unknown-category'],
    ['unknown over held', HELD, ['well', 'who'], 'unknown-category'],
    ['never any data', NEVER, ['well'], 'no-data'],
    ['no data over unknown', NEVER, ['who'], 'no-data'],
    ['no data over disabled', NEVER, ['off'], 'no-data'],
  ]

  it.each(table)('follows one order: %s', (_what, lease, names, expected) => {
    const view = aView({ categories: ALL, ...(lease === null ? {} : { lease }) })

    const gtg = judgeGtg(view, names, NOW)

    expect(gtg.reason).toBe(expected)
    expect(gtg.passes).toBe(['healthy', 'degraded', 'held'].includes(expected))
  })

  it.each(['internal', 'unknown-cluster', 'ambiguous-cluster'] as const)(
    'is clear where nothing is known: %s',
    (reason) => {
      expect(refuseGtg(reason)).toEqual({
        passes: false,
        reason,
        heldBy: null,
        ageSeconds: null,
        retryAfterSeconds: 10,
      })
    },
  )
})

describe('a cluster that is late', () => {
  const table: [string, number, string[], string][] = [
    ['exactly three intervals', 30_000, ['well'], 'healthy'],
    ['a millisecond past three intervals', 30_001, ['well'], 'late'],
    ['late over degraded', 30_001, ['thin'], 'late'],
    ['unhealthy over late', 30_001, ['poor'], 'unhealthy'],
    ['at the end of the lease', 60_000, ['well'], 'late'],
    ['past the lease', 60_001, ['well'], 'stale'],
  ]

  it.each(table)('keeps its verdict and says so: %s', (_what, sinceMs, names, expected) => {
    const view = aView({ categories: ALL, intervalSeconds: 10 })

    const gtg = judgeGtg(view, names, { nowMs: T0 + sinceMs, isCopy: false })

    expect(gtg.reason).toBe(expected)
    expect(gtg.passes).toBe(expected === 'healthy' || expected === 'late')
  })
})

describe('which categories are asked', () => {
  const view = aView({ categories: [aStanding(), ...ALL] })

  it('is default when none is named', () => {
    expect(judgeGtg(view, [], NOW).categories).toEqual([aStanding()])
  })

  it('is those that are named, and all must pass', () => {
    const gtg = judgeGtg(view, ['well', 'poor'], NOW)

    expect(gtg.categories).toEqual([WELL, POOR])
    expect(gtg.passes).toBe(false)
  })

  it('leaves a failing category out that nobody asked for', () => {
    expect(judgeGtg(view, ['well'], NOW).passes).toBe(true)
  })

  it('counts a name once, however often it is given', () => {
    const names = Array.from({ length: 100 }, () => 'well')

    expect(judgeGtg(view, names, NOW).reason).toBe('healthy')
  })

  it('refuses all names when one of them is unknown', () => {
    const gtg = judgeGtg(view, ['well', 'who'], NOW)

    expect(gtg).toMatchObject({ passes: false, reason: 'unknown-category', categories: [WELL] })
  })

  it.each([
    ['of the same letters in capitals', 'Well'],
    ['of an object’s own', 'toString'],
    ['that is empty', ''],
  ])('knows no name %s', (_what, name) => {
    expect(judgeGtg(view, [name], NOW).reason).toBe('unknown-category')
  })

  it.each([
    ['32 at once', CATEGORIES_MAX, 'healthy'],
    ['33 at once', CATEGORIES_MAX + 1, 'unknown-category'],
  ])('is bounded, though each one is known: %s', (_what, count, expected) => {
    const names = Array.from({ length: count }, (_, i) => `c${i}`)
    const many = aView({ categories: names.map((name) => aStanding({ name })) })

    expect(judgeGtg(many, names, NOW).reason).toBe(expected)
  })
})

describe('the age of an answer', () => {
  const table: [string, number | null, number | null][] = [
    ['of this moment', T0, 0],
    ['a millisecond below a second', T0 - 999, 0],
    ['a second', T0 - 1000, 1],
    ['an hour', T0 - 3_600_000, 3600],
    ['by a clock that runs behind', T0 + 5000, 0],
    ['never any data', null, null],
  ]

  it.each(table)('is in whole seconds, never below zero: %s', (_what, freshAtMs, expected) => {
    const view = aView({
      lease: {
        freshAtMs,
        validUntilMs: freshAtMs,
        heldUntilMs: null,
        byHandUntilMs: null,
        ruling: null,
      },
    })

    expect(judgeGtg(view, [], NOW).ageSeconds).toBe(expected)
  })

  it.each([
    ['an interval below five seconds', 0.2, 5],
    ['exactly five', 5, 5],
    ['a broken interval', 10.2, 11],
    ['exactly sixty', 60, 60],
    ['an interval over sixty', 61, 60],
  ])('comes with a time to ask again, 5 to 60 s: %s', (_what, intervalSeconds, expected) => {
    expect(judgeGtg(aView({ intervalSeconds }), [], NOW).retryAfterSeconds).toBe(expected)
  })
})

describe('a copy, read in place of the object', () => {
  const table: [string, ClusterView['lease'] | null, string, GtgReason][] = [
    ['that passes', null, 'well', 'held'],
    ['that is degraded', null, 'thin', 'held'],
    ['that fails', null, 'poor', 'unhealthy'],
    ['that is disabled', null, 'off', 'disabled'],
    ['of a dead cluster', DEAD, 'well', 'stale'],
    ['of another category', null, 'who', 'unknown-category'],
  ]

  it.each(table)('can only hold: %s', (_what, lease, name, expected) => {
    const view = aView({ categories: ALL, ...(lease === null ? {} : { lease }) })

    expect(judgeGtg(view, [name], { nowMs: T0, isCopy: true }).reason).toBe(expected)
  })
})

describe('a view', () => {
  it('of nothing knows neither lease nor category', () => {
    const view = makeView(null)

    expect(view).toEqual({ lease: NEVER, intervalSeconds: 10, categories: [] })
    expect(judgeGtg(view, [], NOW).reason).toBe('no-data')
  })

  it('has no data while nothing but heartbeats came', () => {
    const state = stateAfter([aHeartbeat()])

    expect(judgeGtg(makeView(state), [], NOW).reason).toBe('no-data')
  })

  it('carries the lease, the interval and the categories', () => {
    const state = stateAfter([aSnapshot({ intervalSeconds: 7 })])

    expect(makeView(state)).toEqual({
      lease: {
        freshAtMs: T0,
        validUntilMs: T0 + 60_000,
        heldUntilMs: null,
        byHandUntilMs: null,
        ruling: null,
      },
      intervalSeconds: 7,
      categories: [aStanding({ sinceMs: T0 })],
    })
  })

  it.each([
    ['50', 50, 50],
    ['51', 51, 50],
  ])('names at most 50 failing services of %s', (_what, count, expected) => {
    const services = Array.from({ length: count }, (_, i) =>
      aService({ name: `s${i}`, targets: [aFailingTarget()] }),
    )

    const [category] = makeView(
      stateAfter([aSnapshot({ content: aContent({ services }) })]),
    ).categories

    expect(category?.failing).toHaveLength(expected)
  })
})

describe('an ack that runs out unseen', () => {
  const acked = [{ service: 'web', severity: 2, expiresAtMs: T0 + 1000 } as const]
  const held = { ...HELD, heldUntilMs: T0 + 9000 }
  const table: [string, ClusterView['lease'] | null, number, GtgReason][] = [
    ['a millisecond before', null, 999, 'healthy'],
    ['exactly then', null, 1000, 'unhealthy'],
    ['a millisecond before, held', held, 999, 'held'],
    ['exactly then, held', held, 1000, 'unhealthy'],
    ['exactly then, dead', DEAD, 1000, 'stale'],
  ]

  it.each(table)('turns the answer at its moment: %s', (_what, lease, laterMs, expected) => {
    const view = aView({
      categories: [aStanding({ acked })],
      ...(lease === null ? {} : { lease }),
    })

    const { reason } = judgeGtg(view, [], { nowMs: T0 + laterMs, isCopy: false })

    expect(reason).toBe(expected)
  })

  it('is in the view, though many others last longer', () => {
    const many = Array.from({ length: 99 }, (_, i) => ({
      service: `s${i}`,
      severity: 2 as const,
      expiresAtMs: i % 2 === 0 ? null : T0 + 5000 + i,
    }))
    const state = stateAfter([aSnapshot()])
    const categories = [aStanding({ acked: [...many, ...acked] })]

    const view = makeView({ ...state, standing: { ...state.standing, categories } })

    expect(view.categories[0]?.acked).toHaveLength(50)
    expect(judgeGtg(view, [], { nowMs: T0 + 1000, isCopy: false }).reason).toBe('unhealthy')
  })
})
