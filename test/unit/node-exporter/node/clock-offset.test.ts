/** The offset between two clocks, from dates that say whole seconds only. */
import { describe, expect, it } from 'vitest'
import { middleOf, narrowOffset, readOffset } from '../../../../node-exporter/node/clock-offset.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const DATE = new Date(NOON).toUTCString()

describe('one answer', () => {
  it.each([
    ['between question and answer', DATE, 100, 300, { leastMs: -300, mostMs: 900 }],
    ['slow, so it says less', DATE, 100, 2100, { leastMs: -2100, mostMs: 900 }],
    ['to a clock that was set back within its second', DATE, 500, 0, { leastMs: 0, mostMs: 500 }],
    ['to a clock that was set back further', DATE, 100, -60_000, null],
    ['without a date', undefined, 0, 0, null],
    ['with nonsense', 'yesterday', 0, 0, null],
  ])('says a range: %s', (_, date, sentMs, receivedMs, range) => {
    const answer = { date, sentAtMs: NOON + sentMs, receivedAtMs: NOON + receivedMs }

    expect(readOffset(answer)).toEqual(range)
  })
})

describe('another answer', () => {
  const before = { leastMs: 1000, mostMs: 2000 }

  it.each([
    ['narrows the range, but for what clocks drift', { leastMs: 1400, mostMs: 2400 }, 1400, 2001],
    ['that says less changes little', { leastMs: -5000, mostMs: 5000 }, 999, 2001],
    ['that contradicts is taken for it', { leastMs: 2002, mostMs: 3002 }, 2002, 3002],
    ['that just agrees is not', { leastMs: 2001, mostMs: 3001 }, 2001, 2001],
  ])('%s', (_, next, leastMs, mostMs) => {
    expect(narrowOffset(before, next)).toEqual({ leastMs, mostMs })
  })

  it('is the first one', () => {
    expect(middleOf(narrowOffset(null, before))).toBe(1500)
  })
})
