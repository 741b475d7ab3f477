/**
 * What follows from a new state of things, whatever made it: a report, a person's act, or time alone. Acks end,
 * overrides end, failures are counted, categories trip, verdicts turn, and each of it is told.
 */
import type { Report, Service } from '../contract/report.ts'
import {
  describeFailure,
  findGoodSince,
  hasChanged,
  hasExpired,
  hasRecovered,
  type Ack,
  type AckEnd,
} from './acks.ts'
import type { CategoryStanding, ClusterState } from './cluster.ts'
import {
  hasConfigMapChanged,
  isEnabled,
  keepHidden,
  readDecisions,
  type Decisions,
  type Hold,
  type Override,
} from './decisions.ts'
import { tellFreshness } from './freshness.ts'
import {
  findHonouredTurns,
  findSilence,
  findTurns,
  record,
  type Step,
  type Transition,
} from './history.ts'
import { isWell } from './service-health.ts'
import { findPast } from './service-memory.ts'
import { countFailures, findReached, keepStreaks, type Count } from './sticky.ts'
import { expireAcks, judgeCategory, type CategoryFacts } from './verdict.ts'

/** `moved`: the report, where one moved freshness; only such a one moves counters and recoveries. */
export interface Settling extends Step {
  moved: Report | null
}

export interface Settled {
  state: ClusterState
  transitions: Transition[]
}

/** Parts that did not change stay the very same objects. */
export function settle(held: ClusterState, after: ClusterState, step: Settling): Settled {
  const { before, lapses } = lapse(held, step.nowMs)
  const ended = endDecisions(held, after, step)
  const counted = countAgain(held, { ...after, decisions: ended.decisions }, { step, ended })
  const tripped = trip({ ...after, decisions: ended.decisions }, counted.counts, step)
  const isSame =
    after.standing.facts === held.standing.facts && tripped.decisions === held.decisions
  const standing = isSame
    ? after.standing
    : {
        ...after.standing,
        categories: judgeAll(before.categories, after.standing.facts, { ...step, ...tripped }),
      }
  const { lease, intervalSeconds } = after.pulse
  const freshness = tellFreshness(lease, intervalSeconds, step.nowMs)
  const pulse = { ...after.pulse, ...counted, freshness }
  const state = { ...after, decisions: tripped.decisions, standing, pulse }
  const tripNames = new Set(tripped.transitions.map(({ name }) => name))
  const turns = findTurns(before, standing, step).map((turn) =>
    turn.subject === 'category' && tripNames.has(turn.name)
      ? { ...turn, cause: 'threshold' as const }
      : turn,
  )
  return {
    state,
    transitions: [
      ...findSilence(held.pulse, pulse, step),
      ...ended.transitions,
      ...lapses,
      ...(held.content === after.content ? [] : findHonouredTurns(held, state, step)),
      ...tripped.transitions,
      ...turns,
    ],
  }
}

/** What acks that ran out have turned by themselves, each at its own moment, whoever comes first to see it. */
function lapse({ standing }: ClusterState, nowMs: number) {
  const categories = standing.categories.map((category) => expireAcks(category, nowMs))
  const before = { ...standing, categories }
  const sinceOf = new Map(categories.map(({ name, sinceMs }) => [name, sinceMs]))
  const lapses = findTurns(standing, before, { nowMs, cause: 'expired' }).map((turn) => ({
    ...turn,
    atMs: sinceOf.get(turn.name) ?? nowMs,
  }))
  return { before, lapses }
}

interface Ended {
  decisions: Decisions
  /** Categories whose override ended, so they are counted anew. */
  released: Set<string>
  transitions: Transition[]
}

function endDecisions(before: ClusterState, after: ClusterState, step: Settling): Ended {
  const { decisions } = after
  const services =
    after.content === before.content
      ? null
      : new Map(after.content?.services?.map((service) => [service.name, service]))
  const acks = decisions.acks.map((ack) => ({
    ack,
    next: progressAck(ack, { before, after, services, step }),
  }))
  const facts = new Map(after.standing.facts.map((category) => [category.name, category]))
  const isOver = (one: Override) => hasConfigMapChanged(one, facts.get(one.category))
  const over = decisions.overrides.filter(isOver)
  const hiddenAcks = keepHidden(decisions.hiddenAcks, after.content?.acks ?? null)
  const hold = (decisions.hold?.untilMs ?? 0) < step.nowMs ? null : decisions.hold
  const isSame =
    acks.every(({ ack, next }) => ack === next) &&
    over.length === 0 &&
    hold === decisions.hold &&
    hiddenAcks === decisions.hiddenAcks
  return {
    decisions: isSame
      ? decisions
      : {
          ...decisions,
          acks: acks.map(({ next }) => next).filter((next) => typeof next !== 'string'),
          hiddenAcks,
          overrides: decisions.overrides.filter((one) => !isOver(one)),
          hold,
        },
    released: new Set(over.map(({ category }) => category)),
    transitions: [
      ...acks.flatMap(({ ack, next }) =>
        typeof next === 'string'
          ? [endOfAck(ack, { nowMs: momentOf(ack, next, step.nowMs), cause: next })]
          : [],
      ),
      ...over
        .filter(({ cause }) => cause === 'trip')
        .map(({ category }) => endOfTrip(category, { nowMs: step.nowMs, cause: 'configmap' })),
      ...(decisions.hold === null || hold !== null
        ? []
        : [endOfHold(decisions.hold, { nowMs: decisions.hold.untilMs, cause: 'expired' })]),
    ],
  }
}

