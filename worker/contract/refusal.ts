/** Every refusal of a report: its status and words, over HTTP and over the live link. A new reason doesn't compile without its line. */
import { EPOCH_STEP_MAX } from './limits.ts'
import type { Accepted, Place } from './report.ts'

export type Refusal =
  | { reason: 'stale_sequence' | 'epoch-too-high'; held: Place }
  | { reason: 'signed-before-reset' }
  | { reason: 'too-large'; maxBytes: number }
  | { reason: 'headers'; detail: string }
  | { reason: 'unauthorized' }
  | { reason: 'content-type' }
  | { reason: 'content-encoding' }
  | { reason: 'invalid'; detail: string }
  | { reason: 'other-cluster' }
  | { reason: 'not-an-upgrade' }
  | { reason: 'unavailable' }

/** What becomes of a report, whichever way it came. */
export type Taken = { ok: true; accepted: Accepted } | { ok: false; rejection: Refusal }

/** The body of a refusal, and its status. `held` comes with 409. */
export function describeRefusal(refusal: Refusal) {
  const { status, message, ...rest } = sayWhy(refusal)
  return { status, body: { error: { code: codeOf(refusal), message }, ...rest } }
}

/** As it stands in the answer, and is counted. */
export function codeOf({ reason }: Refusal): string {
  return reason.replaceAll('_', '-')
}

function sayWhy(refusal: Refusal) {
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
    case 'epoch-too-high':
      return {
        status: 409,
        message: `The epoch is more than ${EPOCH_STEP_MAX} above the one that is held.`,
        held: refusal.held,
      } as const
    case 'signed-before-reset':
      return {
        status: 409,
        message: 'It was signed before the order of reports started anew: sign it again.',
      } as const
    case 'not-an-upgrade':
      return { status: 426, message: 'The live link is a WebSocket: ask for an upgrade.' } as const
    case 'unavailable':
      return { status: 503, message: 'The cluster object could not be reached.' } as const
  }
}
