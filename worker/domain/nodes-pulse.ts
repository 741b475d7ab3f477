/**
 * What time does to the nodes of a cluster, from report to report: for how long they fail, since when nothing is told of
 * them, and when a silent one is forgotten.
 */
import { HOLD_MAX_MS, INTERVALS_UNTIL_LATE } from '../contract/limits.ts'
import type { Content, Report } from '../contract/report.ts'
import type { NodeFacts, NodesMinReady } from './nodes.ts'

export interface NodesPulse {
  minReady: NodesMinReady
  /** When too few nodes began to pass, and up to when that was counted, in ms. null: enough do. */
  failing: { sinceMs: number; countedAtMs: number } | null
  /** ms; since when reports tell nothing of nodes. null: they do, or never did. */
  untoldSinceMs: number | null
  /** ms; when a silent node is to be forgotten, which takes a snapshot. null: none is. */
  forgetAtMs: number | null
}

/** ms; null: nodes are told, or nothing is held of them either. */
export function findUntold(
  held: { nodes: NodeFacts[] | null; pulse: NodesPulse | null; freshAtMs: number | null },
  reported: Content['nodes'],
  nowMs: number,
): number | null {
  if (reported !== null || held.nodes === null) return null
  return held.pulse?.untoldSinceMs ?? held.freshAtMs ?? nowMs
}

/** What was told of nodes so long ago says nothing of them any more. */
export function isUntoldTooLong(untoldSinceMs: number | null, nowMs: number): boolean {
  return untoldSinceMs !== null && nowMs - untoldSinceMs > HOLD_MAX_MS
}

/** ms; when the next silent node is to be forgotten. null: of none anything is left to forget. */
export function findForgetting(facts: NodeFacts[] | null): number | null {
  const moments = (facts ?? [])
    .filter(({ passing, failing }) => passing.length + failing.length > 0)
    .map(({ silentSinceMs }) => silentSinceMs)
    .filter((sinceMs) => sinceMs !== null)
  return moments.length === 0 ? null : Math.min(...moments) + HOLD_MAX_MS
}

/** Whether the content that is held is still what a snapshot of now would make. */
export function isContentCurrent(
  pulse: NodesPulse | null,
  { nodesMinReady, nowMs }: { nodesMinReady: NodesMinReady; nowMs: number },
): boolean {
  if (pulse === null) return true
  const isByRules = JSON.stringify(pulse.minReady) === JSON.stringify(nodesMinReady)
  return isByRules && nowMs < (pulse.forgetAtMs ?? Infinity)
}

interface Seen {
  isFailing: boolean
  report: Pick<Report, 'kind' | 'observedAt' | 'intervalSeconds'>
  nowMs: number
  deadAfterMs: number
}

/**
 * The streak of the built-in service `nodes`. Its nodes are asked once an interval, so that many failed checks in a row;
 * only the edge knows how many nodes are enough, so no report tells it. A heartbeat says that they failed all the time, a
 * snapshot after a silence only that they do now. `streak` null: another leader's, who saw one check of its own.
 */
export function countNodes(
  failing: NodesPulse['failing'],
  streak: number | null,
  { isFailing, report, nowMs, deadAfterMs }: Seen,
): { failing: NodesPulse['failing']; streak: number } {
  if (!isFailing) return { failing: null, streak: 0 }
  const seenAtMs = Math.min(report.observedAt, nowMs)
  const known = failing ?? { sinceMs: seenAtMs, countedAtMs: seenAtMs }
  const intervalMs = report.intervalSeconds * 1000
  const gapMs = seenAtMs - known.countedAtMs
  const isGap =
    gapMs > (report.kind === 'snapshot' ? INTERVALS_UNTIL_LATE * intervalMs : deadAfterMs)
  const checksUntil = (ms: number) => Math.floor((ms - known.sinceMs) / intervalMs)
  const grown = Math.max(0, checksUntil(seenAtMs) - checksUntil(known.countedAtMs))
  const seen = failing === null ? 1 : isGap || streak === null ? Math.min(grown, 1) : grown
  return {
    failing: {
      sinceMs: isGap ? seenAtMs : known.sinceMs,
      countedAtMs: Math.max(known.countedAtMs, seenAtMs),
    },
    streak: (streak ?? 0) + seen,
  }
}
