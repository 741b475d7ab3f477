/**
 * The kubelet's word on a pressure, told with the machine's own figures. The figures never decide: there is no agreed
 * threshold for them. Where one can't be read (no PSI in this kernel, or psi=0), it is left out and nothing is said.
 */
import { readFileSync } from 'node:fs'
import type { NodeFacts, Outcome } from './check.ts'

export interface Figure {
  text: string
  /** Worth a warning while all is well. */
  isRemarkable: boolean
}

/** % of all memory. The kubelet's own threshold is 100 MiB, too late to be a warning. */
const LITTLE_MEMORY = 5
/** % of the last minute in which nothing ran, for all of it waited for memory. */
const MUCH_MEMORY_WAIT = 10
/** % of the last minute in which something waited for a CPU; a node that is used well waits often. */
const MUCH_CPU_WAIT = 90
/** % of the tasks that the kernel allows: as in the check of conntrack (behaviour, section 7). */
const MANY_TASKS = 90

/** `type`: the kubelet's condition, such as MemoryPressure, which is bad when True. */
export function judgePressure(node: NodeFacts, type: string, figures: readonly Figure[]): Outcome {
  const condition = node.apiProblem === null ? node.conditions.get(type) : undefined
  if (condition?.status === 'True') {
    const cause = condition.reason === '' ? `${type} is True` : condition.reason
    return { passed: false, reason: [cause, ...figures.map(({ text }) => text)].join(', ') }
  }
  const remarkable = figures.filter((figure) => figure.isRemarkable).map(({ text }) => text)
  const doubt = findDoubt(node, type)
  // The frame shows only the reason of an unknown: what is remarkable goes into it.
  if (doubt !== null) return { passed: 'unknown', reason: [doubt, ...remarkable].join(', ') }
  return remarkable.length === 0
    ? { passed: true }
    : { passed: true, warning: remarkable.join(', ') }
}

/** Why it isn't known whether the node is under this pressure; null: it is known. */
function findDoubt(node: NodeFacts, type: string): string | null {
  if (node.apiProblem !== null) return node.apiProblem
  if (node.isGone) return 'NodeNotFound'
  const condition = node.conditions.get(type)
  if (condition === undefined) return `no ${type} from the kubelet`
  // The node controller's word when the kubelet has fallen silent.
  return condition.status === 'False' ? null : `${type} is ${condition.status}`
}

export function readMemoryFigures(hostRoot: string): Figure[] {
  const memory = readProc(hostRoot, 'meminfo')
  const totalKiB = findNumber(memory, /^MemTotal: +(\d+) kB$/m)
  const availableKiB = findNumber(memory, /^MemAvailable: +(\d+) kB$/m)
  const figures: Figure[] = []
  if (totalKiB !== null && availableKiB !== null && totalKiB > 0) {
    const percent = (100 * availableKiB) / totalKiB
    figures.push({
      text: `${Math.floor(percent)} % of ${(totalKiB / 1024 ** 2).toFixed(1)} GiB available`,
      isRemarkable: percent < LITTLE_MEMORY,
    })
  }
  const waited = findNumber(readProc(hostRoot, 'pressure/memory'), /^full .*\bavg60=([\d.]+)/m)
  if (waited !== null) {
    figures.push({
      text: `nothing but waiting for memory in ${Math.floor(waited)} % of the last minute`,
      isRemarkable: waited >= MUCH_MEMORY_WAIT,
    })
  }
  return figures
}

export function readTaskFigures(hostRoot: string): Figure[] {
  const tasks = findNumber(readProc(hostRoot, 'loadavg'), /^\S+ \S+ \S+ \d+\/(\d+) /)
  // The lower one holds, as it does for the kubelet; from Linux 6.14 on pid_max may be the container's own.
  const limits = ['sys/kernel/pid_max', 'sys/kernel/threads-max']
    .map((name) => findNumber(readProc(hostRoot, name), /^(\d+)$/m))
    .filter((limit) => limit !== null)
  const figures: Figure[] = []
  if (tasks !== null && limits.length > 0) {
    const limit = Math.min(...limits)
    figures.push({
      text: `${tasks} tasks of ${limit} at most`,
      isRemarkable: 100 * tasks >= MANY_TASKS * limit,
    })
  }
  const waited = findNumber(readProc(hostRoot, 'pressure/cpu'), /^some .*\bavg60=([\d.]+)/m)
  if (waited !== null) {
    figures.push({
      text: `something waited for a CPU in ${Math.floor(waited)} % of the last minute`,
      isRemarkable: waited >= MUCH_CPU_WAIT,
    })
  }
  return figures
}

/** Empty where it can't be read. */
function readProc(hostRoot: string, name: string): string {
  try {
    // Not by libuv's threads, which a dead disk may hold all of: the kernel gives these from memory, in microseconds.
    return readFileSync(`${hostRoot}/proc/${name}`, 'utf8')
  } catch {
    return '' // ENOENT, EOPNOTSUPP, EACCES or whatever else: a figure less to show
  }
}

function findNumber(text: string, pattern: RegExp): number | null {
  const found = Number(pattern.exec(text)?.[1] ?? Number.NaN)
  return Number.isFinite(found) ? found : null
}
