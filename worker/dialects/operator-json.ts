/** What scripts that act read: acks, categories and history in JSON, with times as RFC 3339. */
import type { ActOutcome } from '../domain/acts.ts'
import type { Hold } from '../domain/decisions.ts'
import type { Transition } from '../domain/history.ts'
import type { CategoryStatus } from '../domain/status.ts'

/** How things stand after an act, of what it was about. */
export function tellOutcome(outcome: ActOutcome) {
  if ('ack' in outcome) {
    const { ack } = outcome
    if (ack === null) return { ok: true, ack: null }
    const { service, message, by, atMs, expiresAtMs, until } = ack
    return {
      ok: true,
      ack: { service, message, by, at: timeOf(atMs), expiresAt: timeOf(expiresAtMs), until },
    }
  }
  if ('orderSinceMs' in outcome) return { ok: true, orderSince: timeOf(outcome.orderSinceMs) }
  if ('hold' in outcome) return { ok: true, hold: tellHold(outcome.hold) }
  const { category } = outcome
  if (category === null) return { ok: true, category: null }
  const { name, passes, reason, severity, sinceMs, failing, acked, missing } = category
  return {
    ok: true,
    category: {
      name,
      passes,
      reason,
      severity,
      since: timeOf(sinceMs),
      failing,
      acked: acked.map(({ service }) => service),
      missing,
    },
  }
}

export function tellHold(hold: Hold | null) {
  if (hold === null) return null
  const { untilMs, by, why, atMs, isRestored } = hold
  return { until: timeOf(untilMs), by, why, at: timeOf(atMs), isRestored }
}

export function tellCategory({ sinceMs, override, ...category }: CategoryStatus) {
  return {
    ...category,
    since: timeOf(sinceMs),
    override: override && {
      isEnabled: override.isEnabled,
      cause: override.cause,
      by: override.by,
      why: override.why,
      at: timeOf(override.atMs),
      isRestored: override.isRestored,
    },
  }
}

export function tellEvent({ atMs, ...event }: Transition) {
  return { at: timeOf(atMs), ...event }
}

function timeOf(ms: number): string
function timeOf(ms: number | null): string | null
function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
