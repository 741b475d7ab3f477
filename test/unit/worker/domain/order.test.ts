/** Which place in the order of reports may follow the one that is held, with the edge of each bound on both sides. */
import { describe, expect, it } from 'vitest'
import { findNextEpoch, isSignedBefore, judgePlace } from '../../../../worker/domain/order.ts'
import type { Place } from '../../../../worker/contract/report.ts'

const STEP = 1_000_000
const INT32_MAX = 2 ** 31 - 1
const HELD = { epoch: 3, sequence: 7 }
const ORIGIN = { epoch: 0, sequence: 0 }

describe('a place in the order of reports', () => {
  it.each<[string, Place, Place | null, string]>([
    ['the next sequence', { epoch: 3, sequence: 8 }, HELD, 'ok'],
    ['the same again', HELD, HELD, 'stale_sequence'],
    ['an older epoch', { epoch: 2, sequence: 99 }, HELD, 'stale_sequence'],
    ['a new epoch', { epoch: 4, sequence: 1 }, HELD, 'ok'],
    ['a million above', { epoch: 3 + STEP, sequence: 1 }, HELD, 'ok'],
    ['one more than that', { epoch: 4 + STEP, sequence: 1 }, HELD, 'epoch-too-high'],
    ['the highest there is', { epoch: INT32_MAX, sequence: 1 }, HELD, 'epoch-too-high'],
    ['the first ever', ORIGIN, null, 'ok'],
    ['a million at first', { epoch: STEP, sequence: 1 }, null, 'ok'],
    ['one more at first', { epoch: STEP + 1, sequence: 1 }, null, 'epoch-too-high'],
    ['the first after a reset', ORIGIN, { epoch: -1, sequence: -1 }, 'ok'],
    ['a million after it', { epoch: STEP, sequence: 1 }, { epoch: -1, sequence: -1 }, 'ok'],
    ['one more', { epoch: STEP + 1, sequence: 1 }, { epoch: -1, sequence: -1 }, 'epoch-too-high'],
  ])('counts, is stale or too high: %s', (_, place, held, expected) => {
    expect(judgePlace(place, held)?.reason ?? 'ok').toBe(expected)
  })

  it.each<[string, Place | null, Place]>([
    ['a report', HELD, HELD],
    ['nothing', null, ORIGIN],
    ['nothing since a reset', { epoch: -1, sequence: -1 }, ORIGIN],
  ])('that is too high is told what is held: %s', (_, held, told) => {
    expect(judgePlace({ epoch: INT32_MAX, sequence: 1 }, held)?.held).toEqual(told)
  })
})

describe('the epoch of who is refused', () => {
  it.each([
    [-1, 0],
    [0, 1],
    [INT32_MAX - 2, INT32_MAX - 1],
    [INT32_MAX - 1, null],
    [INT32_MAX, null],
  ])('follows the held one while its own successor fits an int32: %i', (epoch, next) => {
    expect(findNextEpoch(epoch)).toBe(next)
  })
})

describe('a signature', () => {
  it.each([
    ['a second before', 99, 100_000, true],
    ['in that moment', 100, 100_000, true],
    ['in that second', 100, 100_999, true],
    ['in the next second', 101, 100_999, false],
    ['where there never was a reset', 99, null, false],
  ])('is of before a reset unless its second began later: %s', (_, seconds, sinceMs, expected) => {
    expect(isSignedBefore(seconds, sinceMs)).toBe(expected)
  })
})
