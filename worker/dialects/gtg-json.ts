/** `__gtg` spelled out for people and scripts: the same status, with the categories that made it. */
import type { Gtg, GtgAnswer } from '../domain/gtg.ts'
import type { NodeGtg } from '../domain/node-gtg.ts'
import { lineOf, replyAs } from './gtg-text.ts'

/** `showServices`: whether names of services may be told to whoever asks. */
export function replyGtgJson(method: string, gtg: Gtg, showServices: boolean): Response {
  const body = {
    gtg: gtg.passes ? 'pass' : 'fail',
    reason: gtg.reason,
    ageSeconds: gtg.ageSeconds,
    ...(gtg.heldBy === null ? {} : { heldBy: gtg.heldBy }),
    categories: gtg.categories.map((category) => ({
      name: category.name,
      passes: category.passes,
      reason: category.reason,
      severity: category.severity,
      since: new Date(category.sinceMs).toISOString(),
      ...(category.isChecked ? {} : { note: 'none of its services counts yet' }),
      ...(category.isIncomplete === true ? { isIncomplete: true } : {}),
      ...(showServices
        ? {
            failing: category.failing,
            acked: category.acked.map(({ service }) => service),
            missing: category.missing,
            ...(category.late.length === 0 ? {} : { late: category.late }),
          }
        : {}),
    })),
  }
  return replyAs(method, gtg, asJson(gtg, body))
}

/** The same for a node, with the checks that fail. */
export function replyNodeGtgJson(method: string, gtg: NodeGtg, showChecks: boolean): Response {
  const { passes, reason, ageSeconds, failing } = gtg
  const body = { gtg: passes ? 'pass' : 'fail', reason, ageSeconds }
  return replyAs(method, gtg, asJson(gtg, showChecks ? { ...body, failing } : body))
}

/** A match for `gtg=pass` must find our own line only. A category may be called so, and every other `=` is escaped for that. */
export function asJson(gtg: GtgAnswer, told: object) {
  const rest = JSON.stringify(told)
    .replaceAll('=', String.raw`\u003d`)
    .slice(1)
  const body = `{"line":"${lineOf(gtg)}",${rest}\n`
  return { body, contentType: 'application/json; charset=utf-8' }
}
