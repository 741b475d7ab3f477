/** How long a verdict may be trusted: leases, holds and the moments at which they end. */
import { describe, expect, it } from 'vitest'
import {
  holdBlind,
  isIntervalTooLong,
  judgeFreshness,
  passTime,
  renewLease,
  tellFreshness,
  type ClusterFreshness,
  type Freshness,
  type Lease,
} from '../../../../worker/domain/freshness.ts'
import { DEAD_AFTER_MS, T0 } from '../../../support/apply.ts'

const MINUTES_15 = 15 * 60_000

function aLease(given: Partial<Lease> = {}): Lease {
  return {
    freshAtMs: T0,
    validUntilMs: T0 + DEAD_AFTER_MS,
    heldUntilMs: null,
    byHandUntilMs: null,
    ruling: null,
    ...given,
  }
}

const NO_LEASE = aLease({ freshAtMs: null, validUntilMs: null })

describe('a verdict', () => {
  const held = aLease({ heldUntilMs: T0 + 100_000 })
  const table: [string, Lease, number, Freshness][] = [
    ['without any report', NO_LEASE, T0, 'none'],
    ['at the moment of the report', aLease(), T0, 'fresh'],
    ['exactly at the end of its lease', aLease(), T0 + 60_000, 'fresh'],
    ['a millisecond past its lease', aLease(), T0 + 60_001, 'dead'],
    ['long past its lease', aLease(), T0 + 86_400_000, 'dead'],
    ['by a clock that runs behind', aLease(), T0 - 5_000, 'fresh'],
    ['held while its lease runs', held, T0, 'held'],
    ['held past its lease', held, T0 + 60_001, 'held'],
    ['exactly at the end of the hold', held, T0 + 100_000, 'held'],
    ['a millisecond past the hold', held, T0 + 100_001, 'dead'],
    ['a hold without any report', { ...NO_LEASE, heldUntilMs: T0 + 1 }, T0, 'none'],
    ['a hold that ended within the lease', aLease({ heldUntilMs: T0 }), T0 + 1, 'fresh'],
  ]

  it.each(table)('is judged by the clock of who reads: %s', (_what, lease, nowMs, expected) => {
    expect(judgeFreshness(lease, nowMs)).toBe(expected)
  })
})

describe('a lease', () => {
  const hour = 3_600_000
  const table: [string, Lease, { observedAtMs: number; nowMs: number }, number][] = [
    ['the first', NO_LEASE, { observedAtMs: T0, nowMs: T0 + 50 }, T0],
    ['the next', aLease(), { observedAtMs: T0 + 10_000, nowMs: T0 + 10_050 }, T0 + 10_000],
    ['observed as it is received', aLease(), { observedAtMs: T0 + 9, nowMs: T0 + 9 }, T0 + 9],
    ['observed an hour ahead', aLease(), { observedAtMs: T0 + hour, nowMs: T0 + 7 }, T0 + 7],
    ['observed a millisecond ahead', aLease(), { observedAtMs: T0 + 8, nowMs: T0 + 7 }, T0 + 7],
    ['observed before the one held', aLease(), { observedAtMs: T0 - hour, nowMs: T0 + 7 }, T0],
    [
      'the first, observed an hour ago',
      NO_LEASE,
      { observedAtMs: T0 - hour, nowMs: T0 },
      T0 - hour,
    ],
  ]

  it.each(table)('runs from the earlier of observation and receipt: %s', (...row) => {
    const [, lease, times, freshAtMs] = row

    const renewed = renewLease(lease, { ...times, deadAfterMs: DEAD_AFTER_MS })

    expect(renewed).toEqual({
      ...NO_LEASE,
      freshAtMs,
      validUntilMs: freshAtMs + DEAD_AFTER_MS,
    })
  })

  it('ends a hold when it is renewed', () => {
    const held = aLease({ heldUntilMs: T0 + MINUTES_15 })
    const times = { observedAtMs: T0 + 1, nowMs: T0 + 1, deadAfterMs: DEAD_AFTER_MS }

    expect(renewLease(held, times).heldUntilMs).toBeNull()
  })
})

