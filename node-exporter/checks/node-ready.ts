/** Whether Kubernetes itself holds the node for Ready, which folds in the runtime, the pod network and a shutdown under way. */
import type { Check, NodeFacts, Outcome } from './check.ts'

export const nodeReady: Check = {
  name: 'node_ready',
  timeoutMs: 1000,
  // An API server that is away, or a mistake in RBAC, must not take every node out of load balancing.
  cannotTell: 'pass',
  run: judge,
}

function judge(node: NodeFacts): Outcome {
  if (node.apiProblem !== null) return { passed: 'unknown', reason: node.apiProblem }
  if (node.isGone) return { passed: false, reason: 'NodeNotFound' }
  const ready = node.conditions.get('Ready')
  if (ready === undefined) return { passed: false, reason: 'the Node has no Ready condition' }
  if (ready.status === 'True') return { passed: true }
  const cause = ready.reason === '' ? '' : `: ${ready.reason}`
  return { passed: false, reason: `Ready is ${ready.status}${cause}` }
}
