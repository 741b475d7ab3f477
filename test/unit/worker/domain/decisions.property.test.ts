/** What holds for every history of reports, acts and moments: storage forgets nothing, readers and alarms agree, acts undo. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report, Service } from '../../../../worker/contract/report.ts'
import { applyAct, passMoment, type Act } from '../../../../worker/domain/acts.ts'
import { applyReport, type ClusterState } from '../../../../worker/domain/cluster.ts'
import { findHonoured } from '../../../../worker/domain/decisions.ts'
import { judgeGtg, makeView } from '../../../../worker/domain/gtg.ts'
import type { Transition } from '../../../../worker/domain/history.ts'
import { publish, restoreState } from '../../../../worker/domain/restore.ts'
import { describeCluster } from '../../../../worker/domain/status.ts'
import {
  judgeServices,
  observeCategories,
  rebuildAcks,
  rebuildCategories,
} from '../../../../worker/domain/verdict.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  anUnreachableTarget,
  aService,
  aSnapshot,
  aTarget,
} from '../../../support/a-report.ts'
import { RULES, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'
import { throughJson } from '../../../support/through-json.ts'

type Event = { afterMs: number } & (
  { kind: 'report'; report: Report } | { kind: 'act'; act: Act } | { kind: 'moment' }
)

interface Step {
  event: Event
  nowMs: number
  before: ClusterState | null
  /** Where the event was refused, as before. */
  state: ClusterState | null
  transitions: Transition[]
}

const NAMES = ['web', 'constructor', '__proto__', 'a, "b"\n']
const ACTOR = { by: 'nina', address: '192.0.2.1' }

const name = fc.constantFrom(...NAMES)
const targets = fc.constantFrom<Service['targets'][]>(
  [aTarget()],
  [aFailingTarget()],
  [aFailingTarget({ id: 'disk', severity: 1 })],
  [anUnreachableTarget()],
  null,
)
const category = fc
  .record({
    name: fc.constantFrom('read', 'constructor', '__proto__'),
    services: fc.subarray(NAMES),
    isSticky: fc.boolean(),
    failureThreshold: fc.integer({ min: 1, max: 3 }),
    said: fc.constantFrom({}, { enabled: true }, { enabled: false }),
  })
  .map(({ said, ...given }) => aCategory({ ...given, ...said }))
const content = fc
  .record({
    services: fc.uniqueArray(fc.record({ name, targets }).map(aService), {
      selector: (service) => service.name,
    }),
    categories: fc.option(fc.uniqueArray(category, { selector: (one) => one.name })),
    acks: fc.option(
      fc.uniqueArray(fc.record({ service: name, message: fc.constantFrom('known', 'again') }), {
        selector: ({ service }) => service,
      }),
    ),
  })
  .map(aContent)

const streaks = fc
  .uniqueArray(fc.tuple(name, fc.integer({ min: 1, max: 4 })), { selector: ([one]) => one })
  .map((entries): Record<string, number> => Object.fromEntries(entries))
const digest = fc.constantFrom('a', 'b')
const report: fc.Arbitrary<Report> = fc
  .tuple(
    fc.record({ epoch: fc.integer({ min: 1, max: 2 }), streaks, digest }),
    fc.oneof(
      content.map((given): Report => aSnapshot({ content: given })),
      fc.constant<Report>(aHeartbeat()),
      fc.constant<Report>(aBlind()),
    ),
  )
  .map(([envelope, given]) => ({ ...given, ...envelope }))

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant('add-ack' as const),
    service: name,
    message: fc.constantFrom('known', '"odd", \n'),
    until: fc.constantFrom('removed', 'recovery', 'change'),
    expiresAtMs: fc.option(fc.integer({ min: T0, max: T0 + 400_000 })),
  }),
  fc.record({ kind: fc.constant('remove-ack' as const), service: name }),
  fc.record({
    kind: fc.constant('disable-category' as const),
    category: fc.constantFrom('default', 'read', 'constructor', '__proto__'),
    why: fc.constant('why, "not"?\n'),
  }),
  fc.record({
    kind: fc.constant('enable-category' as const),
    category: fc.constantFrom('default', 'read', 'constructor', '__proto__'),
  }),
)

const afterMs = fc.oneof(fc.constant(0), fc.nat(20_000), fc.nat(90_000))
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ afterMs, kind: fc.constant('report' as const), report }) },
  { weight: 2, arbitrary: fc.record({ afterMs, kind: fc.constant('act' as const), act }) },
  { weight: 1, arbitrary: fc.record({ afterMs, kind: fc.constant('moment' as const) }) },
)
const history = fc.array(event, { maxLength: 25 })

