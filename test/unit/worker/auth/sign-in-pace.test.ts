/** How tries to sign in are slowed: by network, with a turn for each, and within bounds (docs/behaviour.md, section 5). */
import { describe, expect, it } from 'vitest'
import { SignInPace } from '../../../../worker/auth/sign-in-pace.ts'

const NOW = 1_800_000_000_000

/** What each of so many tries at once waits. */
function tryOften(pace: SignInPace, count: number, address = '192.0.2.1', nowMs = NOW) {
  return Array.from({ length: count }, () => pace.next(address, nowMs))
}

describe('tries of one network', () => {
  it('are free five times, then have turns up to 2 s apart, and ten seconds at most', () => {
    const waits = tryOften(new SignInPace(), 14)

    expect(waits).toEqual([0, 0, 0, 0, 0, 250, 750, 1750, 3750, 5750, 7750, 9750, null, null])
  })

  it('have a turn again as soon as one that waited had its own', () => {
    const pace = new SignInPace()
    tryOften(pace, 14)

    expect(tryOften(pace, 2, '192.0.2.1', NOW + 1750)).toEqual([10_000, null])
  })

  it.each([
    ['a right token', (pace: SignInPace) => pace.clear('192.0.2.1'), NOW],
    ['a quarter of an hour', () => {}, NOW + 9750 + 15 * 60_000 + 1],
    ['a clock that was set back', () => {}, NOW - 3_600_000],
  ])('are free again after %s', (_, act, nowMs) => {
    const pace = new SignInPace()
    tryOften(pace, 14)

    act(pace)

    expect(pace.next('192.0.2.1', nowMs)).toBe(0)
  })
})

describe('another network', () => {
  it.each([
    ['another IPv4 address', '192.0.2.1', '192.0.2.2', 0],
    ['the same /64', '2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', 250],
    ['the same /64 with zeros left out', '2001:db8::1', '2001:db8:0:0:5::', 250],
    ['another /64', '2001:db8:1:2::1', '2001:db8:1:3::1', 0],
    ['rubbish', ':::', 'unknown', 0],
  ])('is not slowed by this one: %s', (_, mine, other, wait) => {
    const pace = new SignInPace()
    tryOften(pace, 5, mine)

    expect(pace.next(other, NOW)).toBe(wait)
  })

  it('has its free tries while a hundred others wait', () => {
    const pace = new SignInPace()
    const waits = Array.from({ length: 30 }, (_, i) => tryOften(pace, 12, `192.0.2.${i}`)).flat()

    expect(waits.filter((ms) => ms !== null && ms > 0)).toHaveLength(100)
    expect(pace.next('198.51.100.1', NOW)).toBe(0)
  })
})
