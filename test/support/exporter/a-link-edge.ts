/**
 * An edge with live links and nothing behind them: it opens or refuses each upgrade, takes reports both ways, and says over
 * the link what the case tells it to. Real HTTP and real WebSockets on loopback.
 */
import http from 'node:http'
import { gunzipSync } from 'node:zlib'
import { onTestFinished, vi } from 'vitest'
import * as v from 'valibot'
import { WebSocketServer, type WebSocket } from 'ws'
import { linkBytes, podAnswerSchema, type PodAnswer } from '../../../worker/contract/link.ts'
import { reportSchema, type Report } from '../../../worker/contract/report.ts'
import { importSecret, verifyBody } from '../../../worker/contract/signature.ts'
import { PUSH_SECRET } from '../secrets.ts'
import { readBody } from './local-server.ts'

export interface Refusal {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

export interface Said {
  status: number
  body: unknown
}

export interface LinkEdge {
  readonly url: string
  /** What becomes of the next upgrades; `hang`: no answer at all. null: they are opened. */
  refusal: Refusal | 'hang' | null
  /** To each report, whichever way it comes; null: no answer at all. */
  reply: (report: Report) => Said | null
  /** ms by which its clock is ahead. */
  aheadMs: number
  readonly upgrades: { epoch: number; sequence: number; isSigned: boolean }[]
  readonly reports: { report: Report; via: 'link' | 'https'; bytes: number }[]
  readonly pods: PodAnswer[]
  /** Codes with which links were closed, by whichever side. */
  readonly closed: number[]
  /** To the newest link: JSON, or these very bytes. */
  send(message: object | string | Buffer): void
  /** The newest link: with a code, or without a word. */
  close(code?: number): void
  /** Until so many links were opened since the start. */
  opened(count: number): Promise<void>
}

export const TAKEN: Said = { status: 202, body: { accepted: true, resend: false } }

const SOON = { timeout: 10_000, interval: 5 }

export async function aLinkEdge(): Promise<LinkEdge> {
  const key = await importSecret(PUSH_SECRET)
  const wss = new WebSocketServer({ noServer: true })
  const links: WebSocket[] = []
  const server = http.createServer((request, response) => {
    void readBody(request).then((body) => {
      const said = take(body, 'https')
      if (said === null) return
      const date = new Date(Date.now() + edge.aheadMs).toUTCString()
      response.writeHead(said.status, { date }).end(JSON.stringify(said.body))
    })
  })
  const edge: LinkEdge = {
    url: '',
    refusal: null,
    reply: () => TAKEN,
    aheadMs: 0,
    upgrades: [],
    reports: [],
    pods: [],
    closed: [],
    send: (message) => {
      const isPlain = typeof message === 'string' || Buffer.isBuffer(message)
      links.at(-1)?.send(isPlain ? message : JSON.stringify(message))
    },
    close: (code) => {
      if (code === undefined) links.at(-1)?.terminate()
      else links.at(-1)?.close(code)
    },
    opened: (count) =>
      vi.waitFor(() => {
        if (links.length < count) throw new Error(`${links.length} links opened`)
      }, SOON),
  }

  function take(body: Buffer, via: 'link' | 'https'): Said | null {
    const report = v.parse(reportSchema, JSON.parse(gunzipSync(body).toString()))
    edge.reports.push({ report, via, bytes: body.length })
    return edge.reply(report)
  }

  function hear(link: WebSocket, data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      edge.pods.push(v.parse(podAnswerSchema, JSON.parse(data.toString())))
      return
    }
    const said = take(data, 'link')
    const { sequence } = edge.reports.at(-1)?.report ?? {}
    const date = Date.now() + edge.aheadMs
    if (said !== null) link.send(JSON.stringify({ kind: 'answer', sequence, date, ...said }))
  }

  async function isSigned({ url = '', headers }: http.IncomingMessage): Promise<boolean> {
    const id = String(headers['webhook-id'])
    const timestampSeconds = Number(headers['webhook-timestamp'])
    const signature = String(headers['webhook-signature'])
    return verifyBody({ id, timestampSeconds, signature }, linkBytes(url), {
      keys: [key],
      nowMs: Date.now() + edge.aheadMs,
    })
  }

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => undefined) // the other side hung up: `close` follows
    void isSigned(request).then((signed) => {
      const query = new URL(request.url ?? '', 'http://edge').searchParams
      const [epoch, sequence] = [Number(query.get('epoch')), Number(query.get('sequence'))]
      edge.upgrades.push({ epoch, sequence, isSigned: signed })
      if (edge.refusal === 'hang') return
      if (edge.refusal !== null) {
        const { status, headers = {}, body = {} } = edge.refusal
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        const text = JSON.stringify(body)
        const length = `content-length: ${Buffer.byteLength(text)}\r\n`
        socket.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}${length}\r\n${text}`)
        return
      }
      wss.handleUpgrade(request, socket, head, (link) => {
        links.push(link)
        link.on('message', (data, isBinary) => {
          if (Buffer.isBuffer(data)) hear(link, data, isBinary)
        })
        link.on('close', (code) => edge.closed.push(code))
      })
    })
  })
  const sockets = new Set<{ destroy: () => void }>()
  server.on('connection', (socket) => sockets.add(socket))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { promise, resolve } = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    resolve(address !== null && typeof address === 'object' ? address.port : 0)
  })
  return Object.assign(edge, { url: `http://127.0.0.1:${await promise}` })
}
