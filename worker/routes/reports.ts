/** The ways in for reports: pushed one by one, or over the live link. Refusals in the order of behaviour, section 2. */
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { linkSignature, pushSignature } from '../auth/push-signature.ts'
import { count, giveBack, takeCounts } from '../cluster/counters.ts'
import type { SignedWire } from '../cluster/parse-report.ts'
import { linkQuerySchema, linkTarget } from '../contract/link.ts'
import type { Taken } from '../contract/refusal.ts'
import { refuse } from '../dialects/refusal.ts'
import type { AppEnv } from '../env.ts'

const SIGNED_AT = 'webhook-timestamp'

export const reports = new Hono<AppEnv>()

reports.post('/v1/clusters/:cluster/reports', countRefused, pushSignature, async (c) => {
  const cluster = c.req.param('cluster')
  const taken = await take(c.env.CLUSTER.getByName(cluster), cluster, {
    bytes: c.var.wire,
    contentType: c.req.header('Content-Type') ?? '',
    contentEncoding: c.req.header('Content-Encoding') ?? 'identity',
    signedAtSeconds: signedAtOf(c.req.raw.headers),
  })
  if (!taken.ok) return refuse(c, taken.rejection)
  return c.json(taken.accepted, 202, { Date: new Date().toUTCString() })
})

/** Whoever is let through here speaks for the cluster as long as its link lasts; the object looks at its place in the order. */
reports.get('/v1/clusters/:cluster/link', countRefused, linkSignature, async (c) => {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
    return refuse(c, { reason: 'not-an-upgrade' })
  }
  const query = v.safeParse(linkQuerySchema, c.req.query())
  if (!query.success) {
    const [issue] = query.issues
    return refuse(c, { reason: 'invalid', detail: `${v.getDotPath(issue)}: ${issue.message}` })
  }
  const cluster = c.req.param('cluster')
  const url = new URL(linkTarget(cluster, query.output), c.req.url)
  try {
    return await c.env.CLUSTER.getByName(cluster).fetch(url, {
      headers: { Upgrade: 'websocket', [SIGNED_AT]: String(signedAtOf(c.req.raw.headers)) },
    })
  } catch (error) {
    console.error('link not opened:', error instanceof Error ? error.message : error)
    return refuse(c, { reason: 'unavailable' })
  }
})

/** Seconds since 1970; the guard has verified it. */
function signedAtOf(headers: Headers): number {
  return Number(headers.get(SIGNED_AT))
}

const COUNTED_BY_OBJECT = new Set(['stale-sequence', 'epoch-too-high', 'signed-before-reset'])

/** What never reaches the object is counted here; of an invented cluster nothing is kept. */
async function countRefused(c: Context<AppEnv>, next: () => Promise<void>): Promise<void> {
  await next()
  const refused: unknown = c.get('refused')
  const cluster = c.req.param('cluster') ?? ''
  if (typeof refused !== 'string' || COUNTED_BY_OBJECT.has(refused)) return
  if (c.var.config.PUSH_SECRETS.has(cluster)) count(cluster, 'reports', refused)
}

async function take(
  object: ReturnType<AppEnv['Bindings']['CLUSTER']['getByName']>,
  cluster: string,
  wire: SignedWire,
): Promise<Taken> {
  const counted = takeCounts(cluster)
  try {
    return await object.take(wire, counted)
  } catch (error) {
    giveBack(cluster, counted)
    // The exporter keeps its state and comes again: an object that is away costs this try only.
    console.error('report not applied:', error instanceof Error ? error.message : error)
    return { ok: false, rejection: { reason: 'unavailable' } }
  }
}
