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
  'NODES_MIN_READY',
  'CLUSTERS',
  'ON_SILENCE',
  'PANIC_GUIDE',
  'PUBLIC_URL',
  'PATH_PREFIX',
  'SESSION_SECRET',
  'METRICS_PREFIX',
]

const vars = Object.fromEntries(
  VARS.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)
const port = Number(process.env['PORT'] ?? 8787)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error('PORT must be a port, 0 to 65535 (0: any free one)')
  process.exit(2)
}
const worker = await startWorker({
  port,
  stateDir: process.env['STATE_DIR'] ?? '.state',
  vars,
}).catch((error: unknown) => {
  console.error(`the worker can't start: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
})
console.log(`worker on ${worker.url}`)

onStopSignal(async () => {
  await worker.stop()
  process.exit(0)
})
