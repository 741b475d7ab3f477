/**
 * Whether a loop that should go round has stopped. It counts rounds, not what comes of them: targets that fail, hang or
 * can't be reached make no stall, for each question to them ends in time.
 */
import type { Said } from './health-manager.ts'

/**
 * ms without any round after which a loop is taken for dead. A minute, for it means a restart and with it a minute of not
 * seeing: until then the same loop is `degraded` for being late, and the edge knows from `observedAt`.
 */
export const STALLED_AFTER_MS = 60_000

export class StallGuard {
  readonly #now: () => number
  #turnedAtMs = -Infinity
  /** When work was first seen to be due; null while there is none. */
  #dueAtMs: number | null = null

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** The loop did something, whatever came of it. */
  turned(): void {
    this.#turnedAtMs = this.#now()
  }

  /** ms for which there was work and nothing was done. */
  idleMs(isDue: boolean): number {
    if (!isDue) {
      this.#dueAtMs = null
      return 0
    }
    this.#dueAtMs ??= this.#now()
    return this.#now() - Math.max(this.#turnedAtMs, this.#dueAtMs)
  }
}

export interface ProberFigures {
  targets: number
  /** ms between two probes of whichever service is asked most often. */
  periodMs: number
  /** ms one probe may take. */
  timeoutMs: number
  overdueMs: number
  overdueTargets: () => string[]
}

/** A prober that is behind is degraded; unhealthy is one that asks nobody for three periods and a probe, or a minute. */
export function judgeProber(guard: StallGuard, figures: ProberFigures): Said {
  const { targets, periodMs, timeoutMs, overdueMs, overdueTargets } = figures
  const idleMs = guard.idleMs(targets > 0)
  if (idleMs > Math.max(STALLED_AFTER_MS, 3 * periodMs + timeoutMs)) {
    const message = `stalled: nobody was asked for ${toSeconds(idleMs)}, of ${targets} targets`
    return { status: 'unhealthy', message }
  }
  if (overdueMs === 0) return { status: 'healthy' }
  const message = `behind by ${toSeconds(overdueMs)}: ${overdueTargets().join(', ')}`
  return { status: 'degraded', message }
}

export interface ChecksFigures {
  /** undefined: NODE_NAME isn't set, and every question is answered with 500. */
  nodeName: string | undefined
  /** Sampled for good. */
  warm: number
}

/** What checks find is the node's health, not the exporter's: unhealthy is a sampler that runs none for a minute. */
export function judgeChecks(guard: StallGuard, { nodeName, warm }: ChecksFigures): Said {
  const idleMs = guard.idleMs(warm > 0)
  if (idleMs > STALLED_AFTER_MS) {
    return { status: 'unhealthy', message: `stalled: no check was run for ${toSeconds(idleMs)}` }
  }
  if (nodeName === undefined) return { status: 'degraded', message: 'NODE_NAME is not set' }
  return { status: 'healthy' }
}

function toSeconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`
}
