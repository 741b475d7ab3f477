/** A network between an exporter and what it talks to, byte by byte: it can be cut in each direction, and healed. */
import net from 'node:net'
import { onTestFinished } from 'vitest'

export interface Link {
  url: string
  /** What is sent that way from now on is lost, and nobody is told. */
  cut(direction: 'there' | 'back' | 'both'): void
  /** Connections that were open meanwhile are gone: whoever lost bytes can't go on. */
  heal(): void
}

export async function aLink(targetUrl: string): Promise<Link> {
  const { hostname, port } = new URL(targetUrl)
  const open = new Set<net.Socket>()
  const lost = { there: false, back: false }
  const keep = (socket: net.Socket) => {
    open.add(socket)
    socket.on('error', () => undefined) // the other end hung up: `close` follows
    socket.on('close', () => open.delete(socket))
    return socket
  }
  const server = net.createServer((near) => {
    const far = keep(net.connect(Number(port), hostname))
    keep(near)
    pass(near, far, () => lost.there)
    pass(far, near, () => lost.back)
  })
  const heal = () => {
    Object.assign(lost, { there: false, back: false })
    for (const socket of open) socket.destroy()
  }
  const { promise, resolve } = Promise.withResolvers<net.AddressInfo | string | null>()
  server.listen(0, '127.0.0.1', () => {
    resolve(server.address())
  })
  onTestFinished(() => {
    server.close()
    heal()
  })
  const address = await promise
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: (direction) => {
      if (direction !== 'back') lost.there = true
      if (direction !== 'there') lost.back = true
    },
    heal,
  }
}

function pass(from: net.Socket, to: net.Socket, isLost: () => boolean): void {
  from.on('data', (bytes) => {
    if (!isLost()) to.write(bytes)
  })
  from.on('close', () => {
    if (!isLost()) to.destroy()
  })
}
