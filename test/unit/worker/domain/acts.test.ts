/** What people may do, what each act leaves behind and tells, and what is refused and changes nothing (behaviour, sections 3 and 5). */
import { describe, expect, it } from 'vitest'
import { applyAct, passMoment, type Act, type Acted } from '../../../../worker/domain/acts.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { accept, stateAfter, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const NINA = { by: 'nina', address: '192.0.2.1' }
const NOW = { nowMs: T0 + 5000, actor: NINA }

const ADD_ACK: Extract<Act, { kind: 'add-ack' }> = {
  kind: 'add-ack',
  service: 'web',
  message: 'known',
  until: 'change',
  expiresAtMs: null,
}
const REMOVE_ACK: Act = { kind: 'remove-ack', service: 'web' }
const DISABLE: Act = { kind: 'disable-category', category: 'read', why: 'failover' }
const ENABLE: Act = { kind: 'enable-category', category: 'read' }

const CONTENT = aContent({
  services: [aService({ targets: [aFailingTarget()] }), aService({ name: 'api' })],
  categories: [aCategory()],
  acks: [{ service: 'api', message: 'in the ConfigMap' }],
})
const HELD = deepFreeze(stateAfter([aSnapshot({ content: CONTENT })]))

function act(state: ClusterState | null, ...acts: Act[]): Extract<Acted, { ok: true }> {
  let acted: Acted = { ok: false, reason: 'no-data' }
  for (const one of acts) {
    acted = applyAct(acted.ok ? acted.state : state, one, NOW)
    if (!acted.ok) throw new Error(`refused: ${acted.reason}, not expected`)
    deepFreeze(acted)
  }
  if (!acted.ok) throw new Error('a case needs an act')
  return acted
}

describe('an act that is refused', () => {
  const heard = deepFreeze(stateAfter([aHeartbeat()]))
  const table: [string, ClusterState | null, Act, string][] = [
    ['an ack before any report', null, ADD_ACK, 'no-data'],
    ['an ack before any snapshot', heard, ADD_ACK, 'no-data'],
    ['an ack of nobody', HELD, { ...ADD_ACK, service: 'who' }, 'unknown-service'],
    ['an ack of an object’s own', HELD, { ...ADD_ACK, service: 'toString' }, 'unknown-service'],
    ['taking back from nobody', HELD, { ...REMOVE_ACK, service: 'who' }, 'unknown-service'],
    ['taking back what was not given', HELD, REMOVE_ACK, 'not-acked'],
    ['taking back before any report', null, REMOVE_ACK, 'no-data'],
    ['disabling before any report', null, DISABLE, 'no-data'],
    ['an order anew before any report', null, { kind: 'reset-order', why: '' }, 'no-data'],
    ['disabling before any snapshot', heard, DISABLE, 'no-data'],
    ['disabling what is not there', HELD, { ...DISABLE, category: 'who' }, 'unknown-category'],
    ['enabling before any snapshot', heard, ENABLE, 'no-data'],
    ['enabling what is not there', HELD, { ...ENABLE, category: 'who' }, 'unknown-category'],
  ]

  it.each(table)('says why: %s', (_what, state, one, reason) => {
    expect(applyAct(state, one, NOW)).toEqual({ ok: false, reason })
  })

  it('does not call a service unknown before any snapshot', () => {
    expect(applyAct(heard, REMOVE_ACK, NOW)).toEqual({ ok: false, reason: 'no-data' })
  })
})

describe('an ack', () => {
  it('holds who, when, until when and what failed', () => {
    const { state } = act(HELD, { ...ADD_ACK, expiresAtMs: T0 + 9000 })

    expect(state.decisions.acks).toEqual([
      {
        service: 'web',
        message: 'known',
        by: 'nina',
        atMs: T0 + 5000,
        until: 'change',
        expiresAtMs: T0 + 9000,
        failure: { marks: ['check database'], severity: 2 },
        goodSinceMs: null,
        isRestored: false,
      },
    ])
  })

  it('tells who gave it from where, and what turned', () => {
    const at = { atMs: T0 + 5000, cause: 'hand', actor: NINA }

    expect(act(HELD, ADD_ACK).transitions).toEqual([
      { ...at, subject: 'ack', name: 'web', from: null, to: 'acked', note: 'known' },
      { ...at, subject: 'category', name: 'default', from: 'unhealthy', to: 'healthy', note: '' },
      { ...at, subject: 'category', name: 'read', from: 'unhealthy', to: 'healthy', note: '' },
    ])
  })

  it('of a service that is well counts good reports from the last', () => {
    const { state } = act(HELD, { ...ADD_ACK, service: 'api', until: 'recovery' })

    expect(state.decisions.acks[0]).toMatchObject({
      failure: { marks: [], severity: null },
      goodSinceMs: T0,
    })
  })

  it('that ran out before it was given is over at once', () => {
    const { state, transitions } = act(HELD, { ...ADD_ACK, expiresAtMs: T0 + 5000 })

    expect(state.decisions.acks).toEqual([])
    expect(transitions.map(({ to, cause }) => [to, cause])).toEqual([
      ['acked', 'hand'],
      [null, 'expired'],
    ])
  })

  it('leaves all else the very same', () => {
    const { state } = act(HELD, ADD_ACK)

    expect(state.content).toBe(HELD.content)
    expect(state.standing.facts).toBe(HELD.standing.facts)
    expect(state.standing.services).toBe(HELD.standing.services)
    expect(state.pulse).toEqual(HELD.pulse)
  })

  it('takes the place of the one before, and says so', () => {
    const { state, transitions } = act(HELD, ADD_ACK, { ...ADD_ACK, message: 'again' })

    expect(state.decisions.acks.map(({ message }) => message)).toEqual(['again'])
    expect(transitions).toMatchObject([{ subject: 'ack', from: 'acked', to: 'acked' }])
  })

  it.each(['removed', 'change'] as const)('is left as it is by reports: until %s', (until) => {
    const { state } = act(HELD, { ...ADD_ACK, until })
    const reports = [aHeartbeat({ sequence: 2 }), aSnapshot({ sequence: 2, content: CONTENT })]

    const after = reports.map((report) => accept(state, report, T0 + 10_000).state.decisions)

    expect(after.every((decisions) => decisions === state.decisions)).toBe(true)
  })

  it('taken back leaves the ones of other services', () => {
    const { state } = act(HELD, ADD_ACK, { ...ADD_ACK, service: 'api' }, REMOVE_ACK)

    expect(state.decisions.acks.map(({ service }) => service)).toEqual(['api'])
  })

  it('of the ConfigMap is hidden, once, by its text', () => {
    const taken: Act = { kind: 'remove-ack', service: 'api' }

    const { state } = act(HELD, { ...ADD_ACK, service: 'api' }, taken)

    expect(state.decisions.hiddenAcks).toEqual([{ service: 'api', message: 'in the ConfigMap' }])
    expect(applyAct(state, taken, NOW)).toEqual({ ok: false, reason: 'not-acked' })
  })
})

