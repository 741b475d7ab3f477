/** Servers on loopback for one case each: HTTP that answers, or bare sockets that do what no HTTP server would. */
import http from 'node:http'
import net from 'node:net'
import { onTestFinished } from 'vitest'

export interface LocalServer {
  port: number
  /** Connections that were opened. */
  sockets: net.Socket[]
  requests: http.IncomingMessage[]
}

/** Listens until the test ends, whatever its clients left open. */
export async function serve(
  answer: http.RequestListener,
  host = '127.0.0.1',
  port = 0,
): Promise<LocalServer> {
  const requests: http.IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  return { ...(await listen(server, host, port)), requests }
}

/** `talk`: gets each connection, and its client's first bytes have come. */
export async function serveRaw(
  talk: (socket: net.Socket) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<LocalServer> {
  const server = net.createServer((socket) => {
    socket.once('data', () => {
      talk(socket)
    })
  })
  return { ...(await listen(server, host, port)), requests: [] }
}

/** A port on which nobody listens. */
export async function findDeadPort(): Promise<number> {
  const server = net.createServer()
  const port = await bind(server, '127.0.0.1')
  const { promise, resolve } = Promise.withResolvers<number>()
  server.close(() => {
    resolve(port)
  })
  return promise
}

/** Every byte of a request's body. */
export async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) {
    if (Buffer.isBuffer(piece)) pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function listen(
  server: net.Server,
  host: string,
  at = 0,
): Promise<Omit<LocalServer, 'requests'>> {
  const sockets: net.Socket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined) // the client hung up: cases look at the client's side
  })
  const port = await bind(server, host, at)
  onTestFinished(() => {
    const { promise, resolve } = Promise.withResolvers<void>()
    server.close(() => {
      resolve()
    })
    for (const socket of sockets) socket.destroy()
    return promise
  })
  return { port, sockets }
}

function bind(server: net.Server, host: string, at = 0): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', reject)
  server.listen(at, host, () => {
    const address = server.address()
    if (address === null || typeof address === 'string') reject(new Error('not listening'))
    else resolve(address.port)
  })
  return promise
}
