/** The exporter's end of the live link, as far as benches need it: reports go up one by one, each waits for its answer. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import * as v from 'valibot'
import { Agent, buildConnector, WebSocket } from 'undici'
import { downSchema, linkBytes, linkTarget } from '../../worker/contract/link.ts'
import type { Report } from '../../worker/contract/report.ts'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import { PUSH_SECRET } from '../support/secrets.ts'
import { CLUSTER, packed } from './reports-like-real.ts'

export interface LinkClient {
  /** Rejects when the answer isn't 202. */
  send(report: Report): Promise<void>
  /** Bytes on the wire so far, frames and all, both ways. */
  bytes(): { up: number; down: number }
  close(): void
}

/** null: the Worker refuses the upgrade. `sequence`: the link's own place in the order, before its first report. */
export async function openLink(
  port: number,
  { sequence }: { sequence: number },
): Promise<LinkClient | null> {
  const target = linkTarget(CLUSTER, { epoch: 1, sequence })
  const sockets: Socket[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, {
    headers: await signTarget(target),
    dispatcher: watchSockets(sockets),
  })
  socket.binaryType = 'arraybuffer'
  const { promise: isOpen, resolve: open } = Promise.withResolvers<boolean>()
  const waiting = new Map<number, (status: number) => void>()
  socket.addEventListener('open', () => {
    open(true)
  })
  // A refused upgrade is told as an error; so is a link that breaks, and then whoever waits hears of it.
  socket.addEventListener('error', () => {
    open(false)
  })
  socket.addEventListener('close', () => {
    for (const answer of waiting.values()) answer(0)
  })
  socket.addEventListener('message', ({ data }) => {
    const down = v.parse(v.pipe(v.string(), v.parseJson(), downSchema), data)
    if (down.kind === 'answer') waiting.get(down.sequence)?.(down.status)
  })
  if (!(await isOpen)) return null
  return {
    send: async (report) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      waiting.set(report.sequence, resolve)
      socket.send(Uint8Array.from(packed(report)))
      const status = await promise
      waiting.delete(report.sequence)
      if (status !== 202) throw new Error(`the link answers ${status || 'nothing any more'}`)
    },
    bytes: () => ({
      up: sockets.reduce((sum, one) => sum + one.bytesWritten, 0),
      down: sockets.reduce((sum, one) => sum + one.bytesRead, 0),
    }),
    close: () => {
      socket.close()
    },
  }
}

async function signTarget(target: string): Promise<Record<string, string>> {
  const id = randomUUID()
  const timestampSeconds = Math.floor(Date.now() / 1000)
  const keys = [await importSecret(PUSH_SECRET)]
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': await signBody({ id, timestampSeconds }, linkBytes(target), keys),
  }
}

/** Keeps the connections that are made, for what they count. */
function watchSockets(sockets: Socket[]): Agent {
  const connect = buildConnector({})
  return new Agent({
    connect: (options, done) => {
      connect(options, (...made) => {
        const [, socket] = made
        if (socket !== null) sockets.push(socket)
        done(...made)
      })
    },
  })
}