describe('a category', () => {
  it('disabled holds who, why and what its ConfigMap said', () => {
    const override = {
      category: 'read',
      isEnabled: false,
      cause: 'hand',
      by: 'nina',
      why: 'failover',
      atMs: T0 + 5000,
      saidThen: null,
      isRestored: false,
    }

    expect(act(HELD, DISABLE).state.decisions.overrides).toEqual([override])
  })

  it('switched twice tells each word, though nothing turns', () => {
    const told = act(HELD, DISABLE, { ...DISABLE, why: 'still' }).transitions

    expect(told).toEqual([
      {
        atMs: T0 + 5000,
        subject: 'category',
        name: 'read',
        from: 'disabled',
        to: 'disabled',
        cause: 'hand',
        actor: NINA,
        note: 'still',
      },
    ])
  })

  it('enabled again leaves no override where none is needed', () => {
    expect(act(HELD, DISABLE, ENABLE).state.decisions.overrides).toEqual([])
    expect(act(HELD, ENABLE).state.decisions.overrides).toEqual([])
  })

  it('enabled against its ConfigMap leaves one', () => {
    const categories = [aCategory({ enabled: false })]
    const off = stateAfter([aSnapshot({ content: aContent({ categories }) })])

    const { overrides } = act(off, ENABLE).state.decisions

    expect(overrides).toMatchObject([{ isEnabled: true, saidThen: false, by: 'nina' }])
  })

  it('enabled clears its counts, and no other’s', () => {
    const sticky = { isSticky: true, failureThreshold: 9 }
    const categories = [aCategory(sticky), aCategory({ ...sticky, name: 'write' })]
    const content = { ...CONTENT, categories }
    const counted = stateAfter([aSnapshot({ content, streaks: { web: 2 } })])

    const { counts } = act(counted, ENABLE).state.pulse

    expect(counts).toEqual([{ category: 'write', service: 'web', failed: 2 }])
  })

  it('that is gone can still be enabled, not disabled', () => {
    const disabled = act(HELD, DISABLE).state
    const gone = accept(
      disabled,
      aSnapshot({ sequence: 2, content: { ...CONTENT, categories: [] } }),
    )

    expect(applyAct(gone.state, DISABLE, NOW)).toEqual({ ok: false, reason: 'unknown-category' })
    expect(act(gone.state, ENABLE).state.decisions.overrides).toEqual([])
  })
})

describe('a moment that passes', () => {
  const given = act(HELD, { ...ADD_ACK, expiresAtMs: T0 + 20_000 }).state
  const table: [string, number, string[]][] = [
    ['a millisecond before an ack ends', 19_999, []],
    ['exactly then', 20_000, ['ack', 'category', 'category']],
    ['exactly at three intervals', 30_000, ['ack', 'category', 'category']],
    ['a millisecond later', 30_001, ['cluster', 'ack', 'category', 'category']],
    ['past its death', 60_001, ['cluster', 'cluster', 'ack', 'category', 'category']],
  ]

  it.each(table)('tells what time alone turned: %s', (_what, laterMs, expected) => {
    const { transitions } = passMoment(given, T0 + laterMs)

    expect(transitions.map(({ subject }) => subject)).toEqual(expected)
  })

  it('leaves the state as it is when nothing turned', () => {
    const { state } = passMoment(given, T0 + 19_999)

    expect(state).toEqual(given)
    expect(state.standing).toBe(given.standing)
    expect(state.decisions).toBe(given.decisions)
  })

  it('tells nothing twice', () => {
    const { state } = passMoment(given, T0 + 60_001)

    expect(passMoment(state, T0 + 90_000).transitions).toEqual([])
  })
})
