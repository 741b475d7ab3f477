/** A report that passed the edge proxy, by whichever way, and what the Worker said to it. */
import * as v from 'valibot'
import { reportSchema, type Report } from '../../worker/contract/report.ts'

export interface Passed {
  report: Report
  /** ms since 1970, this machine's clock. */
  atMs: number
  /** Of the Worker, or of the fault; null: never answered. */
  status: number | null
  /** On the wire, headers included. */
  bytes: number
  via: 'https' | 'link'
}

const schema = v.pipe(v.string(), v.parseJson(), reportSchema)

/** `unpacked`: JSON. */
export function readReport(unpacked: Buffer): Report {
  return v.parse(schema, unpacked.toString())
}
