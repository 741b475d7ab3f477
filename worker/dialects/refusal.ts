/** A refusal of a report as an HTTP answer. */
import type { Context } from 'hono'
import { codeOf, describeRefusal, type Refusal } from '../contract/refusal.ts'

/** `{error: {code, message}}`; with `Date`, for the exporter takes its time from every reply, also from a refusal. */
export function refuse(c: Context, refusal: Refusal): Response {
  const { status, body } = describeRefusal(refusal)
  c.header('Date', new Date().toUTCString())
  if (status === 503) c.header('Retry-After', '5')
  if (status === 426) c.header('Upgrade', 'websocket')
  c.set('refused', codeOf(refusal))
  return c.json(body, status)
}
