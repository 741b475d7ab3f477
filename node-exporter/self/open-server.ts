/**
 * An HTTP server for a port that load balancers, the kubelet and Prometheus ask: with or without a PROXY header before the
 * request, with or without a `Host`. It bounds how long and how many connections may be held; what is answered is its user's.
 */
import { Server, type RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { keepRoom } from './keep-room.ts'
import { readProxyHeader } from './proxy-header.ts'

/** What a client may hold on to that sends nothing, or half of a request. Asking takes one packet. */
export interface ServerLimits {
  /** Of the PROXY header, and then of the request's headers. */
  headersTimeoutMs: number
  requestTimeoutMs: number
  keepAliveMs: number
  /** One more ends the connection that has been idle for longest. */
  connections: number
}

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n' // as Node answers what isn't HTTP

export class OpenServer extends Server {
  /** Those of which Node's own server knows nothing yet. */
  readonly #unread = new Set<Socket>()

  constructor(limits: ServerLimits, answer: RequestListener) {
    const settings = {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs), // 30 s without
      requireHostHeader: false, // a prober that leaves it out would take the node for down
    }
    super(settings, answer)
    // A connection that is handed in by hand is a documented way in: https://nodejs.org/api/http.html#event-connection
    const [serve] = this.listeners('connection')
    if (serve === undefined) throw new Error('node:http takes connections in another way')
    this.removeAllListeners('connection')
    this.on('connection', (socket: Socket) => {
      this.#unread.add(socket)
      passProxyHeader(socket, {
        timeoutMs: limits.headersTimeoutMs,
        onEnd: () => this.#unread.delete(socket),
        serve: () => {
          Reflect.apply(serve, this, [socket])
        },
      })
    })
    keepRoom(this, limits.connections)
  }

  override closeAllConnections(): void {
    for (const socket of this.#unread) socket.destroy()
    super.closeAllConnections()
  }
}

interface Passing {
  timeoutMs: number
  /** Called once: the socket is closed, or about to be served. */
  onEnd: () => void
  /** Called with all of the request still unread. */
  serve: () => void
}

/** Reads the PROXY header, if there is one, and up to the first byte of the request. A client that sends no request is hung up on. */
function passProxyHeader(socket: Socket, { timeoutMs, onEnd, serve }: Passing): void {
  let unread = Buffer.alloc(0)
  let isPast = false
  const hangUp = () => {
    socket.destroy()
  }
  const timer = setTimeout(hangUp, timeoutMs)
  const leave = () => {
    clearTimeout(timer)
    socket.off('readable', read).off('end', hangUp).off('error', hangUp).off('close', leave)
    onEnd()
  }
  socket.on('readable', read).on('end', hangUp).on('error', hangUp).on('close', leave)

  function read(): void {
    for (let chunk: unknown = socket.read(); Buffer.isBuffer(chunk); chunk = socket.read()) {
      unread = Buffer.concat([unread, chunk])
    }
    const header = isPast || unread.length === 0 ? null : readProxyHeader(unread)
    if (header?.kind === 'incomplete') return
    if (header?.kind === 'bad') {
      leave()
      socket.on('error', hangUp).end(BAD_REQUEST, hangUp)
      return
    }
    if (header?.kind === 'header') {
      isPast = true
      unread = unread.subarray(header.length)
    }
    if (unread.length === 0) return
    leave()
    socket.unshift(unread)
    serve()
  }
}