/** Each step from nothing on; none may write into what it was given. `keep`: how a state lies between two steps. */
function run(events: Event[], keep: (state: ClusterState) => ClusterState = deepFreeze): Step[] {
  let state: ClusterState | null = null
  let nowMs = T0
  return events.map((one, i) => {
    nowMs += one.afterMs
    const before: ClusterState | null = state
    const taken = take(before, deepFreeze(one), { nowMs, sequence: i })
    state = taken === null ? before : deepFreeze(keep(taken.state))
    return { event: one, nowMs, before, state, transitions: taken?.transitions ?? [] }
  })
}

/** null: refused. */
function take(
  state: ClusterState | null,
  one: Event,
  { nowMs, sequence }: { nowMs: number; sequence: number },
) {
  if (one.kind === 'report') {
    const next = { ...one.report, sequence, observedAt: nowMs }
    const applied = applyReport(state, next, { ...RULES, nowMs })
    return applied.ok ? applied : null
  }
  if (one.kind === 'moment') return state === null ? null : passMoment(state, nowMs)
  const acted = applyAct(state, one.act, { nowMs, actor: ACTOR })
  return acted.ok ? acted : null
}

/** The last state of a history, and a moment behind it by which time alone was told. */
const settled = fc.tuple(history, fc.nat(100_000)).map(([events, laterMs]) => {
  const last = run(events).findLast(({ state }) => state !== null)
  const nowMs = (last?.nowMs ?? T0) + laterMs
  return { state: last?.state ? passMoment(last.state, nowMs).state : null, nowMs }
})

function verdictsOf({ standing }: ClusterState) {
  return standing.categories.map((verdict) => ({ ...verdict, sinceMs: 0 }))
}

describe('storage', () => {
  it('gives back at any point what goes on as before', () => {
    fc.assert(
      fc.property(history, (events) => {
        expect(run(events, throughJson)).toEqual(run(events))
      }),
    )
  })

  it('need not give content and services but to snapshots and acts', () => {
    fc.assert(
      fc.property(history, (events) => {
        for (const { event: one, before, nowMs } of run(events)) {
          const isSmall = one.kind === 'moment' || (one.kind === 'report' && isLight(one.report))
          if (before === null || !isSmall) continue
          const standing = { ...before.standing, services: {} }
          const small = deepFreeze({ ...before, content: null, standing })
          const sequence = before.pulse.sequence + 1
          const light = take(small, one, { nowMs, sequence })
          const full = take(before, one, { nowMs, sequence })
          expect(light?.state.decisions).toEqual(full?.state.decisions)
          expect(light?.state.pulse).toEqual(full?.state.pulse)
          expect(light?.state.standing.categories).toEqual(full?.state.standing.categories)
          expect(light?.transitions).toEqual(full?.transitions)
        }
      }),
    )

    function isLight({ kind }: Report): boolean {
      return kind !== 'snapshot'
    }
  })

  it('that was lost loses no decision and no verdict', () => {
    fc.assert(
      fc.property(settled, ({ state, nowMs }) => {
        if (state === null) return

        const restored = restoreState(deepFreeze(throughJson(publish(state))), nowMs).state

        expect(verdictsOf(restored)).toEqual(verdictsOf(state))
        expect(restored.decisions.hiddenAcks).toEqual(state.decisions.hiddenAcks)
        expect(restored.decisions.overrides).toEqual(
          state.decisions.overrides.map((one) => ({ ...one, isRestored: true })),
        )
        expect(restored.decisions.acks).toEqual(
          state.decisions.acks.map((ack) => ({ ...ack, goodSinceMs: null, isRestored: true })),
        )
      }),
    )
  })
})

describe('facts', () => {
  it('hold what it takes to come to them again', () => {
    fc.assert(
      fc.property(content, (given) => {
        const services = judgeServices(deepFreeze(given), null)
        const facts = deepFreeze(observeCategories(given, services))

        const rebuilt = { categories: rebuildCategories(facts), acks: rebuildAcks(facts) }

        expect(observeCategories({ ...given, ...rebuilt }, services)).toEqual(facts)
      }),
    )
  })
})

