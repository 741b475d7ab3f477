/** One GET on loopback: no redirect followed, no connection kept, no body read. Its answer is the status, nothing else. */
import http from 'node:http'

export interface LocalQuestion {
  port: number
  path: string
  timeoutMs: number
}

/** Rejects, in words for an operator, where no status came in time. */
export async function getStatus({ port, path, timeoutMs }: LocalQuestion): Promise<number> {
  const timeout = new AbortController()
  const timer = setTimeout(() => {
    timeout.abort()
  }, timeoutMs)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  timeout.signal.addEventListener('abort', () => {
    reject(new Error(`no answer in ${timeoutMs / 1000} s`))
  })
  const options = {
    host: '127.0.0.1', // never `localhost`, which may be ::1, where neither listens (kubernetes#125265)
    port,
    path,
    agent: false, // a connection of its own, closed after
    headers: { 'user-agent': 'pilotlight' },
    signal: timeout.signal,
  }
  http
    .get(options, (response) => {
      resolve(response.statusCode ?? 0)
      response.on('error', () => undefined) // the answer is known; what breaks after it says nothing
      response.destroy() // unread: however long its body is, it costs nothing
    })
    .on('error', reject) // more than one may come, and none may go unheard
    // "101 Switching Protocols" is neither an answer nor an error to Node.
    .on('close', () => {
      reject(new Error('the connection ended without an answer'))
    })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
