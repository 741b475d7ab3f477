/** One HTTP/2 session with the API server, proven by pings. It closes when it is left and its last stream has ended. */
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { isIP } from 'node:net'
import tls from 'node:tls'
import type { Access } from './access.ts'
import type { Answer, Asked } from './connection.ts'

export interface PingTimings {
  /** ms between two pings. */
  everyMs: number
  /** ms in which one must be answered. */
  ackMs: number
}

/** ms that TCP and TLS may take together. */
const DIAL_MS = 5000

/** Bytes under way at once. Node's 64 KiB make a long list from far away take a round trip for each of them. */
const WINDOW_BYTES = 1024 * 1024

/** null: the server speaks no HTTP/2. Rejects with why it can't be reached. */
export async function dial(access: Access, pings: PingTimings): Promise<Session | null> {
  const { hostname, port, origin } = access.server
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const { promise, resolve, reject } = Promise.withResolvers<tls.TLSSocket>()
  const socket = tls.connect({
    host,
    port: Number(port || '443'),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...access.tls,
  })
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection in ${DIAL_MS / 1000} s`))
  }, DIAL_MS)
  socket.once('secureConnect', () => {
    resolve(socket)
  })
  socket.on('error', reject) // later ones are the session's, which hears them itself
  socket.once('close', () => {
    reject(new Error('the connection was closed before anything was asked'))
  })
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
  if (socket.alpnProtocol === 'h2') return new Session(origin, socket, pings)
  socket.destroy()
  return null
}

export class Session {
  readonly #session: ClientHttp2Session
  readonly #closed = Promise.withResolvers<void>()
  /** ms by performance.now(): the other side was there then, and all that it had sent before has come. */
  heardAtMs = performance.now()

  constructor(origin: string, socket: tls.TLSSocket, pings: PingTimings) {
    this.#session = http2.connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    })
    this.#session.once('connect', () => {
      if (!this.isClosing) this.#session.setLocalWindowSize(WINDOW_BYTES)
    })
    const timer = setInterval(() => {
      this.#ping(pings.ackMs)
    }, pings.everyMs).unref()
    this.#session.on('error', () => undefined) // each stream hears of it, and is asked again elsewhere
    this.#session.once('close', () => {
      clearInterval(timer)
      this.#closed.resolve()
    })
  }

  /** It takes no more requests: the server said goodbye, or it is gone. */
  get isClosing(): boolean {
    return this.#session.closed || this.#session.destroyed
  }

  /** Resolves when it is closed, which may be long after: what runs on it ends first. */
  async close(): Promise<void> {
    if (!this.isClosing) this.#session.close()
    await this.#closed.promise
  }

  destroy(): void {
    this.#session.destroy()
  }

  ask({ method, path, headers, body }: Asked, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const asked = { ...headers, ':method': method, ':path': path }
    const stream: ClientHttp2Stream = this.#session.request(asked, { signal })
    stream
      .on('response', ({ ':status': status = 0, ...rest }) => {
        resolve({ status, headers: rest, body: stream })
      })
      .on('error', reject)
      .on('close', () => {
        reject(new Error('the connection ended without an answer'))
      })
    stream.end(body)
    return promise
  }

  #ping(ackMs: number): void {
    if (this.#session.destroyed) return
    const sentAtMs = performance.now()
    const timer = setTimeout(() => {
      // Answers that came while this process was busy or paused are read first: timers run before them.
      setImmediate(() => {
        if (this.heardAtMs < sentAtMs) this.#session.destroy(hangs(ackMs))
      })
    }, ackMs).unref()
    this.#session.ping((error) => {
      clearTimeout(timer)
      if (error === null) this.heardAtMs = sentAtMs
    })
  }
}

function hangs(ackMs: number): Error {
  return new Error(`the connection hangs: no answer to a ping in ${ackMs / 1000} s`)
}