describe('a reader at a later moment', () => {
  it('finds what an alarm at that moment would have left', () => {
    fc.assert(
      fc.property(history, fc.nat(500_000), (events, laterMs) => {
        const last = run(events).at(-1)
        if (!last?.state) return
        const nowMs = last.nowMs + laterMs
        const names = ['default', 'read', 'constructor', '__proto__']

        const after = passMoment(last.state, nowMs).state

        for (const asked of names) {
          const [early, late] = [last.state, after].map((state) => {
            const gtg = judgeGtg(makeView(state), [asked], { nowMs, isCopy: false })
            return { reason: gtg.reason, passes: gtg.passes }
          })
          expect(early).toEqual(late)
        }
        expect(pageOf(last.state, nowMs)).toEqual(pageOf(after, nowMs))
      }),
    )

    /** Since when, and in which order, is another question. */
    function pageOf(state: ClusterState, nowMs: number) {
      const status = describeCluster(state, { cluster: 'demo', names: [], nowMs })
      const categories = status?.categories.map((one) => ({
        ...one,
        sinceMs: 0,
        failing: one.failing.toSorted(),
        acked: one.acked.toSorted(),
      }))
      return { ...status, categories }
    }
  })
})

describe('an act and its inverse', () => {
  const at = (nowMs: number) => ({ nowMs, actor: ACTOR })

  it('leave the verdict of an acked service as it was', () => {
    fc.assert(
      fc.property(settled, name, (given, service) => {
        const { state, nowMs } = deepFreeze(given)
        if (state === null) return
        const { decisions } = state
        const honoured = findHonoured(state.content?.acks ?? null, decisions.hiddenAcks)
        if (honoured.has(service) || decisions.acks.some((ack) => ack.service === service)) return
        const ack = { message: 'known', until: 'removed', expiresAtMs: null } as const
        const acked = applyAct(state, { kind: 'add-ack', service, ...ack }, at(nowMs))
        if (!acked.ok) return

        const undone = applyAct(acked.state, { kind: 'remove-ack', service }, at(nowMs))

        expect(undone.ok ? verdictsOf(undone.state) : null).toEqual(verdictsOf(state))
        expect(undone.ok ? undone.state.decisions : null).toEqual(decisions)
      }),
    )
  })

  it('leave the verdict of a switched category as it was', () => {
    const categories = fc.constantFrom('default', 'read', 'constructor', '__proto__')
    fc.assert(
      fc.property(settled, categories, (given, one) => {
        const { state, nowMs } = deepFreeze(given)
        const held = state?.standing.categories.find((known) => known.name === one)
        if (state === null || held === undefined) return
        const disable: Act = { kind: 'disable-category', category: one, why: '' }
        const enable: Act = { kind: 'enable-category', category: one }
        const isOff = held.reason === 'disabled'

        const first = applyAct(state, isOff ? enable : disable, at(nowMs))
        const second = first.ok ? applyAct(first.state, isOff ? disable : enable, at(nowMs)) : first

        expect(second.ok ? verdictsOf(second.state) : null).toEqual(verdictsOf(state))
      }),
    )
  })
})

describe('the history', () => {
  /** An ack may stand at the edge and in the ConfigMap, and what is well is new without a word: those may begin anew. */
  function isGap({ subject, from }: Transition, before: Transition | undefined): boolean {
    const word = before?.to ?? null
    if (subject === 'ack' || (word === null && (from === 'ok' || from === 'healthy'))) return false
    return from !== (subject === 'cluster' && before === undefined ? 'no-data' : word)
  }

  it('begins each transition where the last one ended', () => {
    fc.assert(
      fc.property(history, (events) => {
        const told = run(events).flatMap(({ transitions }) => transitions)

        const gaps = told.filter((turn, i) =>
          isGap(
            turn,
            told.slice(0, i).findLast((t) => t.subject === turn.subject && t.name === turn.name),
          ),
        )
        expect(gaps).toEqual([])
      }),
    )
  })

  it('ends in what stands', () => {
    fc.assert(
      fc.property(history, (events) => {
        const steps = run(events)
        const told = steps.flatMap(({ transitions }) => transitions)
        const state = steps.at(-1)?.state
        if (!state) return

        const last = state.standing.categories.map(({ name: one }) =>
          told.findLast((t) => t.subject === 'category' && t.name === one),
        )
        expect(last.map((turn) => turn?.to ?? 'healthy')).toEqual(
          state.standing.categories.map(({ reason }) => reason),
        )
      }),
    )
  })
})
