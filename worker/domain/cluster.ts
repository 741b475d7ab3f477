/**
 * One cluster's state and the one way to change it: a report in, a new state with its transitions out, or a
 * rejection that changes nothing. Ordering, digest, freshness: behaviour, section 2; the failures behind them: why page.
 */
import type {
  Content,
  ExporterInfo,
  Heartbeat,
  Report,
  Service,
  Severity,
  Snapshot,
} from '../contract/report.ts'
import { NO_DECISIONS, type Decisions } from './decisions.ts'
import {
  holdBlind,
  judgeFreshness,
  NO_LEASE,
  renewLease,
  type ClusterFreshness,
  type Lease,
} from './freshness.ts'
import type { Transition } from './history.ts'
import { settle } from './settle.ts'
import type { Count } from './sticky.ts'
import {
  judgeServices,
  observeCategories,
  rebuildAcks,
  rebuildCategories,
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
  /** Failed checks counted against sticky categories. */
  counts: Count[]
  /** As it was last told in the history. */
  freshness: ClusterFreshness
  /** null: restored from KV's copy, and no report since. */
  exporter: ExporterInfo | null
}

/** What changes only when a verdict does. */
export interface Standing {
  facts: CategoryFacts[]
  categories: CategoryStanding[]
  services: Record<string, { ok: boolean; severity: Severity | null; sinceMs: number }>
}
export type CategoryStanding = CategoryVerdict & { sinceMs: number }

export interface ClusterState {
  pulse: Pulse
  /** null: never a snapshot. */
  content: Content | null
  standing: Standing
  decisions: Decisions
}

export interface Rejection {
  reason: 'stale_sequence'
  held: { epoch: number; sequence: number }
}

export type Applied =
  | { ok: true; state: ClusterState; transitions: Transition[]; resend: boolean }
  | { ok: false; rejection: Rejection }

/** ms: the moment of receipt, and how long a lease lasts. */
interface Clock {
  nowMs: number
  deadAfterMs: number
}

const NO_STANDING: Standing = { facts: [], categories: [], services: {} }

