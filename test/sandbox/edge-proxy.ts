/** Stands between an exporter and the Worker: counts what passes, and loses, refuses or delays it when told to. */
import http from 'node:http'
import type net from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Report } from '../../worker/contract/report.ts'
import { EdgeLinks } from './edge-links.ts'
import { readReport, type Passed } from './passed.ts'

export type { Passed } from './passed.ts'

/** What becomes of the next requests. Live links have faults of their own. */
export type EdgeFault =
  | 'none'
  /** It reaches the Worker, and the exporter never hears of it. */
  | 'lose the reply'
  /** The Worker never sees it, and nobody answers. */
  | 'lose the request'
  | { status: number; retryAfterSeconds?: number }

export interface EdgeProxy {
  readonly url: string
  readonly passed: Passed[]
  fault: EdgeFault
  /** Requests of this kind alone meet the fault; null: all. */
  faultKind: Report['kind'] | null
  /** Refused unless a case says otherwise: then all goes over HTTP, where the faults are. */
  readonly links: EdgeLinks
  stop(): Promise<void>
}

export async function startEdgeProxy(workerUrl: string): Promise<EdgeProxy> {
  const passed: Passed[] = []
  const server = http.createServer()
  const links = new EdgeLinks(workerUrl, passed)
  const proxy: EdgeProxy = {
    url: '',
    passed,
    fault: 'none',
    faultKind: null,
    links,
    stop: async () => {
      server.closeAllConnections()
      links.stop()
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => {
        resolve()
      })
      return promise
    },
  }
  server.on('request', (request, response) => {
    void pass(request, response)
  })
  server.on('upgrade', (request, socket) => {
    links.take(request, socket)
  })

  async function pass(request: http.IncomingMessage, response: http.ServerResponse) {
    const readBefore = readBytes.get(request.socket) ?? 0
    const body = await readBody(request)
    const report = readReport(gunzipSync(body))
    const bytes = request.socket.bytesRead - readBefore
    readBytes.set(request.socket, request.socket.bytesRead)
    const isHit = proxy.faultKind === null || proxy.faultKind === report.kind
    const fault = isHit ? proxy.fault : 'none'
    const entry: Passed = { report, atMs: Date.now(), status: null, bytes, via: 'https' }
    passed.push(entry)
    if (fault === 'lose the request') return
    if (typeof fault === 'object') {
      entry.status = fault.status
      const after = fault.retryAfterSeconds
      response.writeHead(fault.status, after === undefined ? {} : { 'retry-after': String(after) })
      response.end()
      return
    }
    const answer = await forward(`${workerUrl}${request.url ?? ''}`, request, body)
    if (fault === 'lose the reply') return
    entry.status = answer?.status ?? null
    if (answer === null) {
      request.socket.destroy()
      return
    }
    const date = answer.headers.get('date') ?? ''
    response.writeHead(answer.status, { 'content-type': 'application/json', date })
    response.end(Buffer.from(await answer.arrayBuffer()))
  }

  const { promise, resolve } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    resolve(address !== null && typeof address === 'object' ? address.port : 0)
  })
  return Object.assign(proxy, { url: `http://127.0.0.1:${await promise}` })
}

/** Bytes read before the request at hand, by connection: one connection carries many. */
const readBytes = new WeakMap<net.Socket, number>()

async function readBody(request: http.IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  for await (const piece of request) if (piece instanceof Uint8Array) pieces.push(piece)
  return Uint8Array.from(Buffer.concat(pieces))
}

/** null: the Worker is away. */
function forward(
  url: string,
  request: http.IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response | null> {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (/^(webhook-|content-type|content-encoding)/.test(name)) headers.set(name, String(value))
  }
  return fetch(url, { method: 'POST', headers, body }).catch(() => null)
}
