/** A container runtime that speaks CRI v1 on a unix socket: a real gRPC server, whose health is scripted. */
import { rename, rm } from 'node:fs/promises'
import net from 'node:net'
import { Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js'

/** How it answers a call of Status. */
type Answering =
  | { kind: 'ready' }
  | { kind: 'runtime-not-ready' }
  | { kind: 'network-not-ready' }
  /** These bytes as the StatusResponse, whatever they are. */
  | { kind: 'message'; message: Buffer }
  | { kind: 'error'; code: number; details: string }
  /** It takes the call and never answers it. */
  | { kind: 'hang' }

export type RuntimeBehaviour =
  | Answering
  /** gRPC is there, CRI is not: UNIMPLEMENTED. */
  | { kind: 'unimplemented' }
  /** It takes the connection and never says a word. */
  | { kind: 'silent' }
  /** No word of gRPC: `talk` gets each connection after its client's first bytes. */
  | { kind: 'raw'; talk: (socket: net.Socket) => void }
  /** The socket's file is there, and nobody behind it. */
  | { kind: 'refuse' }
  | { kind: 'gone' }

export interface Condition {
  type: string
  status: boolean
  reason?: string
  message?: string
}

export class CriRuntime {
  readonly #path: string
  #stop: () => Promise<void> = () => Promise.resolve()
  /** Calls of Status that came in. */
  asked = 0

  /** `path`: where the socket goes; its folder is there already. */
  constructor(path: string) {
    this.#path = path
  }

  /** Starts it, or has it behave otherwise; what was open is cut. */
  async set(behaviour: RuntimeBehaviour): Promise<void> {
    await this.stop()
    switch (behaviour.kind) {
      case 'gone':
        return
      case 'silent':
        return this.#listenRaw((socket) => {
          socket.resume() // else it doesn't notice that its client left
        })
      case 'raw':
        return this.#listenRaw((socket) => {
          socket.once('data', () => {
            behaviour.talk(socket)
          })
        })
      case 'refuse':
        await this.#listenRaw(() => undefined)
        // A socket's file goes with its server, unless that can't find it.
        await rename(this.#path, `${this.#path}.kept`)
        await this.#stop()
        await rename(`${this.#path}.kept`, this.#path)
        return
      case 'unimplemented':
        return this.#listen(null)
      case 'ready':
      case 'runtime-not-ready':
      case 'network-not-ready':
      case 'message':
      case 'error':
      case 'hang':
        return this.#listen(behaviour)
    }
  }

  async stop(): Promise<void> {
    await this.#stop()
    this.#stop = () => Promise.resolve()
    await rm(this.#path, { force: true })
  }

  /** null: a server without CRI. */
  async #listen(behaviour: Answering | null): Promise<void> {
    const server = new Server()
    if (behaviour !== null) {
      server.addService(SERVICE, {
        status: (_call: unknown, reply: sendUnaryData<Buffer>) => {
          this.asked += 1
          answer(behaviour, reply)
        },
      })
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.bindAsync(`unix:${this.#path}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(error)
    })
    await promise
    this.#stop = () => {
      server.forceShutdown()
      return Promise.resolve()
    }
  }

  async #listenRaw(talk: (socket: net.Socket) => void): Promise<void> {
    const sockets = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined) // the client hung up: cases look at the client's side
      talk(socket)
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(this.#path, resolve)
    await promise
    this.#stop = () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => {
        closed.resolve()
      })
      for (const socket of sockets) socket.destroy()
      return closed.promise
    }
  }
}

function pass(bytes: Buffer): Buffer {
  return bytes
}

const SERVICE = {
  status: {
    path: '/runtime.v1.RuntimeService/Status',
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  },
} as const

function answer(behaviour: Answering, reply: sendUnaryData<Buffer>): void {
  switch (behaviour.kind) {
    case 'ready':
      reply(null, encodeStatus([RUNTIME_READY, NETWORK_READY]))
      return
    case 'runtime-not-ready':
      reply(null, encodeStatus([{ ...RUNTIME_READY, ...NOT_SERVING }, NETWORK_READY]))
      return
    case 'network-not-ready':
      reply(null, encodeStatus([RUNTIME_READY, { ...NETWORK_READY, ...NO_CNI }]))
      return
    case 'message':
      reply(null, behaviour.message)
      return
    case 'error':
      reply({ code: behaviour.code, details: behaviour.details })
      return
    case 'hang':
      return
  }
}

const RUNTIME_READY: Condition = { type: 'RuntimeReady', status: true }
const NETWORK_READY: Condition = { type: 'NetworkReady', status: true }
const NOT_SERVING = { status: false, reason: 'RuntimeNotReady', message: 'it is starting' }
/** containerd's words for a node without CNI. */
const NO_CNI = {
  status: false,
  reason: 'NetworkPluginNotReady',
  message: 'Network plugin returns error: cni plugin not initialized',
}

/** k8s.io/cri-api runtime/v1, StatusResponse; as proto3 has it, what is false or empty is left out. */
export function encodeStatus(conditions: Condition[]): Buffer {
  const encoded = conditions.map(({ type, status, reason = '', message = '' }) =>
    Buffer.concat([
      encodeBytes(1, Buffer.from(type)),
      status ? Buffer.from([2 << 3, 1]) : Buffer.alloc(0),
      encodeBytes(3, Buffer.from(reason)),
      encodeBytes(4, Buffer.from(message)),
    ]),
  )
  return encodeBytes(1, Buffer.concat(encoded.map((condition) => encodeBytes(1, condition))))
}

/** A field of type LEN. */
export function encodeBytes(number: number, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes
  const length: number[] = []
  for (let rest = bytes.length; rest > 0; rest >>>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes])
}
