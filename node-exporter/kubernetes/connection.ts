/**
 * The kept connection to the API server. Over HTTP/2 it sends a ping every two seconds: an answer in time proves the
 * connection, and what hangs is given up with every stream on it. Where HTTP/2 can't be had (a proxy, plain http, a
 * server that doesn't speak it) it is HTTP/1.1, and nothing is proven between two answers.
 */
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import type { Access, GetAccess } from './access.ts'
import { dial, type PingTimings, type Session } from './session.ts'

export interface Asked {
  method: 'GET' | 'POST' | 'PUT'
  /** With its query. */
  path: string
  headers: OutgoingHttpHeaders
  /** What is written. */
  body?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Readable
}

/** One way to ask, now. */
export interface Link {
  /** null: nothing but an answer tells that the other side is there. */
  session: Session | null
  ask: (asked: Asked, signal: AbortSignal) => Promise<Answer>
  /** It failed: nothing new is asked over it. What else runs on it may well be alive, and ends by itself. */
  leave: () => void
}

/** client-go's; a ping that isn't answered in `ackMs` is the end of the connection. */
export const PINGS: PingTimings = { everyMs: 2000, ackMs: 2000 }

export class Connection {
  readonly #access: GetAccess
  readonly #pings: PingTimings
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  }
  /** A promise, so that those who start side by side share one. It gives null where there is no HTTP/2. */
  #session: Promise<Session | null> | null = null
  /** Left, but not closed yet. */
  readonly #left = new Set<Session>()
  #isDestroyed = false

  constructor(access: GetAccess, pings = PINGS) {
    this.#access = access
    this.#pings = pings
  }

  /** Rejects with AccessFault, or why nothing answers there. */
  async open(): Promise<Link> {
    const access = await this.#access()
    if (this.#isDestroyed) throw new Error('stopped')
    const kept = await this.#connect(access)
    if (kept.session?.isClosing !== true) return kept
    kept.leave()
    const made = await this.#connect(access)
    if (made.session?.isClosing !== true) return made
    throw new Error('the API server closes each connection at once')
  }

  async #connect(access: Access): Promise<Link> {
    const dialled = this.#dial(access)
    const session = await dialled
    return {
      session,
      ask: (asked, signal) => {
        const headers = { ...access.headers, ...asked.headers }
        const path = access.server.pathname.replace(/\/+$/, '') + asked.path
        const whole = { ...asked, headers, path }
        if (session !== null) return session.ask(whole, signal)
        return this.#askOverHttp1(access, whole, signal)
      },
      leave: () => {
        if (this.#session !== dialled) return
        this.#session = null
        if (session !== null) this.#retire(session)
      },
    }
  }

  destroy(): void {
    this.#isDestroyed = true
    void this.#session?.then(
      (session) => session?.destroy(),
      () => undefined, // it never came to be
    )
    this.#session = null
    for (const session of this.#left) session.destroy()
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #dial(access: Access): Promise<Session | null> {
    if (access.agent !== null || access.server.protocol === 'http:') return Promise.resolve(null)
    if (this.#session !== null) return this.#session
    const dialled = dial(access, this.#pings)
    dialled.catch(() => {
      if (this.#session === dialled) this.#session = null
    })
    this.#session = dialled
    return dialled
  }

  #retire(session: Session): void {
    this.#left.add(session)
    void session.close().then(() => this.#left.delete(session))
  }

  #askOverHttp1(access: Access, asked: Asked, signal: AbortSignal): Promise<Answer> {
    const { server, tls, agent } = access
    const isPlain = server.protocol === 'http:'
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const options = {
      ...tls,
      host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      ...(server.port === '' ? {} : { port: server.port }),
      path: asked.path,
      method: asked.method,
      headers: asked.headers,
      agent: agent ?? this.#agents[isPlain ? 'http:' : 'https:'],
      signal,
    }
    const request = (isPlain ? http : https)
      .request(options, (response) => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: response })
      })
      // "101 Switching Protocols" is neither a response nor an error to Node.
      .on('upgrade', (response, socket) => {
        socket.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response })
      })
      .on('error', (error) => {
        // The server had closed a kept connection meanwhile: that costs no answer to what may be asked twice.
        const mayRepeat = request.reusedSocket && asked.method === 'GET' && !signal.aborted
        if (mayRepeat) resolve(this.#askOverHttp1(access, asked, signal))
        else reject(error)
      })
      .on('close', () => {
        reject(new Error('the connection ended without an answer'))
      })
    request.end(asked.body)
    return promise
  }
}
