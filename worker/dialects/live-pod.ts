/** What a pod itself says, handed on. It comes from outside: read as data or text, and never run (behaviour, section 5). */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { PodAnswer } from '../contract/link.ts'

/** With the pod's own status, but for those that would send a client elsewhere or wait. */
export function replyLivePod(
  c: Context,
  { status, contentType, body }: Extract<PodAnswer['answer'], { ok: true }>,
): Response {
  return c.body(body, statusOf(status), {
    'Content-Type': typeOf(contentType),
    'Cache-Control': 'no-store',
    Vary: 'Accept',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Pod-Status': String(status),
  })
}

const PLAIN = 'text/plain; charset=utf-8'

/** JSON stays JSON. A page of the pod's would be one of this site's. */
function typeOf(contentType: string): string {
  const [essence = ''] = contentType.toLowerCase().split(';')
  return /^application\/([\w.-]+\+)?json$/.test(essence.trim())
    ? 'application/json; charset=utf-8'
    : PLAIN
}

function statusOf(status: number): ContentfulStatusCode {
  return status === 200 ? 200 : (FAILED.find((code) => code === status) ?? 502)
}

/** Those that say how the pod is. */
const FAILED = [404, 410, 429, 500, 501, 502, 503, 504] as const
