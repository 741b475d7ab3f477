/** What a report costs the edge, over HTTP and over the link: time, CPU of the Worker and the object together, and bytes. */
import type { Report } from '../../worker/contract/report.ts'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { median, quantile } from './load.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, contentOf, podName, Reporter } from './reports-like-real.ts'
import { overHttp, overLink, type Send } from './send.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

const SERVICES = [25, 250, 1250]
const REPLICAS = 4
/** Snapshots come one in minutes, so the first few count, before all is optimised. */
const SNAPSHOTS = 20
const HEARTBEATS = 300

const TARGETS = { snapshotCpuMs: 10, snapshotBytes: 60_000, heartbeatBytes: 500 }

export async function benchReports(): Promise<void> {
  const script = await bundleWorker()
  const rows: Row[] = []
  for (const over of ['HTTP', 'link'] as const) {
    for (const services of SERVICES) {
      tell(`reports of ${services * REPLICAS} pods over ${over}`)
      rows.push(...(await measure(services, { script, over })))
    }
  }
  print('A report accepted: Worker and object together', rows)
}

async function measure(
  services: number,
  { script, over }: { script: string; over: 'HTTP' | 'link' },
): Promise<Row[]> {
  const runtime = await startPlain({ script, vars: ALONE })
  try {
    const reporter = new Reporter()
    const send = over === 'HTTP' ? overHttp(runtime) : await overLink(runtime, reporter)
    if (send === null) return [{ pods: services * REPLICAS, over, report: 'no link yet' }]
    const pods = services * REPLICAS
    const row = async (report: string, reports: Report[]) => ({
      pods,
      over,
      report,
      ...describe(await watch(runtime, () => send(reports)), { report, pods }),
    })
    const snapshots = await makeSnapshots(reporter, services)
    const [first, ...others] = snapshots
    if (first === undefined) throw new Error('no snapshot to send')
    const rows = [await row('first snapshot', [first]), await row('snapshot', others)]
    const heartbeats = Array.from({ length: HEARTBEATS }, () => reporter.heartbeat())
    return [...rows, await row('heartbeat', heartbeats)]
  } finally {
    await runtime.stop()
  }
}

/** In each another pod fails, so that each turns something. */
async function makeSnapshots(reporter: Reporter, services: number): Promise<Report[]> {
  const snapshots: Report[] = []
  for (let i = 0; i <= SNAPSHOTS; i++) {
    const failing = i === 0 ? [] : [podName(`service-${i}`, 1)]
    snapshots.push(await reporter.snapshot(contentOf({ services, replicas: REPLICAS }, failing)))
  }
  return snapshots
}

type Watched = Awaited<ReturnType<Send>> & { cpuMs: number }

async function watch(runtime: PlainRuntime, act: () => ReturnType<Send>): Promise<Watched> {
  const beforeMs = runtime.cpuMs()
  const sent = await act()
  return { ...sent, cpuMs: runtime.cpuMs() - beforeMs }
}

function describe(
  { tookMs, up, down, cpuMs }: Watched,
  { report, pods }: { report: string; pods: number },
): Row {
  const count = tookMs.length
  const [eachMs, bytesUp] = [cpuMs / count, Math.round(up / count)]
  const isLargest = report === 'snapshot' && pods === 5000
  const isHeartbeat = report === 'heartbeat'
  const ascending = Float64Array.from(tookMs).toSorted()
  return {
    reports: count,
    'p50 ms': round(median(tookMs)),
    'p99 ms': round(quantile(ascending, 0.99)),
    'CPU ms': isLargest ? atMost(TARGETS.snapshotCpuMs, eachMs) : round(eachMs),
    'bytes up': isLargest
      ? atMost(TARGETS.snapshotBytes, bytesUp)
      : isHeartbeat
        ? atMost(TARGETS.heartbeatBytes, bytesUp)
        : bytesUp,
    'bytes down': Math.round(down / count),
  }
}
