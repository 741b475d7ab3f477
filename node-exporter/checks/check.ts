/**
 * The frame of every node check: it owns the timeout, the catching, the timing, and what happens where a check can't
 * tell. A check that throws or hangs costs its own result, never anybody else's (behaviour, section 7).
 */

/** One of the Node object's conditions, as the kubelet or another reporter last set it. */
export interface Condition {
  status: string
  reason: string
  message: string
  /** ms; null where it isn't said. */
  lastHeartbeatMs: number | null
}

/** What a check may know of the node that it runs on. */
export interface NodeFacts {
  name: string
  /** Why nothing newer than 5 s is known from the API server. null: it is known. */
  apiProblem: string | null
  /** The API server says that there is no such Node. */
  isGone: boolean
  /** By type. Empty while `apiProblem` says why. */
  conditions: ReadonlyMap<string, Condition>
  /** Cordoned. */
  isUnschedulable: boolean
  taints: readonly { key: string; effect: string }[]
  /** ms; the API server's clock minus this machine's. null: not heard of late. */
  clockOffsetMs: number | null
  /** Where the host's `/` is mounted; `/` outside a container. Without a slash at the end, so '' for `/`. */
  hostRoot: string
  nowMs: number
}

export interface Outcome {
  /** `unknown`: it can't tell. */
  passed: boolean | 'unknown'
  /** Why it failed, or can't tell. */
  reason?: string
  /** Worth showing, though it passes. */
  warning?: string
}

export interface Check {
  name: string
  /** ms; the most that one run may take. */
  timeoutMs: number
  /** What `unknown` means, and a run that throws or hangs: most checks pass then and warn, for they must not drain a fleet. */
  cannotTell: 'pass' | 'fail'
  run: (node: NodeFacts, signal: AbortSignal) => Outcome | Promise<Outcome>
  /** Whether a call of its is out that nothing can call back; it may never return. */
  hasCallOut?: () => boolean
}

/** As `/health` shows it (behaviour, section 7). */
export interface CheckResult {
  name: string
  passed: boolean
  /** Only on failure. */
  reason?: string
  warning?: string
  duration_ms: number
}

/** Never rejects, and takes no longer than the check's own time, unless the check blocks the whole process. */
export async function runCheck(check: Check, node: NodeFacts): Promise<CheckResult> {
  const startMs = performance.now()
  const outcome = await runBounded(check, node)
  const duration_ms = Math.round(performance.now() - startMs)
  return { ...judge(check, outcome), duration_ms }
}

function judge(
  { name, cannotTell }: Check,
  { passed, reason = 'it does not say why', warning }: Outcome,
): Omit<CheckResult, 'duration_ms'> {
  const warned = warning === undefined ? {} : { warning }
  if (passed === true) return { name, passed, ...warned }
  if (passed === 'unknown' && cannotTell === 'pass') {
    const told = warning === undefined ? reason : `${reason}; ${warning}`
    return { name, passed: true, warning: told }
  }
  return { name, passed: false, reason, ...warned }
}

async function runBounded(check: Check, node: NodeFacts): Promise<Outcome> {
  const stop = new AbortController()
  const { promise: timedOut, resolve } = Promise.withResolvers<Outcome>()
  const timer = setTimeout(() => {
    // First the word, then the stop: what a check says once it is stopped comes too late.
    resolve({ passed: 'unknown', reason: `no answer within ${check.timeoutMs} ms` })
    stop.abort()
  }, check.timeoutMs)
  try {
    return await Promise.race([check.run(node, stop.signal), timedOut])
  } catch (error) {
    // Its own fault or the machine's: either way it could not tell.
    return { passed: 'unknown', reason: describeError(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** Some errors carry no message of their own, as when every address of a name refuses: then the first cause says it. */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return describeError(error.errors[0])
  if (error instanceof Error) return error.message || error.name
  return typeof error === 'string' ? error : 'it threw what is no error'
}
