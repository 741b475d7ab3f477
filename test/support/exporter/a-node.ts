/** Builders of what a node check may know: a node that is well, and an API server that says so. */
import type { Condition, NodeFacts } from '../../../node-exporter/checks/check.ts'

export const NODE_NOW = 1_700_000_000_000

export function aNodeFacts(given: Partial<NodeFacts> = {}): NodeFacts {
  return {
    name: 'node-a',
    apiProblem: null,
    isGone: false,
    conditions: new Map([
      ['Ready', aCondition({ status: 'True', reason: 'KubeletReady' })],
      ['MemoryPressure', aCondition()],
      ['DiskPressure', aCondition()],
      ['PIDPressure', aCondition()],
    ]),
    isUnschedulable: false,
    taints: [],
    clockOffsetMs: 0,
    hostRoot: '',
    nowMs: NODE_NOW,
    ...given,
  }
}

export function aCondition(given: Partial<Condition> = {}): Condition {
  return { status: 'False', reason: 'AllWell', message: '', lastHeartbeatMs: NODE_NOW, ...given }
}
