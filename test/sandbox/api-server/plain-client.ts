/** A client that sees what is on the wire: HTTP/1.1 over TLS, no retry, no cache, no types. For tests of the double itself. */
import https from 'node:https'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { ApiServer } from './api-server.ts'

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: unknown
}

export interface Request {
  method?: string
  body?: unknown
  type?: string
  accept?: string
  token?: string
}

export interface Stream {
  status: number
  /** The next line parsed; undefined at a clean EOF. Rejects when the connection broke. */
  next(): Promise<unknown>
}

export class PlainClient {
  #server: ApiServer
  #agent: https.Agent

  constructor(server: ApiServer) {
    this.#server = server
    this.#agent = new https.Agent({ ca: server.caPem, keepAlive: true })
  }

  async send(path: string, request: Request = {}): Promise<Answer> {
    const response = await this.#request(path, request)
    const text = await readText(response)
    const isJson = response.headers['content-type'] === 'application/json'
    const body: unknown = isJson ? JSON.parse(text) : text
    return { status: response.statusCode ?? 0, headers: response.headers, body }
  }

  /** Settles once the server has answered; the watch stands from then on. */
  async watch(path: string, request: Request = {}): Promise<Stream> {
    const response = await this.#request(path, request)
    const lines = readLines(response)
    const next = async (): Promise<unknown> => {
      const line = await lines.next()
      return line.done === true ? undefined : JSON.parse(line.value)
    }
    return { status: response.statusCode ?? 0, next }
  }

  close(): void {
    this.#agent.destroy()
  }

  #request(path: string, { method = 'GET', body, ...given }: Request): Promise<IncomingMessage> {
    const [valid = ''] = this.#server.tokens
    const headers: OutgoingHttpHeaders = {
      authorization: `Bearer ${given.token ?? valid}`,
      ...(given.accept === undefined ? {} : { accept: given.accept }),
      ...(body === undefined ? {} : { 'content-type': given.type ?? 'application/json' }),
    }
    const options = { method, headers, agent: this.#agent }
    return new Promise((resolve, reject) => {
      const request = https.request(`${this.#server.url}${path}`, options, resolve)
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return text
}

async function* readLines(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
