/**
 * What a person or script may do to a cluster: ack a service, switch a category, hold, start the order anew. An act in,
 * a new state with its transitions out, or a rejection that changes nothing (behaviour, sections 3 and 5).
 */
import { describeFailure, type Ack, type AckUntil } from './acks.ts'
import type { CategoryStanding, ClusterState } from './cluster.ts'
import { findHonoured, type Decisions, type Hold, type Override } from './decisions.ts'
import { record, type Actor, type Step, type Transition } from './history.ts'
import { BEFORE_ANY } from './order.ts'
import { isWell } from './service-health.ts'
import { findPast } from './service-memory.ts'
import { endOfAck, endOfHold, endOfTrip, settle, type Settled } from './settle.ts'

export type Act =
  | {
      kind: 'add-ack'
      service: string
      message: string
      until: AckUntil
      /** ms; null: it doesn't run out. */
      expiresAtMs: number | null
    }
  | { kind: 'remove-ack'; service: string }
  | { kind: 'disable-category'; category: string; why: string }
  | { kind: 'enable-category'; category: string }
  /** `untilMs` null: the hold ends. */
  | { kind: 'hold'; untilMs: number | null; why: string }
  | { kind: 'reset-order'; why: string }

/** `not-acked`, `not-held`: there is nothing to take back. `no-data`: no snapshot yet, so nothing is known to act on. */
export type ActRejection =
  'unknown-service' | 'unknown-category' | 'not-acked' | 'not-held' | 'no-data'

export type Acted = ({ ok: true } & Settled) | { ok: false; reason: ActRejection }

interface ActStep extends Step {
  cause: 'hand'
  actor: Actor
}

/** Times in ms; never throws. `state` null: nothing is held yet. */
export function applyAct(
  state: ClusterState | null,
  act: Act,
  { nowMs, actor }: { nowMs: number; actor: Actor },
): Acted {
  if (state === null) return { ok: false, reason: 'no-data' }
  // What time has ended meanwhile ends first: nobody takes back an ack that ran out.
  const passed = passMoment(state, nowMs)
  const acted = perform(passed.state, act, { nowMs, cause: 'hand', actor })
  return acted.ok ? { ...acted, transitions: [...passed.transitions, ...acted.transitions] } : acted
}

function perform(state: ClusterState, act: Act, step: ActStep): Acted {
  switch (act.kind) {
    case 'add-ack':
      return addAck(state, act, step)
    case 'remove-ack':
      return removeAck(state, act.service, step)
    case 'disable-category':
      return disableCategory(state, act, step)
    case 'enable-category':
      return enableCategory(state, act.category, step)
    case 'hold':
      return hold(state, act, step)
    case 'reset-order':
      return resetOrder(state, act.why, step)
  }
}

/**
 * The next report counts whatever its epoch, and nothing that was signed before does. Streaks are compared from there on:
 * an exporter that takes another epoch tells the same failed checks again.
 */
function resetOrder(state: ClusterState, why: string, step: ActStep): Acted {
  const decisions = { ...state.decisions, orderSinceMs: step.nowMs }
  const pulse = { ...state.pulse, ...BEFORE_ANY, streaksEpoch: null }
  const note = ['the order of reports started anew', why].filter((part) => part !== '').join(': ')
  const told = record(step, { subject: 'cluster', name: '', from: null, to: null, note })
  return conclude({ ...state, pulse }, decisions, { step, told: [told] })
}

/** It freezes what was observed, never what is decided: acts, trips and expiry go on applying (behaviour, section 4). */
function hold(
  state: ClusterState,
  { untilMs, why }: Extract<Act, { kind: 'hold' }>,
  step: ActStep,
): Acted {
  const { hold: held } = state.decisions
  if (untilMs === null && held === null) return { ok: false, reason: 'not-held' }
  const { by } = step.actor
  const given = { by, why, atMs: step.nowMs, isRestored: false }
  const next = untilMs === null ? null : { untilMs, ...given }
  const lease = { ...state.pulse.lease, byHandUntilMs: untilMs }
  const after = {
    ...state,
    decisions: { ...state.decisions, hold: next },
    pulse: { ...state.pulse, lease },
  }
  const told =
    held !== null && next === null
      ? endOfHold(held, step)
      : record(step, {
          subject: 'hold',
          name: '',
          from: held === null ? null : 'held',
          to: 'held',
          note: why,
        })
  const settled = settle(state, after, { ...step, moved: null })
  return { ok: true, ...settled, transitions: [told, ...settled.transitions] }
}

function addAck(
  state: ClusterState,
  { service: name, message, until, expiresAtMs }: Extract<Act, { kind: 'add-ack' }>,
  step: ActStep,
): Acted {
  if (state.content === null) return { ok: false, reason: 'no-data' }
  const service = state.content.services?.find((one) => one.name === name)
  if (service === undefined) return { ok: false, reason: 'unknown-service' }
  const { acks } = state.decisions
  const past = findPast(state.standing.memory, name)
  const ack = {
    service: name,
    message,
    until,
    expiresAtMs,
    by: step.actor.by,
    atMs: step.nowMs,
    failure: describeFailure(service, past),
    goodSinceMs: isWell(service, past) ? state.pulse.lease.freshAtMs : null,
    isRestored: false,
  }
  const others = acks.filter((one) => one.service !== name)
  const from = others.length < acks.length ? 'acked' : null
  const told = record(step, { subject: 'ack', name, from, to: 'acked', note: message })
  return conclude(state, { ...state.decisions, acks: [...others, ack] }, { step, told: [told] })
}

