/** `__gtg` spelled out for people and scripts: the same status, with the categories that made it. */
import type { Gtg } from '../domain/gtg.ts'
import type { NodeGtg } from '../domain/node-gtg.ts'
import { replyAs } from './gtg-text.ts'

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
      ...(showServices
        ? {
            failing: category.failing,
            acked: category.acked.map(({ service }) => service),
            missing: category.missing,
          }
        : {}),
    })),
  }
  return replyAs(method, gtg, asJson(body))
}

/** The same for a node, with the checks that fail. */
export function replyNodeGtgJson(method: string, gtg: NodeGtg, showChecks: boolean): Response {
  const { passes, reason, ageSeconds, failing } = gtg
  const body = { gtg: passes ? 'pass' : 'fail', reason, ageSeconds }
  return replyAs(method, gtg, asJson(showChecks ? { ...body, failing } : body))
}

function asJson(body: object) {
  return { body: `${JSON.stringify(body)}\n`, contentType: 'application/json; charset=utf-8' }
}