/** An ack runs out at its own moment, however late somebody looks. */
function momentOf({ expiresAtMs }: Ack, end: AckEnd, nowMs: number): number {
  return end === 'expired' && expiresAtMs !== null ? expiresAtMs : nowMs
}

/** What a report says of one service: nothing, where there is no new snapshot. */
type Services = Map<string, Service> | null

function progressAck(
  ack: Ack,
  {
    before,
    after,
    services,
    step: { nowMs, moved },
  }: { before: ClusterState; after: ClusterState; services: Services; step: Settling },
): Ack | AckEnd {
  if (hasExpired(ack, nowMs)) return 'expired'
  const service = services?.get(ack.service)
  const past = findPast(after.standing.memory, ack.service)
  if (service !== undefined && hasChanged(ack, describeFailure(service, past))) return 'changed'
  const { freshAtMs } = after.pulse.lease
  if (moved === null || freshAtMs === null || ack.until !== 'recovery') return ack
  const isOk = services === null ? null : service !== undefined && isWell(service, past)
  const goodSinceMs = findGoodSince(ack, {
    isOk,
    beforeMs: before.pulse.lease.freshAtMs,
    freshAtMs,
    intervalSeconds: moved.intervalSeconds,
  })
  const next = goodSinceMs === ack.goodSinceMs ? ack : { ...ack, goodSinceMs }
  return hasRecovered(next, freshAtMs) ? 'recovered' : next
}

export function endOfAck(ack: Pick<Ack, 'service' | 'message'>, step: Step): Transition {
  return record(step, {
    subject: 'ack',
    name: ack.service,
    from: 'acked',
    to: null,
    note: ack.message,
  })
}

export function endOfHold({ why }: Hold, step: Step): Transition {
  return record(step, { subject: 'hold', name: '', from: 'held', to: null, note: why })
}

export function endOfTrip(category: string, step: Step): Transition {
  return record(step, { subject: 'trip', name: category, from: 'tripped', to: null })
}

/** What a report that moves makes of counts and streaks; a category that is disabled counts nothing. */
function countAgain(
  before: ClusterState,
  after: ClusterState,
  { step: { moved, nowMs }, ended }: { step: Settling; ended: Ended },
): { counts: Count[]; streaks: Record<string, number> } {
  const counts = after.pulse.counts.filter(({ category }) => !ended.released.has(category))
  if (moved === null) return { counts, streaks: after.pulse.streaks }
  const { facts } = after.standing
  const held = { epoch: before.pulse.streaksEpoch, byService: before.pulse.streaks }
  const reported = { epoch: moved.epoch, byService: after.pulse.streaks }
  const decisions = readDecisions(after.decisions, nowMs)
  const enabled = facts.filter((category) => category.isSticky && isEnabled(category, decisions))
  const counting = new Map(
    enabled.map((category) => {
      const { name, failing } = judgeCategory(category, decisions)
      return [name, new Set(failing)]
    }),
  )
  const failing = new Set(facts.flatMap(({ failures }) => failures.map(({ service }) => service)))
  return {
    counts: countFailures(counts, enabled, {
      held,
      reported,
      isCounted: (category, service) => counting.get(category)?.has(service) === true,
    }),
    streaks: keepStreaks(held, reported, [...failing]),
  }
}

function trip(
  { standing: { facts }, decisions }: ClusterState,
  counts: Count[],
  step: Settling,
): { decisions: Decisions; transitions: Transition[] } {
  if (step.moved === null) return { decisions, transitions: [] }
  const decided = readDecisions(decisions, step.nowMs)
  const countsOf = Map.groupBy(counts, ({ category }) => category)
  const trips = facts.flatMap((category) => {
    const reached = findReached(countsOf.get(category.name) ?? [], category)
    if (reached.length === 0) return []
    const { reason, failing } = judgeCategory(category, decided)
    // A count of a service that is acked by now waits; it trips nothing.
    const unacked = new Set(failing)
    const first = reached.find(({ service }) => unacked.has(service))
    if (reason === 'disabled' || first === undefined) return []
    const why = `${first.service} failed ${first.failed} ${first.failed === 1 ? 'check' : 'checks'}`
    return [
      {
        category: category.name,
        isEnabled: false,
        cause: 'trip' as const,
        by: null,
        why,
        atMs: step.nowMs,
        saidThen: category.said,
        isRestored: false,
      },
    ]
  })
  if (trips.length === 0) return { decisions, transitions: [] }
  const names = new Set(trips.map(({ category }) => category))
  const kept = decisions.overrides.filter(({ category }) => !names.has(category))
  return {
    decisions: { ...decisions, overrides: [...kept, ...trips] },
    transitions: trips.map(({ category, why }) =>
      record(step, {
        subject: 'trip',
        name: category,
        from: null,
        to: 'tripped',
        cause: 'threshold',
        note: why,
      }),
    ),
  }
}

/** Every category by its facts and what was decided; since when, where its reason is as it was before. */
export function judgeAll(
  before: CategoryStanding[],
  facts: CategoryFacts[],
  { decisions, nowMs }: { decisions: Decisions; nowMs: number },
): CategoryStanding[] {
  // `default` is always among them: none at all is not known yet, and what stands goes on standing.
  if (facts.length === 0) return before
  const held = new Map(before.map((category) => [category.name, category]))
  const decided = readDecisions(decisions, nowMs)
  return facts.map((one) => {
    const verdict = judgeCategory(one, decided)
    const known = held.get(one.name)
    return { ...verdict, sinceMs: known?.reason === verdict.reason ? known.sinceMs : nowMs }
  })
}
