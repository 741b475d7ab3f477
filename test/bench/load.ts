/**
 * A load of its own: connections that each send the same bytes, read the answer to its end and send again. It measures in
 * µs and does as little as it can between two requests, so that it is never what limits.
 */
import net from 'node:net'

export interface Load {
  port: number
  /** The next request, whole, as it stands on the wire; null: that was all. */
  next: () => Uint8Array | null
  /** What each answer's status line begins with, such as `HTTP/1.1 200`. */
  expect: string
  connections: number
}

export interface Loaded {
  requests: number
  perSecond: number
  /** µs of each request, ascending. */
  latenciesUs: Float64Array
  /** Of all answers, headers included. */
  bytesDown: number
}

export function getRequest(path: string, headers: Record<string, string> = {}): Uint8Array {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([k, one]) => `${k}: ${one}`)
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
}

/** The same again and again for so long, from now. */
export function repeat(request: Uint8Array, ms: number): () => Uint8Array | null {
  const endMs = performance.now() + ms
  return () => (performance.now() < endMs ? request : null)
}

/** Rejects at the first answer that isn't the expected one. */
export async function runLoad(load: Load): Promise<Loaded> {
  const startMs = performance.now()
  const each = await Promise.all(
    Array.from({ length: load.connections }, () => runConnection(load)),
  )
  const seconds = (performance.now() - startMs) / 1000
  const latenciesUs = Float64Array.from(each.flatMap((one) => one.latenciesUs)).toSorted()
  return {
    requests: latenciesUs.length,
    perSecond: latenciesUs.length / seconds,
    latenciesUs,
    bytesDown: each.reduce((sum, one) => sum + one.bytesDown, 0),
  }
}

/** `share`: 0.5 for the median. */
export function quantile(ascending: Float64Array, share: number): number {
  const at = Math.min(ascending.length - 1, Math.floor(ascending.length * share))
  return ascending[at] ?? NaN
}

export function median(values: number[]): number {
  return quantile(Float64Array.from(values).toSorted(), 0.5)
}

const SPACE_BYTES = 65_536

interface Connection {
  latenciesUs: number[]
  bytesDown: number
}

function runConnection({ port, next, expect }: Load): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>()
  const latenciesUs: number[] = []
  /** Bytes of the answer under way. */
  let answer = ''
  let sentMs = 0
  const send = () => {
    const request = next()
    if (request === null) {
      socket.destroy()
      return
    }
    sentMs = performance.now()
    socket.write(request)
  }
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(SPACE_BYTES),
      callback: (bytes, buffer) => {
        answer += Buffer.from(buffer.buffer, buffer.byteOffset, bytes).toString('latin1')
        if (!isWhole(answer)) return true
        latenciesUs.push((performance.now() - sentMs) * 1000)
        if (answer.startsWith(expect)) send()
        else socket.destroy(new Error(`unexpected: ${answer}`))
        answer = ''
        return true
      },
    },
  })
  socket.once('connect', send)
  socket.once('error', reject)
  socket.once('close', () => {
    resolve({ latenciesUs, bytesDown: socket.bytesRead })
  })
  return promise
}

/** Framed by Content-Length, or in chunks as what is streamed. */
function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return false
  if (/\r\ntransfer-encoding: chunked/i.test(answer.slice(0, head))) {
    return answer.endsWith('\r\n0\r\n\r\n')
  }
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1]
  if (length === undefined) throw new Error(`an answer without a length: ${answer.slice(0, 200)}`)
  return answer.length >= head + 4 + Number(length)
}
