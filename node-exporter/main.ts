/** Reads the configuration, starts, and stops clean on SIGTERM and SIGINT. Exit 2: misconfigured; 1: superseded. */
import { readConfig } from './config.ts'
import { startExporter } from './exporter.ts'
import { createLog } from './self/log.ts'

const read = readConfig(process.env)
if (!read.ok) {
  process.stderr.write(`The exporter can't start; mend these variables:\n`)
  for (const fault of read.faults) process.stderr.write(`  ${fault}\n`)
  process.exit(2)
}

const log = createLog(read.config.logLevel)
const exporter = await startExporter(read.config, {
  log,
  onSuperseded: () => {
    void stop(1)
  },
})

/** Probes of pods that hang are not waited for. */
async function stop(code: number): Promise<void> {
  await exporter.stop()
  log.info('exporter stopped')
  process.exit(code)
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void stop(0)
  })
}
