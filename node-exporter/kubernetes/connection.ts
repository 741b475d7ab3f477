/**
 * The kept connection to the API server: one, and further ones while all of its streams are in use. Over HTTP/2 it sends a ping every two seconds: an answer in time proves the
 * connection, and what hangs is given up with every stream on it. Where HTTP/2 can't be had (a proxy, plain http, a
 * server that doesn't speak it) it is HTTP/1.1, and nothing is proven between two answers.
 */
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
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
  /** It takes a request at once. Ask in the same turn: others may take the last room meanwhile. */
  readonly hasRoom: boolean
  ask: (asked: Asked, signal: AbortSignal) => Promise<Answer>
  /** It failed: nothing new is asked over it. What else runs on it may well be alive, and ends by itself. */
  leave: () => void
}

/** client-go's; a ping that isn't answered in `ackMs` is the end of the connection. */
export const PINGS: PingTimings = { everyMs: 2000, ackMs: 2000 }

/** What was made for one server and one set of TLS options. */
interface Kept {
  madeFor: unknown
  /** More than one where all streams of one are in use (SETTINGS_MAX_CONCURRENT_STREAMS). */
  sessions: Set<Session>
  /** Shared by those who start side by side. It stays where it gave null: no HTTP/2 there. */
  dialling: Promise<Session | null> | null
}

export class Connection {
  readonly #access: GetAccess
  readonly #pings: PingTimings
  readonly #agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  }
  #kept: Kept = { madeFor: null, sessions: new Set(), dialling: null }
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
    const kept = this.#keep(access)
    const session = this.#findRoom(kept) ?? (await this.#dial(kept, access))
    if (session?.isClosing === true) {
      throw new Error('the API server closes each connection at once')
    }
    return this.#link(access, { kept, session })
  }

  destroy(): void {
    this.#isDestroyed = true
    for (const session of [...this.#kept.sessions, ...this.#left]) session.destroy()
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #link(access: Access, { kept, session }: { kept: Kept; session: Session | null }): Link {
    return {
      session,
      get hasRoom() {
        return session?.hasRoom ?? true
      },
      ask: (asked, signal) => {
        const headers = { ...access.headers, ...asked.headers }
        const path = access.server.pathname.replace(/\/+$/, '') + asked.path
        const whole = { ...asked, headers, path }
        if (session !== null) return session.ask(whole, signal)
        return this.#askOverHttp1(access, whole, signal)
      },
      leave: () => {
        if (session === null) kept.dialling = null
        else this.#retire(kept, session)
      },
    }
  }

  /** The server, the client certificate or the authority may be others than before: nothing new is asked over the old. */
  #keep({ server, tls }: Access): Kept {
    const madeFor = { origin: server.origin, tls }
    if (isDeepStrictEqual(this.#kept.madeFor, madeFor)) return this.#kept
    for (const session of this.#kept.sessions) this.#retire(this.#kept, session)
    this.#kept = { madeFor, sessions: new Set(), dialling: null }
    return this.#kept
  }

  #findRoom(kept: Kept): Session | null {
    for (const session of kept.sessions) {
      if (session.hasRoom) return session
      if (session.isClosing) this.#retire(kept, session)
    }
    return null
  }

  #dial(kept: Kept, access: Access): Promise<Session | null> {
    if (access.agent !== null || access.server.protocol === 'http:') return Promise.resolve(null)
    kept.dialling ??= this.#make(kept, access)
    return kept.dialling
  }

  async #make(kept: Kept, access: Access): Promise<Session | null> {
    const session = await dial(access, this.#pings).catch((error: unknown) => {
      kept.dialling = null
      throw error
    })
    if (session === null) return null
    kept.dialling = null
    kept.sessions.add(session)
    if (kept !== this.#kept) this.#retire(kept, session)
    if (this.#isDestroyed) session.destroy()
    return session
  }

  #retire(kept: Kept, session: Session): void {
    if (!kept.sessions.delete(session)) return
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
