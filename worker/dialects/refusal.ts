/** Every refusal of a report: its status, code and words in one place. A new reason doesn't compile without its line. */
import type { Context } from 'hono'
import type { Rejection } from '../domain/cluster.ts'

export type Refusal =
  | Rejection
  | { reason: 'too-large'; maxBytes: number }
  | { reason: 'headers'; detail: string }
  | { reason: 'unauthorized' }
  | { reason: 'content-type' }
  | { reason: 'content-encoding' }
  | { reason: 'invalid'; detail: string }
  | { reason: 'other-cluster' }
  | { reason: 'unavailable' }

/** `{error: {code, message}}`; with `Date`, for the exporter takes its time from every reply, also from a refusal. */
export function refuse(c: Context, refusal: Refusal): Response {
  const { status, message, ...rest } = describe(refusal)
  c.header('Date', new Date().toUTCString())
  if (status === 503) c.header('Retry-After', '5')
  const code = refusal.reason.replaceAll('_', '-')
  c.set('refused', code)
  return c.json({ error: { code, message }, ...rest }, status)
}

function describe(refusal: Refusal) {
  switch (refusal.reason) {
    case 'too-large':
      return { status: 413, message: `The report is over ${refusal.maxBytes} bytes.` } as const
    case 'headers':
      return { status: 400, message: `Header ${refusal.detail}.` } as const
    case 'unauthorized':
      return {
        status: 401,
        message: 'The signature does not fit the secret of this cluster, or its time is off.',
      } as const
    case 'content-type':
      return { status: 415, message: 'A report is application/json.' } as const
    case 'content-encoding':
      return { status: 415, message: 'A report is packed with gzip or not at all.' } as const
    case 'invalid':
      return { status: 422, message: refusal.detail } as const
    case 'other-cluster':
      return { status: 403, message: 'The report is about another cluster than its path.' } as const
    case 'stale_sequence':
      return {
        status: 409,
        message: 'A newer report is held.',
        held: refusal.held,
      } as const
    case 'unavailable':
      return { status: 503, message: 'The cluster object could not be reached.' } as const
  }
}
