/** What is known of a cluster's nodes, spelled out once for every way it is shown: JSON, pages, metrics. */
import type { Node } from '../contract/report.ts'
import type { ClusterState } from './cluster.ts'
import {
  checksByName,
  checksOf,
  findLeast,
  findReason,
  judgeCheck,
  judgeWholeNode,
  resultsOf,
  type NodeFacts,
} from './nodes.ts'

export interface NodesStatus {
  /** By name. */
  all: NodeStatus[]
  schedulable: number
  /** Schedulable, and passing. */
  passing: number
  /** How many of the schedulable must pass for the service `nodes` to be ok. null: not known after a restore. */
  least: number | null
}

export interface NodeStatus {
  name: string
  /** `unknown`: its exporter is silent, and nothing says that it fails. */
  state: 'ok' | 'failing' | 'unknown'
  isSchedulable: boolean
  ready: boolean | null
  /** false: its exporter is silent, and the checks are those that it last told. */
  answered: boolean
  /** By all that is known of it. */
  passes: boolean
  /** `node_ready` first, the others by name. */
  checks: NodeCheckStatus[]
}

export interface NodeCheckStatus {
  name: string
  /** null: nobody can say now. */
  passed: boolean | null
  reason: string | undefined
  warning: string | undefined
}

/** null: nothing was ever told of them. */
export function describeNodes({ standing, content, pulse }: ClusterState): NodesStatus | null {
  if (standing.nodes === null) return null
  const told = new Map(content?.nodes?.map((node) => [node.name, node]))
  const all = standing.nodes.map((facts) => describeNode(facts, told.get(facts.name)))
  const schedulable = all.filter(({ isSchedulable }) => isSchedulable)
  return {
    all,
    schedulable: schedulable.length,
    passing: schedulable.filter(({ passes }) => passes).length,
    least: pulse.nodes === null ? null : findLeast(pulse.nodes.minReady, schedulable.length),
  }
}

function describeNode(facts: NodeFacts, told: Node | undefined): NodeStatus {
  const { name, isSchedulable, ready, silentSinceMs } = facts
  const answered = silentSinceMs === null
  const { passes } = judgeWholeNode(facts)
  const [first = '', ...others] = checksOf(facts)
  const results = resultsOf(facts)
  const checks = told && checksByName(told)
  return {
    name,
    state: !passes ? 'failing' : answered ? 'ok' : 'unknown',
    isSchedulable,
    ready,
    answered,
    passes,
    checks: [first, ...others.toSorted()].map((check) => {
      const verdict = judgeCheck(facts, check, results)
      return {
        name: check,
        passed: verdict === 'unknown' ? null : verdict === 'passes',
        reason: told && checks && findReason(told, check, checks),
        warning: checks?.get(check)?.warning,
      }
    }),
  }
}
