/**
 * One cluster's state and the one way to change it: a report in, a new state with its transitions out, or a
 * rejection that changes nothing. Ordering, digest, freshness: behaviour, section 2; the failures behind them: why page.
 */
import type {
  Content,
  ExporterInfo,
  Heartbeat,
  Report,
  Severity,
  Snapshot,
} from '../contract/report.ts'
import { NO_DECISIONS, type Decisions } from './decisions.ts'
import {
  holdBlind,
  judgeFreshness,
  NO_LEASE,
  renewLease,
  tellFreshness,
  withoutHand,
  type ClusterFreshness,
  type Lease,
} from './freshness.ts'
import type { Transition } from './history.ts'
import { mergeContent } from './merge-content.ts'
import {
  isNodesService,
  NODES_SERVICE,
  observeNodes,
  type NodeFacts,
  type NodesMinReady,
} from './nodes.ts'
import {
  countNodes,
  findForgetting,
  findUntold,
  isContentCurrent,
  type NodesPulse,
} from './nodes-pulse.ts'
import { judgePlace, type OrderRejection } from './order.ts'
import type { ServiceHealth } from './service-health.ts'
import { hasFallenDue, NO_MEMORY, remember, type ServiceMemory } from './service-memory.ts'
import { settle } from './settle.ts'
import type { Count } from './sticky.ts'
import {
  judgeServices,
  observeCategories,
  type CategoryFacts,
  type CategoryVerdict,
} from './verdict.ts'

/** What changes with every report: small, one row. */
export interface Pulse {
  /** The name that the exporter gives its cluster. null: no snapshot yet. */
  environment: string | null
  epoch: number
  sequence: number
  /** Of the snapshot whose content is held. null: none yet. */
  digest: string | null
  lease: Lease
  intervalSeconds: number
  /** ms; when the first of an unbroken run of blind reports came. */
  blindSinceMs: number | null
  /** Dead, but heard again: which leader's report could be the first of the two that it takes, and when it came. */
  recovery: { epoch: number; sinceMs: number } | null
  /** ms; when a snapshot was last asked for. */
  resendAskedAtMs: number | null
  /** By failing service: its own failed checks in a row, as last reported, and by which epoch. */
  streaks: Record<string, number>
  /** null: the storage that knew it was lost. */
  streaksEpoch: number | null
  /** ms; since when reports came without one that was late. null: never any. */
  freshSinceMs: number | null
  /** ms; the same, but for its being late now and then: since when it was not dead. */
  aliveSinceMs: number | null
  /** Failed checks counted against sticky categories. */
  counts: Count[]
  /** Of the built-in service `nodes`, with the content that is held. null: another version's content, or none. */
  nodes: NodesPulse | null
  /** As it was last told in the history. */
  freshness: ClusterFreshness
  /** null: restored from KV's copy, and no report since. */
  exporter: ExporterInfo | null
}

/** What changes only when a verdict does. */
export interface Standing {
  facts: CategoryFacts[]
  categories: CategoryStanding[]
  /** `ok` null: it is starting and doesn't count yet. Not in it: not checked yet. */
  services: Record<string, { ok: boolean | null; severity: Severity | null; sinceMs: number }>
  /** null: written by a version that kept none. */
  memory: ServiceMemory | null
  /** By name. null: nothing was ever told of them. */
  nodes: NodeFacts[] | null
}
export type CategoryStanding = CategoryVerdict & { sinceMs: number }

export interface ClusterState {
  pulse: Pulse
  /** null: never a snapshot. */
  content: Content | null
  standing: Standing
  decisions: Decisions
}

export type Applied =
  | { ok: true; state: ClusterState; transitions: Transition[]; resend: boolean }
  | { ok: false; rejection: OrderRejection }

/** What a report is judged by. */
export interface Rules {
  /** ms; the moment of receipt. */
  nowMs: number
  /** ms; how long a lease lasts. */
  deadAfterMs: number
  nodesMinReady: NodesMinReady
  /** What was decided of a cluster that has no state, as after an erase. Left out: nothing. */
  decided?: Decisions
}

const NO_STANDING: Standing = {
  facts: [],
  categories: [],
  services: {},
  memory: NO_MEMORY,
  nodes: null,
}

