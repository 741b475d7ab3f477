/** The TLS port: HTTP/2 and HTTP/1.1 on one socket, and every connection can be destroyed at once. It answers nothing itself. */
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Certificates } from './certificates.ts'

type OnRequest = (request: Http2ServerRequest, response: Http2ServerResponse) => void

export class Listener {
  /** TLS connections accepted so far. */
  connections = 0
  port: number
  #certificates: Certificates
  #onRequest: OnRequest
  #server: Http2SecureServer | undefined
  #sockets = new Set<Socket>()

  constructor(port: number, certificates: Certificates, onRequest: OnRequest) {
    this.port = port
    this.#certificates = certificates
    this.#onRequest = onRequest
  }

  /** Port 0 is any free one, which is then kept: start after stop listens where clients know it. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return
    const { certPem: cert, keyPem: key } = this.#certificates
    const server = createSecureServer({ allowHTTP1: true, cert, key }, this.#onRequest)
    this.#server = server
    server.on('secureConnection', () => {
      this.connections += 1
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    // A client that goes away in the middle is what this server is for, not an error of it.
    server.on('sessionError', () => {})
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address !== null && typeof address === 'object') this.port = address.port
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
