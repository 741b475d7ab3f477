/** The pages that people and widgets read, at 1,000 services: how long they take, and how large they are. */
import { gzipSync } from 'node:zlib'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { median, quantile } from './load.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, contentOf, podName, Reporter } from './reports-like-real.ts'
import { overHttp } from './send.ts'
import { print, round, tell, type Row } from './table.ts'

const SIZE = { services: 1000, replicas: 4 }
const FAILING = [podName('service-7', 1), podName('service-70', 2)]
const READS = 30
const SHAPES = {
  page: 'text/html',
  JSON: 'application/json',
  'health+json': 'application/health+json',
}

export async function benchHealth(): Promise<void> {
  const runtime = await startPlain({ script: await bundleWorker(), vars: ALONE })
  try {
    const snapshot = await new Reporter().snapshot(contentOf(SIZE, FAILING))
    await overHttp(runtime)([snapshot])
    const rows: Row[] = []
    for (const [shape, accept] of Object.entries(SHAPES)) {
      tell(`__health at ${SIZE.services} services as ${shape}`)
      rows.push({ shape, ...(await measure(runtime, accept)) })
    }
    print(`__health at ${SIZE.services} services`, rows)
  } finally {
    await runtime.stop()
  }
}

async function measure(runtime: PlainRuntime, accept: string): Promise<Row> {
  const read = async () => {
    const startMs = performance.now()
    const headers = { accept, 'accept-encoding': 'identity' }
    const answer = await fetch(`http://127.0.0.1:${runtime.port}/__health`, { headers })
    const bytes = new Uint8Array(await answer.arrayBuffer())
    return { tookMs: performance.now() - startMs, bytes }
  }
  const first = await read()
  const beforeMs = runtime.cpuMs()
  const tookMs: number[] = []
  for (let i = 0; i < READS; i++) tookMs.push((await read()).tookMs)
  return {
    'first ms': round(first.tookMs),
    'p50 ms': round(median(tookMs)),
    'p99 ms': round(quantile(Float64Array.from(tookMs).toSorted(), 0.99)),
    'CPU ms': round((runtime.cpuMs() - beforeMs) / READS),
    kB: round(first.bytes.length / 1000),
    'kB gzip': round(gzipSync(first.bytes).length / 1000),
  }
}
