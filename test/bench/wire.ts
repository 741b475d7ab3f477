/** Stands between an exporter and the Worker, byte by byte, and counts them. Without links it is a proxy that knows none. */
import net from 'node:net'

export interface Wire {
  url: string
  /** Bytes so far, of all connections. */
  up: number
  down: number
  stop(): Promise<void>
}

/** What a proxy says that passes no upgrades. */
const NO_LINK = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

export async function startWire(workerPort: number, { links }: { links: boolean }): Promise<Wire> {
  const open = new Set<net.Socket>()
  const keep = (socket: net.Socket) => {
    open.add(socket)
    socket.on('error', () => undefined) // the other end hung up: `close` follows
    socket.on('close', () => open.delete(socket))
    return socket.setNoDelay(true)
  }
  const server = net.createServer((near) => {
    const far = keep(net.connect(workerPort, '127.0.0.1'))
    keep(near)
    near.on('data', (bytes) => {
      wire.up += bytes.length
      if (!links && /^GET \S+\/link\?/.test(bytes.toString('latin1'))) near.end(NO_LINK)
      else far.write(bytes)
    })
    far.on('data', (bytes) => {
      wire.down += bytes.length
      near.write(bytes)
    })
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  const wire: Wire = {
    url: '',
    up: 0,
    down: 0,
    stop: () => {
      for (const socket of open) socket.destroy()
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => {
        resolve()
      })
      return promise
    },
  }
  const { promise, resolve } = Promise.withResolvers<net.AddressInfo | string | null>()
  server.listen(0, '127.0.0.1', () => {
    resolve(server.address())
  })
  const address = await promise
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return Object.assign(wire, { url: `http://127.0.0.1:${address.port}` })
}
