/** What happened to a cluster: each transition with its cause and, where a person made it, who and from where. */
import type { Content } from '../contract/report.ts'
import type { AckEnd } from './acks.ts'
import type { ClusterState, Standing } from './cluster.ts'
import { findHonoured, type Decisions } from './decisions.ts'
import { passTime, tellFreshness } from './freshness.ts'
import { judgeWholeNode } from './nodes.ts'

/** A person or script, by the name of its token, and the address it wrote from. */
export interface Actor {
  by: string
  address: string
}

/** `silence`: no report came. `threshold`: a sticky category tripped. `restored`: from KV's copy. */
export type Cause = 'report' | 'silence' | 'threshold' | 'configmap' | 'hand' | 'restored' | AckEnd

export interface Transition {
  atMs: number
  subject: 'service' | 'category' | 'node' | 'ack' | 'trip' | 'hold' | 'cluster'
  /** Of the service, category or node; empty for the cluster and its hold. */
  name: string
  /** null: it was not known before, or is no longer. That something well is new is no transition. */
  from: string | null
  to: string | null
  cause: Cause
  actor: Actor | null
  /** An ack's message, a reason that was given, what tripped it. */
  note: string
}

/** What made a step: its moment and its cause, for whatever has no cause of its own. */
export interface Step {
  nowMs: number
  cause: Cause
  actor?: Actor
  note?: string
}

export function record(
  { nowMs, cause, actor, note }: Step,
  what: Pick<Transition, 'subject' | 'name' | 'from' | 'to'> & Partial<Transition>,
): Transition {
  return { atMs: nowMs, cause, actor: actor ?? null, note: note ?? '', ...what }
}

/** Services, categories and nodes that turned. */
export function findTurns(from: Standing, to: Standing, step: Step): Transition[] {
  return [
    ...compare(wordsOfServices(from), wordsOfServices(to)).map((turn) =>
      record(step, { subject: 'service', ...turn }),
    ),
    ...compare(wordsOfCategories(from), wordsOfCategories(to)).map((turn) => {
      // Of what a report can do, only its ConfigMap enables a category, and disables one that did not trip.
      const isSwitched = turn.from === 'disabled' || turn.to === 'disabled'
      const cause = isSwitched && step.cause === 'report' ? 'configmap' : step.cause
      return record(step, { subject: 'category', ...turn, cause })
    }),
    ...compare(wordsOfNodes(from), wordsOfNodes(to)).map((turn) =>
      record(step, { subject: 'node', ...turn }),
    ),
  ]
}

function wordsOfServices({ services }: Standing): Map<string, string> {
  return new Map(Object.entries(services).map(([name, { ok }]) => [name, ok ? 'ok' : 'failing']))
}

function wordsOfCategories({ categories }: Standing): Map<string, string> {
  return new Map(categories.map(({ name, reason }) => [name, reason]))
}

function wordsOfNodes({ nodes }: Standing): Map<string, string> {
  return new Map(
    nodes?.map((facts) => [facts.name, judgeWholeNode(facts).passes ? 'ok' : 'failing']),
  )
}

function compare(before: Map<string, string>, after: Map<string, string>) {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const from = before.get(name) ?? null
    const to = after.get(name) ?? null
    const isNew = from === null && (to === 'ok' || to === 'healthy')
    return from === to || isNew ? [] : [{ name, from, to }]
  })
}

/** Acks of the cluster's ConfigMap that came, went, or say something else. */
export function findHonouredTurns(
  from: { content: Content | null; decisions: Decisions },
  to: { content: Content | null; decisions: Decisions },
  step: Step,
): Transition[] {
  const acksOf = ({ content, decisions }: typeof from) =>
    findHonoured(content?.acks ?? null, decisions.hiddenAcks)
  const after = acksOf(to)
  return compare(acksOf(from), after).map(({ name, from: before, to: now }) =>
    record(step, {
      subject: 'ack',
      name,
      from: before === null ? null : 'acked',
      to: now === null ? null : 'acked',
      cause: 'configmap',
      note: now ?? before ?? '',
    }),
  )
}

/** How the cluster went from fresh to silent and back, each at its own moment. */
export function findSilence(
  before: ClusterState['pulse'],
  after: ClusterState['pulse'],
  { nowMs, cause, note = '' }: Step,
): Transition[] {
  const passed = passTime(before, nowMs)
  const silences = passed.map(({ atMs, to }, i) => ({
    atMs,
    from: passed[i - 1]?.to ?? before.freshness,
    to,
    cause: 'silence' as const,
    note: to === 'held' ? note : '',
  }))
  const from = passed.at(-1)?.to ?? before.freshness
  const to = tellFreshness(after.lease, after.intervalSeconds, nowMs)
  const turns = from === to ? silences : [...silences, { atMs: nowMs, from, to, cause, note }]
  return turns.map((turn) => record({ nowMs, cause }, { subject: 'cluster', name: '', ...turn }))
}
