/** One try to open a live link, against a local server that refuses it at any length. */
import { expect, it } from 'vitest'
import { EdgeClock } from '../../../../node-exporter/push/edge-clock.ts'
import { upgrade } from '../../../../node-exporter/push/upgrade.ts'
import { importSecret } from '../../../../worker/contract/signature.ts'
import { serveRaw } from '../../../support/exporter/local-server.ts'
import { PUSH_SECRET } from '../../../support/secrets.ts'

it('reads 64 KiB of a refusal without end, and closes its connection', async () => {
  const closed = Promise.withResolvers<number>()
  const server = await serveRaw((socket) => {
    const piece = Buffer.alloc(16 * 1024, ' ')
    const send = () => {
      while (!socket.destroyed) if (!socket.write(piece)) return
    }
    socket.on('error', () => undefined) // written to while it ends
    socket.on('drain', send)
    socket.on('close', () => {
      closed.resolve(socket.bytesWritten)
    })
    socket.write('HTTP/1.1 409 Conflict\r\n\r\n')
    send()
  })

  const upgraded = await upgrade({
    workerUrl: new URL(`http://127.0.0.1:${server.port}`),
    cluster: 'c0',
    keys: [await importSecret(PUSH_SECRET)],
    clock: new EdgeClock(),
    place: { epoch: 0, sequence: 1 },
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    onMessage: () => undefined,
  })

  expect(upgraded).toMatchObject({ isOpen: false, status: 409, reason: 'HTTP 409', held: null })
  expect(await closed.promise).toBeLessThan(16 * 1024 * 1024) // what sockets hold, and no more
})
