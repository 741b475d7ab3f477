/** The kubelet's own liveness, `/healthz`: a mere ping, which says that the process runs and serves, not that it works. */
import type { Check, Outcome } from './check.ts'
import { getStatus, type LocalQuestion } from './local-http.ts'

/** ms by which the last try may end late; only after that does the frame stop the check. */
const SLACK_MS = 500

interface Given {
  /** The kubelet's --healthz-port; 10248 is its default. */
  port?: number | undefined
  /** ms for each of the two tries. */
  tryMs?: number
}

export function makeKubelet({ port = 10_248, tryMs = 1000 }: Given = {}): Check {
  const question = { port, path: '/healthz', timeoutMs: tryMs }
  return {
    name: 'kubelet',
    timeoutMs: 2 * tryMs + SLACK_MS,
    cannotTell: 'fail',
    run: async () => {
      const first = await ask(question)
      return first.passed === true ? first : ask(question)
    },
  }
}

async function ask(question: LocalQuestion): Promise<Outcome> {
  try {
    const status = await getStatus(question)
    return status === 200 ? { passed: true } : { passed: false, reason: `HTTP ${status}` }
  } catch (error) {
    // No answer is bad news here, not a lack of it: it is asked over loopback, where nothing else can be in the way.
    return { passed: false, reason: error instanceof Error ? error.message : String(error) }
  }
}