/** `state` null: nothing is held yet. Times in ms; never throws. */
export function applyReport(state: ClusterState | null, report: Report, clock: Clock): Applied {
  const held = state?.pulse ?? null
  if (held !== null && !isNewer(report, held)) {
    return {
      ok: false,
      rejection: {
        reason: 'stale_sequence',
        held: { epoch: held.epoch, sequence: held.sequence },
      },
    }
  }
  const heard: Heard = {
    content: state?.content ?? null,
    standing: state?.standing ?? NO_STANDING,
    decisions: state?.decisions ?? NO_DECISIONS,
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
      counts: held?.counts ?? [],
      freshness: held?.freshness ?? 'no-data',
      exporter: report.exporter,
    },
  }
  const { after, resend, hasMoved } = hear(heard, report, clock)
  const settled = settle(heard, after, {
    nowMs: clock.nowMs,
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

function hear(heard: Heard, report: Report, clock: Clock): Taken {
  switch (report.kind) {
    case 'snapshot':
      return applySnapshot(heard, report, clock)
    case 'heartbeat':
      return applyHeartbeat(heard, report, clock)
    case 'blind':
      return applyBlind(heard, clock)
  }
}

/** The held state with the report's own place in the order: what a report that is merely heard leaves behind. */
type Heard = ClusterState

function applySnapshot(heard: Heard, report: Snapshot, clock: Clock): Taken {
  // Services that could not be listed are no data, however fresh the report is: it is merely heard.
  if (report.content.services === null) return { after: heard, resend: false, hasMoved: false }
  const content = mergeContent(heard, report.content)
  const services = judgeServices(content)
  const after = {
    ...heard,
    content,
    pulse: {
      ...move(heard, report, clock),
      digest: report.digest,
      environment: content.environment,
    },
    standing: {
      ...heard.standing,
      facts: observeCategories(content, services),
      services: Object.fromEntries(
        [...services].flatMap(([name, health]) => {
          if (health === null) return []
          const before = heard.standing.services[name]
          const sinceMs = before?.ok === health.ok ? before.sinceMs : clock.nowMs
          return [[name, { ok: health.ok, severity: health.severity, sinceMs }]]
        }),
      ),
    },
  }
  return { after, resend: false, hasMoved: true }
}

function applyHeartbeat(heard: Heard, report: Heartbeat, clock: Clock): Taken {
  if (report.digest === heard.pulse.digest) {
    const after = { ...heard, pulse: move(heard, report, clock) }
    return { after, resend: false, hasMoved: true }
  }
  const { resendAskedAtMs } = heard.pulse
  const intervalMs = report.intervalSeconds * 1000
  const resend = resendAskedAtMs === null || clock.nowMs - resendAskedAtMs >= intervalMs
  const pulse = resend ? { ...heard.pulse, resendAskedAtMs: clock.nowMs } : heard.pulse
  return { after: { ...heard, pulse }, resend, hasMoved: false }
}

/** A hold keeps what stands; it brings nobody back from the dead. */
function applyBlind(heard: Heard, clock: Clock): Taken {
  const { pulse } = heard
  const freshness = judgeFreshness(pulse.lease, clock.nowMs)
  const isAlive = freshness !== 'none' && freshness !== 'dead'
  const blindSinceMs = isAlive ? (pulse.blindSinceMs ?? clock.nowMs) : null
  const lease =
    blindSinceMs === null
      ? { ...pulse.lease, heldUntilMs: null }
      : holdBlind(pulse.lease, { blindSinceMs, ...clock })
  return {
    after: { ...heard, pulse: { ...pulse, blindSinceMs, lease } },
    resend: false,
    hasMoved: false,
  }
}

/** What a report that moves freshness moves: the lease, the counters, and the end of blindness. */
function move(heard: Heard, report: Report, clock: Clock): Pulse {
  const { lease } = heard.pulse
  const recovery = findRecovery(heard.pulse, report, clock)
  return {
    ...heard.pulse,
    lease:
      recovery === null ? renewLease(lease, { observedAtMs: report.observedAt, ...clock }) : lease,
    recovery,
    blindSinceMs: null,
    resendAskedAtMs: null,
    streaks: report.streaks,
    streaksEpoch: report.epoch,
  }
}

/**
 * null: the lease may be renewed. Back from the dead takes two reports of one leader, an interval apart and within the
 * time to dead: a flapping link must not flip the world.
 */
function findRecovery(
  { lease, recovery }: Pulse,
  report: Report,
  { nowMs, deadAfterMs }: Clock,
): Pulse['recovery'] {
  if (judgeFreshness(lease, nowMs) !== 'dead') return null
  const sinceMs = recovery?.epoch === report.epoch ? nowMs - recovery.sinceMs : Infinity
  if (sinceMs > deadAfterMs) return { epoch: report.epoch, sinceMs: nowMs }
  return sinceMs >= report.intervalSeconds * 1000 ? null : recovery
}

function isNewer(report: Report, held: Pulse): boolean {
  if (report.epoch !== held.epoch) return report.epoch > held.epoch
  return report.sequence > held.sequence
}

/** Section by section: what could not be read stays as it is held, and where the content was lost, as the facts tell it. */
function mergeContent({ content: held, standing: { facts } }: Heard, reported: Content): Content {
  const isLost = held === null && facts.length > 0
  return {
    environment: reported.environment,
    categories:
      reported.categories ?? held?.categories ?? (isLost ? rebuildCategories(facts) : null),
    services: mergeServices(held?.services ?? null, reported.services),
    nodes: reported.nodes ?? held?.nodes ?? null,
    acks: reported.acks ?? held?.acks ?? (isLost ? rebuildAcks(facts) : null),
    warnings: reported.warnings,
  }
}

function mergeServices(held: Service[] | null, reported: Service[] | null): Service[] | null {
  if (reported === null) return held
  const before = new Map(held?.map((service) => [service.name, service]))
  return reported.map((service) => {
    const known = before.get(service.name)
    const desired = service.desired === undefined ? known?.desired : service.desired
    return {
      ...service,
      desired: desired ?? null,
      targets: service.targets ?? known?.targets ?? null,
    }
  })
}
