/** Reports applied to a cluster's state, at times that a case names. It decides nothing: the domain does. */
import type { Report } from '../../worker/contract/report.ts'
import { applyReport, type Applied, type ClusterState } from '../../worker/domain/cluster.ts'

/** ms; when the histories of these tests begin. Builders of reports observe at this moment. */
export const T0 = 1_700_000_000_000
export const DEAD_AFTER_MS = 60_000
/** The settings' defaults. */
export const RULES = { deadAfterMs: DEAD_AFTER_MS, nodesMinReady: { share: 1 } }

/** What the domain answers to one report. */
export function apply(state: ClusterState | null, report: Report, nowMs: number): Applied {
  return applyReport(state, report, { ...RULES, nowMs })
}

/** The same, where a refusal would be a fault of the case. */
export function accept(
  state: ClusterState | null,
  report: Report,
  nowMs: number = T0,
): Extract<Applied, { ok: true }> {
  const applied = apply(state, report, nowMs)
  if (!applied.ok) throw new Error(`refused #${report.sequence}, not expected`)
  return applied
}

/** The state after reports that all come at one moment. */
export function stateAfter(reports: Report[], nowMs: number = T0): ClusterState {
  const state = reports.reduce<ClusterState | null>(
    (held, report) => accept(held, report, nowMs).state,
    null,
  )
  if (state === null) throw new Error('a state needs a report')
  return state
}
