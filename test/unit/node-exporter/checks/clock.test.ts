/** How far this machine's clock may be from the API server's, and in which words a node says so. */
import { expect, it } from 'vitest'
import { runCheck, type NodeFacts } from '../../../../node-exporter/checks/check.ts'
import { clock } from '../../../../node-exporter/checks/clock.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

const off = (words: string) => ({ passed: false, reason: `this machine's clock is ${words}` })

it.each<[string, Partial<NodeFacts>, object]>([
  ['passes on the same time', { clockOffsetMs: 0 }, { passed: true }],
  ['passes a moment behind', { clockOffsetMs: 1999 }, { passed: true }],
  ['fails two seconds behind', { clockOffsetMs: 2000 }, off("2.0 s behind the API server's")],
  ['passes a moment ahead', { clockOffsetMs: -1999 }, { passed: true }],
  ['fails two seconds ahead', { clockOffsetMs: -2000 }, off("2.0 s ahead of the API server's")],
  ['fails a day behind', { clockOffsetMs: 86_400_000 }, off("86400.0 s behind the API server's")],
  [
    'cannot tell before the API server has answered',
    { clockOffsetMs: null },
    { passed: true, warning: 'the API server has not told its time' },
  ],
  [
    'cannot tell, and says why the API is silent',
    { clockOffsetMs: null, apiProblem: 'no answer in time' },
    { passed: true, warning: 'no answer in time' },
  ],
  [
    'goes by the last time told while the API is away',
    { clockOffsetMs: -3449, apiProblem: 'no answer in time' },
    off("3.4 s ahead of the API server's"),
  ],
])('%s', async (_, given, shown) => {
  const { duration_ms, ...result } = await runCheck(clock, aNodeFacts(given))

  expect(result).toStrictEqual({ name: 'clock', ...shown })
  expect(duration_ms).toBeLessThan(clock.timeoutMs)
})
