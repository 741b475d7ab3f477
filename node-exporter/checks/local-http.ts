/** One GET to this node itself: no redirect followed, no connection kept. Its answer is the status. */
import http, { type IncomingMessage } from 'node:http'

export interface LocalQuestion {
  /** An IP address of this node. */
  host: string
  port: number
  path: string
  timeoutMs: number
  /** ms for the connection alone, where that is less. */
  connectMs?: number
  /** What an answer of 200 has to say. Without it no body is read. */
  body?: string
}

/** Nothing listens there, or it is out of reach. */
export class NotConnectedError extends Error {}

/** Rejects, in words for an operator, where no status came in time. */
export async function getStatus(question: LocalQuestion): Promise<number> {
  const { host, port, path, timeoutMs, connectMs = timeoutMs, body } = question
  const stop = new AbortController()
  const { promise: late, reject: giveUp } = Promise.withResolvers<never>()
  const { promise: answer, resolve, reject } = Promise.withResolvers<number>()
  let isConnected = false
  const toError = (words: string, options?: ErrorOptions) =>
    new (isConnected ? Error : NotConnectedError)(words, options)
  const end = (ms: number): void => {
    giveUp(toError(`no ${isConnected ? 'answer' : 'connection'} in ${ms / 1000} s`))
    stop.abort()
  }
  const timers = [
    setTimeout(() => {
      // After a stall of this process the connection may be there and its event still waits: read that first.
      setImmediate(() => {
        if (!isConnected) end(connectMs)
      })
    }, connectMs),
    setTimeout(end, timeoutMs, timeoutMs),
  ]
  const options = {
    host,
    port,
    path,
    agent: false, // a connection of its own, closed after
    headers: { 'user-agent': 'pilotlight' },
    signal: stop.signal,
  }
  http
    .get(options, (response) => {
      resolve(readStatus(response, body))
    })
    .on('socket', (socket) => {
      socket.once('connect', () => {
        isConnected = true
      })
    })
    // More than one may come, and each needs a listener.
    .on('error', (error) => {
      reject(toError(error.message, { cause: error }))
    })
    // "101 Switching Protocols" is neither an answer nor an error to Node.
    .on('close', () => {
      reject(new Error('the connection ended without an answer'))
    })
  try {
    return await Promise.race([answer, late])
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}

async function readStatus(response: IncomingMessage, body: string | undefined): Promise<number> {
  response.on('error', () => undefined) // once the answer is known, what breaks after it says nothing
  const status = response.statusCode ?? 0
  if (status === 200 && body !== undefined && !(await hasBody(response, body))) {
    throw new Error(`HTTP 200, but not with "${body}"`)
  }
  response.destroy() // the rest is not read: however long it is, it costs nothing
  return status
}

/** Reads no further than it has to. */
async function hasBody(response: IncomingMessage, body: string): Promise<boolean> {
  let text = ''
  for await (const piece of response.setEncoding('utf8')) {
    text += String(piece)
    if (text.length > body.length) break
  }
  return text === body
}
