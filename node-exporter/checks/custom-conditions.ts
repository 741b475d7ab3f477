/**
 * Conditions that other programs set on the Node, above all Node Problem Detector. A condition that its reporter repeats
 * counts only while the repeats (heartbeats) are fresh; one that is absent is no fault.
 */
import type { Check, Condition, NodeFacts, Outcome } from './check.ts'

export interface WatchedCondition {
  type: string
  badStatus: string
  /** Its reporter repeats it, so an old heartbeat means a dead reporter. false: it counts at any age. */
  hasHeartbeat: boolean
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
].map((type) => ({ type, badStatus: 'True', hasHeartbeat: true }))

/** What the kubelet sets, and repeats every 5 min (nodeStatusReportFrequency). */
const KUBELET_TYPES = new Set(['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'])

const DETECTOR_TYPES = new Set(DETECTOR_CONDITIONS.map(({ type }) => type))

const FORM =
  'must be a condition and True, False or Unknown, as in KernelDeadlock=True, ' +
  'with :heartbeat or :no-heartbeat after it where the default is not right'

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

/**
 * `KernelDeadlock=True,Other=False:heartbeat`, separated by commas or blanks: the type, the status in which it is bad, and
 * whether its reporter sends heartbeats. Each fault quotes the text that is wrong.
 */
export function parseConditions(text: string): ParseConditions {
  const pairs = [...new Set(text.split(/[\s,]+/).filter((pair) => pair !== ''))]
  const parsed = pairs.map((pair) => parseCondition(pair) ?? `"${pair}" ${FORM}`)
  const faults = parsed.filter((one) => typeof one === 'string')
  const conditions = parsed.filter((one) => typeof one !== 'string')
  return faults.length === 0 ? { ok: true, conditions } : { ok: false, faults }
}

function parseCondition(pair: string): WatchedCondition | undefined {
  const form = /^([A-Za-z0-9][-\w./]*)=(True|False|Unknown)(?::(heartbeat|no-heartbeat))?$/
  const [, type, badStatus, word] = form.exec(pair) ?? []
  if (type === undefined || badStatus === undefined) return undefined
  const hasHeartbeat = word === undefined ? isRepeated(type, badStatus) : word === 'heartbeat'
  return { type, badStatus, hasHeartbeat }
}

/**
 * Cloud controllers and network plugins set NetworkUnavailable once and never repeat it. The kubelet's conditions become
 * Unknown through the node lifecycle controller, which keeps the heartbeat of the kubelet that went silent.
 */
function isRepeated(type: string, badStatus: string): boolean {
  return DETECTOR_TYPES.has(type) || (KUBELET_TYPES.has(type) && badStatus !== 'Unknown')
}

function judge(node: NodeFacts, watched: readonly WatchedCondition[]): Outcome {
  if (node.apiProblem !== null) return { passed: 'unknown', reason: node.apiProblem }
  if (node.isGone) return { passed: false, reason: 'NodeNotFound' }
  const bad: string[] = []
  const silent = new Set<string>()
  for (const { type, badStatus, hasHeartbeat } of watched) {
    const condition = node.conditions.get(type)
    if (condition === undefined) continue
    if (hasHeartbeat && !isFresh(condition, node.nowMs)) silent.add(type)
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
