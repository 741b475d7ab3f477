/** The nodes of a cluster for scripts: what was told of each, and what it comes to (behaviour, section 7). */
import type { NodeStatus, NodesStatus } from '../domain/node-status.ts'
import type { ClusterStatus } from '../domain/status.ts'

export function tellNodes(status: ClusterStatus, { all, ...counts }: NodesStatus) {
  return { ...tellCluster(status), ...counts, nodes: all.map(tellNode) }
}

export function tellOneNode(status: ClusterStatus, node: NodeStatus) {
  return { ...tellCluster(status), ...tellNode(node) }
}

function tellCluster({ cluster, freshness, freshAtMs }: ClusterStatus) {
  return {
    cluster,
    freshness,
    freshAt: freshAtMs === null ? null : new Date(freshAtMs).toISOString(),
  }
}

/** `passed: null`: nobody can say now. */
function tellNode({ name, state, isSchedulable, ready, answered, passes, checks }: NodeStatus) {
  return { name, state, passes, schedulable: isSchedulable, ready, answered, checks }
}
