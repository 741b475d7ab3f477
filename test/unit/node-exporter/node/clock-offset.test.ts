/** The offset between two clocks, from dates that say whole seconds only. */
import { describe, expect, it } from 'vitest'
import {
  computeOffset,
  narrowOffset,
  readOffset,
} from '../../../../node-exporter/node/clock-offset.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const DATE = new Date(NOON).toUTCString()

describe('one answer', () => {
  it.each([
    ['between question and answer', DATE, 100, 300, { leastMs: NOON - 300, mostMs: NOON + 900 }],
    ['slow, so it says less', DATE, 100, 2100, { leastMs: NOON - 2100, mostMs: NOON + 900 }],
    ['without a date', undefined, 0, 0, null],
    ['with nonsense', 'yesterday', 0, 0, null],
  ])('says a range: %s', (_, date, sentAtMs, receivedAtMs, range) => {
    const clocks = { nowMs: 500, clockMs: 700 }
    expect(readOffset({ date, sentAtMs, receivedAtMs }, clocks)).toEqual(
      range && { ...range, atMs: receivedAtMs, clockLeadMs: 200 },
    )
  })
})

describe('another answer, two seconds later,', () => {
  const before = { leastMs: 1000, mostMs: 2000, atMs: 0, clockLeadMs: NOON }

  it.each([
    ['narrows the range, but for what clocks drift', { leastMs: 1400, mostMs: 2400 }, 1400, 2001],
    ['that says less changes little', { leastMs: -5000, mostMs: 5000 }, 999, 2001],
    ['that contradicts is taken for it', { leastMs: 2002, mostMs: 3002 }, 2002, 3002],
    ['that just agrees is not', { leastMs: 2001, mostMs: 3001 }, 2001, 2001],
  ])('%s', (_, next, leastMs, mostMs) => {
    const at = { atMs: 2000, clockLeadMs: NOON + 1 }
    expect(narrowOffset(before, { ...next, ...at })).toEqual({ leastMs, mostMs, ...at })
  })

  it('narrows less the longer it comes after', () => {
    const next = { leastMs: -5000, mostMs: 5000, atMs: 60_000, clockLeadMs: NOON }

    expect(narrowOffset(before, next)).toEqual({ ...next, leastMs: 970, mostMs: 2030 })
  })

  it.each([501, -501, 3_600_000])('is taken alone when the clock has jumped by %d ms', (jumpMs) => {
    const next = { leastMs: -5000, mostMs: 5000, atMs: 2000, clockLeadMs: NOON + jumpMs }

    expect(narrowOffset(before, next)).toEqual(next)
  })

  it('is the first one', () => {
    expect(narrowOffset(null, before)).toEqual(before)
  })
})

it.each([
  ['the middle of the range, against this machine’s clock', 0, 0, 0],
  ['3 s when that clock is behind', 3000, 0, 3000],
  ['known while both clocks go on together, but for some ms', 0, 499, -499],
  ['not known after this machine’s clock was set', 0, 501, null],
  ['not known after a pause, in which performance.now() stood still', 0, 60_000, null],
  ['not known after this machine’s clock was set back', 0, -501, null],
])('the offset is %s', (_, behindMs, jumpMs, offsetMs) => {
  const clockLeadMs = NOON - behindMs
  const range = { leastMs: NOON - 500, mostMs: NOON + 500, atMs: 0, clockLeadMs }
  const clocks = { nowMs: 60_000, clockMs: clockLeadMs + 60_000 + jumpMs }

  expect(computeOffset(range, clocks)).toBe(offsetMs)
})
