/**
 * Guards the way in for reports: reads the body, bounded, and lets only a signed one pass. One wording for every
 * fault of signature or time, and for a cluster that doesn't exist: whoever may not push learns nothing.
 */
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'
import { REPORT_WIRE_MAX_BYTES } from '../contract/limits.ts'
import { linkBytes } from '../contract/link.ts'
import type { Refusal } from '../contract/refusal.ts'
import { importSecret, verifyBody, type SigningKey } from '../contract/signature.ts'
import type { AppEnv, Config } from '../env.ts'
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
  const refusal = await checkSignature(
    c.req.raw.headers,
    wire,
    secretsOf(c.var.config, c.req.param('cluster')),
  )
  if (refusal !== null) return refuse(c, refusal)
  c.set('wire', wire)
  return next()
})

/** The same for an upgrade, which has no body: path and query are signed. */
export const linkSignature = createMiddleware<AppEnv>(async (c, next) => {
  const { pathname, search } = new URL(c.req.url)
  const refusal = await checkSignature(
    c.req.raw.headers,
    linkBytes(pathname + search),
    secretsOf(c.var.config, c.req.param('cluster')),
  )
  return refusal === null ? next() : refuse(c, refusal)
})

/** None, where there is no such cluster. */
function secretsOf(config: Config, cluster = ''): string[] {
  return config.PUSH_SECRETS.get(cluster) ?? []
}

async function checkSignature(
  sent: Headers,
  signed: Uint8Array<ArrayBuffer>,
  secrets: string[],
): Promise<Refusal | null> {
  const headers = v.safeParse(headersSchema, {
    'webhook-id': sent.get('webhook-id') ?? undefined,
    'webhook-timestamp': sent.get('webhook-timestamp') ?? undefined,
    'webhook-signature': sent.get('webhook-signature') ?? undefined,
  })
  if (!headers.success) {
    const [issue] = headers.issues
    return { reason: 'headers', detail: `${v.getDotPath(issue)} ${issue.message}` }
  }
  const signature = {
    id: headers.output['webhook-id'],
    timestampSeconds: Number(headers.output['webhook-timestamp']),
    signature: headers.output['webhook-signature'],
  }
  const known = await Promise.all(secrets.map(keyOf))
  const isSigned = await verifyBody(signature, signed, { keys: known, nowMs: Date.now() })
  return isSigned ? null : { reason: 'unauthorized' }
}

async function keyOf(secret: string): Promise<SigningKey> {
  const key = keys.get(secret) ?? (await importSecret(secret))
  keys.set(secret, key)
  return key
}
