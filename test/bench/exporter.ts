/** `npm run bench`: the bundled exporter at a few sizes, against the sandbox and the real Worker. Prints a table. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as v from 'valibot'
import { bundleExporter, NODE_FLAGS } from '../../deploy/bundle.ts'
import { startEdgeProxy } from '../sandbox/edge-proxy.ts'
import { startProcess } from '../sandbox/process.ts'
import { startWorker } from '../sandbox/worker.ts'
import { startWorld, type World } from '../sandbox/world.ts'
import { PUSH_SECRET, VARS } from '../support/secrets.ts'

const SIZES = [
  { services: 25, replicas: 4 },
  { services: 250, replicas: 4 },
  { services: 500, replicas: 4 },
]
const INTERVAL_SECONDS = 10
/** s of the steady state that are measured. */
const STEADY_SECONDS = 25

const lagSchema = v.object({
  bench: v.object({ p99: v.number(), max: v.number(), rssMb: v.number(), cpuMs: v.number() }),
})

const folder = mkdtempSync(`${tmpdir()}/pilotlight-bench-`)
const bundle = await bundleExporter()
const rows = []
for (const size of SIZES) rows.push(await measure(size))
console.table(rows)
rmSync(folder, { recursive: true, force: true })

async function measure({ services, replicas }: (typeof SIZES)[number]) {
  const world = await startWorld()
  for (let i = 0; i < services; i++) await world.addService({ name: `service-${i}`, replicas })
  const worker = await startWorker({ port: 0, stateDir: `${folder}/${services}`, vars: VARS })
  const edge = await startEdgeProxy(worker.url)
  writeFileSync(`${folder}/kubeconfig`, world.api.kubeconfig())
  const startMs = performance.now()
  const exporter = startProcess(bundle, {
    CLUSTER_ID: 'c0',
    WORKER_URL: edge.url,
    PUSH_SECRET,
    KUBECONFIG: `${folder}/kubeconfig`,
    INTERVAL_SECONDS: String(INTERVAL_SECONDS),
    NODE_OPTIONS: [...NODE_FLAGS, '--import', new URL('lag.mjs', import.meta.url).pathname].join(
      ' ',
    ),
  })
  await exporter.waitFor(/snapshot accepted/)
  const startupMs = Math.round(performance.now() - startMs)
  const lags: v.InferOutput<typeof lagSchema>['bench'][] = []
  exporter.onLine((line) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), lagSchema), line)
    if (parsed.success) lags.push(parsed.output.bench)
  })
  const askedBefore = sumAsked(world)
  await new Promise((resolve) => setTimeout(resolve, STEADY_SECONDS * 1000))
  const asked = sumAsked(world) - askedBefore
  const snapshot = edge.passed.find(({ report }) => report.kind === 'snapshot')
  const beats = edge.passed.filter(({ report }) => report.kind === 'heartbeat')
  const cpuMs = (lags.at(-1)?.cpuMs ?? 0) - (lags[0]?.cpuMs ?? 0)
  const row = {
    services,
    pods: services * replicas,
    'start to snapshot ms': startupMs,
    'probes per period': Math.round((asked / STEADY_SECONDS) * INTERVAL_SECONDS),
    'rss MB': Math.max(...lags.map(({ rssMb }) => rssMb)),
    'cpu %': Number((cpuMs / (10 * (lags.length - 1))).toFixed(1)),
    'lag p99 ms': Math.max(...lags.map(({ p99 }) => p99)),
    'lag max ms': Math.max(...lags.map(({ max }) => max)),
    'snapshot bytes': snapshot?.bytes,
    'heartbeat bytes': Math.max(...beats.map(({ bytes }) => bytes)),
    'snapshots after the first':
      edge.passed.filter(({ report }) => report.kind === 'snapshot').length - 1,
  }
  await exporter.stop()
  await edge.stop()
  await worker.stop()
  await world.stop()
  return row
}

function sumAsked(world: World): number {
  return [...world.pods.asked.values()].reduce((sum, count) => sum + count, 0)
}
