/**
 * CRI v1 `RuntimeService/Status` over a unix socket: gRPC's framing on node:http2, for @grpc/grpc-js would cost
 * 6 MB at the first call and twice as much garbage (measured). It carries and decodes; it judges nothing.
 */
import http2, {
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import net from 'node:net'

/** Bytes of an answer that are read; two conditions and a node's runtime handlers are a few kilobytes. */
const BODY_MAX_BYTES = 256 * 1024

/** An empty StatusRequest: not compressed, 0 bytes long. */
const STATUS_REQUEST = Buffer.alloc(5)

export interface RuntimeCondition {
  type: string
  status: boolean
  reason: string
  message: string
}

export type CriAnswer =
  | { said: 'status'; conditions: RuntimeCondition[] }
  /** gRPC's own word: https://grpc.io/docs/guides/status-codes */
  | { said: 'error'; code: number; message: string }
  /** Whoever listens there speaks no gRPC, or no CRI. */
  | { said: 'nonsense'; message: string }
  /** Not in time, or it hung up. */
  | { said: 'nothing'; message: string }

/**
 * A connection of its own each time: it costs a millisecond, and a kept one would go on answering for a runtime that
 * takes no new ones. Rejects only where there is no connection: the error's `code` says what stood in the way.
 */
export async function askStatus(path: string, timeoutMs: number): Promise<CriAnswer> {
  const { promise: timedOut, resolve } = Promise.withResolvers<CriAnswer>()
  const timer = setTimeout(() => {
    resolve({ said: 'nothing', message: `no answer in ${timeoutMs / 1000} s` })
  }, timeoutMs)
  const socket = net.connect({ path })
  try {
    return await Promise.race([connect(socket).then(talk), timedOut])
  } finally {
    clearTimeout(timer)
    socket.destroy() // and the session on it
  }
}

function connect(socket: net.Socket): Promise<net.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>()
  socket.on('error', reject) // more than one may come, and none may go unheard
  socket.once('connect', () => {
    resolve(socket)
  })
  return promise
}

function talk(socket: net.Socket): Promise<CriAnswer> {
  const { promise, resolve } = Promise.withResolvers<CriAnswer>()
  const onError = (error: Error): void => {
    const isForeign = 'code' in error && error.code === 'ERR_HTTP2_ERROR'
    resolve(
      isForeign
        ? { said: 'nonsense', message: 'it does not speak HTTP/2' }
        : { said: 'nothing', message: error.message },
    )
  }
  const session = http2.connect('http://localhost', { createConnection: () => socket })
  session.on('error', onError)
  const stream = session.request({
    ':method': 'POST',
    ':path': '/runtime.v1.RuntimeService/Status',
    'content-type': 'application/grpc',
    'user-agent': 'pilotlight',
    te: 'trailers',
  })
  stream.on('error', onError)
  readReply(stream, resolve)
  stream.end(STATUS_REQUEST)
  return promise
}

type Headers = IncomingHttpHeaders & IncomingHttpStatusHeader

function readReply(stream: ClientHttp2Stream, resolve: (answer: CriAnswer) => void): void {
  const pieces: Buffer[] = []
  let length = 0
  let headers: Headers = {}
  // An error comes without a body, and then its status stands in the first headers instead of the trailers.
  const add = (more: Headers): void => {
    headers = { ...headers, ...more }
  }
  stream.on('response', add).on('trailers', add)
  stream.on('data', (piece: Buffer) => {
    length += piece.length
    if (length <= BODY_MAX_BYTES) pieces.push(piece)
    else resolve({ said: 'nonsense', message: `the answer is over ${BODY_MAX_BYTES} bytes` })
  })
  // Not 'end', which comes before an error may be told.
  stream.on('close', () => {
    resolve(readAnswer(headers, Buffer.concat(pieces)))
  })
}

function readAnswer(headers: Headers, body: Buffer): CriAnswer {
  const { ':status': http, 'content-type': type = '', 'grpc-status': status } = headers
  if (http === undefined) return { said: 'nothing', message: 'it hung up' }
  if (http !== 200 || !type.startsWith('application/grpc')) {
    return { said: 'nonsense', message: `HTTP ${http}, but not gRPC` }
  }
  if (status === undefined) return { said: 'nothing', message: 'it hung up half-way' }
  if (status !== '0') {
    return { said: 'error', code: Number(status), message: decodeMessage(headers['grpc-message']) }
  }
  try {
    return { said: 'status', conditions: readConditions(unframe(body)) }
  } catch (error) {
    // What doesn't decode is no StatusResponse, whatever its sender takes it for.
    return { said: 'nonsense', message: error instanceof Error ? error.message : String(error) }
  }
}

/** gRPC percent-encodes what isn't ASCII. */
function decodeMessage(message: unknown): string {
  if (typeof message !== 'string') return ''
  try {
    return decodeURIComponent(message)
  } catch {
    return message // a lone % is the sender's fault, and readable as it is
  }
}

/** One message: a byte that says whether it is compressed (nobody was asked to), and its length in four. */
function unframe(body: Buffer): Buffer {
  const isWhole = body.length >= 5 && body[0] === 0 && body.readUInt32BE(1) === body.length - 5
  if (!isWhole) throw new Error('the answer is not one message of gRPC')
  return body.subarray(5)
}

/**
 * StatusResponse{1: RuntimeStatus{1: repeated RuntimeCondition{1: type, 2: status, 3: reason, 4: message}}}, from
 * k8s.io/cri-api runtime/v1. proto3 leaves out what is false or empty.
 */
function readConditions(response: Buffer): RuntimeCondition[] {
  return messagesAt(1, response)
    .flatMap((status) => messagesAt(1, status))
    .map((bytes) => {
      const fields = new Map(readFields(bytes))
      const text = (number: number): string => {
        const value = fields.get(number)
        return Buffer.isBuffer(value) ? value.toString('utf8') : ''
      }
      const status = fields.get(2)
      return {
        type: text(1),
        status: typeof status === 'number' && status !== 0,
        reason: text(3),
        message: text(4),
      }
    })
}

function messagesAt(number: number, bytes: Buffer): Buffer[] {
  return readFields(bytes).flatMap(([at, value]) =>
    at === number && Buffer.isBuffer(value) ? [value] : [],
  )
}

/** Numbers and what they hold: a varint, or bytes. Fixed-width ones are passed over: CRI's Status has none. */
function readFields(bytes: Buffer): [number: number, value: number | Buffer][] {
  const fields: [number, number | Buffer][] = []
  let at = 0
  while (at < bytes.length) {
    const tag = readVarint()
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        fields.push([number, readVarint()])
        break
      case 1:
        take(8)
        break
      case 2:
        fields.push([number, take(readVarint())])
        break
      case 5:
        take(4)
        break
      default:
        throw new Error('the answer does not decode')
    }
  }
  return fields

  function take(length: number): Buffer {
    if (length > bytes.length - at) throw new Error('the answer is cut short')
    at += length
    return bytes.subarray(at - length, at)
  }

  function readVarint(): number {
    let value = 0
    for (let digit = 0; digit < 10; digit += 1) {
      const [byte = 0] = take(1)
      value += (byte & 0x7f) * 2 ** (7 * digit)
      if (byte < 0x80) return value
    }
    throw new Error('the answer does not decode')
  }
}
