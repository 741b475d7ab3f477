/** The Node's Ready condition: only True passes, and only an API server that says nothing leaves the benefit of doubt. */
import { expect, it } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import type { NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { nodeReady } from '../../../../node-exporter/checks/node-ready.ts'
import { aCondition, aNodeFacts } from '../../../support/exporter/a-node.ts'

const PROBLEM = 'HTTP 403: nodes "node-a" is forbidden'

function aReady(status: string, reason: string): Partial<NodeFacts> {
  return { conditions: new Map([['Ready', aCondition({ status, reason })]]) }
}

it.each<[string, Partial<NodeFacts>, object]>([
  ['passes while Ready is True', aReady('True', 'KubeletReady'), { passed: true }],
  ['passes without a reason too', aReady('True', ''), { passed: true }],
  [
    'fails when it is False',
    aReady('False', 'KubeletNotReady'),
    { passed: false, reason: 'Ready is False: KubeletNotReady' },
  ],
  [
    'fails when it is Unknown',
    aReady('Unknown', 'NodeStatusUnknown'),
    { passed: false, reason: 'Ready is Unknown: NodeStatusUnknown' },
  ],
  [
    'fails with the status alone when there is no reason',
    aReady('False', ''),
    { passed: false, reason: 'Ready is False' },
  ],
  [
    'takes a status in another case for no True',
    aReady('true', 'KubeletReady'),
    { passed: false, reason: 'Ready is true: KubeletReady' },
  ],
  [
    'fails when no such condition is set',
    { conditions: new Map() },
    { passed: false, reason: 'the Node has no Ready condition' },
  ],
  [
    'fails when the Node is gone',
    { isGone: true, conditions: new Map() },
    { passed: false, reason: 'NodeNotFound' },
  ],
  [
    'passes with a warning when the API says nothing',
    { apiProblem: PROBLEM, conditions: new Map() },
    { passed: true, warning: PROBLEM },
  ],
  [
    'believes no condition that is too old to be known',
    { apiProblem: PROBLEM, ...aReady('False', 'KubeletNotReady') },
    { passed: true, warning: PROBLEM },
  ],
  [
    'believes no absence that is too old to be known',
    { apiProblem: PROBLEM, isGone: true },
    { passed: true, warning: PROBLEM },
  ],
])('%s', async (_, given, shown) => {
  const { duration_ms, ...result } = await runCheck(nodeReady, aNodeFacts(given))

  expect(result).toStrictEqual({ name: 'node_ready', ...shown })
  expect(duration_ms).toBeLessThan(nodeReady.timeoutMs)
})
