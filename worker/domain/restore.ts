/** What an object that lost its storage goes on with: KV's copy of what was decided, and a verdict that is only held. */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import type { CategoryStanding, ClusterState } from './cluster.ts'
import { NO_DECISIONS, type Decisions } from './decisions.ts'
import { endOfLease, NO_LEASE, tellFreshness, withoutHand, type Lease } from './freshness.ts'
import { findTurns } from './history.ts'
import { BEFORE_ANY } from './order.ts'
import type { NodeFacts } from './nodes.ts'
import type { ServiceMemory } from './service-memory.ts'
import { judgeAll, type Settled } from './settle.ts'
import type { CategoryFacts } from './verdict.ts'

/** What was last published of a cluster. */
export interface Published {
  environment: string | null
  /** It was dead then: there is nothing to hold. */
  isDead: boolean
  epoch: number
  sequence: number
  intervalSeconds: number
  lease: Lease
  facts: CategoryFacts[]
  categories: CategoryStanding[]
  memory: ServiceMemory | null
  nodes: NodeFacts[] | null
  decisions: Decisions
}

export const NOTHING_PUBLISHED: Published = {
  environment: null,
  isDead: false,
  ...BEFORE_ANY,
  intervalSeconds: 10,
  lease: NO_LEASE,
  facts: [],
  categories: [],
  memory: null,
  nodes: null,
  decisions: NO_DECISIONS,
}

export function publish({ pulse, standing, decisions }: ClusterState): Published {
  const { environment, epoch, sequence, intervalSeconds, lease, freshness } = pulse
  const { facts, categories, memory, nodes } = standing
  return {
    // But for an operator's hold, which brings nothing back.
    isDead: freshness === 'dead' || (freshness === 'held' && hasDied(lease, decisions)),
    environment,
    epoch,
    sequence,
    intervalSeconds,
    lease,
    facts,
    categories,
    memory,
    nodes,
    decisions,
  }
}

/** All that the copy says but the order and the times of reports, which move with every one. */
export function tellCopy(state: ClusterState): string {
  const { isDead, facts, categories, memory, nodes } = publish(state)
  return JSON.stringify([isDead, facts, categories, memory, nodes, tellDecided(state)])
}

/**
 * What no report brings again must be in the copy at once: what was decided, and that the cluster is dead. So must the first
 * copy. Verdicts that turn come again with the first snapshot after a loss.
 */
export function isUrgentCopy(before: ClusterState, after: ClusterState): boolean {
  return (
    before.pulse.freshness === 'no-data' ||
    publish(before).isDead !== publish(after).isDead ||
    tellDecided(before) !== tellDecided(after)
  )
}

/** Without since when acked services are well: a restored object counts that anew, and it moves with each flap. */
function tellDecided({ decisions }: ClusterState): string {
  const acks = decisions.acks.map((ack) => ({ ...ack, goodSinceMs: null }))
  return JSON.stringify({ ...decisions, acks })
}

/** Ruled to be after the end of its lease, or held by hand only after it. */
function hasDied(lease: Lease, { hold }: Decisions): boolean {
  const { validUntilMs, heldUntilMs, ruling } = lease
  if (hold !== null && hold.atMs > endOfLease(withoutHand(lease))) return true
  return ruling?.untilMs === 0 && ruling.atMs > Math.max(validUntilMs ?? 0, heldUntilMs ?? 0)
}

/**
 * Holds the verdict until the first snapshot, 15 min at most; the copy's own age says nothing, for a stable cluster is
 * not written. The order goes on from the copy, so a leader that was deposed before stays refused; but not where it was
 * started anew after the copy. `kept`: decisions that the storage still has, where it lost the rest.
 */
export function restoreState(
  published: Published,
  nowMs: number,
  kept: Decisions | null = null,
): Settled {
  const { intervalSeconds, decisions, ...rest } = published
  const { facts, categories, memory, nodes } = rest
  const lease = published.isDead
    ? { ...published.lease, validUntilMs: 0, heldUntilMs: null, ruling: null }
    : {
        ...published.lease,
        validUntilMs: nowMs,
        heldUntilMs: nowMs + HOLD_MAX_MS,
        ruling: null,
      }
  const isOrderNewer = kept !== null && kept.orderSinceMs !== decisions.orderSinceMs
  const { epoch, sequence } = isOrderNewer ? BEFORE_ANY : published
  const isKnown = published.lease.freshAtMs !== null
  const freshness = isKnown ? tellFreshness(lease, intervalSeconds, nowMs) : 'no-data'
  const state: ClusterState = {
    pulse: {
      environment: published.environment,
      epoch,
      sequence,
      intervalSeconds,
      digest: null,
      lease: {
        ...(isKnown ? lease : NO_LEASE),
        byHandUntilMs: (kept ?? decisions).hold?.untilMs ?? null,
      },
      // An exporter that is blind meanwhile is within these 15 min, not on top of them.
      blindSinceMs: isKnown && !published.isDead ? nowMs : null,
      recovery: null,
      resendAskedAtMs: null,
      streaks: {},
      streaksEpoch: null,
      freshSinceMs: null,
      aliveSinceMs: null,
      counts: [],
      nodes: null,
      freshness,
      exporter: null,
    },
    content: null,
    standing: { facts, categories, services: {}, memory, nodes },
    decisions: {
      ...decisions,
      acks: decisions.acks.map((ack) => ({ ...ack, goodSinceMs: null, isRestored: true })),
      overrides: decisions.overrides.map((override) => ({ ...override, isRestored: true })),
      hold: decisions.hold && { ...decisions.hold, isRestored: true },
    },
  }
  const told = {
    atMs: nowMs,
    subject: 'cluster' as const,
    name: '',
    from: null,
    to: freshness,
    cause: 'restored' as const,
    actor: null,
    note: 'The object had lost its storage; acks and switched categories are back from the copy.',
  }
  if (kept === null) return { state, transitions: [told] }
  // Newer than the copy, so its verdicts are judged anew; but what the copy's ConfigMaps said ends nothing any more.
  const judged = judgeAll(categories, facts, { decisions: kept, nowMs })
  const standing = { ...state.standing, categories: judged }
  const turns = findTurns(state.standing, standing, { nowMs, cause: 'restored' })
  return { state: { ...state, standing, decisions: kept }, transitions: [told, ...turns] }
}
