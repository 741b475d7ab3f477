/** SIGTERM and SIGINT from the first moment on: whoever is process 1 of a container never hears what it has no handler for. */

/** Said twice within so many ms it is the same one: npm hands on what its terminal has sent to all already. */
const SAME_SIGNAL_MS = 300

export interface Signals {
  /** Called once, with the first one from now on. */
  onStop(stop: (signal: string) => void): void
}

/** Told a second time, the process ends with 1. */
export function hearSignals(): Signals {
  let stop = endAtOnce
  let toldAtMs: number | null = null
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now()
      if (toldAtMs === null) {
        toldAtMs = nowMs
        stop(signal)
      } else if (nowMs - toldAtMs > SAME_SIGNAL_MS) process.exit(1)
    })
  }
  return {
    onStop: (listener) => {
      stop = listener
    },
  }
}

/** Until somebody listens nothing has been started. */
function endAtOnce(_signal: string): void {
  process.exit(0)
}
