/**
 * HAProxy's agent-check: whoever connects reads one line and is done. `drain` while the node is cordoned, `down` with the
 * reason while a check fails, else `up ready`: HAProxy takes a `drain` back only for the word `ready`.
 */
import { createServer, type Server } from 'node:net'
import type { CheckResult } from '../checks/check.ts'

export interface AgentOptions {
  checks: string[]
  ask: (name: string) => Promise<CheckResult>
  isCordoned: () => boolean
}

/** Characters of a reason in the line: HAProxy reads as much into its log. */
const REASON_MAX = 200

/** Rejects when the port can't be had. */
export async function startAgent(port: number, options: AgentOptions): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // whoever hangs up early needs no answer
    void say(options).then((line) => {
      socket.end(`${line}\n`)
    })
  })
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  server.once('error', reject)
  server.listen(port, () => {
    resolve(server)
  })
  return promise
}

async function say({ checks, ask, isCordoned }: AgentOptions): Promise<string> {
  const results = await Promise.all(checks.map(ask))
  const failing = results.find(({ passed }) => !passed)
  if (failing !== undefined) {
    const reason = `${failing.name}: ${failing.reason ?? ''}`.replaceAll(/[^\x20-\x7e]/g, ' ')
    return `down#${reason.slice(0, REASON_MAX)}`
  }
  return isCordoned() ? 'drain' : 'up ready'
}
