/** `npm run bench`: the bundled exporter at a few sizes, against the sandbox and the real Worker. Prints a table. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as v from 'valibot'
import { bundleExporter, NODE_FLAGS } from '../../deploy/bundle.ts'
import { startEdgeProxy } from '../sandbox/edge-proxy.ts'
import { startProcess } from '../sandbox/process.ts'
import { startWorker } from '../sandbox/worker.ts'
import { startWorld, type World } from '../sandbox/world.ts'
import { PUSH_SECRET, VARS } from '../support/secrets.ts'
import type { Report } from '../../worker/contract/report.ts'

const SIZES = [
  { services: 25, replicas: 4 },
  { services: 250, replicas: 4 },
  { services: 500, replicas: 4 },
]
const INTERVAL_SECONDS = 10
/** s of the steady state that are measured. */
const STEADY_SECONDS = 20

const lagSchema = v.object({ bench: v.object({ p99: v.number(), max: v.number() }) })

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
  const exporter = startBundle(edge.url, NODE_FLAGS)
  await exporter.waitFor(/snapshot accepted/)
  const startupMs = Math.round(performance.now() - startMs)
  const before = { asked: sumAsked(world), ...readUsage(exporter.pid) }
  await steady()
  const after = { asked: sumAsked(world), ...readUsage(exporter.pid) }
  await exporter.stop()
  const bytes = (kind: Report['kind']) =>
    Math.max(...edge.passed.filter(({ report }) => report.kind === kind).map((one) => one.bytes))
  const snapshots = edge.passed.filter(({ report }) => report.kind === 'snapshot').length

  const row = {
    services,
    pods: services * replicas,
    'start to snapshot ms': startupMs,
    'probes per period': ((after.asked - before.asked) / STEADY_SECONDS) * INTERVAL_SECONDS,
    'rss MB': after.rssMb,
    'cpu %': Number(((after.cpuMs - before.cpuMs) / (10 * STEADY_SECONDS)).toFixed(1)),
    ...(await measureLag(edge.url)),
    'snapshot bytes': bytes('snapshot'),
    'heartbeat bytes': bytes('heartbeat'),
    'snapshots after the first': snapshots - 1,
  }
  await edge.stop()
  await worker.stop()
  await world.stop()
  return row
}

/** In a run of its own, for what measures it takes memory too. The first second is the start. */
async function measureLag(edgeUrl: string) {
  const preload = new URL('lag.mjs', import.meta.url).pathname
  const exporter = startBundle(edgeUrl, [...NODE_FLAGS, '--import', preload])
  await exporter.waitFor(/snapshot accepted/)
  await steady()
  await exporter.stop()
  const [start, ...rest] = exporter.lines.flatMap((line) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), lagSchema), line)
    return parsed.success ? [parsed.output.bench] : []
  })
  return {
    'lag at start ms': start?.max,
    'lag p99 ms': Math.max(...rest.map(({ p99 }) => p99)),
    'lag max ms': Math.max(...rest.map(({ max }) => max)),
  }
}

function startBundle(edgeUrl: string, flags: string[]) {
  return startProcess(bundle, {
    CLUSTER_ID: 'c0',
    WORKER_URL: edgeUrl,
    PUSH_SECRET,
    KUBECONFIG: `${folder}/kubeconfig`,
    INTERVAL_SECONDS: String(INTERVAL_SECONDS),
    NODE_OPTIONS: flags.join(' '),
  })
}

function steady(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, STEADY_SECONDS * 1000))
}

/** From Linux's /proc; a tick of its clock is 10 ms. */
function readUsage(pid: number): { rssMb: number; cpuMs: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return { rssMb: Math.round(rssKb / 1000), cpuMs: 10 * (Number(fields[11]) + Number(fields[12])) }
}

function sumAsked(world: World): number {
  return [...world.pods.asked.values()].reduce((sum, count) => sum + count, 0)
}
