/** What holds a silent cluster's verdict past its lease: witness, fleet, policy, in that order (behaviour, section 6). */
import { describe, expect, it } from 'vitest'
import type { FleetWord } from '../../../../worker/domain/fleet.ts'
import {
  judgeFreshness,
  NO_LEASE,
  type Lease,
  type Ruling,
} from '../../../../worker/domain/freshness.ts'
import { ruleSilence, type Silence } from '../../../../worker/domain/silence.ts'
import { T0 } from '../../../support/apply.ts'

const DEAD_AT = T0 + 60_000
const MINUTES_15 = 15 * 60_000
const LEASE: Lease = { ...NO_LEASE, freshAtMs: T0, validUntilMs: DEAD_AT }
const NOBODY: Silence = { onSilence: 'unhealthy', witness: null, fleet: null }

const good = { word: 'good', askedSinceMs: T0 } as const
const bad = { word: 'bad', askedSinceMs: T0 } as const
const unheard = { word: 'none', askedSinceMs: T0 } as const

function fleet(given: Partial<Extract<FleetWord, { kind: 'open' }>> = {}): FleetWord {
  const open = { kind: 'open', openedAtMs: T0 + 31_000, untilMs: T0 + 31_000 + MINUTES_15 } as const
  return { witnesses: 'few', ...open, ...given }
}
const none: FleetWord = { kind: 'none', witnesses: 'few' }

function aRuling(given: Partial<Ruling> = {}): Ruling {
  return { by: 'policy', untilMs: 0, episodeMs: null, isAlone: false, atMs: DEAD_AT + 1, ...given }
}

/** By the ruling, `held` until so many ms after the end of the lease; or `dead`. */
function rule(silence: Partial<Silence>, ruling: Ruling | null = null, afterMs = 0): string {
  const lease = { ...LEASE, ruling }
  const next = ruleSilence(lease, { ...NOBODY, ...silence }, DEAD_AT + afterMs)
  if (next.untilMs === null) return `${next.by}: held for ever`
  return next.untilMs === 0 ? `${next.by}: dead` : `${next.by}: held ${next.untilMs - DEAD_AT}`
}

describe('at the end of its lease', () => {
  it.each<[string, Partial<Silence>, string]>([
    ['nothing is configured', {}, 'policy: dead'],
    ['the policy keeps the last verdict', { onSilence: 'last-known' }, 'policy: held for ever'],
    ['the witness sees it', { witness: good }, `witness: held ${MINUTES_15}`],
    ['the witness does not', { witness: bad }, 'witness: dead'],
    ['the witness was not heard yet', { witness: unheard }, 'pending: held 5000'],
    [
      'it was asked only now',
      { witness: { word: 'none', askedSinceMs: DEAD_AT + 7 } },
      'pending: held 5007',
    ],
    ['no other is silent', { fleet: none }, 'policy: dead'],
    ['most others are silent', { fleet: fleet() }, `fleet: held ${MINUTES_15 - 29_000}`],
    [
      'the fleet is out of reach',
      { fleet: { kind: 'unreachable', witnesses: 'few' } },
      `fleet: held ${MINUTES_15}`,
    ],
    ['direct evidence goes before others', { witness: bad, fleet: fleet() }, 'witness: dead'],
    [
      'another witness is good',
      { witness: bad, fleet: fleet({ witnesses: 'some good' }) },
      'witness: dead',
    ],
    [
      'all witnesses fail at once',
      { witness: bad, fleet: fleet({ witnesses: 'all bad' }) },
      `fleet: held ${MINUTES_15 - 29_000}`,
    ],
    [
      'the other witnesses are not heard yet',
      { witness: bad, fleet: fleet({ witnesses: 'not heard' }) },
      'pending: held 5000',
    ],
    [
      'a good witness goes before others',
      { witness: good, fleet: fleet() },
      `witness: held ${MINUTES_15}`,
    ],
    ['the policy comes last', { onSilence: 'last-known', witness: bad }, 'witness: dead'],
  ])('%s', (_, silence, expected) => {
    expect(rule(silence)).toBe(expected)
  })
})

