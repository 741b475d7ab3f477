/** The entry. Signals are heard before anything that takes time is loaded: as process 1 it would never be told again. */
import { hearSignals } from './self/signals.ts'

const signals = hearSignals()
const { run } = await import('./run.ts')
await run(signals)
