/** The way in for reports: unpack, parse, hand to the cluster's object, answer. Refusals in the order of behaviour, section 2. */
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import { pushSignature } from '../auth/push-signature.ts'
import { count, giveBack, takeCounts } from '../cluster/counters.ts'
import { REPORT_MAX_BYTES } from '../contract/limits.ts'
import { reportSchema, type Accepted, type Report } from '../contract/report.ts'
import { isIntervalTooLong } from '../domain/freshness.ts'
import { settingsOf, type AppEnv } from '../env.ts'
import { unpackBounded } from '../auth/read-bounded.ts'
import { refuse, type Refusal } from '../dialects/refusal.ts'

export const reports = new Hono<AppEnv>()

reports.post('/v1/clusters/:cluster/reports', countRefused, pushSignature, async (c) => {
  const parsed = await parseReport(c.var.wire, {
    contentType: c.req.header('Content-Type') ?? '',
    contentEncoding: c.req.header('Content-Encoding') ?? 'identity',
    deadAfterSeconds: settingsOf(c.var.config, c.req.param('cluster')).DEAD_AFTER_SECONDS,
  })
  if (!parsed.ok) return refuse(c, parsed.refusal)
  const { report } = parsed
  if (report.cluster !== c.req.param('cluster')) return refuse(c, { reason: 'other-cluster' })
  const applied = await apply(c.env.CLUSTER.getByName(report.cluster), report)
  if (!applied.ok) return refuse(c, applied.rejection)
  const accepted: Accepted = { accepted: true, resend: applied.resend }
  return c.json(accepted, 202, { Date: new Date().toUTCString() })
})

/** What never reaches the object is counted here; of an invented cluster nothing is kept. */
async function countRefused(c: Context<AppEnv>, next: () => Promise<void>): Promise<void> {
  await next()
  const refused: unknown = c.get('refused')
  const cluster = c.req.param('cluster') ?? ''
  if (typeof refused !== 'string' || refused === 'stale-sequence') return
  if (c.var.config.PUSH_SECRETS.has(cluster)) count(cluster, 'reports', refused)
}

type Apply = { ok: true; resend: boolean } | { ok: false; rejection: Refusal }

async function apply(
  cluster: ReturnType<AppEnv['Bindings']['CLUSTER']['getByName']>,
  report: Report,
): Promise<Apply> {
  const counted = takeCounts(report.cluster)
  try {
    return await cluster.applyReport(report, counted)
  } catch (error) {
    giveBack(report.cluster, counted)
    // The exporter keeps its state and comes again: an object that is away costs this try only.
    console.error('report not applied:', error instanceof Error ? error.message : error)
    return { ok: false, rejection: { reason: 'unavailable' } }
  }
}

type Parsed = { ok: true; report: Report } | { ok: false; refusal: Refusal }

async function parseReport(
  wire: Uint8Array<ArrayBuffer>,
  request: { contentType: string; contentEncoding: string; deadAfterSeconds: number },
): Promise<Parsed> {
  const bytes = await unpack(wire, request.contentEncoding.toLowerCase())
  const isUnpacked = bytes instanceof Uint8Array
  if (!isUnpacked && bytes.reason !== 'invalid') return { ok: false, refusal: bytes }
  if (!/^application\/json\s*(;|$)/i.test(request.contentType)) {
    return { ok: false, refusal: { reason: 'content-type' } }
  }
  if (!isUnpacked) return { ok: false, refusal: bytes }
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), decode(bytes))
  if (!result.success) {
    const [issue] = result.issues
    return invalid(`${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
  }
  const report = result.output
  if (isIntervalTooLong(report.intervalSeconds, request.deadAfterSeconds)) {
    return invalid(
      `intervalSeconds: four intervals must fit into ${request.deadAfterSeconds} s (DEAD_AFTER_SECONDS)`,
    )
  }
  return { ok: true, report }
}

async function unpack(
  wire: Uint8Array<ArrayBuffer>,
  encoding: string,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  if (encoding === 'identity') return wire
  if (encoding !== 'gzip') return { reason: 'content-encoding' }
  try {
    const bytes = await unpackBounded(wire, REPORT_MAX_BYTES)
    return bytes ?? { reason: 'too-large', maxBytes: REPORT_MAX_BYTES }
  } catch {
    return { reason: 'invalid', detail: 'body: is not gzip' }
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** The message may quote what was sent; it goes back to the signer alone, and never at length. */
function invalid(detail: string): Parsed {
  return { ok: false, refusal: { reason: 'invalid', detail: detail.slice(0, 300) } }
}
