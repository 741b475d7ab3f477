/** This machine's clock beside the API server's: certificates and leases go wrong on a clock that is off. */
import type { Check, NodeFacts, Outcome } from './check.ts'

const OFF_MS = 2000 // the `Date` header that the offset comes from says whole seconds

export const clock: Check = {
  name: 'clock',
  timeoutMs: 1000,
  cannotTell: 'pass',
  run: judge,
}

function judge({ clockOffsetMs, apiProblem }: NodeFacts): Outcome {
  if (clockOffsetMs === null) {
    return { passed: 'unknown', reason: apiProblem ?? 'the API server has not told its time' }
  }
  if (Math.abs(clockOffsetMs) < OFF_MS) return { passed: true }
  const seconds = (Math.abs(clockOffsetMs) / 1000).toFixed(1)
  const direction = clockOffsetMs > 0 ? 'behind' : 'ahead of'
  return {
    passed: false,
    reason: `this machine's clock is ${seconds} s ${direction} the API server's`,
  }
}