describe('once it is held', () => {
  it.each<[string, Partial<Silence>, Ruling, number, string]>([
    [
      'a witness that turns kills it at once',
      { witness: bad },
      aRuling({ by: 'witness', untilMs: DEAD_AT + MINUTES_15 }),
      10_000,
      'witness: dead',
    ],
    [
      'an evicted object believes its witness until it is heard',
      { witness: unheard },
      aRuling({ by: 'witness', untilMs: DEAD_AT + MINUTES_15 }),
      10_000,
      `witness: held ${MINUTES_15}`,
    ],
    [
      'the fleet’s word stands while a witness is not heard',
      { witness: unheard, fleet: fleet() },
      aRuling({ by: 'fleet', untilMs: DEAD_AT + MINUTES_15, episodeMs: T0 }),
      60_000,
      `fleet: held ${MINUTES_15}`,
    ],
    [
      'and while the other witnesses are not',
      { witness: bad, fleet: fleet({ witnesses: 'not heard' }) },
      aRuling({ by: 'fleet', untilMs: DEAD_AT + MINUTES_15, episodeMs: T0 }),
      60_000,
      `fleet: held ${MINUTES_15}`,
    ],
    [
      'another that is back gives it a fresh minute',
      { fleet: { kind: 'ended', untilMs: DEAD_AT + 70_000, witnesses: 'few' } },
      aRuling({ by: 'fleet', untilMs: DEAD_AT + MINUTES_15, episodeMs: T0 }),
      10_000,
      'fleet: held 70000',
    ],
    [
      'its fresh minute goes on',
      {},
      aRuling({ by: 'fleet', untilMs: DEAD_AT + 70_000, isAlone: true }),
      70_000,
      'fleet: held 70000',
    ],
    [
      'then it is judged alone, whatever others do',
      { fleet: fleet() },
      aRuling({ by: 'fleet', untilMs: DEAD_AT + 70_000, isAlone: true }),
      70_000,
      'fleet: held 70000',
    ],
    [
      'the fleet is back and nothing is correlated',
      { fleet: none },
      aRuling({ by: 'fleet', untilMs: DEAD_AT + MINUTES_15 }),
      10_000,
      'policy: dead',
    ],
  ])('%s', (...row) => {
    const [, silence, ruling, afterMs, expected] = row

    expect(rule(silence, ruling, afterMs)).toBe(expected)
  })
})

describe('once it is dead', () => {
  it.each<[string, Partial<Silence>, Ruling]>([
    ['a witness that turns good', { witness: good }, aRuling({ by: 'witness' })],
    ['others that fall silent', { fleet: fleet() }, aRuling()],
    ['a hold that ran out', { witness: good }, aRuling({ by: 'witness', untilMs: DEAD_AT })],
  ])('%s brings nothing back', (_, silence, ruling) => {
    const lease = { ...LEASE, ruling }

    expect(ruleSilence(lease, { ...NOBODY, ...silence }, DEAD_AT + 1)).toBe(ruling)
  })
})

describe('what was ruled while it was merely late', () => {
  const early = aRuling({ atMs: DEAD_AT - 1 })

  it.each<[string, Partial<Silence>, string]>([
    ['others that fell silent since', { fleet: fleet() }, `fleet: held ${MINUTES_15 - 29_000}`],
    ['a witness that turned good', { witness: good }, `witness: held ${MINUTES_15}`],
    ['nothing', {}, 'policy: dead'],
  ])('is no last word at its end: %s', (_, silence, expected) => {
    expect(rule(silence, early, 1)).toBe(expected)
  })
})

describe('one that had its fresh minute', () => {
  it('stays judged alone while a blind exporter keeps it alive', () => {
    const ruling = aRuling({ by: 'fleet', untilMs: DEAD_AT + 70_000, isAlone: true })
    const lease = { ...LEASE, heldUntilMs: DEAD_AT + 100_000, ruling }
    const over = ruleSilence(lease, NOBODY, DEAD_AT + 80_000)
    const asked = { ...NOBODY, fleet: fleet() }

    expect(over).toMatchObject({ by: 'policy', untilMs: 0, isAlone: true })
    expect(ruleSilence({ ...lease, ruling: over }, asked, DEAD_AT + 90_000)).toMatchObject({
      by: 'policy',
      untilMs: 0,
      isAlone: true,
    })
  })
})

describe('an episode that ran out', () => {
  it('leaves it to the policy', () => {
    const ruling = aRuling({ by: 'fleet', untilMs: DEAD_AT + 1000, isAlone: true })

    expect(rule({ onSilence: 'last-known' }, ruling, 1001)).toBe('policy: held for ever')
    expect(ruleSilence({ ...LEASE, ruling }, NOBODY, DEAD_AT + 1001)).toBe(ruling)
  })
})

describe('an operator’s hold', () => {
  const held = { ...LEASE, byHandUntilMs: DEAD_AT + 10_000, ruling: aRuling() }

  it('holds past the lease to its last millisecond, whatever was ruled', () => {
    expect(judgeFreshness(held, DEAD_AT)).toBe('fresh')
    expect(judgeFreshness(held, DEAD_AT + 1)).toBe('held')
    expect(judgeFreshness(held, DEAD_AT + 10_000)).toBe('held')
    expect(judgeFreshness(held, DEAD_AT + 10_001)).toBe('dead')
  })
})
