/** Whether pods may be put on the node: each obstacle is named, and a taint that only keeps new pods away is none. */
import { expect, it } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import type { NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { schedulable } from '../../../../node-exporter/checks/schedulable.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

const PROBLEM = 'no answer in time'
const UNREACHABLE = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }
const RESERVED = { key: 'example.com/reserved', effect: 'NoExecute' }
const CORDON = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

it.each<[string, Partial<NodeFacts>, object]>([
  ['passes while nothing is in the way', {}, { passed: true }],
  [
    'passes with taints that evict nobody',
    { taints: [CORDON, { key: 'a', effect: 'PreferNoSchedule' }] },
    { passed: true },
  ],
  [
    'takes an effect in another case for none',
    { taints: [{ key: 'a', effect: 'noexecute' }] },
    { passed: true },
  ],
  [
    'fails when the node is cordoned',
    { isUnschedulable: true, taints: [CORDON] },
    { passed: false, reason: 'cordoned' },
  ],
  [
    'names the taint that evicts pods',
    { taints: [CORDON, UNREACHABLE] },
    { passed: false, reason: 'tainted node.kubernetes.io/unreachable:NoExecute' },
  ],
  [
    'names all that is in the way',
    { isUnschedulable: true, taints: [UNREACHABLE, RESERVED] },
    {
      passed: false,
      reason:
        'cordoned, tainted node.kubernetes.io/unreachable:NoExecute, tainted example.com/reserved:NoExecute',
    },
  ],
  [
    'fails when the Node is gone',
    { isGone: true, conditions: new Map() },
    { passed: false, reason: 'NodeNotFound' },
  ],
  [
    'passes with a warning when the API says nothing',
    { apiProblem: PROBLEM },
    { passed: true, warning: PROBLEM },
  ],
  [
    'believes no cordon that is too old to be known',
    { apiProblem: PROBLEM, isUnschedulable: true, taints: [UNREACHABLE], isGone: true },
    { passed: true, warning: PROBLEM },
  ],
])('%s', async (_, given, shown) => {
  const result = await runCheck(schedulable, aNodeFacts(given))

  expect(result).toStrictEqual({ name: 'schedulable', ...shown, duration_ms: result.duration_ms })
})
