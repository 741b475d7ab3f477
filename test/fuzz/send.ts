/** One request over a real socket, as it is, and its answer. */
import { Agent, request } from 'node:http'

/** Everything about it is text or bytes, so that it can be printed and sent again. */
export interface Sent {
  method: string
  path: string
  headers: Record<string, string>
  body: Uint8Array | null
}

export interface Answer {
  status: number
  headers: Map<string, string>
  body: string
}

/** ms; `cache=false` may take eleven seconds, a slowed sign-in ten. */
const TIMEOUT_MS = 30_000

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** Rejects when no answer comes. */
export function send(url: string, { method, path, headers, body }: Sent): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const length = body === null ? {} : { 'content-length': String(body.length) }
  const asked = request(
    { hostname, port, agent, method, path, headers: { ...headers, ...length } },
    (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => {
        const pairs = Object.entries(response.headers)
        resolve({
          status: response.statusCode ?? 0,
          headers: new Map(pairs.map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(pieces).toString(),
        })
      })
    },
  )
  asked.setTimeout(TIMEOUT_MS, () => {
    asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`))
  })
  asked.on('error', reject)
  asked.end(body ?? undefined)
  return promise
}
