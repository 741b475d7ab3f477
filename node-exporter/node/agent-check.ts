/**
 * HAProxy's agent-check: whoever connects reads one line and is done. `down` with the reason while a check fails, `drain`
 * while the node is cordoned, else `up`. HAProxy keeps a `down` until the word `up` and a drain until the word `ready`.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { CheckResult } from '../checks/check.ts'

export interface AgentOptions {
  /** undefined: NODE_NAME isn't set. */
  nodeName: string | undefined
  checks: readonly string[]
  ask: (name: string) => Promise<CheckResult>
  /** null: not known, and then a `drain` is neither begun nor ended. */
  isCordoned: () => boolean | null
  /**
   * ms after the start, and after a drain, in which `ready` is said: time for every HAProxy to take the drain back. Said
   * for ever it would also take back what an operator sets by hand there.
   */
  readyForMs: number
}

/** Characters of a reason in the line: HAProxy reads as much into its log. */
const REASON_MAX = 200
/** ms for a client to hang up after the line. */
const LEAVE_WITHIN_MS = 2000
const CONNECTIONS_MAX = 512

/** Rejects when the port can't be had. */
export async function startAgent(port: number, options: AgentOptions): Promise<Server> {
  const say = makeSay(options)
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // whoever hangs up early needs no answer
    socket.resume() // `agent-send` is passed over; unread, it would hide that its sender has hung up
    void say().then((line) => {
      finish(socket, line)
    })
  })
  server.maxConnections = CONNECTIONS_MAX
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  server.on('error', reject) // for good: a connection that can't be taken later on must not end the process
  server.listen(port, () => {
    resolve(server)
  })
  return promise
}

function finish(socket: Socket, line: string): void {
  socket.end(`${line}\n`)
  const timer = setTimeout(() => {
    socket.destroy()
  }, LEAVE_WITHIN_MS).unref()
  socket.once('close', () => {
    clearTimeout(timer)
  })
}

function makeSay(options: AgentOptions): () => Promise<string> {
  const { nodeName, checks, ask, isCordoned, readyForMs } = options
  let readyUntilMs = performance.now() + readyForMs
  return async () => {
    if (nodeName === undefined) return sayDown('NODE_NAME', 'NODE_NAME is not set')
    const results = await Promise.all(checks.map(ask))
    const failing = results.find(({ passed }) => !passed)
    const isDrained = isCordoned()
    if (isDrained === true) readyUntilMs = performance.now() + readyForMs
    if (failing !== undefined) {
      return sayDown(failing.name, `${failing.name}: ${failing.reason ?? ''}`)
    }
    if (isDrained === true) return 'drain up'
    return isDrained === false && performance.now() < readyUntilMs ? 'up ready' : 'up'
  }
}

/** HAProxy passes over `down#name`, a word that it doesn't know; `down` and the reason must stand apart. */
function sayDown(name: string, reason: string): string {
  const text = reason.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, REASON_MAX)
  return `down#${name} down #${text}`
}
