/** Sessions that were ended by signing out: which count, and how the record stays small (docs/behaviour.md, section 5). */
import { describe, expect, it } from 'vitest'
import {
  dropOver,
  ENDED_MAX,
  endSession,
  hasEnded,
  isEmpty,
  NONE_ENDED,
  SESSION_MS,
  type EndedSessions,
} from '../../../../worker/domain/ended-sessions.ts'

const NOW = 1_800_000_000_000

function aSession(n: number) {
  return { id: `s${n}`, issuedAtMs: NOW - 1000 + n }
}

function endMany(count: number): EndedSessions {
  return Array.from({ length: count }, (_, n) => aSession(n)).reduce(
    (held, session) => endSession(held, session, NOW),
    NONE_ENDED,
  )
}

describe('a session that was ended', () => {
  it('counts for nothing, and no other does', () => {
    const held = endSession(NONE_ENDED, aSession(1), NOW)

    expect([1, 2].map((n) => hasEnded(held, aSession(n)))).toEqual([true, false])
  })

  it('is kept once, however often it is ended', () => {
    const held = endSession(endMany(1), aSession(0), NOW)

    expect(held.sessions).toHaveLength(1)
  })

  it('stays ended beyond the bound, and takes the older ones along', () => {
    const held = endMany(ENDED_MAX + 1)

    expect(held).toEqual({ untilMs: aSession(ENDED_MAX).issuedAtMs, sessions: [] })
    expect(hasEnded(held, aSession(ENDED_MAX))).toBe(true)
    expect(hasEnded(held, { id: 'older', issuedAtMs: NOW - 5000 })).toBe(true)
    expect(hasEnded(held, aSession(ENDED_MAX + 1))).toBe(false)
  })

  it.each([
    ['before its time is over', SESSION_MS - 1, false],
    ['when its time is over', SESSION_MS, true],
  ])('is dropped %s', (_, afterMs, isDropped) => {
    const of = [endMany(1), endMany(ENDED_MAX + 1)]
    const issuedAtMs = [aSession(0), aSession(ENDED_MAX)].map((session) => session.issuedAtMs)

    const dropped = of.map((held, i) => isEmpty(dropOver(held, (issuedAtMs[i] ?? 0) + afterMs)))

    expect(dropped).toEqual([isDropped, isDropped])
  })
})
