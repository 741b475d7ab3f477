/** The container runtime's own word on itself and its network, by CRI, as the kubelet asks it. */
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import type { Check, NodeFacts, Outcome } from './check.ts'
import { askStatus, type CriAnswer, type RuntimeCondition } from './cri-status.ts'

/** Where the kubelet may have its runtime: what kubeadm looks for, then K3s and RKE2, k0s, MicroK8s. */
const SOCKETS = [
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/cri-dockerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/run/k3s/cri-dockerd/cri-dockerd.sock',
  '/run/k0s/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
]

/** The second row is asked only where nothing of the first is mounted. */
const ROWS = [SOCKETS, SOCKETS.map((path) => path.replace(/^\/run\//, '/var/run/'))]

/** ms that the frame leaves beyond the runtime's: a timeout is a failure, and the frame's would pass. */
const SLACK_MS = 1000

/** gRPC's UNIMPLEMENTED: containerd whose CRI plugin is off, as Docker has it, or a runtime older than CRI v1. */
const UNIMPLEMENTED = 12

/**
 * `shut`: something listens behind it, but not for this process. `gone`: its folder is there; a mount may have made the
 * empty folder of a runtime that this node never had.
 */
interface Finding {
  tells: 'ready' | 'failing' | 'shut' | 'gone' | 'not_served' | 'not_mounted'
  /** Empty where it is ready. */
  reason: string
}

interface Given {
  /** As the kubelet's --container-runtime-endpoint has it: a path on the host, with or without `unix://`. */
  socket?: string | undefined
  /** ms for the runtime's answer: what crictl grants it. */
  answerMs?: number
}

export function makeContainerRuntime({ socket, answerMs = 2000 }: Given = {}): Check {
  const isNamed = socket !== undefined
  const rows = isNamed ? [[socket.replace(/^unix:\/\//, '')]] : ROWS
  return {
    name: 'container_runtime',
    timeoutMs: answerMs + SLACK_MS,
    cannotTell: 'pass',
    run: async ({ hostRoot }: NodeFacts): Promise<Outcome> => {
      let findings: Finding[] = []
      for (const paths of rows) {
        // oxlint-disable-next-line no-await-in-loop
        findings = await Promise.all(
          paths.map((path) => look({ hostRoot, path, answerMs, isNamed })),
        )
        if (findings.some(({ tells }) => tells !== 'not_mounted')) break
      }
      return judge(findings)
    },
  }
}

/**
 * Of several runtimes on a node the kubelet uses one, and which one is not known here: a runtime that is ready speaks for
 * all, and the others fail together. Where one can't be asked, it may be the kubelet's.
 */
function judge(findings: Finding[]): Outcome {
  const describeAll = (...kinds: Finding['tells'][]): string => {
    const told = kinds.flatMap((kind) => findings.filter(({ tells }) => tells === kind))
    return cutText(told.map(({ reason }) => reason).join('; '), TEXT_MAX_BYTES)
  }
  const has = (kind: Finding['tells']): boolean => findings.some(({ tells }) => tells === kind)
  if (has('ready')) {
    return has('failing') ? { passed: true, warning: describeAll('failing') } : { passed: true }
  }
  if (has('shut')) return { passed: 'unknown', reason: describeAll('shut', 'failing') }
  if (has('failing')) return { passed: false, reason: describeAll('failing') }
  if (has('gone')) return { passed: false, reason: describeAll('gone') }
  if (has('not_served')) return { passed: 'unknown', reason: describeAll('not_served') }
  return { passed: 'unknown', reason: 'no folder of a runtime socket is mounted' }
}

interface Place {
  hostRoot: string
  path: string
  answerMs: number
  /** By CRI_SOCKET, so it has to be there. */
  isNamed: boolean
}

async function look({ hostRoot, path, answerMs, isNamed }: Place): Promise<Finding> {
  const found = await ask(`${hostRoot}${path}`, answerMs)
  // Every host has a /run: only the runtime's own folder says that a socket is missing.
  const isNone = found.tells === 'gone' && !isNamed && !hasOwnFolder(path)
  const { tells, reason } = isNone ? NOT_MOUNTED : found
  return { tells, reason: cutText(`${path}: ${reason}`, TEXT_MAX_BYTES) }
}

/** As `/run/containerd/` of `containerd.sock`. */
function hasOwnFolder(path: string): boolean {
  return basename(dirname(path)) === basename(path, '.sock')
}

async function ask(path: string, answerMs: number): Promise<Finding> {
  try {
    return read(await askStatus(path, answerMs))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // At once, not by promise: a dead disk may hold every thread that reads files, and this is memory.
    if (code === 'ENOENT' && existsSync(dirname(path))) {
      return { tells: 'gone', reason: 'its folder is there, the socket is not' }
    }
    // What isn't listed is this process's own trouble, too many open files for one.
    return UNCONNECTED[code] ?? { tells: 'shut', reason: describe(error) }
  }
}

const NOT_MOUNTED: Finding = { tells: 'not_mounted', reason: 'not mounted' }

/** Why there is no connection, by the code of connect(2). */
const UNCONNECTED: Partial<Record<string, Finding>> = {
  ENOENT: NOT_MOUNTED,
  ENOTDIR: NOT_MOUNTED,
  EACCES: { tells: 'shut', reason: 'this process may not open it' },
  EPERM: { tells: 'shut', reason: 'this process may not open it' },
  ECONNREFUSED: { tells: 'failing', reason: 'refused, nobody listens' },
  EAGAIN: { tells: 'failing', reason: 'its queue is full' }, // of a runtime that hangs, and is asked all the same
}

function read(answer: CriAnswer): Finding {
  switch (answer.said) {
    case 'status':
      return readConditions(answer.conditions)
    case 'error':
      return answer.code === UNIMPLEMENTED
        ? { tells: 'not_served', reason: 'it does not serve CRI v1' }
        : { tells: 'failing', reason: `error ${answer.code} of gRPC: ${answer.message}` }
    case 'nonsense':
      return { tells: 'not_served', reason: `it does not serve CRI v1: ${answer.message}` }
    case 'nothing':
      return { tells: 'failing', reason: answer.message }
  }
}

/** A condition that isn't there is as bad as one that is false: the kubelet takes it so. */
function readConditions(conditions: RuntimeCondition[]): Finding {
  const faults = ['RuntimeReady', 'NetworkReady'].flatMap((type) => {
    const condition = conditions.find((one) => one.type === type)
    if (condition?.status === true) return []
    const words = [`${type} is not true`, condition?.reason, condition?.message]
    return [words.filter(Boolean).join(': ')]
  })
  return { tells: faults.length === 0 ? 'ready' : 'failing', reason: faults.join('; ') }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
