/**
 * Guards the way in for reports: reads the body, bounded, and lets only a signed one pass. One wording for every
 * fault of signature or time, and for a cluster that doesn't exist: whoever may not push learns nothing.
 */
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'
import { REPORT_WIRE_MAX_BYTES } from '../contract/limits.ts'
import { importSecret, verifyBody, type SigningKey } from '../contract/signature.ts'
import type { AppEnv } from '../env.ts'
import { readBounded } from './read-bounded.ts'
import { refuse } from '../dialects/refusal.ts'

const headersSchema = v.object({
  'webhook-id': v.pipe(v.string('is missing'), v.regex(/^[^.\s]{1,128}$/, 'is malformed')),
  'webhook-timestamp': v.pipe(v.string('is missing'), v.regex(/^\d{1,12}$/, 'is malformed')),
  'webhook-signature': v.pipe(v.string('is missing'), v.maxLength(1024, 'is too long')),
})

/** Keys imported once per isolate, by their secret. */
const keys = new Map<string, SigningKey>()

export const pushSignature = createMiddleware<{
  Bindings: AppEnv['Bindings']
  Variables: AppEnv['Variables'] & { wire: Uint8Array<ArrayBuffer> }
}>(async (c, next) => {
  const wire = await readBounded(c.req.raw.body, REPORT_WIRE_MAX_BYTES)
  if (wire === null) return refuse(c, { reason: 'too-large', maxBytes: REPORT_WIRE_MAX_BYTES })
  const headers = v.safeParse(headersSchema, {
    'webhook-id': c.req.header('webhook-id'),
    'webhook-timestamp': c.req.header('webhook-timestamp'),
    'webhook-signature': c.req.header('webhook-signature'),
  })
  if (!headers.success) {
    const [issue] = headers.issues
    return refuse(c, { reason: 'headers', detail: `${v.getDotPath(issue)} ${issue.message}` })
  }
  const signed = {
    id: headers.output['webhook-id'],
    timestampSeconds: Number(headers.output['webhook-timestamp']),
    signature: headers.output['webhook-signature'],
  }
  const secrets = c.var.config.PUSH_SECRETS.get(c.req.param('cluster') ?? '') ?? []
  const known = await Promise.all(secrets.map(keyOf))
  if (!(await verifyBody(signed, wire, { keys: known, nowMs: Date.now() }))) {
    return refuse(c, { reason: 'unauthorized' })
  }
  c.set('wire', wire)
  return next()
})

async function keyOf(secret: string): Promise<SigningKey> {
  const key = keys.get(secret) ?? (await importSecret(secret))
  keys.set(secret, key)
  return key
}