/** `state` null: nothing is held yet. Times in ms; never throws. */
export function applyReport(state: ClusterState | null, report: Report, rules: Rules): Applied {
  const held = state?.pulse ?? null
  const rejection = judgePlace(report, held)
  if (rejection !== null) return { ok: false, rejection }
  const heard: Heard = {
    content: state?.content ?? null,
    standing: state?.standing ?? NO_STANDING,
    decisions: state?.decisions ?? rules.decided ?? NO_DECISIONS,
    pulse: {
      environment: held?.environment ?? null,
      epoch: report.epoch,
      sequence: report.sequence,
      digest: held?.digest ?? null,
      lease: held?.lease ?? NO_LEASE,
      intervalSeconds: report.intervalSeconds,
      blindSinceMs: held?.blindSinceMs ?? null,
      recovery: held?.recovery ?? null,
      resendAskedAtMs: held?.resendAskedAtMs ?? null,
      streaks: held?.streaks ?? {},
      streaksEpoch: held === null ? report.epoch : held.streaksEpoch,
      freshSinceMs: held?.freshSinceMs ?? null,
      aliveSinceMs: held?.aliveSinceMs ?? null,
      counts: held?.counts ?? [],
      nodes: held?.nodes ?? null,
      freshness: held?.freshness ?? 'no-data',
      exporter: report.exporter,
    },
  }
  const { after, resend, hasMoved } = hear(heard, report, rules)
  const settled = settle(heard, after, {
    nowMs: rules.nowMs,
    cause: 'report',
    moved: hasMoved ? report : null,
  })
  return { ok: true, resend, ...settled }
}

/** What a report alone changes, before anything follows from it. */
interface Taken {
  after: ClusterState
  resend: boolean
  /** It moves freshness, counters and recoveries. */
  hasMoved: boolean
}

function hear(heard: Heard, report: Report, rules: Rules): Taken {
  switch (report.kind) {
    case 'snapshot':
      return applySnapshot(heard, report, rules)
    case 'heartbeat':
      return applyHeartbeat(heard, report, rules)
    case 'blind':
      return applyBlind(heard, rules)
  }
}

/** The held state with the report's own place in the order: what a report that is merely heard leaves behind. */
type Heard = ClusterState

function applySnapshot(heard: Heard, report: Snapshot, rules: Rules): Taken {
  // Services that could not be listed are no data, however fresh the report is: it is merely heard.
  if (report.content.services === null) return { after: heard, resend: false, hasMoved: false }
  const { pulse: held, standing } = heard
  const untoldSinceMs = findUntold(
    { nodes: standing.nodes, pulse: held.nodes, freshAtMs: held.lease.freshAtMs },
    report.content.nodes,
    rules.nowMs,
  )
  const content = mergeContent(heard, report, { ...rules, untoldSinceMs })
  const memory = remember(standing.memory, content.services ?? [], {
    freshAtMs: held.lease.freshAtMs,
    seenAtMs: Math.min(report.observedAt, rules.nowMs),
    untold: new Set(report.content.services.flatMap((one) => (one.targets ? [] : [one.name]))),
    ...rules,
  })
  const services = judgeServices(content, memory)
  const nodes = observeNodes(content.nodes, heard.standing.nodes, rules.nowMs)
  const isSame = JSON.stringify(nodes) === JSON.stringify(heard.standing.nodes)
  const isFailing = hasNodesService(content) && services.get(NODES_SERVICE)?.ok === false
  const after = {
    ...heard,
    content,
    pulse: {
      ...moveNodes(heard, report, {
        ...rules,
        isFailing,
        nodes: { minReady: rules.nodesMinReady, untoldSinceMs, forgetAtMs: findForgetting(nodes) },
      }),
      digest: report.digest,
      environment: content.environment,
    },
    standing: {
      ...heard.standing,
      nodes: isSame ? heard.standing.nodes : nodes,
      facts: observeCategories(content, services),
      memory,
      services: describeServices(heard.standing.services, { content, services, ...rules }),
    },
  }
  return { after, resend: false, hasMoved: true }
}

/** Those that were checked; since when, where each is as it was before. */
function describeServices(
  before: Standing['services'],
  {
    content,
    services,
    nowMs,
  }: { content: Content; services: Map<string, ServiceHealth | null>; nowMs: number },
): Standing['services'] {
  const checked = (content.services ?? []).filter(
    ({ name, targets }) => targets !== null || services.get(name)?.ok === false,
  )
  return Object.fromEntries(
    checked.map(({ name }) => {
      const { ok = null, severity = null } = services.get(name) ?? {}
      const known = Object.hasOwn(before, name) ? before[name] : undefined
      const sinceMs = known !== undefined && known.ok === ok ? known.sinceMs : nowMs
      return [name, { ok, severity, sinceMs }]
    }),
  )
}

