/** From the bytes of a report to the report, in the order of behaviour, section 2; the same over HTTP and over the live link. */
import * as v from 'valibot'
import { unpackBounded } from '../auth/read-bounded.ts'
import { REPORT_MAX_BYTES } from '../contract/limits.ts'
import type { Refusal } from '../contract/refusal.ts'
import { reportSchema, type Report } from '../contract/report.ts'
import { isIntervalTooLong } from '../domain/freshness.ts'

export type Parsed = { ok: true; report: Report } | { ok: false; refusal: Refusal }

interface Rules {
  /** Of its path. */
  cluster: string
  deadAfterSeconds: number
}

/** `packed`: gzip; with what it is unpacked to bounded. */
export async function parsePacked(packed: Uint8Array<ArrayBuffer>, rules: Rules): Promise<Parsed> {
  const bytes = await unpack(packed)
  return bytes instanceof Uint8Array ? parseReport(bytes, rules) : { ok: false, refusal: bytes }
}

export async function unpack(
  packed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  try {
    const bytes = await unpackBounded(packed, REPORT_MAX_BYTES)
    return bytes ?? { reason: 'too-large', maxBytes: REPORT_MAX_BYTES }
  } catch {
    return { reason: 'invalid', detail: 'body: is not gzip' }
  }
}

export function parseReport(bytes: Uint8Array, { cluster, deadAfterSeconds }: Rules): Parsed {
  const text = new TextDecoder().decode(bytes)
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), text)
  if (!result.success) {
    const [issue] = result.issues
    return invalid(`${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
  }
  const report = result.output
  if (isIntervalTooLong(report.intervalSeconds, deadAfterSeconds)) {
    return invalid(
      `intervalSeconds: four intervals must fit into ${deadAfterSeconds} s (DEAD_AFTER_SECONDS)`,
    )
  }
  if (report.cluster !== cluster) return { ok: false, refusal: { reason: 'other-cluster' } }
  return { ok: true, report }
}

/** The message may quote what was sent; it goes back to the signer alone, and never at length. */
function invalid(detail: string): Parsed {
  return { ok: false, refusal: { reason: 'invalid', detail: detail.slice(0, 300) } }
}
