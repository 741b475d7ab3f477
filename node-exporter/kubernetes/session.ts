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

const { NGHTTP2_REFUSED_STREAM } = http2.constants

/** ms that TCP, TLS and HTTP/2's settings may take together. */
const DIAL_MS = 5000

/** Bytes under way at once. Node's 64 KiB make a long list from far away take a round trip for each of them. */
const WINDOW_BYTES = 1024 * 1024

/** The server has not processed the request (RFC 9113, section 8.7): it may be asked again, whatever its method. */
export class RefusedStream extends Error {
  override readonly name = 'RefusedStream'

  constructor(cause: Error) {
    super('the API server refuses the stream', { cause })
  }
}

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
    if (socket.alpnProtocol === 'h2') {
      const session = new Session(origin, socket, pings)
      await session.settled
      return session
    }
  } finally {
    clearTimeout(timer)
  }
  socket.destroy()
  return null
}

export class Session {
  readonly #session: ClientHttp2Session
  readonly #settled = Promise.withResolvers<void>()
  readonly #closed = Promise.withResolvers<void>()
  #streams = 0
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
    this.#session.once('remoteSettings', () => {
      this.#settled.resolve()
    })
    // Once it is settled, each stream hears of it, and is asked again elsewhere.
    this.#session.on('error', this.#settled.reject)
    this.#session.once('close', () => {
      clearInterval(timer)
      this.#settled.reject(new Error('the connection was closed before anything was asked'))
      this.#closed.resolve()
    })
  }

  /** Resolves when the server has said how many streams it allows. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  /** One more stream would run at once. A server that allows none is asked all the same, to fail in words. */
  get hasRoom(): boolean {
    const { maxConcurrentStreams: most = Infinity } = this.#session.remoteSettings
    return !this.isClosing && this.#streams < Math.max(1, most)
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
    this.#streams += 1
    stream
      .on('response', ({ ':status': status = 0, ...rest }) => {
        resolve({ status, headers: rest, body: stream })
      })
      .on('error', (error: Error) => {
        reject(stream.rstCode === NGHTTP2_REFUSED_STREAM ? new RefusedStream(error) : error)
      })
      .on('close', () => {
        this.#streams -= 1
        reject(new Error('the connection ended without an answer'))
      })
    stream.end(body)
    return promise
  }

  #ping(ackMs: number): void {
    if (this.#session.destroyed) return
    const sentAtMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    this.#session.ping((error) => {
      isOver = true // without an answer where the session is closing: Node sends none then
      clearTimeout(timer)
      if (error === null) this.heardAtMs = sentAtMs
    })
    // Node writes the ping after this turn's timers: one that is busy for long must not use up the time for the answer.
    setImmediate(() => {
      if (isOver) return
      timer = setTimeout(() => {
        // Answers that came while this process was busy or paused are read first: timers run before them.
        setImmediate(() => {
          if (this.heardAtMs < sentAtMs) this.#session.destroy(hangs(ackMs))
        })
      }, ackMs).unref()
    })
  }
}

function hangs(ackMs: number): Error {
  return new Error(`the connection hangs: no answer to a ping in ${ackMs / 1000} s`)
}
