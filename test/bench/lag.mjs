/** Loaded into a process with --import: tells its event-loop lag each second, as JSON on stderr. SIGUSR2: count anew. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 5
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
histogram.enable()

setInterval(() => {
  const [p99, max] = [lagMs(histogram.percentile(99)), lagMs(histogram.max)]
  process.stderr.write(`${JSON.stringify({ bench: { p99, max } })}\n`)
}, 1000).unref()
process.on('SIGUSR2', () => {
  histogram.reset()
})

/**
 * The histogram counts its own rhythm too; what is above that is lag.
 * @param {number} ns
 */
function lagMs(ns) {
  return Math.max(0, Math.round(ns / 1e6 - RESOLUTION_MS))
}
