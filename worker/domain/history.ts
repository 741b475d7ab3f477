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
    ...compare(from.services, to.services, wordsOfServices).map((turn) =>
      record(step, { subject: 'service', ...turn }),
    ),
    ...compare(from.categories, to.categories, wordsOfCategories).map((turn) => {
      // Of what a report can do, only its ConfigMap enables a category, and disables one that did not trip.
      const isSwitched = turn.from === 'disabled' || turn.to === 'disabled'
      const cause = isSwitched && step.cause === 'report' ? 'configmap' : step.cause
      return record(step, { subject: 'category', ...turn, cause })
    }),
    ...compare(from.nodes, to.nodes, wordsOfNodes).map((turn) =>
      record(step, { subject: 'node', ...turn }),
    ),
  ]
}

type Words = Map<string, string>

function wordsOfServices(services: Standing['services']): Words {
  return new Map(Object.entries(services).map(([name, { ok }]) => [name, wordOfService(ok)]))
}

function wordOfService(ok: boolean | null): string {
  if (ok === null) return 'starting'
  return ok ? 'ok' : 'failing'
}

function wordsOfCategories(categories: Standing['categories']): Words {
  return new Map(categories.map(({ name, reason }) => [name, reason]))
}

function wordsOfNodes(nodes: Standing['nodes']): Words {
  return new Map(
    nodes?.map((facts) => [facts.name, judgeWholeNode(facts).passes ? 'ok' : 'failing']),
  )
}

interface Turn {
  name: string
  from: string | null
  to: string | null
}

/** The very same part, as after nearly every report, has not turned. */
function compare<T>(before: T, after: T, wordsOf: (part: T) => Words): Turn[] {
  return before === after ? [] : compareWords(wordsOf(before), wordsOf(after))
}

function compareWords(before: Words, after: Words): Turn[] {
  const turns: Turn[] = []
  for (const [name, from] of before) {
    const to = after.get(name) ?? null
    if (from !== to) turns.push({ name, from, to })
  }
  for (const [name, to] of after) {
    const isWell = to === 'ok' || to === 'healthy'
    if (!isWell && !before.has(name)) turns.push({ name, from: null, to })
  }
  return turns
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
  return compareWords(acksOf(from), after).map(({ name, from: before, to: now }) =>
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