function applyHeartbeat(heard: Heard, report: Heartbeat, rules: Rules): Taken {
  const { nodes } = heard.pulse
  const seenAtMs = Math.min(report.observedAt, rules.nowMs)
  const isCurrent = isContentCurrent(nodes, rules) && !hasFallenDue(heard.standing.memory, seenAtMs)
  if (report.digest === heard.pulse.digest && isCurrent) {
    const pulse = nodes
      ? moveNodes(heard, report, { ...rules, nodes, isFailing: nodes.failing !== null })
      : move(heard, report, rules)
    return { after: { ...heard, pulse }, resend: false, hasMoved: true }
  }
  const { resendAskedAtMs } = heard.pulse
  const intervalMs = report.intervalSeconds * 1000
  const resend = resendAskedAtMs === null || rules.nowMs - resendAskedAtMs >= intervalMs
  const pulse = resend ? { ...heard.pulse, resendAskedAtMs: rules.nowMs } : heard.pulse
  return { after: { ...heard, pulse }, resend, hasMoved: false }
}

/** A hold keeps what stands; it brings nobody back from the dead. */
function applyBlind(heard: Heard, rules: Rules): Taken {
  const { pulse } = heard
  const freshness = judgeFreshness(withoutHand(pulse.lease), rules.nowMs)
  const isAlive = freshness !== 'none' && freshness !== 'dead'
  const blindSinceMs = isAlive ? (pulse.blindSinceMs ?? rules.nowMs) : null
  const lease =
    blindSinceMs === null
      ? { ...pulse.lease, heldUntilMs: null }
      : holdBlind(pulse.lease, { blindSinceMs, ...rules })
  return {
    after: { ...heard, pulse: { ...pulse, blindSinceMs, lease } },
    resend: false,
    hasMoved: false,
  }
}

/** What a report that moves freshness moves: the lease, the counters, and the end of blindness. */
function move(heard: Heard, report: Report, rules: Rules): Pulse {
  const { lease } = heard.pulse
  const recovery = findRecovery(heard.pulse, report, rules)
  const isRenewed = recovery === null
  const next = isRenewed ? renewLease(lease, { observedAtMs: report.observedAt, ...rules }) : lease
  const word = tellFreshness(lease, report.intervalSeconds, rules.nowMs)
  const sinceOf = (sinceMs: number | null, isUnbroken: boolean) =>
    isRenewed && (sinceMs === null || !isUnbroken) ? next.freshAtMs : sinceMs
  return {
    ...heard.pulse,
    lease: next,
    freshSinceMs: sinceOf(heard.pulse.freshSinceMs, word === 'fresh'),
    aliveSinceMs: sinceOf(heard.pulse.aliveSinceMs, word === 'fresh' || word === 'late'),
    recovery,
    blindSinceMs: null,
    resendAskedAtMs: null,
    streaks: report.streaks,
    streaksEpoch: report.epoch,
  }
}

/** The same with what it moves of the nodes: how long they fail, and their streak. */
function moveNodes(
  heard: Heard,
  report: Snapshot | Heartbeat,
  { nodes, ...rules }: Rules & { nodes: Omit<NodesPulse, 'failing'>; isFailing: boolean },
): Pulse {
  const { pulse: held } = heard
  const moved = move(heard, report, rules)
  const isSameLeader = held.streaksEpoch === report.epoch
  const before = isSameLeader ? (held.streaks[NODES_SERVICE] ?? 0) : null
  const { failing, streak } = countNodes(held.nodes?.failing ?? null, before, { ...rules, report })
  const streaks = streak === 0 ? moved.streaks : { ...moved.streaks, [NODES_SERVICE]: streak }
  return { ...moved, streaks, nodes: { ...nodes, failing } }
}

/**
 * null: the lease may be renewed. Back from the dead takes two reports of one leader, an interval apart and within the
 * time to dead: a flapping link must not flip the world.
 */
function findRecovery(
  { lease, recovery }: Pulse,
  report: Report,
  { nowMs, deadAfterMs }: Rules,
): Pulse['recovery'] {
  if (judgeFreshness(withoutHand(lease), nowMs) !== 'dead') return null
  const sinceMs = recovery?.epoch === report.epoch ? nowMs - recovery.sinceMs : Infinity
  if (sinceMs > deadAfterMs) return { epoch: report.epoch, sinceMs: nowMs }
  return sinceMs >= report.intervalSeconds * 1000 ? null : recovery
}

function hasNodesService({ services }: Content): boolean {
  return services?.some(isNodesService) === true
}
