/** `npm run worker`: the Worker alone; vars and secrets from the environment, state under STATE_DIR. */
import { onStopSignal } from './signals.ts'
import { startWorker } from './worker.ts'

const VARS = [
  'PUSH_SECRETS',
  'TOKENS',
  'DEFAULT_CLUSTER',
  'DEAD_AFTER_SECONDS',
  'HEALTH_ACCESS',
  'BUSINESS_IMPACT',
  'PANIC_GUIDE',
]

const vars = Object.fromEntries(
  VARS.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)
const worker = await startWorker({
  port: Number(process.env['PORT'] ?? 8787),
  stateDir: process.env['STATE_DIR'] ?? '.state',
  vars,
})
console.log(`worker on ${worker.url}`)

onStopSignal(async () => {
  await worker.stop()
  process.exit(0)
})
