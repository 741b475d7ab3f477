/** What an object that lost its storage starts from: KV's copy, held, with its order and its decisions (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import { applyAct } from '../../../../worker/domain/acts.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import { judgeFreshness } from '../../../../worker/domain/freshness.ts'
import { publish, restoreState, type Published } from '../../../../worker/domain/restore.ts'
import {
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { apply, stateAfter, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'
import { throughJson } from '../../../support/through-json.ts'

const MINUTES_15 = 15 * 60_000
const DAY = 86_400_000

const FAILING = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
const PLACE = { epoch: 4, sequence: 7 }
const HELD = stateAfter([aSnapshot({ ...PLACE, content: FAILING, streaks: { web: 3 } })])

function aPublished(given: Partial<Published> = {}): Published {
  return deepFreeze({ ...throughJson(publish(HELD)), ...given })
}

function restore(given: Partial<Published> = {}, nowMs = T0 + DAY): ClusterState {
  return restoreState(aPublished(given), nowMs).state
}

describe('the copy of a cluster', () => {
  it('holds verdicts, decisions, memory and the order, nothing of pods', () => {
    expect(publish(HELD)).toEqual({
      isDead: false,
      environment: 'demo',
      ...PLACE,
      intervalSeconds: 10,
      lease: HELD.pulse.lease,
      facts: HELD.standing.facts,
      categories: HELD.standing.categories,
      memory: HELD.standing.memory,
      nodes: HELD.standing.nodes,
      decisions: HELD.decisions,
    })
  })

  it.each([
    ['fresh', false],
    ['late', false],
    ['held', false],
    ['dead', true],
  ] as const)('says whether it was dead: %s', (freshness, expected) => {
    expect(publish({ ...HELD, pulse: { ...HELD.pulse, freshness } }).isDead).toBe(expected)
  })

  const dead = { by: 'policy', untilMs: 0, episodeMs: null, isAlone: false } as const
  const hold = { untilMs: T0 + DAY, by: 'nina', why: 'drill', isRestored: false }

  it.each<[string, number, number | null, boolean]>([
    ['ruled while it was only late, and blind since', T0 + 31_000, null, false],
    ['held by hand, in time', T0 + 31_000, T0 + 40_000, false],
    ['held by hand, and ruled to be gone meanwhile', T0 + 60_001, T0 + 40_000, true],
    ['held by hand after it had died', T0 + 31_000, T0 + 60_001, true],
  ])('tells the dead from the held: %s', (_, atMs, heldAtMs, expected) => {
    const lease = { ...HELD.pulse.lease, ruling: { ...dead, atMs } }
    const held = heldAtMs === null ? null : { ...hold, atMs: heldAtMs }
    const pulse = { ...HELD.pulse, freshness: 'held' as const, lease }
    const decisions = { ...HELD.decisions, hold: held }

    expect(publish({ ...HELD, pulse, decisions }).isDead).toBe(expected)
  })
})

describe('a restored object', () => {
  const table: [string, number, string][] = [
    ['at that moment', 0, 'held'],
    ['exactly 15 min later', MINUTES_15, 'held'],
    ['a millisecond more', MINUTES_15 + 1, 'dead'],
  ]

  it.each(table)('holds 15 min from then, however old the copy: %s', (_what, laterMs, expected) => {
    const { lease } = restore().pulse

    expect(judgeFreshness(lease, T0 + DAY + laterMs)).toBe(expected)
    expect(lease.freshAtMs).toBe(T0)
  })

  it('holds nothing for a cluster that was dead', () => {
    const { lease, freshness } = restore({ isDead: true }, T0 + 1).pulse

    expect([freshness, judgeFreshness(lease, T0 + 1)]).toEqual(['dead', 'dead'])
  })

  it('has no data where there never was any', () => {
    const none = throughJson(publish(stateAfter([aHeartbeat()])))

    const { pulse } = restoreState(none, T0 + DAY).state

    expect([pulse.freshness, judgeFreshness(pulse.lease, T0 + DAY)]).toEqual(['no-data', 'none'])
  })

  it('goes on in the order, and asks for a snapshot', () => {
    const state = restore()
    const answers = [
      aHeartbeat({ epoch: 3, sequence: 99 }),
      aHeartbeat(PLACE),
      aHeartbeat({ ...PLACE, sequence: 8 }),
    ].map((report) => apply(state, report, T0 + DAY))

    expect(answers.map((answer) => answer.ok && answer.resend)).toEqual([false, false, true])
  })

  it('marks what people decided, and counts good reports anew', () => {
    const actor = { by: 'nina', address: '' }
    const act = { kind: 'add-ack', service: 'web', message: 'known', expiresAtMs: null } as const
    const acked = applyAct(HELD, { ...act, until: 'recovery' }, { nowMs: T0, actor })
    const decisions = acked.ok ? acked.state.decisions : HELD.decisions
    const acks = decisions.acks.map((ack) => ({ ...ack, goodSinceMs: T0 - 50_000 }))

    const [ack, ...others] = restore({ decisions: { ...decisions, acks } }).decisions.acks

    expect(others).toEqual([])
    expect(ack).toMatchObject({ by: 'nina', isRestored: true, goodSinceMs: null, atMs: T0 })
  })

  it('tells that it was restored, once', () => {
    const { transitions } = restoreState(aPublished(), T0 + DAY)

    expect(transitions).toMatchObject([
      {
        atMs: T0 + DAY,
        subject: 'cluster',
        from: null,
        to: 'held',
        cause: 'restored',
        actor: null,
      },
    ])
  })
})
