/** Ctrl-C and SIGTERM for programs that have a Worker inside. */

/** Runs `stop` once, on the first of them. */
export function onStopSignal(stop: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // miniflare's own handler would end the process before the rest has stopped.
    process.removeAllListeners(signal)
    process.on(signal, () => void stop())
  }
}
