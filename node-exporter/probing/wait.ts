/** When a target is asked next: what brings its own moment forward. */
import { findStartingMs, type AskOptions } from './ask-target.ts'
import type { Entry } from './entry.ts'
import { findDelayMs } from './phase.ts'

/** ms; a timer may fire so early. */
const NEAR_MS = 50

type WaitOptions = Pick<AskOptions, 'now' | 'startingDeadlineMs'> & { periodMs: number }

/** ms until its phase; sooner where the last probe learned nothing, or where it stops being excused as starting. */
export function findWaitMs(service: string, entry: Entry, options: WaitOptions): number {
  const key = `${service}/${entry.target.id}`
  const delayMs = findDelayMs(key, { periodMs: entry.periodMs, nowMs: performance.now() })
  // The moment that a timer was meant for has not passed, but had its probe.
  const isHad = delayMs < Math.min(NEAR_MS, entry.periodMs / 10)
  const phaseMs = isHad ? delayMs + entry.periodMs : delayMs
  const isOpen = entry.isUnseen || entry.outcome?.isUnread === true
  const againMs = isOpen ? options.periodMs : Infinity
  const isStarting = entry.outcome?.starting === true
  const startingMs = isStarting ? Math.max(1, findStartingMs(entry, options)) : Infinity
  return Math.min(phaseMs, againMs, startingMs)
}
