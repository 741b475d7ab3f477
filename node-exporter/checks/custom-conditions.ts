/**
 * Conditions that somebody else sets on the Node, Node Problem Detector's above all. One counts only while its reporter
 * lives; one that nobody ever reported is no fault.
 */
import type { Check, Condition, NodeFacts, Outcome } from './check.ts'

export interface WatchedCondition {
  type: string
  badStatus: string
}

export type ParseConditions =
  { ok: true; conditions: WatchedCondition[] } | { ok: false; faults: string[] }

/** Node Problem Detector's heartbeats come every 5 min: three of them are missing. */
const FRESH_MS = 15 * 60_000

/** What Node Problem Detector and its health checker set: True is bad in all of them. */
export const DETECTOR_CONDITIONS: readonly WatchedCondition[] = [
  'KernelDeadlock',
  'ReadonlyFilesystem',
  'XfsShutdown',
  'CperHardwareErrorFatal',
  'CorruptDockerOverlay2',
  'FrequentKubeletRestart',
  'FrequentContainerdRestart',
  'FrequentDockerRestart',
  'FrequentUnregisterNetDevice',
  'KubeletUnhealthy',
  'ContainerRuntimeUnhealthy',
  'NTPProblem',
].map((type) => ({ type, badStatus: 'True' }))

export function makeCustomConditions(
  watched: readonly WatchedCondition[] = DETECTOR_CONDITIONS,
): Check {
  return {
    name: 'custom_conditions',
    timeoutMs: 1000,
    cannotTell: 'pass',
    run: (node) => judge(node, watched),
  }
}

/** `KernelDeadlock=True,Other=False`, separated by commas or blanks: type, and the status in which it is bad. */
export function parseConditions(text: string): ParseConditions {
  const pairs = [...new Set(text.split(/[\s,]+/).filter((pair) => pair !== ''))]
  const conditions: WatchedCondition[] = []
  const faults: string[] = []
  for (const pair of pairs) {
    const [, type, badStatus] = /^([A-Za-z0-9][-\w./]*)=(True|False|Unknown)$/.exec(pair) ?? []
    if (type === undefined || badStatus === undefined) {
      faults.push(
        `"${pair}" must be a condition and True, False or Unknown, as in KernelDeadlock=True`,
      )
    } else {
      conditions.push({ type, badStatus })
    }
  }
  return faults.length === 0 ? { ok: true, conditions } : { ok: false, faults }
}

function judge(node: NodeFacts, watched: readonly WatchedCondition[]): Outcome {
  if (node.apiProblem !== null) return { passed: 'unknown', reason: node.apiProblem }
  if (node.isGone) return { passed: false, reason: 'NodeNotFound' }
  const bad: string[] = []
  const silent = new Set<string>()
  for (const { type, badStatus } of watched) {
    const condition = node.conditions.get(type)
    if (condition === undefined) continue
    if (!isFresh(condition, node.nowMs)) silent.add(type)
    else if (condition.status === badStatus) bad.push(tellBad(type, condition))
  }
  const warned =
    silent.size === 0
      ? {}
      : { warning: `unknown, without a heartbeat for 15 min: ${[...silent].join(', ')}` }
  return bad.length === 0
    ? { passed: true, ...warned }
    : { passed: false, reason: bad.join(', '), ...warned }
}

/** Its reporter most likely runs on this node and by this clock; one that is ahead is taken at its word. */
function isFresh({ lastHeartbeatMs }: Condition, nowMs: number): boolean {
  return lastHeartbeatMs !== null && nowMs - lastHeartbeatMs < FRESH_MS
}

function tellBad(type: string, { status, reason }: Condition): string {
  return reason === '' ? `${type} is ${status}` : `${type} is ${status}: ${reason}`
}
