/**
 * `npm run fuzz`, or `npm run fuzz -- --seed 7 --requests 100000 --reports 20000`: random requests and bent reports against the
 * Worker in its real runtime. A finding is told with its number: `--seed 7 --from 4711 --requests 1 --reports 0` repeats it alone.
 */
import { parseArgs } from 'node:util'
import { runFuzz } from './run-fuzz.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    requests: { type: 'string', default: '100000' },
    reports: { type: 'string', default: '20000' },
    from: { type: 'string', default: '0' },
  },
})
const [seed = NaN, requests = NaN, reports = NaN, from = NaN] = [
  values.seed,
  values.requests,
  values.reports,
  values.from,
].map(Number)
if (![seed, requests, reports, from].every((n) => Number.isSafeInteger(n) && n >= 0)) {
  console.error('--seed, --requests, --reports and --from are whole numbers from 0')
  process.exit(2)
}

console.log(`seed ${seed}`)
const startMs = performance.now()
const result = await runFuzz({
  seed,
  requests,
  reports,
  from,
  tell: (line) => {
    console.error(`${Math.round((performance.now() - startMs) / 1000)} s: ${line}`)
  },
})
for (const [what, counts] of Object.entries({
  requests: result.requests,
  reports: result.reports,
})) {
  console.log(`\n${what}, by status`)
  console.table(counts)
}
for (const finding of result.findings) console.log(`\nFINDING ${finding}`)
console.log(`\n${result.findings.length} findings, seed ${seed}`)
process.exit(result.findings.length === 0 ? 0 : 1)
