/** What is told of a change and with which cause: services, categories, the ConfigMap's acks, silence (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import type { Pulse, Standing } from '../../../../worker/domain/cluster.ts'
import { NO_DECISIONS } from '../../../../worker/domain/decisions.ts'
import {
  findHonouredTurns,
  findSilence,
  findTurns,
  record,
  type Cause,
} from '../../../../worker/domain/history.ts'
import type { CategoryReason } from '../../../../worker/domain/verdict.ts'
import { aContent, aSnapshot } from '../../../support/a-report.ts'
import { aStanding } from '../../../support/a-view.ts'
import { stateAfter, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const NINA = { by: 'nina', address: '192.0.2.1' }
const ODD = ['constructor', '__proto__', 'a, b', 'two\nlines']

function standing(of: { service?: boolean | null; category?: CategoryReason | null }): Standing {
  const { service = null, category = null } = of
  return deepFreeze({
    facts: [],
    categories: category === null ? [] : [aStanding({ name: 'read', reason: category })],
    services: service === null ? {} : { web: { ok: service, severity: null, sinceMs: T0 } },
    memory: null,
    nodes: null,
  })
}

describe('a transition', () => {
  it('takes moment, cause, person and note from its step', () => {
    const step = { nowMs: T0, cause: 'hand', actor: NINA, note: 'why' } as const

    const told = record(step, { subject: 'trip', name: 'read', from: 'tripped', to: null })

    expect(told).toEqual({
      atMs: T0,
      subject: 'trip',
      name: 'read',
      from: 'tripped',
      to: null,
      cause: 'hand',
      actor: NINA,
      note: 'why',
    })
  })

  it('may have its own, and has nobody where none is named', () => {
    const own = { atMs: T0 - 1, cause: 'silence', note: 'own' } as const

    const told = record(
      { nowMs: T0, cause: 'report' },
      { subject: 'cluster', name: '', from: 'fresh', to: 'late', ...own },
    )

    expect(told).toMatchObject({ ...own, actor: null })
  })
})

describe('a service', () => {
  const table: [string, boolean | null, boolean | null, [string | null, string | null] | null][] = [
    ['stays well', true, true, null],
    ['stays bad', false, false, null],
    ['turns bad', true, false, ['ok', 'failing']],
    ['turns well', false, true, ['failing', 'ok']],
    ['comes and is well', null, true, null],
    ['comes and is bad', null, false, [null, 'failing']],
    ['goes while well', true, null, ['ok', null]],
    ['goes while bad', false, null, ['failing', null]],
  ]

  it.each(table)('is told when its word is another: %s', (_what, from, to, expected) => {
    const step = { nowMs: T0, cause: 'report' } as const

    const told = findTurns(standing({ service: from }), standing({ service: to }), step)

    expect(told.map((turn) => [turn.from, turn.to])).toEqual(expected === null ? [] : [expected])
  })

  it.each(ODD)('is told by any name: %j', (name) => {
    const services = Object.fromEntries([[name, { ok: false, severity: null, sinceMs: T0 }]])
    const to = deepFreeze({ ...standing({}), services })

    const told = findTurns(standing({}), to, { nowMs: T0, cause: 'report' })

    expect(told.map((turn) => [turn.name, turn.to])).toEqual([[name, 'failing']])
  })
})

describe('the cause of a category’s turn', () => {
  const table: [string, CategoryReason | null, CategoryReason | null, Cause, Cause][] = [
    ['a report says unhealthy', 'healthy', 'unhealthy', 'report', 'report'],
    ['a report says empty', 'healthy', 'empty', 'report', 'report'],
    ['a report says disabled', 'healthy', 'disabled', 'report', 'configmap'],
    ['a report says enabled', 'disabled', 'healthy', 'report', 'configmap'],
    ['somebody disables it', 'healthy', 'disabled', 'hand', 'hand'],
    ['an ack ran out', 'healthy', 'unhealthy', 'expired', 'expired'],
    ['it comes and is disabled', null, 'disabled', 'report', 'configmap'],
  ]

  it.each(table)(
    'is its ConfigMap where only that can be: %s',
    (_what, from, to, cause, expected) => {
      const step = { nowMs: T0, cause }

      const told = findTurns(standing({ category: from }), standing({ category: to }), step)

      expect(told.map((turn) => turn.cause)).toEqual([expected])
    },
  )
})

describe('acks of the ConfigMap', () => {
  const table: [string, string | null, string | null, unknown[]][] = [
    ['stay', 'known', 'known', []],
    ['come', null, 'known', [[null, 'acked', 'known']]],
    ['go', 'known', null, [['acked', null, 'known']]],
    ['say something else', 'known', 'again', [['acked', 'acked', 'again']]],
  ]

  function holding(message: string | null) {
    const acks = message === null ? [] : [{ service: 'web', message }]
    return deepFreeze({ content: aContent({ acks }), decisions: NO_DECISIONS })
  }

  it.each(table)('are told when they: %s', (_what, from, to, expected) => {
    const step = { nowMs: T0, cause: 'report' } as const

    const told = findHonouredTurns(holding(from), holding(to), step)

    expect(told.map((turn) => [turn.from, turn.to, turn.note])).toEqual(expected)
    expect(told.every(({ cause }) => cause === 'configmap')).toBe(true)
  })

  it('are not told while they are hidden', () => {
    const hidden = { ...NO_DECISIONS, hiddenAcks: [{ service: 'web', message: 'known' }] }
    const to = { ...holding('known'), decisions: hidden }

    expect(findHonouredTurns(holding(null), to, { nowMs: T0, cause: 'report' })).toEqual([])
  })
})

describe('silence', () => {
  const { pulse } = deepFreeze(stateAfter([aSnapshot()]))
  const blind: Pulse = {
    ...pulse,
    freshness: 'held',
    lease: { ...pulse.lease, heldUntilMs: T0 + 90_000 },
  }
  const late: Pulse = { ...pulse, freshness: 'late' }
  const table: [string, Pulse, number, [number, string, string][]][] = [
    ['exactly three intervals', pulse, 30_000, []],
    ['a millisecond more', pulse, 30_001, [[30_000, 'fresh', 'late']]],
    ['exactly a minute', pulse, 60_000, [[30_000, 'fresh', 'late']]],
    [
      'a millisecond more than that',
      pulse,
      60_001,
      [
        [30_000, 'fresh', 'late'],
        [60_000, 'late', 'dead'],
      ],
    ],
    ['late was told before', late, 999_999, [[60_000, 'late', 'dead']]],
    ['late and still late', late, 45_000, []],
    ['exactly at the end of a hold', blind, 90_000, []],
    ['a millisecond past a hold', blind, 90_001, [[90_000, 'held', 'dead']]],
    ['dead was told before', { ...pulse, freshness: 'dead' }, 999_999, []],
  ]

  it.each(table)('is told at its own moments: %s', (_what, before, laterMs, expected) => {
    const told = findSilence(before, before, { nowMs: T0 + laterMs, cause: 'expired' })

    expect(told.map(({ atMs, from, to }) => [atMs - T0, from, to])).toEqual(expected)
    expect(told.every(({ cause }) => cause === 'silence')).toBe(true)
  })

  it('ends by a report, at the moment it came', () => {
    const lease = {
      freshAtMs: T0 + 45_000,
      validUntilMs: T0 + 105_000,
      heldUntilMs: null,
      byHandUntilMs: null,
      ruling: null,
    }
    const step = { nowMs: T0 + 45_000, cause: 'report' } as const

    const told = findSilence(pulse, { ...pulse, lease }, step)

    expect(told.map(({ atMs, from, to, cause }) => [atMs - T0, from, to, cause])).toEqual([
      [30_000, 'fresh', 'late', 'silence'],
      [45_000, 'late', 'fresh', 'report'],
    ])
  })
})
