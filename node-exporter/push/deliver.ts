/** One try to hand a report to the edge, and what came of it. It keeps no state but a connection. */
import { randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'
import * as v from 'valibot'
import { acceptedSchema, refusedSchema, type Place } from '../../worker/contract/report.ts'
import { signBody, type SigningKey } from '../../worker/contract/signature.ts'
import { readText } from '../kubernetes/read-body.ts'
import type { EdgeClock } from './edge-clock.ts'

export type Delivered =
  /** `commands`: as they came, not read yet. `overdue`: as in acceptedSchema. */
  | { kind: 'accepted'; resend: boolean; commands: unknown[]; overdue?: true | undefined }
  /** Somebody else's report is newer. */
  | { kind: 'superseded'; held: Place }
  /** `clockMoved`: the refusal told another time, so the same try may pass now. */
  | { kind: 'failed'; reason: string; retryAfterMs: number | null; clockMoved: boolean }

/** `body`: gzipped JSON of the report with that sequence. Never rejects. */
export type Deliver = (body: Uint8Array, sequence: number) => Promise<Delivered>

/** Characters of an answer, and of a message over the link: one with 16 commands is a few kilobytes. */
export const ANSWER_MAX_LENGTH = 64 * 1024

export interface Delivery {
  url: URL
  keys: SigningKey[]
  clock: EdgeClock
  timeoutMs: number
}

export function createDeliver({ url, keys, clock, timeoutMs }: Delivery) {
  const dispatcher = new Agent({ connect: { timeout: timeoutMs } })

  /** `body`: gzipped JSON. Never rejects. */
  async function deliver(body: Uint8Array): Promise<Delivered> {
    const id = randomUUID()
    const timestampSeconds = Math.floor(clock.now() / 1000)
    const sentMs = performance.now()
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        body,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'webhook-id': id,
          'webhook-timestamp': String(timestampSeconds),
          'webhook-signature': await signBody({ id, timestampSeconds }, body, keys),
        },
      })
      const text = await readText(answer.body, ANSWER_MAX_LENGTH)
      const date = answer.headers['date']
      const clockMoved = clock.adjust(String(date), sentMs, performance.now())
      const said = v.safeParse(v.pipe(v.string(), v.parseJson()), text).output
      return readAnswer(answer.statusCode, said, {
        clockMoved: clockMoved && answer.statusCode === 401,
        retryAfterMs: readRetryAfter(answer.headers['retry-after']),
      })
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error), retryAfterMs: null, clockMoved: false }
    }
  }

  return { deliver, stop: () => dispatcher.destroy() }
}

/** One that holds commands which only a newer exporter knows is an answer all the same. */
const answerSchema = v.object({
  ...acceptedSchema.entries,
  commands: v.optional(v.array(v.unknown()), []),
})

/** What the edge's answer says, whichever way it came. `body`: parsed JSON, or whatever there was instead. */
export function readAnswer(
  status: number,
  body: unknown,
  rest: { clockMoved: boolean; retryAfterMs: number | null },
): Delivered {
  const accepted = v.safeParse(answerSchema, body)
  if (status === 202 && accepted.success) {
    const { resend, commands, overdue } = accepted.output
    return { kind: 'accepted', resend, commands, ...(overdue ? { overdue } : {}) }
  }
  const refused = v.safeParse(refusedSchema, body)
  if (status === 409 && refused.success && refused.output.held !== undefined) {
    return { kind: 'superseded', held: refused.output.held }
  }
  const why = refused.success ? `: ${refused.output.error.message}` : ''
  return { kind: 'failed', reason: `HTTP ${status}${why}`, ...rest }
}

function readRetryAfter(header: string | string[] | undefined): number | null {
  const seconds = Number(header)
  return header !== undefined && seconds >= 0 ? seconds * 1000 : null
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message
}
