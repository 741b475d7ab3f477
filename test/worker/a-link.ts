/** An exporter's live link, as the edge sees it: opened over its own fetch, in the Workers runtime. */
import * as v from 'valibot'
import { downSchema, linkBytes, linkTarget, type PodAnswer } from '../../worker/contract/link.ts'
import type { Command, Place, Report } from '../../worker/contract/report.ts'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import { PUSH_SECRET } from '../support/secrets.ts'
import { ask, bytesOf, gzip } from './edge.ts'

type Answer = Extract<v.InferOutput<typeof downSchema>, { kind: 'answer' }>

export interface Link {
  /** As it is answered; rejects when the link closes instead. */
  push(report: Report): Promise<Answer>
  sendPod(id: string, answer: PodAnswer['answer']): void
  /** Any message at all. */
  sendRaw(message: string | Uint8Array<ArrayBuffer>): void
  nextCommand(): Promise<Command>
  /** Commands that nobody has taken yet. */
  readonly commands: Command[]
  /** The code that the edge closes it with. */
  readonly closed: Promise<number>
  close(): void
}

/** What the case changes about an otherwise right upgrade. */
interface UpgradeOptions {
  secret?: string
  timestampSeconds?: number
  headers?: Record<string, string>
  /** Of the path; the signed one, where it is left out. */
  target?: string
}

export async function upgrade(
  cluster: string,
  place: Place,
  { secret = PUSH_SECRET, timestampSeconds, headers, target }: UpgradeOptions = {},
): Promise<Response> {
  const signed = linkTarget(cluster, place)
  const id = 'msg_link'
  const atSeconds = timestampSeconds ?? Math.floor(Date.now() / 1000)
  const key = await importSecret(secret)
  return ask(target ?? signed, {
    headers: {
      upgrade: 'websocket',
      'webhook-id': id,
      'webhook-timestamp': String(atSeconds),
      'webhook-signature': await signBody({ id, timestampSeconds: atSeconds }, linkBytes(signed), [
        key,
      ]),
      ...headers,
    },
  })
}

export async function openLink(cluster: string, place: Place): Promise<Link> {
  const { webSocket: socket, status } = await upgrade(cluster, place)
  if (socket === null) throw new Error(`no link: ${status}`)
  const answers = new Map<number, PromiseWithResolvers<Answer>>()
  const commands: Command[] = []
  const wanted: ((command: Command) => void)[] = []
  const closed = Promise.withResolvers<number>()
  socket.addEventListener('close', ({ code }) => {
    for (const { reject } of answers.values()) reject(new Error(`closed: ${code}`))
    closed.resolve(code)
  })
  socket.addEventListener('message', ({ data }) => {
    const message = v.parse(v.pipe(v.string(), v.parseJson(), downSchema), data)
    if (message.kind === 'answer') answers.get(message.sequence)?.resolve(message)
    else {
      const want = wanted.shift()
      if (want === undefined) commands.push(message.command)
      else want(message.command)
    }
  })
  socket.accept()
  return {
    push: async (report) => {
      const answer = Promise.withResolvers<Answer>()
      answers.set(report.sequence, answer)
      socket.send(await gzip(bytesOf(JSON.stringify(report))))
      return answer.promise
    },
    sendPod: (id, answer) => {
      socket.send(JSON.stringify({ kind: 'pod', id, answer }))
    },
    sendRaw: (message) => {
      socket.send(message)
    },
    nextCommand: () => {
      const command = commands.shift()
      if (command !== undefined) return Promise.resolve(command)
      return new Promise((resolve) => {
        wanted.push(resolve)
      })
    },
    commands,
    closed: closed.promise,
    close: () => {
      socket.close(1000)
    },
  }
}
