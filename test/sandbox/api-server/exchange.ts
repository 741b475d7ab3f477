/** One request and its answer, the same for HTTP/1.1 and HTTP/2. It carries bytes and decides nothing. */
import { ServerResponse } from 'node:http'
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { ApiError } from './status.ts'
import type { WatchEvent, WatchSink } from './watch.ts'

export interface Reply {
  status: number
  body: unknown
  /** Only where the body is bytes. */
  type?: string
}

export class Exchange {
  readonly request: Http2ServerRequest
  readonly response: Http2ServerResponse
  readonly method: string
  readonly path: string
  readonly rawQuery: string
  readonly query: URLSearchParams
  readonly token: string | undefined
  /** True once the answer is complete or the client has gone: nothing more can be said. */
  isOver = false

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    this.request = request
    this.response = response
    this.method = request.method
    response.once('close', () => {
      this.isOver = true
    })
    // A client that breaks off is no error of the server; what it leaves behind is cleared on close.
    response.on('error', () => {})
    const [path = '/', ...query] = request.url.split('?')
    this.path = path
    this.rawQuery = query.join('?')
    this.query = new URLSearchParams(this.rawQuery)
    this.token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  }

  header(name: string): string {
    return String(this.request.headers[name] ?? '')
  }

  /** What the client called: 127.0.0.1:PORT. */
  get host(): string {
    return this.header('host') || this.header(':authority')
  }

  /** The body as JSON, undefined when empty; 400 when it is not JSON. */
  async readJson(): Promise<unknown> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.request) if (chunk instanceof Uint8Array) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch (error) {
      // The parser's words are what the real server passes on, too.
      throw ApiError.badRequest(String(error))
    }
  }

  reply({ status, body, type }: Reply): void {
    if (this.isOver || this.response.headersSent) return
    if (body instanceof Uint8Array) {
      this.response.writeHead(status, { 'content-type': type })
      this.response.end(body)
      return
    }
    const isText = typeof body === 'string'
    this.response.writeHead(status, {
      'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
    })
    this.response.end(isText ? body : JSON.stringify(body))
  }

  refuse({ status, retryAfter }: ApiError): void {
    if (retryAfter !== undefined && !this.response.headersSent) {
      this.response.setHeader('retry-after', retryAfter)
    }
    this.reply({ status: status.code, body: status })
  }

  /** Answers 200 at once and sends each event as one line of JSON. */
  stream(present: (event: WatchEvent) => unknown): WatchSink {
    const { request, response } = this
    response.writeHead(200, { 'content-type': 'application/json' })
    // HTTP/2 has sent its headers by now; HTTP/1.1 would wait for the first event.
    if (response instanceof ServerResponse) response.flushHeaders()
    return {
      send: (event) => response.write(`${JSON.stringify(present(event))}\n`),
      end: () => response.end(),
      cut: () => {
        if (response instanceof ServerResponse) request.socket.destroy()
        else response.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
      },
    }
  }
}
