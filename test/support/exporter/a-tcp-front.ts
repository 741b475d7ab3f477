/** A TCP port before another one: connections through it can be made to hang, as a dead network path makes them. */
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface TcpFront {
  port: number
  /** Connections so far. */
  readonly connections: number
  /** No byte passes any more over what is open now, in either direction, and nothing is closed. */
  hang(): void
  /** What is open now is reset. */
  cut(): void
}

export async function aTcpFront(targetUrl: string): Promise<TcpFront> {
  const { hostname, port } = new URL(targetUrl)
  const pairs = new Set<[Socket, Socket]>()
  let connections = 0
  const server = createServer((client) => {
    connections += 1
    const target = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [client, target]
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => undefined) // the other end went away
      socket.on('close', () => {
        client.destroy()
        target.destroy()
        pairs.delete(pair)
      })
    }
    client.pipe(target).pipe(client)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const cut = () => {
    for (const [client] of pairs) client.destroy()
  }
  onTestFinished(() => {
    server.close()
    cut()
  })
  const address = server.address()
  return {
    port: address === null || typeof address === 'string' ? 0 : address.port,
    get connections() {
      return connections
    },
    hang: () => {
      for (const [client, target] of pairs) {
        client.unpipe(target).pause()
        target.unpipe(client).pause()
      }
    },
    cut,
  }
}
