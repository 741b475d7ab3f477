/** What passes over the live link: reports up and their answers down, as over HTTP. It keeps nothing itself. */
import * as v from 'valibot'
import { podAnswerSchema, type Down, type PodAnswer } from '../contract/link.ts'
import { REPORT_WIRE_MAX_BYTES } from '../contract/limits.ts'
import { describeRefusal, type Refusal, type Taken } from '../contract/refusal.ts'
import { packedJson, parseWire, type ReadReport } from './parse-report.ts'

/** Close codes of RFC 6455: a message that can't be read, and one that is too large. */
const UNREADABLE = 1008
const TOO_LARGE = 1009

interface LiveLinkOptions {
  /** What a report must fit to. */
  rules: () => Parameters<typeof parseWire>[1]
  apply: (read: ReadReport, socket: WebSocket) => Promise<Taken>
  refuse: (refusal: Refusal) => void
  /** What it carried is kept before it is closed: from then on nobody reads it there. */
  end: (socket: WebSocket, code: number) => Promise<void>
  hearPod: (answer: PodAnswer) => void
}

const textSchema = v.pipe(v.string(), v.parseJson(), podAnswerSchema)

export class LiveLink {
  readonly #options: LiveLinkOptions

  constructor(options: LiveLinkOptions) {
    this.#options = options
  }

  /** Never rejects: a message that can't be read ends its link, and the exporter pushes the next over HTTP. */
  async hear(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    if (typeof message === 'string') {
      const heard = v.safeParse(textSchema, message)
      if (heard.success) this.#options.hearPod(heard.output)
      return
    }
    if (message.byteLength > REPORT_WIRE_MAX_BYTES) {
      await this.#options.end(socket, TOO_LARGE)
      return
    }
    const parsed = await parseWire(packedJson(new Uint8Array(message)), this.#options.rules())
    if (!parsed.ok) {
      // Without a sequence that could be read there is nobody to answer.
      this.#options.refuse(parsed.refusal)
      await this.#options.end(socket, UNREADABLE)
      return
    }
    const answer = await this.#take(parsed, socket)
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(answer))
  }

  async #take(read: ReadReport, socket: WebSocket): Promise<Down> {
    const { sequence } = read.report
    const answer = { kind: 'answer', sequence, date: Date.now() } as const
    try {
      const applied = await this.#options.apply(read, socket)
      if (applied.ok) return { ...answer, status: 202, body: applied.accepted }
      return { ...answer, ...describeRefusal(applied.rejection) }
    } catch (error) {
      console.error('report not applied:', error instanceof Error ? error.message : error)
      return { ...answer, ...describeRefusal({ reason: 'unavailable' }) }
    }
  }
}
