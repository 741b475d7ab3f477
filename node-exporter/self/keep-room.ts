/** A server's door stays open: one connection more than there may be ends the one that has been idle for longest. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Whoever comes while all are being answered is hung up on. */
export function keepRoom(server: Server, most: number): void {
  const open = new Set<Socket>()
  const idle = new Set<Socket>() // the one for longest first
  server.on('connection', (socket: Socket) => {
    if (open.size >= most) {
      const [last = socket] = idle
      open.delete(last)
      idle.delete(last)
      last.destroy()
      if (last === socket) return
    }
    open.add(socket)
    idle.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      idle.delete(socket)
    })
  })
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket)
    response.once('close', () => {
      if (open.has(socket)) idle.add(socket)
    })
  })
}
