/** From the bytes of a report to the report, in the order of behaviour, section 2; the same over HTTP and over the live link. */
import * as v from 'valibot'
import { unpackBounded } from '../auth/read-bounded.ts'
import { findExcess, findLongList } from '../contract/counts.ts'
import { REPORT_MAX_BYTES } from '../contract/limits.ts'
import type { Refusal } from '../contract/refusal.ts'
import { reportSchema, type Report } from '../contract/report.ts'
import { isIntervalTooLong } from '../domain/freshness.ts'
import type { Counters } from './counters.ts'

/** A report, and the JSON that it was read from. */
export interface ReadReport {
  report: Report
  text: Uint8Array<ArrayBuffer>
}

/** How a report came. */
export interface Arrival {
  isLinked: boolean
  /** By the Worker that handed it over; null: nothing. */
  counted: Counters | null
  /** Seconds since 1970. */
  signedAtSeconds: number
}

export type Parsed = ({ ok: true } & ReadReport) | { ok: false; refusal: Refusal }

/** A report as it was sent. */
export interface Wire {
  bytes: Uint8Array<ArrayBuffer>
  contentType: string
  contentEncoding: string
}

/** The same as a Worker hands it over that has verified its signature. */
export interface SignedWire extends Wire {
  /** Seconds since 1970. */
  signedAtSeconds: number
}

export interface WireRules {
  /** Of its path. */
  cluster: string
  deadAfterSeconds: number
}

/** Over the live link nothing else travels. */
export function packedJson(bytes: Uint8Array<ArrayBuffer>): Wire {
  return { bytes, contentType: 'application/json', contentEncoding: 'gzip' }
}

export async function parseWire(wire: Wire, rules: WireRules): Promise<Parsed> {
  const encoding = wire.contentEncoding.toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip') {
    return { ok: false, refusal: { reason: 'content-encoding' } }
  }
  const bytes = encoding === 'gzip' ? await unpack(wire.bytes) : wire.bytes
  const isUnpacked = bytes instanceof Uint8Array
  if (!isUnpacked && bytes.reason !== 'invalid') return { ok: false, refusal: bytes }
  if (!/^application\/json\s*(;|$)/i.test(wire.contentType)) {
    return { ok: false, refusal: { reason: 'content-type' } }
  }
  return isUnpacked ? parseReport(bytes, rules) : { ok: false, refusal: bytes }
}

async function unpack(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  try {
    const bytes = await unpackBounded(packed, REPORT_MAX_BYTES)
    return bytes ?? { reason: 'too-large', maxBytes: REPORT_MAX_BYTES }
  } catch {
    return { reason: 'invalid', detail: 'body: is not gzip' }
  }
}

function parseReport(
  bytes: Uint8Array<ArrayBuffer>,
  { cluster, deadAfterSeconds }: WireRules,
): Parsed {
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), new TextDecoder().decode(bytes))
  const tooLong = json.success ? findLongList(json.output) : null
  if (tooLong !== null) return invalid(tooLong)
  const result = json.success ? v.safeParse(reportSchema, json.output) : json
  if (!result.success) {
    const [issue] = result.issues
    return invalid(`${v.getDotPath(issue) ?? 'body'}: ${issue.message}`)
  }
  const report = result.output
  const excess = report.kind === 'snapshot' ? findExcess(report.content) : null
  if (excess !== null) return invalid(excess)
  if (isIntervalTooLong(report.intervalSeconds, deadAfterSeconds)) {
    return invalid(
      `intervalSeconds: four intervals must fit into ${deadAfterSeconds} s (DEAD_AFTER_SECONDS)`,
    )
  }
  if (report.cluster !== cluster) return { ok: false, refusal: { reason: 'other-cluster' } }
  return { ok: true, report, text: bytes }
}

/** The message may quote what was sent; it goes back to the signer alone, and never at length. */
function invalid(detail: string): Parsed {
  return { ok: false, refusal: { reason: 'invalid', detail: detail.slice(0, 300) } }
}
