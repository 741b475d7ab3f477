/**
 * From what was seen of a cluster's nodes to a verdict on each, and to the built-in service `nodes`, which can stand in
 * any category (behaviour, section 7). A node whose exporter is silent is unknown: then the Node object decides.
 */
import { cutText } from '../contract/cut-text.ts'
import { HOLD_MAX_MS, TEXT_MAX_BYTES } from '../contract/limits.ts'
import type { Content, Node, Service, Target } from '../contract/report.ts'

/** What verdicts read of a node, without its texts. */
export interface NodeFacts {
  name: string
  /** Not cordoned. */
  isSchedulable: boolean
  /** The Node object's own condition. null: it could not be read. */
  ready: boolean | null
  /** ms; since when its exporter is silent, and the checks are those that it last told. null: it answers. */
  silentSinceMs: number | null
  /** Names of checks. */
  passing: string[]
  failing: string[]
}

/** How many of the schedulable nodes must pass. A share is of 1. */
export type NodesMinReady = { share: number } | { count: number }

/** The name under which categories hold the nodes. */
export const NODES_SERVICE = 'nodes'
/** What is asked for where no check is named, on the node as at the edge. */
export const DEFAULT_NODE_CHECK = 'node_ready'

/** `unknown`: nobody can say now. */
export type CheckVerdict = 'passes' | 'fails' | 'unknown'

/** What is held of nodes: the content, and where it was lost the facts alone. */
interface HeldNodes {
  content: Content['nodes'] | undefined
  facts: NodeFacts[] | null
}

/**
 * A node that fell silent keeps the checks that it last told: one that failed has not recovered by saying nothing. After
 * 15 min nothing is known of them any more, or a DaemonSet that was taken away would leave its failures for ever.
 */
export function mergeNodes(
  { content, facts }: HeldNodes,
  reported: Content['nodes'],
  nowMs: number,
): Content['nodes'] {
  const known = content ?? facts?.map(rebuildNode) ?? null
  if (reported === null) return known
  const before = new Map(known?.map((node) => [node.name, node]))
  const silence = silenceOf(facts)
  return reported.map((node) => {
    if (node.answered) return node
    const isForgotten = nowMs - (silence.get(node.name) ?? nowMs) >= HOLD_MAX_MS
    return isForgotten ? node : { ...node, checks: before.get(node.name)?.checks ?? node.checks }
  })
}

function silenceOf(facts: NodeFacts[] | null): Map<string, number> {
  return new Map(
    facts?.flatMap(({ name, silentSinceMs }) =>
      silentSinceMs === null ? [] : [[name, silentSinceMs] as const],
    ),
  )
}

function rebuildNode(facts: NodeFacts): Node {
  const { name, isSchedulable, ready, silentSinceMs, passing, failing } = facts
  return {
    name,
    schedulable: isSchedulable,
    ready,
    answered: silentSinceMs === null,
    checks: [
      ...passing.map((check) => ({ name: check, passed: true })),
      ...failing.map((check) => ({ name: check, passed: false })),
    ],
  }
}

/** By name. `before`: what was known of them until now. */
export function observeNodes(
  nodes: Content['nodes'],
  before: NodeFacts[] | null,
  nowMs: number,
): NodeFacts[] | null {
  const silence = silenceOf(before)
  const facts = nodes?.map((node) => observeNode(node, silence.get(node.name) ?? nowMs)) ?? null
  return facts?.toSorted((a, b) => (a.name < b.name ? -1 : 1)) ?? null
}

function observeNode(
  { name, schedulable, ready, answered, checks }: Node,
  sinceMs: number,
): NodeFacts {
  const named = (passed: boolean) =>
    checks.filter((check) => check.passed === passed).map((check) => check.name)
  const silentSinceMs = answered ? null : sinceMs
  const facts = { name, isSchedulable: schedulable, ready, silentSinceMs }
  return { ...facts, passing: named(true), failing: named(false) }
}

export interface NodeVerdict {
  passes: boolean
  /** It passes, but a check that was asked for can't be told. */
  isDegraded: boolean
  /** Of those that were asked for. */
  failing: string[]
}

/** All that are named must pass. A check that can't be told passes on a node that speaks, or that is Ready. */
export function judgeNode(facts: NodeFacts, checks: string[]): NodeVerdict {
  const results = resultsOf(facts)
  const verdicts = checks.map((check) => ({ check, verdict: judgeCheck(facts, check, results) }))
  const isBelieved = facts.silentSinceMs === null || facts.ready === true
  const failing = verdicts
    .filter(({ verdict }) => verdict === 'fails' || (verdict === 'unknown' && !isBelieved))
    .map(({ check }) => check)
  const passes = failing.length === 0
  const isDegraded = passes && verdicts.some(({ verdict }) => verdict === 'unknown')
  return { passes, isDegraded, failing }
}

