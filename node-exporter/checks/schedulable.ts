/**
 * Whether pods may be put on the node. Only for those who ask for it: taking cordoned nodes out of load balancing once
 * caused an outage upstream (kubernetes#90823).
 */
import type { Check, NodeFacts, Outcome } from './check.ts'

export const schedulable: Check = {
  name: 'schedulable',
  timeoutMs: 1000,
  cannotTell: 'pass',
  run: judge,
}

function judge(node: NodeFacts): Outcome {
  if (node.apiProblem !== null) return { passed: 'unknown', reason: node.apiProblem }
  if (node.isGone) return { passed: false, reason: 'NodeNotFound' }
  const evicting = node.taints.filter(({ effect }) => effect === 'NoExecute')
  const obstacles = [
    ...(node.isUnschedulable ? ['cordoned'] : []),
    ...evicting.map(({ key, effect }) => `tainted ${key}:${effect}`),
  ]
  return obstacles.length === 0 ? { passed: true } : { passed: false, reason: obstacles.join(', ') }
}
