/**
 * Live links through the edge proxy: refused as by a proxy that passes none, or passed byte by byte. Those that are open can
 * be cut without a word, or frozen: half open, as behind a network that lost them and told nobody.
 */
import http from 'node:http'
import type { Duplex } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'
import { downSchema } from '../../worker/contract/link.ts'
import { createFrameReader } from './frames.ts'
import { readReport, type Passed } from './passed.ts'

interface OpenLink {
  near: Duplex
  far: Duplex
  /** No byte passes any more, and neither side hears of the other's end. */
  isFrozen: boolean
}

export interface LinkUpgrade {
  /** ms since 1970, this machine's clock. */
  atMs: number
  epoch: number
  /** Of the Worker, or 404 as of a proxy that knows no links; null: no answer. */
  status: number | null
}

const downText = v.pipe(v.string(), v.parseJson(), downSchema)

export class EdgeLinks {
  /** What becomes of the next upgrades; links that are open stay so. */
  fate: 'refused' | 'passed' = 'refused'
  readonly upgrades: LinkUpgrade[] = []
  readonly #workerUrl: string
  readonly #passed: Passed[]
  readonly #open = new Set<OpenLink>()
  readonly #sockets = new Set<Duplex>()

  /** `passed`: where reports that come over links are noted. */
  constructor(workerUrl: string, passed: Passed[]) {
    this.#workerUrl = workerUrl
    this.#passed = passed
  }

  /** Links over which bytes pass. */
  get open(): number {
    return [...this.#open].filter(({ isFrozen }) => !isFrozen).length
  }

  take(request: http.IncomingMessage, near: Duplex): void {
    this.#keep(near)
    const epoch = Number(new URL(request.url ?? '', 'http://edge').searchParams.get('epoch'))
    const upgrade: LinkUpgrade = { atMs: Date.now(), epoch, status: null }
    this.upgrades.push(upgrade)
    if (this.fate === 'refused') {
      upgrade.status = 404
      near.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    http
      .request(`${this.#workerUrl}${request.url ?? ''}`, { headers: request.headers })
      .on('upgrade', (response, far, head) => {
        upgrade.status = response.statusCode ?? null
        near.write(writeHead(response))
        this.#join({ near, far: this.#keep(far), isFrozen: false }, head)
      })
      .on('response', (response) => {
        upgrade.status = response.statusCode ?? null
        near.write(writeHead(response))
        response.pipe(near)
      })
      .on('error', () => near.destroy()) // the Worker is away
      .end()
  }

  /** Both sides lose it without a close frame. */
  cut(): void {
    for (const { near, far } of this.#open) {
      near.destroy()
      far.destroy()
    }
  }

  freeze(): void {
    for (const link of this.#open) link.isFrozen = true
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #keep(socket: Duplex): Duplex {
    this.#sockets.add(socket)
    socket.on('error', () => undefined) // the other side hung up: `close` follows
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }

  #join(link: OpenLink, head: Buffer): void {
    const { near, far } = link
    this.#open.add(link)
    const awaited = new Map<number, Passed>()
    const up = createFrameReader((payload, { isBinary, bytes }) => {
      if (!isBinary) return
      const report = readReport(gunzipSync(payload))
      const entry: Passed = { report, atMs: Date.now(), status: null, bytes, via: 'link' }
      this.#passed.push(entry)
      awaited.set(report.sequence, entry)
    })
    const down = createFrameReader((payload) => {
      const said = v.parse(downText, payload.toString())
      const entry = said.kind === 'answer' ? awaited.get(said.sequence) : undefined
      if (said.kind === 'answer' && entry !== undefined) entry.status = said.status
    })
    pass(near, far, { link, read: up })
    pass(far, near, { link, read: down })
    far.unshift(head)
    near.on('close', () => this.#open.delete(link))
  }
}

function pass(
  from: Duplex,
  to: Duplex,
  { link, read }: { link: OpenLink; read: (bytes: Buffer) => void },
): void {
  from.on('data', (bytes: Buffer) => {
    if (link.isFrozen) return
    read(bytes)
    to.write(bytes)
  })
  from.on('close', () => {
    if (!link.isFrozen) to.destroy()
  })
}

/** As it came, line by line. */
function writeHead({ statusCode = 0, statusMessage = '', rawHeaders }: http.IncomingMessage) {
  const lines = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1] ?? ''}\r\n`] : [],
  )
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('')}\r\n`
}