/** All that is known of it: its Ready condition, and every check that it told. */
export function judgeWholeNode(facts: NodeFacts): NodeVerdict {
  const { ready, silentSinceMs, passing, failing } = facts
  if (silentSinceMs === null && failing.length === 0 && ready !== false) {
    // As nearly always: each check that it told passes, and of thousands of nodes none has to be looked up.
    const isTold = ready === true || passing.includes(DEFAULT_NODE_CHECK)
    return { passes: true, isDegraded: !isTold, failing: [] }
  }
  return judgeNode(facts, checksOf(facts))
}

/** `node_ready` first, for the Node object tells it even where no exporter does. */
export function checksOf({ passing, failing }: NodeFacts): string[] {
  return [...new Set([DEFAULT_NODE_CHECK, ...passing, ...failing])]
}

/** Whether any node ever told this check: another name is a slip of whoever asks. */
export function isKnownCheck(nodes: NodeFacts[], check: string): boolean {
  return (
    check === DEFAULT_NODE_CHECK ||
    nodes.some(({ passing, failing }) => passing.includes(check) || failing.includes(check))
  )
}

/** Whether each check that a node told passes; a name that stands in both fails. */
export function resultsOf({ passing, failing }: NodeFacts): Map<string, boolean> {
  return new Map([
    ...passing.map((name) => [name, true] as const),
    ...failing.map((name) => [name, false] as const),
  ])
}

/** `results`: as `resultsOf` the same facts. */
export function judgeCheck(
  { ready, silentSinceMs }: NodeFacts,
  check: string,
  results: Map<string, boolean>,
): CheckVerdict {
  const answered = silentSinceMs === null
  if (check === DEFAULT_NODE_CHECK && ready === false) return 'fails'
  // Of a silent node the Node object knows more than what it last told.
  if (check === DEFAULT_NODE_CHECK && ready === true && !answered) return 'passes'
  if (results.get(check) === false) return 'fails'
  if (results.get(check) === true) return answered ? 'passes' : 'unknown'
  return check === DEFAULT_NODE_CHECK && ready === true ? 'passes' : 'unknown'
}

/** How many of so many schedulable nodes must pass; one at least, unless none was asked for. */
export function findLeast(minReady: NodesMinReady, schedulable: number): number {
  if ('count' in minReady) return minReady.count
  if (minReady.share === 0) return 0
  // 0.07 × 100 is a bit more than 7.
  return Math.max(1, Math.ceil(schedulable * minReady.share - 1e-9))
}

/** null: nothing is known of nodes, so there is no such service. Cordoned nodes are no part of it. */
export function makeNodesService(
  nodes: Content['nodes'],
  { minReady, checkedAtMs }: { minReady: NodesMinReady; checkedAtMs: number },
): Service | null {
  if (nodes === null) return null
  const schedulable = nodes.filter((node) => node.schedulable)
  return {
    name: NODES_SERVICE,
    isResilient: true,
    isDaemon: true,
    desired: null,
    leastOk: findLeast(minReady, schedulable.length),
    targets: schedulable.map((node) => makeTarget(node, checkedAtMs)),
  }
}

function makeTarget(node: Node, checkedAt: number): Target {
  const { passes, failing } = judgeWholeNode(observeNode(node, checkedAt))
  const { name, ready, answered } = node
  const told = checksByName(node)
  const why = failing.map((check) => {
    const reason = findReason(node, check, told)
    return reason === undefined ? check : `${check}: ${reason}`
  })
  const silent = answered ? [] : ['its exporter is silent']
  return {
    id: name,
    node: name,
    ready: ready ?? passes,
    ok: passes,
    answered: true, // the API server told of it, or its exporter: it is no address that could not be asked
    ...(passes ? {} : { reason: cutText([...silent, ...why].join('; '), TEXT_MAX_BYTES) }),
    checkedAt,
    // Of one node among many none is critical; that all fail is.
    checks: failing.map((check) => ({ id: check, name: check, ok: false, severity: 1 })),
  }
}

/** Of two checks with one name the first counts. */
export function checksByName({ checks }: Node): Map<string, Node['checks'][number]> {
  return new Map(checks.toReversed().map((check) => [check.name, check]))
}

/** Why a check fails, as its node told it; what only the Node object says has no words of its own. */
export function findReason(
  { ready }: Node,
  check: string,
  told: ReturnType<typeof checksByName>,
): string | undefined {
  const reason = told.get(check)?.reason
  const isNotReady = check === DEFAULT_NODE_CHECK && ready === false
  return reason ?? (isNotReady ? 'the Node is not Ready' : undefined)
}

/** Whether a service is the built-in one, and no Service of the cluster that is called so. */
export function isNodesService({ name, leastOk }: Pick<Service, 'name' | 'leastOk'>): boolean {
  return name === NODES_SERVICE && leastOk !== undefined
}