/** Takes back the edge's own, and hides the ConfigMap's until its text changes. */
function removeAck(state: ClusterState, service: string, step: ActStep): Acted {
  const { acks, hiddenAcks } = state.decisions
  const given = acks.find((one) => one.service === service)
  const honoured = findHonoured(state.content?.acks ?? null, hiddenAcks).get(service)
  if (given === undefined && honoured === undefined) {
    if (state.content === null) return { ok: false, reason: 'no-data' }
    const isKnown = state.content.services?.some(({ name }) => name === service) === true
    return { ok: false, reason: isKnown ? 'not-acked' : 'unknown-service' }
  }
  const hidden = hiddenAcks.filter((one) => one.service !== service)
  const decisions = {
    ...state.decisions,
    acks: acks.filter((one) => one !== given),
    hiddenAcks: honoured === undefined ? hiddenAcks : [...hidden, { service, message: honoured }],
  }
  const told = [
    ...(given === undefined ? [] : [endOfAck(given, step)]),
    ...(honoured === undefined ? [] : [endOfAck({ service, message: honoured }, step)]),
  ]
  return conclude(state, decisions, { step, told })
}

function disableCategory(
  state: ClusterState,
  { category, why }: Extract<Act, { kind: 'disable-category' }>,
  step: ActStep,
): Acted {
  const facts = state.standing.facts.find(({ name }) => name === category)
  if (facts === undefined) return refuseCategory(state)
  const override: Override = {
    category,
    isEnabled: false,
    cause: 'hand',
    by: step.actor.by,
    why,
    atMs: step.nowMs,
    saidThen: facts.said,
    isRestored: false,
  }
  return switchCategory(state, override, { ...step, note: why })
}

/** Clears the trip and its counts. An override is left only where the ConfigMap itself says disabled. */
function enableCategory(state: ClusterState, category: string, step: ActStep): Acted {
  const { overrides } = state.decisions
  const facts = state.standing.facts.find(({ name }) => name === category)
  const held = overrides.find((one) => one.category === category)
  if (facts === undefined && held === undefined) return refuseCategory(state)
  // A ConfigMap that is gone may come back and say what it said.
  const isOff = (facts === undefined ? held?.saidThen : facts.said) === false
  const override: Override = {
    category,
    isEnabled: true,
    cause: 'hand',
    by: step.actor.by,
    why: '',
    atMs: step.nowMs,
    saidThen: false,
    isRestored: false,
  }
  const counts = state.pulse.counts.filter((count) => count.category !== category)
  const cleared = { ...state, pulse: { ...state.pulse, counts } }
  return switchCategory(cleared, isOff ? override : category, step)
}

/** `to` a name alone: no override, what the ConfigMap says counts. A person's word is told even where nothing turns. */
function switchCategory(state: ClusterState, to: Override | string, step: ActStep): Acted {
  const name = typeof to === 'string' ? to : to.category
  const { overrides } = state.decisions
  const wasTripped = overrides.some((one) => one.category === name && one.cause === 'trip')
  const others = overrides.filter((one) => one.category !== name)
  const decisions = {
    ...state.decisions,
    overrides: typeof to === 'string' ? others : [...others, to],
  }
  const told = wasTripped ? [endOfTrip(name, step)] : []
  const acted = conclude(state, decisions, { step, told })
  if (!acted.ok || acted.transitions.some((t) => t.subject === 'category' && t.name === name)) {
    return acted
  }
  const reason = acted.state.standing.categories.find((c) => c.name === name)?.reason ?? null
  const same = record(step, { subject: 'category', name, from: reason, to: reason })
  return { ...acted, transitions: [...acted.transitions, same] }
}

function refuseCategory({ standing }: ClusterState): Acted {
  return { ok: false, reason: standing.facts.length === 0 ? 'no-data' : 'unknown-category' }
}

function conclude(
  state: ClusterState,
  decisions: Decisions,
  { step, told }: { step: ActStep; told: Transition[] },
): Acted {
  const settled = settle(state, { ...state, decisions }, { ...step, moved: null })
  return { ok: true, ...settled, transitions: [...told, ...settled.transitions] }
}

/** Time alone: acks run out, the cluster turns late and dead. */
export function passMoment(state: ClusterState, nowMs: number): Settled {
  return settle(state, state, { nowMs, cause: 'expired', moved: null })
}

/** How things stand after an act, of what it was about. */
export type ActOutcome =
  | { ack: Ack | null }
  | { category: CategoryStanding | null }
  | { hold: Hold | null }
  | { orderSinceMs: number | null }

export function describeOutcome({ decisions, standing }: ClusterState, act: Act): ActOutcome {
  if ('service' in act)
    return { ack: decisions.acks.find((a) => a.service === act.service) ?? null }
  if (act.kind === 'hold') return { hold: decisions.hold }
  if (act.kind === 'reset-order') return { orderSinceMs: decisions.orderSinceMs }
  return { category: standing.categories.find(({ name }) => name === act.category) ?? null }
}