describe('a blind exporter', () => {
  const table: [string, number, number][] = [
    ['its first report', 0, 60_000],
    ['a report ten seconds later', 10_000, 70_000],
    ['a report at exactly 14 min', 14 * 60_000, MINUTES_15],
    ['a report a second before 14 min', 14 * 60_000 - 1000, MINUTES_15 - 1000],
    ['a report at 14 min and a second', 14 * 60_000 + 1000, MINUTES_15],
    ['a report past 15 min', MINUTES_15 + 1, MINUTES_15],
  ]

  it.each(table)('holds 15 min at most, and while it is heard: %s', (_what, sinceMs, heldMs) => {
    const times = { blindSinceMs: T0, nowMs: T0 + sinceMs, deadAfterMs: DEAD_AFTER_MS }

    const held = holdBlind(aLease(), times)

    expect(held).toEqual(aLease({ heldUntilMs: T0 + heldMs }))
  })
})

describe('an interval', () => {
  it.each([
    ['a quarter of it', 15, 60, false],
    ['a millisecond more', 15.001, 60, true],
    ['the default', 10, 60, false],
    ['half of it', 30, 60, true],
    ['below a second, as in tests', 0.2, 0.8, false],
  ])('fits four times into the time to dead: %s', (_what, interval, deadAfter, expected) => {
    expect(isIntervalTooLong(interval, deadAfter)).toBe(expected)
  })
})

describe('freshness in one word', () => {
  const held = aLease({ heldUntilMs: T0 + 100_000 })
  const table: [string, Lease, number, ClusterFreshness][] = [
    ['never any report', NO_LEASE, 0, 'no-data'],
    ['exactly three intervals', aLease(), 30_000, 'fresh'],
    ['a millisecond more', aLease(), 30_001, 'late'],
    ['exactly at the end of the lease', aLease(), 60_000, 'late'],
    ['a millisecond past it', aLease(), 60_001, 'dead'],
    ['held, though late', held, 30_001, 'held'],
    ['held past the lease', held, 100_000, 'held'],
    ['past the hold', held, 100_001, 'dead'],
  ]

  it.each(table)('is the one that a reader is told: %s', (_what, lease, laterMs, expected) => {
    expect(tellFreshness(lease, 10, T0 + laterMs)).toBe(expected)
  })
})

describe('time that passed unseen', () => {
  const quick = aLease({ validUntilMs: T0 + 20_000 })
  const held = aLease({ heldUntilMs: T0 + 100_000 })
  const late = { atMs: T0 + 30_000, to: 'late' }
  const dead = { atMs: T0 + 60_000, to: 'dead' }
  const table: [string, Lease, ClusterFreshness, number, object[]][] = [
    ['nothing turned', aLease(), 'fresh', 30_000, []],
    ['it is late', aLease(), 'fresh', 40_000, [late]],
    ['it is dead', aLease(), 'fresh', 90_000, [late, dead]],
    ['late was told', aLease(), 'late', 90_000, [dead]],
    ['dead was told', aLease(), 'dead', 90_000, []],
    ['dead before it could be late', quick, 'fresh', 90_000, [{ ...dead, atMs: T0 + 20_000 }]],
    ['a hold ended', held, 'held', 100_001, [{ ...dead, atMs: T0 + 100_000 }]],
    ['a hold goes on', held, 'held', 100_000, []],
    ['never any report', NO_LEASE, 'no-data', 90_000, []],
  ]

  it.each(table)('is told at the moments it turned: %s', (...row) => {
    const [, lease, freshness, laterMs, expected] = row

    const passed = passTime({ lease, intervalSeconds: 10, freshness }, T0 + laterMs)

    expect(passed).toEqual(expected)
  })
})
