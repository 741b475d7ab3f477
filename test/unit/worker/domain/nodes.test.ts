/** Nodes: what a node's checks and its Node object come to, and how many of them are enough (behaviour, section 7). */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { contentSchema, type Content, type Node } from '../../../../worker/contract/report.ts'
import { applyReport, type ClusterState } from '../../../../worker/domain/cluster.ts'
import {
  findLeast,
  judgeNode,
  judgeWholeNode,
  observeNodes,
  type NodeFacts,
  type NodesMinReady,
} from '../../../../worker/domain/nodes.ts'
import { applyAct } from '../../../../worker/domain/acts.ts'
import { describeCluster } from '../../../../worker/domain/status.ts'
import {
  aCategory,
  aContent,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { accept, RULES, stateAfter, T0 } from '../../../support/apply.ts'

const GOOD = [{ name: 'kubelet', passed: true }]
const BAD = [{ name: 'kubelet', passed: false, reason: 'HTTP 500' }]

const SILENT = { answered: false, checks: [] }

function facts(given: Partial<NodeFacts> = {}): NodeFacts {
  const all = { name: 'node-1', isSchedulable: true, ready: true, silentSinceMs: null }
  return { ...all, passing: ['kubelet'], failing: [], ...given }
}

const FAILS = { passing: [], failing: ['kubelet'] }
const FAILS_READY = { passing: [], failing: ['node_ready'] }

describe('a check of a node', () => {
  it.each<[string, Partial<NodeFacts>, string, string]>([
    ['told to pass', {}, 'kubelet', 'passes'],
    ['told to fail', FAILS, 'kubelet', 'fails'],
    ['another fails', { failing: ['clock'] }, 'kubelet', 'passes'],
    ['never told, the node speaks', {}, 'clock', 'degraded'],
    ['never told, silent and Ready', { silentSinceMs: T0 }, 'clock', 'degraded'],
    ['last told to pass, silent and Ready', { silentSinceMs: T0 }, 'kubelet', 'degraded'],
    [
      'last told to pass, silent, not Ready',
      { silentSinceMs: T0, ready: false },
      'kubelet',
      'fails',
    ],
    ['last told to pass, silent, unread', { silentSinceMs: T0, ready: null }, 'kubelet', 'fails'],
    ['last told to fail, silent and Ready', { ...FAILS, silentSinceMs: T0 }, 'kubelet', 'fails'],
    ['told to pass, not Ready', { ready: false }, 'kubelet', 'passes'],
    ['never told, Ready', {}, 'node_ready', 'passes'],
    ['not Ready', { ready: false }, 'node_ready', 'fails'],
    [
      'not Ready, whatever was told',
      { ready: false, passing: ['node_ready'] },
      'node_ready',
      'fails',
    ],
    ['told to fail, Ready', FAILS_READY, 'node_ready', 'fails'],
    [
      'told to fail, silent, Ready since',
      { ...FAILS_READY, silentSinceMs: T0 },
      'node_ready',
      'passes',
    ],
    ['told to pass, unread', { ready: null, passing: ['node_ready'] }, 'node_ready', 'passes'],
    ['never told, unread', { ready: null }, 'node_ready', 'degraded'],
    ['silent and unread', { ready: null, silentSinceMs: T0 }, 'node_ready', 'fails'],
  ])('%s: %s', (_, given, check, expected) => {
    const { passes, isDegraded, failing } = judgeNode(facts(given), [check])

    expect(passes ? (isDegraded ? 'degraded' : 'passes') : 'fails').toBe(expected)
    expect(failing).toEqual(expected === 'fails' ? [check] : [])
  })

  it('is one of all that must pass', () => {
    const node = facts({ passing: ['kubelet', 'network'], failing: ['clock'] })

    expect(judgeNode(node, ['kubelet', 'network']).passes).toBe(true)
    expect(judgeNode(node, ['kubelet', 'clock'])).toMatchObject({
      passes: false,
      failing: ['clock'],
    })
  })
})

describe('a whole node', () => {
  it.each<[string, Partial<NodeFacts>, boolean]>([
    ['all that it told, and Ready', {}, true],
    ['one of them fails', { failing: ['clock'] }, false],
    ['not Ready, though all it told pass', { ready: false }, false],
    ['unread, all it told pass', { ready: null }, true],
    ['no check told, Ready', { passing: [] }, true],
    ['silent and Ready: its DaemonSet is rolled out', { silentSinceMs: T0 }, true],
    ['silent and not Ready', { silentSinceMs: T0, ready: false }, false],
    ['silent and unread', { silentSinceMs: T0, ready: null }, false],
  ])('passes by %s: %s', (_, given, expected) => {
    expect(judgeWholeNode(facts(given)).passes).toBe(expected)
  })
})

describe('how many nodes are enough', () => {
  it.each<[NodesMinReady, number, number]>([
    [{ share: 1 }, 3, 3],
    [{ share: 1 }, 0, 1],
    [{ share: 0.9 }, 10, 9],
    [{ share: 0.9 }, 11, 10],
    [{ share: 0.07 }, 100, 7],
    [{ share: 0.01 }, 3, 1],
    [{ share: 0 }, 3, 0],
    [{ count: 2 }, 3, 2],
    [{ count: 4 }, 3, 4],
    [{ count: 0 }, 3, 0],
  ])('is by %o of %i: %i', (minReady, schedulable, expected) => {
    expect(findLeast(minReady, schedulable)).toBe(expected)
  })
})

describe('a report on nodes', () => {
  const held = stateAfter([
    aSnapshot({
      content: aContent({ nodes: [aNode({ checks: BAD }), aNode({ name: 'node-2' })] }),
    }),
  ])

  function nodesAfter(state: ClusterState, nodes: Node[] | null): NodeFacts[] | null {
    const report = aSnapshot({ sequence: 2, content: aContent({ nodes }) })
    return accept(state, report).state.standing.nodes
  }

  it('is kept by name, what passes and what fails', () => {
    const nodes = [
      aNode({ name: 'b', checks: [...GOOD, { name: 'clock', passed: false }] }),
      aNode({ name: 'a' }),
    ]

    expect(nodesAfter(held, nodes)).toEqual([
      facts({ name: 'a', passing: [] }),
      facts({ name: 'b', failing: ['clock'] }),
    ])
  })

  it('that is silent on one keeps what that one last told', () => {
    expect(nodesAfter(held, [aNode(SILENT)])).toEqual([facts({ ...FAILS, silentSinceMs: T0 })])
  })

  it('that hears from it again takes its new word', () => {
    const silent = accept(
      held,
      aSnapshot({ sequence: 2, content: aContent({ nodes: [aNode(SILENT)] }) }),
    )
    const report = aSnapshot({
      sequence: 3,
      content: aContent({ nodes: [aNode({ checks: GOOD })] }),
    })

    expect(accept(silent.state, report).state.standing.nodes).toEqual([facts()])
  })

  it('that could not list them leaves them as they are', () => {
    expect(nodesAfter(held, null)).toEqual(held.standing.nodes)
  })

  it('forgets what a silent one told after 15 min, which takes a snapshot', () => {
    const silent = accept(
      held,
      aSnapshot({ sequence: 2, content: aContent({ nodes: [aNode(SILENT)] }) }),
    )
    const [before, after] = [T0 + 15 * 60_000 - 1, T0 + 15 * 60_000]

    const early = accept(silent.state, aHeartbeat({ sequence: 3, observedAt: before }), before)
    const due = accept(early.state, aHeartbeat({ sequence: 4, observedAt: after }), after)
    const told = aSnapshot({
      sequence: 5,
      observedAt: after,
      content: aContent({ nodes: [aNode(SILENT)] }),
    })
    const forgotten = accept(due.state, told, after)

    expect([early.resend, due.resend]).toEqual([false, true])
    expect(forgotten.state.standing.nodes).toEqual([facts({ passing: [], silentSinceMs: T0 })])
    const next = aHeartbeat({ sequence: 6, observedAt: after })
    expect(accept(forgotten.state, next, after).resend).toBe(false)
  })

  it('that tells nothing of them for over 15 min leaves nothing of them', () => {
    const content = aContent({ nodes: null })
    const at = (ms: number, sequence: number) => aSnapshot({ sequence, observedAt: ms, content })
    const untold = accept(held, at(T0 + 10_000, 2), T0 + 10_000)
    const later = T0 + 15 * 60_000

    expect(untold.state.pulse.nodes?.untoldSinceMs).toBe(T0)
    expect(accept(untold.state, at(later, 3), later).state.standing.nodes).toEqual(
      held.standing.nodes,
    )
    expect(accept(untold.state, at(later + 1, 3), later + 1).state.standing.nodes).toBeNull()
  })

  it('that tells of them again ends that', () => {
    const untold = accept(held, aSnapshot({ sequence: 2, content: aContent({ nodes: null }) }))

    const told = aSnapshot({ sequence: 3, content: aContent({ nodes: [aNode()] }) })

    expect(accept(untold.state, told).state.pulse.nodes?.untoldSinceMs).toBeNull()
  })

  it('that has none left forgets them', () => {
    expect(nodesAfter(held, [])).toEqual([])
  })

  it('goes on from the facts where the content was lost', () => {
    const restored = { ...held, content: null }

    expect(nodesAfter(restored, [aNode(SILENT)])).toEqual([facts({ ...FAILS, silentSinceMs: T0 })])
    expect(nodesAfter(restored, null)).toEqual(held.standing.nodes)
  })

  it('leaves the facts the very same while nothing turns', () => {
    const nodes = [
      aNode({ checks: [{ ...BAD[0], name: 'kubelet', passed: false, reason: 'HTTP 503' }] }),
      aNode({ name: 'node-2' }),
    ]

    expect(nodesAfter(held, nodes)).toBe(held.standing.nodes)
  })

  it('is null as long as nobody told of any', () => {
    expect(observeNodes(null, null, T0)).toBeNull()
    expect(stateAfter([aSnapshot()]).standing.nodes).toBeNull()
  })
})

describe('the built-in service nodes', () => {
  const named = [aCategory({ name: 'infra', services: ['nodes'] })]

  function standingOf(nodes: Node[] | null, given: Partial<Content> = {}) {
    const content = aContent({ categories: named, nodes, ...given })
    return stateAfter([aSnapshot({ content })])
  }

  function verdictOf(state: ClusterState, name: string) {
    const { categories } = state.standing
    const { reason, severity } = categories.find((category) => category.name === name) ?? {}
    return { reason, severity }
  }

  const failing = [aNode({ checks: BAD }), aNode({ name: 'node-2', checks: GOOD })]

  it('stands in a category that names it, and not in default', () => {
    const state = standingOf(failing)

    expect(verdictOf(state, 'infra')).toEqual({ reason: 'unhealthy', severity: 2 })
    expect(verdictOf(state, 'default')).toEqual({ reason: 'healthy', severity: null })
  })

  it.each<[string, Node[] | null, { reason: string; severity: number | null }]>([
    ['all pass', [aNode({ checks: GOOD })], { reason: 'healthy', severity: null }],
    ['one of two fails', failing, { reason: 'unhealthy', severity: 2 }],
    ['all fail', [aNode({ checks: BAD })], { reason: 'unhealthy', severity: 1 }],
    [
      'a cordoned one fails',
      [aNode({ checks: BAD, schedulable: false }), aNode({ name: 'node-2' })],
      { reason: 'healthy', severity: null },
    ],
    ['all are cordoned', [aNode({ schedulable: false })], { reason: 'unhealthy', severity: 1 }],
    ['there are none', [], { reason: 'unhealthy', severity: 1 }],
    ['a silent one is Ready', [aNode(SILENT)], { reason: 'healthy', severity: null }],
    [
      'a silent one is not',
      [aNode({ ...SILENT, ready: false })],
      { reason: 'unhealthy', severity: 1 },
    ],
    ['nothing was told of them', null, { reason: 'empty', severity: null }],
  ])('judges by how they are: %s', (_, nodes, expected) => {
    expect(verdictOf(standingOf(nodes), 'infra')).toEqual(expected)
  })

  it.each<[NodesMinReady, string]>([
    [{ share: 0.5 }, 'healthy'],
    [{ share: 0.51 }, 'unhealthy'],
    [{ count: 1 }, 'healthy'],
    [{ count: 2 }, 'unhealthy'],
  ])('passes when enough do: %o, %s', (nodesMinReady, expected) => {
    const report = aSnapshot({ content: aContent({ categories: named, nodes: failing }) })

    const applied = applyReport(null, report, { ...RULES, nowMs: T0, nodesMinReady })

    expect(applied.ok && verdictOf(applied.state, 'infra').reason).toBe(expected)
  })

  it('takes a heartbeat for content that another version made', () => {
    const state = standingOf(failing)
    const older = { ...state, pulse: { ...state.pulse, nodes: null } }

    expect(accept(older, aHeartbeat({ sequence: 2 })).resend).toBe(false)
  })

  it('asks for a snapshot when another number became enough', () => {
    const state = standingOf(failing)
    const rules = { ...RULES, nowMs: T0 + 10_000, nodesMinReady: { count: 1 } }

    const heard = applyReport(state, aHeartbeat({ sequence: 2, observedAt: T0 + 10_000 }), rules)

    expect(heard).toMatchObject({ resend: true, state: { pulse: { lease: state.pulse.lease } } })
  })

  it('says which nodes fail, and why', () => {
    const status = describeCluster(standingOf(failing), {
      cluster: 'demo',
      names: ['infra'],
      nowMs: T0,
    })

    expect(status?.services).toMatchObject([
      { name: 'nodes', output: '1/2 nodes available (node-1: kubelet: HTTP 500)', isNodes: true },
    ])
  })

  it('is told beside the others only where a category names it', () => {
    const nameless = standingOf(failing, { categories: [] })
    const all = { cluster: 'demo', names: [], nowMs: T0 }

    const namesOf = (state: ClusterState) =>
      describeCluster(state, all)?.services.map(({ name }) => name)
    expect(namesOf(nameless)).toEqual(['web'])
    expect(namesOf(standingOf(failing))).toEqual(['nodes', 'web'])
  })

  it('stands in default only where its ConfigMap names it', () => {
    const state = standingOf(failing, {
      categories: [aCategory({ name: 'default', services: ['nodes'] })],
    })

    expect(verdictOf(state, 'default').reason).toBe('unhealthy')
  })

  it('has a reason that the wire takes, however much fails', () => {
    const reason = 'x'.repeat(1024)
    const checks = Array.from({ length: 13 }, (_, i) => ({
      name: `check_${i}`,
      passed: false,
      reason,
    }))

    const { content } = standingOf([aNode({ checks })])

    expect(v.safeParse(contentSchema, JSON.parse(JSON.stringify(content))).success).toBe(true)
  })

  it('leaves an ack until change alone while its node misses a question', () => {
    const acked = applyAct(
      standingOf(failing),
      { kind: 'add-ack', service: 'nodes', message: 'known', until: 'change', expiresAtMs: null },
      { nowMs: T0, actor: { by: 'nina', address: '' } },
    )
    if (!acked.ok) throw new Error(acked.reason)
    const nodes = [aNode(SILENT), aNode({ name: 'node-2', checks: GOOD })]

    const content = aContent({ categories: named, nodes })
    const { state } = accept(acked.state, aSnapshot({ sequence: 2, content }))

    expect(state.decisions.acks).toHaveLength(1)
    expect(verdictOf(state, 'infra').reason).toBe('healthy')
  })

  it('is a warning while most pass, though no exporter speaks', () => {
    const silent = Array.from({ length: 3 }, (_, i) => aNode({ ...SILENT, name: `node-${i}` }))

    const state = standingOf([aNode({ ...SILENT, name: 'node-9', ready: false }), ...silent])

    expect(verdictOf(state, 'infra')).toEqual({ reason: 'unhealthy', severity: 2 })
  })

  it('never lends its nodes to a Service of its name', () => {
    const services = [aService(), aService({ name: 'nodes', targets: null })]
    const content = aContent({ nodes: failing, services })

    const { state } = accept(standingOf(failing), aSnapshot({ sequence: 2, content }))

    expect(state.content?.services?.at(-1)?.targets).toBeNull()
    expect(verdictOf(state, 'default').reason).toBe('healthy')
  })

  it('gives way to a Service of that name, with a warning', () => {
    const state = standingOf(failing, { services: [aService({ name: 'nodes' })] })

    expect(verdictOf(state, 'infra').reason).toBe('healthy')
    expect(state.content?.services).toHaveLength(1)
    expect(state.content?.warnings).toMatchObject([{ subject: 'nodes' }])
  })
})
