/** Is this node good to go? From what is known of a cluster's nodes to the answer for a load balancer (behaviour, sections 4 and 7). */
import { judgeFreshness, type Lease } from './freshness.ts'
import { answerFor, sayPassing, type GtgAnswer, type GtgReason } from './gtg.ts'
import { isUntoldTooLong } from './nodes-pulse.ts'
import { DEFAULT_NODE_CHECK, isKnownCheck, judgeNode, type NodeFacts } from './nodes.ts'

/** All that a reader needs to answer for any node of a cluster. */
export interface NodesView {
  lease: Lease
  intervalSeconds: number
  /** null: nothing was ever told of them. */
  nodes: NodeFacts[] | null
  /** ms; since when reports tell nothing of nodes. null: they do. */
  untoldSinceMs: number | null
}

export interface NodeGtg extends GtgAnswer {
  /** Names of checks that were asked for and fail. */
  failing: string[]
}

/** More names than that in one question is a mistake or an attack. */
const CHECKS_MAX = 32

export interface NodeQuestion {
  node: string
  /** Names of checks; none: `node_ready`. All must pass. */
  checks: string[]
}

/** `isCopy`: the view is what KV last published, so it can only be held. */
export function judgeNodeGtg(
  view: NodesView,
  { node, checks }: NodeQuestion,
  { nowMs, isCopy }: { nowMs: number; isCopy: boolean },
): NodeGtg {
  const nodes = view.nodes ?? []
  const facts = nodes.find(({ name }) => name === node)
  const wanted = checks.length === 0 ? [DEFAULT_NODE_CHECK] : checks
  const areKnown =
    wanted.length <= CHECKS_MAX && wanted.every((check) => isKnownCheck(nodes, check))
  const verdict = facts !== undefined && areKnown ? judgeNode(facts, wanted) : null
  return { ...answerFor(findReason(), view, nowMs), failing: verdict?.failing ?? [] }

  function findReason(): GtgReason {
    const freshness = judgeFreshness(view.lease, nowMs)
    if (freshness === 'none' || view.nodes === null) return 'no-data'
    if (facts === undefined) return 'unknown-node'
    if (verdict === null) return 'unknown-check'
    const { untoldSinceMs } = view
    if (freshness === 'dead' || isUntoldTooLong(untoldSinceMs, nowMs)) return 'stale'
    if (!verdict.passes) return 'unhealthy'
    if (untoldSinceMs !== null) return 'held'
    return sayPassing(view, { nowMs, isCopy, isDegraded: verdict.isDegraded })
  }
}
