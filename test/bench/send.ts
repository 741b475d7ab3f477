/** The two ways of a report to the edge. */
import type { Report } from '../../worker/contract/report.ts'
import { openLink } from './link-client.ts'
import { runLoad } from './load.ts'
import type { PlainRuntime } from './plain-runtime.ts'
import { pushRequest, type Reporter } from './reports-like-real.ts'

/** Sends all, one after the other; gives ms of each and bytes on the wire, headers and answers included. */
export type Send = (reports: Report[]) => Promise<{ tookMs: number[]; up: number; down: number }>

export function overHttp({ port }: PlainRuntime): Send {
  return async (reports) => {
    const requests = await Promise.all(reports.map((report) => pushRequest(report)))
    const up = requests.reduce((sum, request) => sum + request.length, 0)
    const left = requests.values()
    const next = () => left.next().value ?? null
    const load = { port, next, expect: 'HTTP/1.1 202', connections: 1 }
    const { latenciesUs, bytesDown } = await runLoad(load)
    return { tookMs: [...latenciesUs].map((us) => us / 1000), up, down: bytesDown }
  }
}

/** null: the Worker refuses the upgrade. */
export async function overLink(runtime: PlainRuntime, reporter: Reporter): Promise<Send | null> {
  const link = await openLink(runtime.port, { sequence: reporter.takeSequence() })
  if (link === null) return null
  return async (reports) => {
    const before = link.bytes()
    const tookMs: number[] = []
    for (const report of reports) {
      const startMs = performance.now()
      await link.send(report)
      tookMs.push(performance.now() - startMs)
    }
    const after = link.bytes()
    return { tookMs, up: after.up - before.up, down: after.down - before.down }
  }
}
