/** Acks: how a failure is told from another, and what ends an ack, each with the edge on both sides (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import type { Service } from '../../../../worker/contract/report.ts'
import {
  describeFailure,
  findGoodSince,
  hasChanged,
  hasExpired,
  hasRecovered,
  type Ack,
  type Failure,
  type Seen,
} from '../../../../worker/domain/acks.ts'
import {
  aFailingTarget,
  anUnreachableTarget,
  aService,
  aTarget,
} from '../../../support/a-report.ts'
import { T0 } from '../../../support/apply.ts'
import { SERVED } from '../../../../worker/domain/service-memory.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const FAILING: Failure = { marks: ['check database'], severity: 2 }
const WELL: Failure = { marks: [], severity: null }

function anAck(given: Partial<Ack> = {}): Ack {
  return deepFreeze({
    service: 'web',
    message: 'known',
    by: 'nina',
    atMs: T0,
    expiresAtMs: null,
    until: 'removed',
    failure: FAILING,
    goodSinceMs: null,
    isRestored: false,
    ...given,
  })
}

describe('a failure', () => {
  const disk = aFailingTarget({ id: 'disk' })
  const serving = aFailingTarget({ id: 'mail', severity: 1 }, { ok: true })
  const ownWord = aTarget({ ok: false, reason: 'status: DOWN' })
  const table: [string, Partial<Service>, Failure][] = [
    ['all is well', {}, WELL],
    ['nobody was asked yet', { targets: null }, WELL],
    ['none are wanted and none are there', { targets: [], desired: 0 }, WELL],
    ['a pod is wanted and none is there', { targets: [] }, { marks: ['no pods'], severity: 1 }],
    ['one check fails', { targets: [aFailingTarget()] }, FAILING],
    ['the same one on another pod', { targets: [aFailingTarget({}, { id: 'web-9' })] }, FAILING],
    ['the same one on two pods', { targets: [aFailingTarget(), aFailingTarget()] }, FAILING],
    ['the same one with a number', { targets: [aFailingTarget({ checkOutput: '17' })] }, FAILING],
    ['the same one by another name', { targets: [aFailingTarget({ name: 'DB' })] }, FAILING],
    ['it passes on one pod of two', { targets: [aTarget(), aFailingTarget()] }, FAILING],
    [
      'two, in one order whatever the pods’',
      { targets: [disk, aFailingTarget()] },
      { marks: ['check database', 'check disk'], severity: 2 },
    ],
    ['one fails on a pod that is ok', { targets: [serving] }, WELL],
    ['another fails on a pod that is ok', { targets: [serving, aFailingTarget()] }, FAILING],
    [
      'a pod gives no answer',
      { targets: [anUnreachableTarget()] },
      { marks: ['unreachable'], severity: 1 },
    ],
    ['a pod fails by its word', { targets: [ownWord] }, { marks: ['own word'], severity: 2 }],
    [
      'a check is called as a mark',
      { targets: [aFailingTarget({ id: 'unreachable' })] },
      { marks: ['check unreachable'], severity: 2 },
    ],
  ]

  it.each(table)('is told by check ids, without pods and texts: %s', (_what, given, expected) => {
    expect(describeFailure(deepFreeze(aService(given)), SERVED)).toEqual(expected)
  })
})

describe('an ack with a time', () => {
  const table: [string, number | null, boolean][] = [
    ['none', null, false],
    ['a millisecond before it', T0 + 1, false],
    ['exactly at it', T0, true],
    ['a millisecond past it', T0 - 1, true],
  ]

  it.each(table)('has run out from that moment on: %s', (_what, expiresAtMs, expected) => {
    expect(hasExpired(anAck({ expiresAtMs }), T0)).toBe(expected)
  })
})

describe('an ack until change', () => {
  const both: Failure = { marks: ['check database', 'check disk'], severity: 2 }
  const table: [string, Failure, Failure, boolean][] = [
    ['fails as before', FAILING, FAILING, false],
    ['is well', FAILING, WELL, false],
    ['a check beside', FAILING, both, true],
    ['one of two', both, FAILING, false],
    ['another instead', FAILING, { marks: ['check disk'], severity: 2 }, true],
    ['a severity worse', FAILING, { ...FAILING, severity: 1 }, true],
    ['a severity better', FAILING, { ...FAILING, severity: 3 }, false],
    ['no answer any more', FAILING, { marks: ['unreachable'], severity: 2 }, true],
    ['it was well when it was acked', WELL, { ...FAILING, severity: 3 }, true],
    ['it was well and still is', WELL, WELL, false],
  ]

  it.each(table)('ends by a failure that was not there: %s', (_what, failure, now, expected) => {
    expect(hasChanged(anAck({ until: 'change', failure }), deepFreeze(now))).toBe(expected)
  })

  it.each(['removed', 'recovery'] as const)('is the only one that a change ends: %s', (until) => {
    expect(hasChanged(anAck({ until }), { marks: ['check disk'], severity: 1 })).toBe(false)
  })
})

describe('good reports without a break', () => {
  const since = T0 - 50_000
  const freshAtMs = T0
  const table: [string, number | null, Partial<Seen>, number | null][] = [
    ['the first good one', null, { isOk: true }, T0],
    ['one more', since, { isOk: true }, since],
    ['a bad one', since, { isOk: false }, null],
    ['nothing new while it is good', since, { isOk: null }, since],
    ['nothing new while it is bad', null, { isOk: null }, null],
    ['exactly three intervals later', since, { beforeMs: T0 - 30_000 }, since],
    ['a millisecond more', since, { beforeMs: T0 - 30_001 }, T0],
    ['the gap and nothing new', since, { isOk: null, beforeMs: T0 - 30_001 }, T0],
    ['the gap and a bad one', since, { isOk: false, beforeMs: T0 - 30_001 }, null],
    ['a longer interval', since, { beforeMs: T0 - 30_001, intervalSeconds: 11 }, since],
    ['no report before', since, { beforeMs: null }, T0],
    ['the same observation again', since, { beforeMs: T0 }, since],
  ]

  it.each(table)('are told by their first: %s', (_what, goodSinceMs, given, expected) => {
    const seen = { isOk: true, beforeMs: T0 - 10_000, freshAtMs, intervalSeconds: 10, ...given }

    expect(findGoodSince(anAck({ until: 'recovery', goodSinceMs }), seen)).toBe(expected)
  })
})

describe('an ack until recovery', () => {
  const table: [string, Ack['until'], number | null, boolean][] = [
    ['a millisecond below 60 s', 'recovery', T0 - 59_999, false],
    ['exactly 60 s', 'recovery', T0 - 60_000, true],
    ['a millisecond more', 'recovery', T0 - 60_001, true],
    ['not well now', 'recovery', null, false],
    ['well since the clock began', 'recovery', 0, true],
    ['well long enough, but until it is removed', 'removed', T0 - 60_000, false],
    ['well long enough, but until it changes', 'change', T0 - 60_000, false],
  ]

  it.each(table)('ends after a minute of them: %s', (_what, until, goodSinceMs, expected) => {
    expect(hasRecovered(anAck({ until, goodSinceMs }), T0)).toBe(expected)
  })
})
