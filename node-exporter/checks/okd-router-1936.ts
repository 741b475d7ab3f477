/**
 * The OKD router on this node, by `/healthz/ready` of its health port: it takes that back as soon as it is told to stop,
 * so that load balancers leave the node before the router does.
 */
import type { Check, Outcome } from './check.ts'
import { getStatus } from './local-http.ts'

/** ms by which the answer may be late; only after that does the frame stop the check. */
const SLACK_MS = 500

interface Given {
  port?: number
  /** ms for the router's answer. */
  answerMs?: number
}

export const okdRouter1936: Check = makeOkdRouter1936()

export function makeOkdRouter1936({ port = 1936, answerMs = 5000 }: Given = {}): Check {
  return {
    name: 'okd_router_1936',
    timeoutMs: answerMs + SLACK_MS,
    cannotTell: 'fail', // no answer throws in `judge`: that is the failure
    run: () => judge(port, answerMs),
  }
}

async function judge(port: number, timeoutMs: number): Promise<Outcome> {
  const status = await getStatus({ host: '127.0.0.1', port, path: '/healthz/ready', timeoutMs })
  return status >= 200 && status < 300
    ? { passed: true }
    : { passed: false, reason: `HTTP ${status}` }
}
