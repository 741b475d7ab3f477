/** A request to the API server that came to nothing, and what the refusal says of the next try. */
import type { IncomingHttpHeaders } from 'node:http'
import * as v from 'valibot'
import { AccessFault } from '../kubernetes/access-fault.ts'

interface Details {
  cause?: unknown
  /** ms in which it must not be asked again. */
  retryAfterMs?: number
  /** Kubernetes' own words for why, such as Expired or ResourceVersionTooLarge. */
  reasons?: readonly string[]
}

/** `status` null: no answer at all. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number | null
  readonly retryAfterMs: number
  readonly reasons: readonly string[]

  constructor(message: string, status: number | null, details: Details = {}) {
    super(message, { cause: details.cause })
    this.status = status
    this.retryAfterMs = details.retryAfterMs ?? 0
    this.reasons = details.reasons ?? []
  }

  static of(error: unknown): KubeError {
    if (error instanceof KubeError) return error
    return new KubeError(reasonOf(error), null, { cause: error })
  }
}

/** A reason of our own: an event that can't be read, so that what follows it is worth nothing. */
export const UNREADABLE = 'Unreadable'

/** ms. API servers say 1 to 32 s; a proxy that says a day must not blind anything for a day. */
const RETRY_AFTER_MAX_MS = 60_000

export const statusSchema = v.object({
  message: v.optional(v.string(), 'no reason given'),
  reason: v.optional(v.string(), ''),
  code: v.optional(v.number(), 500),
  details: v.nullish(
    v.object({ causes: v.nullish(v.array(v.object({ reason: v.optional(v.string(), '') })), []) }),
  ),
})

/** API Priority and Fairness refuses in a line of plain text; what a proxy says may be a page. */
const PLAIN_MAX_LENGTH = 200

/** `text`: the body. */
export function readRefusal(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  text: string,
): KubeError {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), statusSchema), text)
  const said = parsed.success ? parsed.output : null
  const isPlain = headers['content-type']?.startsWith('text/plain') === true
  const plain = isPlain ? (text.trim().split('\n')[0] ?? '').slice(0, PLAIN_MAX_LENGTH) : ''
  return new KubeError(`HTTP ${status}: ${said?.message ?? (plain || 'no reason given')}`, status, {
    reasons: reasonsOf(said),
    retryAfterMs: readRetryAfter(headers['retry-after'], Date.now()),
  })
}

export function reasonsOf(said: v.InferOutput<typeof statusSchema> | null): string[] {
  if (said === null) return []
  return [said.reason, ...(said.details?.causes ?? []).map(({ reason }) => reason)]
}

/** Of a version, or of the pages of a list. */
export const EXPIRED = 410

/** Refusals that say nothing of the version asked for: the API server is busy, starting, or the rights are wrong. */
const TRANSIENT = new Set([401, 403, 408, 429, 500, 502, 503, 504])

/** No watch can go on from the version that is known. */
export function mustList({ status, reasons }: KubeError): boolean {
  // Too large: of an etcd that was restored from yesterday; it comes as a 504.
  if (reasons.includes('ResourceVersionTooLarge') || reasons.includes(UNREADABLE)) return true
  return status !== null && !TRANSIENT.has(status)
}

/** Seconds, or a date (RFC 9110, section 10.2.3). 0: it says nothing. */
export function readRetryAfter(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? 0 : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms))
}

/** One line, with the reason behind "aggregate" and the like. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AccessFault) return error.message
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error instanceof SyntaxError) return 'an answer that is no JSON' // its words hold a piece of it
  const cause = error.cause instanceof Error ? error.cause.message : ''
  const [said = error.message] = error instanceof AggregateError ? error.errors.map(reasonOf) : []
  return [said, cause].filter(Boolean).join(': ').split('\n')[0] ?? ''
}
