/** The edge's time as its replies tell it, whatever the node's own clock says or does. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { EdgeClock } from '../../../../node-exporter/push/edge-clock.ts'

const START_MS = Date.parse('2026-01-01T12:00:00.000Z')
const HOUR_MS = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

/** A reply whose edge is `aheadMs` of the node's clock, after a way of `roundTripMs`. */
function reply(clock: EdgeClock, aheadMs: number, roundTripMs = 0): boolean {
  const sentMs = performance.now()
  vi.advanceTimersByTime(roundTripMs / 2)
  const date = new Date(Date.now() + aheadMs).toUTCString()
  vi.advanceTimersByTime(roundTripMs / 2)
  return clock.adjust(date, sentMs, performance.now())
}

describe('before any reply', () => {
  it("tells the node's own time, in whole milliseconds", () => {
    const clock = new EdgeClock()
    vi.advanceTimersByTime(1500)

    const nowMs = clock.now()

    expect(nowMs).toBe(START_MS + 1500)
    expect(Number.isInteger(nowMs)).toBe(true)
  })
})

describe('a reply', () => {
  it.each([
    ['an hour ahead', HOUR_MS, true],
    ['an hour behind', -HOUR_MS, true],
    ['five minutes ahead', 300_000, true],
    ['two seconds behind, for which nothing is refused', -2000, false],
  ])("moves the clock to the edge's time: %s", (_, aheadMs, isFar) => {
    const clock = new EdgeClock()

    const isMoved = reply(clock, aheadMs)

    expect(isMoved).toBe(isFar)
    expect(Math.abs(clock.now() - (Date.now() + aheadMs))).toBeLessThanOrEqual(500)
  })

  it('moves the clock as exactly after a slow exchange', () => {
    const clock = new EdgeClock()

    const isMoved = reply(clock, HOUR_MS, 4000)

    expect(isMoved).toBe(true)
    expect(Math.abs(clock.now() - (Date.now() + HOUR_MS))).toBeLessThanOrEqual(500)
  })

  it.each([0, 1, 250, 499, 500, 501, 750, 999])(
    'moves nothing for the second that Date cuts off: %i ms',
    (fractionMs) => {
      vi.setSystemTime(START_MS + fractionMs)
      const clock = new EdgeClock()

      const isMoved = reply(clock, 0, 20)

      expect(isMoved).toBe(false)
      expect(clock.now()).toBe(Date.now())
    },
  )

  it.each([
    ['early in its second, then late', 0, 990],
    ['late in its second, then early', 990, 1010],
    ['twice at the same part', 300, 1000],
  ])('that came %s moves the clock once', (_, firstMs, thenMs) => {
    vi.setSystemTime(START_MS + firstMs)
    const clock = new EdgeClock()
    reply(clock, HOUR_MS)
    const beforeMs = clock.now()
    vi.advanceTimersByTime(thenMs)

    const isMoved = reply(clock, HOUR_MS)

    expect(isMoved).toBe(false)
    expect(clock.now() - beforeMs).toBe(thenMs)
  })

  it.each([
    ['none at all', undefined],
    ['an empty one', ''],
    ['words', 'high noon'],
  ])('without a usable Date moves nothing: %s', (_, date) => {
    const clock = new EdgeClock()

    const isMoved = clock.adjust(date, 0, 0)

    expect(isMoved).toBe(false)
    expect(clock.now()).toBe(START_MS)
  })
})

describe('an answer over the live link', () => {
  it.each([
    ['well within the way there and back', 40, 100, 0],
    ['at the edge of it', 51, 100, 0],
    ['past it', 52, 100, 52],
    ['far off', HOUR_MS, 100, HOUR_MS],
  ])('tells the time to the millisecond: %s', (_, aheadMs, roundTripMs, movedMs) => {
    const clock = new EdgeClock()
    const sentMs = performance.now()
    vi.advanceTimersByTime(roundTripMs)
    const edgeMs = Date.now() - roundTripMs / 2 + aheadMs

    const isFar = clock.adjustTo(edgeMs, { sentMs, receivedMs: performance.now() })

    expect(clock.now() - Date.now()).toBe(movedMs)
    expect(isFar).toBe(movedMs === HOUR_MS)
  })

  it('is not moved back by a Date that is cut to the second', () => {
    vi.setSystemTime(START_MS + 900)
    const clock = new EdgeClock()
    clock.adjustTo(Date.now() + HOUR_MS, {
      sentMs: performance.now(),
      receivedMs: performance.now(),
    })

    reply(clock, HOUR_MS)

    expect(clock.now() - Date.now()).toBe(HOUR_MS)
  })
})

describe("the node's clock", () => {
  it.each([HOUR_MS, -HOUR_MS])('may jump by %i ms without any effect', (jumpMs) => {
    const clock = new EdgeClock()
    vi.setSystemTime(START_MS + jumpMs)
    vi.advanceTimersByTime(1000)

    const nowMs = clock.now()

    expect(nowMs).toBe(START_MS + 1000)
  })
})
