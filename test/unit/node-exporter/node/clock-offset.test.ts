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
    expect(readOffset({ date, sentAtMs, receivedAtMs })).toEqual(
      range && { ...range, atMs: receivedAtMs },
    )
  })
})

describe('another answer, two seconds later,', () => {
  const before = { leastMs: 1000, mostMs: 2000, atMs: 0 }

  it.each([
    ['narrows the range, but for what clocks drift', { leastMs: 1400, mostMs: 2400 }, 1400, 2001],
    ['that says less changes little', { leastMs: -5000, mostMs: 5000 }, 999, 2001],
    ['that contradicts is taken for it', { leastMs: 2002, mostMs: 3002 }, 2002, 3002],
    ['that just agrees is not', { leastMs: 2001, mostMs: 3001 }, 2001, 2001],
  ])('%s', (_, next, leastMs, mostMs) => {
    expect(narrowOffset(before, { ...next, atMs: 2000 })).toEqual({ leastMs, mostMs, atMs: 2000 })
  })

  it('narrows less the longer it comes after', () => {
    const next = { leastMs: -5000, mostMs: 5000, atMs: 60_000 }

    expect(narrowOffset(before, next)).toEqual({ leastMs: 970, mostMs: 2030, atMs: 60_000 })
  })

  it('is the first one', () => {
    expect(narrowOffset(null, before)).toEqual(before)
  })
})

it('is the middle of the range, against this machine’s clock as it is now', () => {
  const range = { leastMs: NOON - 500, mostMs: NOON + 500, atMs: 0 }

  expect(computeOffset(range, { nowMs: 60_000, clockMs: NOON + 60_000 })).toBe(0)
  expect(computeOffset(range, { nowMs: 60_000, clockMs: NOON + 63_000 })).toBe(-3000)
})
