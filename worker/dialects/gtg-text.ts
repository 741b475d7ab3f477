/** `__gtg` in the words of probers: status, two lines and headers, exactly as behaviour, section 4. No name from outside ever stands in it. */
import type { GtgAnswer, GtgReason } from '../domain/gtg.ts'

const STATUS: Record<GtgReason, 200 | 400 | 503> = {
  healthy: 200,
  degraded: 200,
  late: 200,
  held: 200,
  unhealthy: 503,
  disabled: 503,
  stale: 503,
  'no-data': 503,
  internal: 503,
  'unknown-category': 400,
  'unknown-cluster': 400,
  'ambiguous-cluster': 400,
  'unknown-node': 400,
  'unknown-check': 503,
  'unknown-parameter': 400,
}

export const GTG_METHODS = 'GET, HEAD, OPTIONS'

/** The whole answer; HEAD and OPTIONS have GET's status and headers and no body. */
export function replyGtg(method: string, gtg: GtgAnswer): Response {
  const key = `${method} ${gtg.reason} ${gtg.ageSeconds} ${gtg.retryAfterSeconds}`
  if (last?.key !== key) {
    const body = `${gtg.passes ? 'OK' : 'UNAVAILABLE'}\n${lineOf(gtg)}\n`
    last = { key, ...makeReply(method, gtg, { body, contentType: 'text/plain; charset=utf-8' }) }
  }
  return new Response(last.body, last.init)
}

/** What probers look for in the body, in the JSON too. */
export function lineOf({ passes, reason }: GtgAnswer): string {
  return passes ? 'gtg=pass' : `gtg=fail reason=${reason}`
}

/** The last plain answer: to build its headers anew for each probe would cost more than all the rest. */
let last: ({ key: string } & ReturnType<typeof makeReply>) | null = null

/** The same status and headers around another body. */
export function replyAs(
  method: string,
  gtg: GtgAnswer,
  content: { body: string; contentType: string },
): Response {
  const { body, init } = makeReply(method, gtg, content)
  return new Response(body, init)
}

function makeReply(
  method: string,
  gtg: GtgAnswer,
  { body, contentType }: { body: string; contentType: string },
): { body: string | null; init: { status: number; headers: Headers } } {
  const status = STATUS[gtg.reason]
  const headers = new Headers({
    'Content-Type': contentType,
    'Content-Length': String(method === 'OPTIONS' ? 0 : new TextEncoder().encode(body).length),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Access-Control-Allow-Origin': '*',
    'X-GTG': gtg.passes ? 'pass' : 'fail',
    'X-GTG-Reason': gtg.reason,
    'X-GTG-Age': gtg.ageSeconds === null ? 'none' : String(gtg.ageSeconds),
  })
  if (gtg.passes && gtg.reason !== 'healthy') headers.set('x-envoy-degraded', 'true')
  if (gtg.reason === 'disabled') headers.set('x-envoy-immediate-health-check-fail', 'true')
  if (status === 503) headers.set('Retry-After', String(gtg.retryAfterSeconds))
  if (method === 'OPTIONS') headers.set('Allow', GTG_METHODS)
  return { body: method === 'GET' ? body : null, init: { status, headers } }
}
