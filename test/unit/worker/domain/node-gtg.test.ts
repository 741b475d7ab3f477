/** `__gtg` of one node: which reason wins, and what is known of a check (behaviour, sections 4 and 7). */
import { describe, expect, it } from 'vitest'
import {
  judgeNodeGtg,
  type NodeQuestion,
  type NodesView,
} from '../../../../worker/domain/node-gtg.ts'
import type { NodeFacts } from '../../../../worker/domain/nodes.ts'
import { T0 } from '../../../support/apply.ts'

const FRESH = {
  freshAtMs: T0,
  validUntilMs: T0 + 60_000,
  heldUntilMs: null,
  byHandUntilMs: null,
  ruling: null,
}
const NODE: NodeFacts = {
  name: 'node-1',
  isSchedulable: true,
  ready: true,
  silentSinceMs: null,
  passing: ['kubelet'],
  failing: ['clock'],
}

function ask(
  question: Partial<NodeQuestion> = {},
  { view = {}, afterMs = 0, isCopy = false }: Given = {},
) {
  const nodes = [NODE, { ...NODE, name: 'node-2', silentSinceMs: T0, passing: ['network'] }]
  return judgeNodeGtg(
    { lease: FRESH, intervalSeconds: 10, nodes, untoldSinceMs: null, ...view },
    { node: 'node-1', checks: [], ...question },
    { nowMs: T0 + afterMs, isCopy },
  )
}

interface Given {
  view?: Partial<NodesView>
  afterMs?: number
  isCopy?: boolean
}

describe('a node is asked for', () => {
  it.each<[string, string[], string]>([
    ['nothing, which is node_ready', [], 'healthy'],
    ['a check that passes', ['kubelet'], 'healthy'],
    ['one that fails', ['kubelet', 'clock'], 'unhealthy'],
    ['one that another node told', ['network'], 'degraded'],
    ['one that no node ever told', ['bogus'], 'unknown-check'],
    ['one in another case', ['Kubelet'], 'unknown-check'],
    ['a bogus one beside one that fails', ['clock', 'bogus'], 'unknown-check'],
  ])('%s', (_, checks, expected) => {
    const { reason, passes } = ask({ checks })

    expect(reason).toBe(expected)
    expect(passes).toBe(['healthy', 'degraded'].includes(expected))
  })

  it('32 at once, and no more', () => {
    const some = (count: number) => Array.from({ length: count }, () => 'kubelet')

    expect(ask({ checks: some(32) }).reason).toBe('healthy')
    expect(ask({ checks: some(33) }).reason).toBe('unknown-check')
  })

  it('and names the checks that fail', () => {
    expect(ask({ checks: ['kubelet', 'clock'] }).failing).toEqual(['clock'])
  })
})

describe('which reason wins', () => {
  const bad = { checks: ['clock'] }

  it.each<[string, Partial<NodeQuestion>, Given]>([
    ['no-data', { node: 'node-9' }, { view: { nodes: null } }],
    [
      'no-data',
      {},
      {
        view: {
          lease: {
            freshAtMs: null,
            validUntilMs: null,
            heldUntilMs: null,
            byHandUntilMs: null,
            ruling: null,
          },
        },
      },
    ],
    ['unknown-node', { node: 'node-9', checks: ['bogus'] }, { afterMs: 60_001 }],
    ['unknown-check', { checks: ['bogus'] }, { afterMs: 60_001 }],
    ['stale', bad, { afterMs: 60_001 }],
    ['unhealthy', bad, { isCopy: true, afterMs: 30_001 }],
    ['held', {}, { isCopy: true, afterMs: 30_001 }],
    ['held', {}, { view: { lease: { ...FRESH, heldUntilMs: T0 + 900_000 } }, afterMs: 60_001 }],
    ['held', {}, { view: { untoldSinceMs: T0 - 900_000 } }],
    ['stale', {}, { view: { untoldSinceMs: T0 - 900_001 } }],
    ['unhealthy', bad, { view: { untoldSinceMs: T0 } }],
    ['late', { checks: ['network'] }, { afterMs: 30_001 }],
    ['degraded', { checks: ['network'] }, { afterMs: 30_000 }],
    ['healthy', {}, { afterMs: 30_000 }],
  ])('is %s: %j %j', (expected, question, given) => {
    expect(ask(question, given).reason).toBe(expected)
  })

  it('comes with the age of what it is made of', () => {
    expect(ask({}, { afterMs: 12_900 })).toMatchObject({ ageSeconds: 12, retryAfterSeconds: 10 })
  })
})
