/**
 * `npm run bench`, or `npm run bench -- gtg reports`: figures of one run on one machine, each with its target. Nothing
 * fails by speed; what was reached goes into docs/performance.md by hand.
 */
import { cpus } from 'node:os'
import { benchBundle } from './bundle.ts'
import { benchCost } from './cost.ts'
import { benchCrowd } from './crowd.ts'
import { benchExporter } from './exporter.ts'
import { benchFault } from './fault.ts'
import { benchGtg } from './gtg.ts'
import { benchHealth } from './health.ts'
import { benchHostile } from './hostile.ts'
import { benchLargest } from './largest.ts'
import { benchNodes } from './nodes.ts'
import { WORKERD_VERSION } from './plain-runtime.ts'
import { benchReports } from './reports.ts'
import { benchRows } from './rows.ts'
import { benchVisitors } from './visitors.ts'

const BENCHES: Record<string, () => Promise<void>> = {
  gtg: benchGtg,
  reports: benchReports,
  largest: benchLargest,
  rows: benchRows,
  fault: benchFault,
  exporter: benchExporter,
  crowd: benchCrowd,
  visitors: benchVisitors,
  nodes: benchNodes,
  health: benchHealth,
  hostile: benchHostile,
  bundle: benchBundle,
  cost: benchCost,
}

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  console.error(`no bench ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}

const [cpu] = cpus()
const machine = `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores`
const date = new Date().toISOString().slice(0, 10)
console.log(`${date} · ${machine} · Node ${process.version} · workerd ${WORKERD_VERSION}`)

for (const [name, run] of Object.entries(BENCHES)) {
  if (named.length > 0 && !named.includes(name)) continue
  console.error(`${name}:`)
  await run()
}
