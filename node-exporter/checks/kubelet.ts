/** The kubelet's own liveness, `/healthz`: a mere ping, which says that the process runs and serves, not that it works. */
import { networkInterfaces } from 'node:os'
import type { Check, Outcome } from './check.ts'
import { getStatus, NotConnectedError, type LocalQuestion } from './local-http.ts'

/** ms by which the last try may end late; only after that does the frame stop the check. */
const SLACK_MS = 500

const LOOPBACK = '127.0.0.1' // never `localhost`, which may be ::1, where it doesn't listen (kubernetes#125265)

interface Given {
  /** The kubelet's --healthz-bind-address: this one alone is asked. */
  address?: string | undefined
  /** The kubelet's --healthz-port; 10248 is its default. */
  port?: number | undefined
  /** ms for each of the two tries. */
  tryMs?: number
  /** Where to look besides loopback. */
  findAddresses?: () => string[]
}

interface Answer extends Outcome {
  isConnected: boolean
}

export function makeKubelet(given: Given = {}): Check {
  const { address, port = 10_248, tryMs = 1000, findAddresses = findOwnAddresses } = given
  const question = { host: address ?? LOOPBACK, port, path: '/healthz', timeoutMs: tryMs }
  const tryOnce = () =>
    address === undefined ? askEverywhere(question, findAddresses) : ask(question)
  return {
    name: 'kubelet',
    timeoutMs: 2 * tryMs + SLACK_MS,
    cannotTell: 'fail',
    run: async () => {
      const first = await tryOnce()
      return first.passed === true ? first : tryOnce()
    },
  }
}

/**
 * What listens on loopback is the kubelet, so its answer is final, a bad one and a missing one as well. Only where
 * nothing listens there may it be bound to another address (healthzBindAddress).
 */
async function askEverywhere(
  question: LocalQuestion,
  findAddresses: () => string[],
): Promise<Answer> {
  const endMs = performance.now() + question.timeoutMs
  // Filtered loopback must leave time for the others.
  const loopback = await ask({ ...question, connectMs: question.timeoutMs / 2 })
  if (loopback.isConnected) return loopback
  const hosts = findAddresses()
  const timeoutMs = Math.round(endMs - performance.now())
  const found = await askOthers({ ...question, timeoutMs }, hosts)
  if (found !== undefined || hosts.length === 0) return found ?? loopback
  const reason = `${loopback.reason}; nothing listens on the node's other addresses (${hosts.length})`
  return { ...loopback, reason }
}

/**
 * Side by side, and the first that is well will do: an address that is filtered takes all of its time. Something else may
 * listen there, so the kubelet has to say its `ok`. undefined: nothing listens.
 */
async function askOthers(question: LocalQuestion, hosts: string[]): Promise<Answer | undefined> {
  const failures: Answer[] = []
  const answers = hosts.map(async (host) => {
    const answer = await ask({ ...question, host, body: 'ok' })
    if (answer.passed === true) return answer
    failures.push({ ...answer, reason: `${host}: ${answer.reason}` })
    throw new Error(answer.reason)
  })
  try {
    return await Promise.any(answers)
  } catch {
    // Every one of them threw, and `failures` says why.
    return failures.find(({ isConnected }) => isConnected)
  }
}

async function ask(question: LocalQuestion): Promise<Answer> {
  try {
    const status = await getStatus(question)
    return status === 200
      ? { passed: true, isConnected: true }
      : { passed: false, reason: `HTTP ${status}`, isConnected: true }
  } catch (error) {
    // No answer is a failure: the node asks itself, and nothing else can be in the way.
    const reason = error instanceof Error ? error.message : String(error)
    return { passed: false, reason, isConnected: !(error instanceof NotConnectedError) }
  }
}

/** Of this host, for the exporter shares its network. Link-local ones need a zone, which the kubelet's setting can't name. */
function findOwnAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const usable = all.filter((one) => one.address !== LOOPBACK && !one.scopeid)
  return [...new Set(usable.map(({ address }) => address))]
}
