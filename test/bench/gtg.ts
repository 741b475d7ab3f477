/** `__gtg` out of the memo, against a bare Worker that gives the same answer as a constant: what our own code costs a prober. */
import { ALONE, contentOf, pushRequest, Reporter } from './reports-like-real.ts'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { getRequest, median, quantile, repeat, runLoad } from './load.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { atLeast, atMost, print, round, tell, type Row } from './table.ts'

const SERVICES = [10, 1000, 5000]
const CONNECTIONS = 16
/** Many and short: what disturbs one of a pair disturbs the other, and the median leaves out the rest. */
const SLICES = 31
const SLICE_MS = 300
const WARM_UP_MS = 1500
/** Longer than the bench: nobody reports while it runs. */
const INTERVAL_SECONDS = 600
const VARS = { ...ALONE, DEAD_AFTER_SECONDS: '3600' }

/** The same body and headers, for those cost time too. */
const BARE = `const body = 'OK\\ngtg=pass\\n'
export default {
  fetch() {
    return new Response(body, {
      status: 200,
      headers: {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': '12',
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Access-Control-Allow-Origin': '*',
        'X-GTG': 'pass',
        'X-GTG-Reason': 'healthy',
        'X-GTG-Age': '0',
      },
    })
  },
}`

export async function benchGtg(): Promise<void> {
  const script = await bundleWorker()
  const bare = await startPlain({ script: BARE })
  try {
    const rows: Row[] = []
    for (const services of SERVICES) {
      tell(`__gtg at ${services} services, ${SLICES} slices of each`)
      rows.push(await measure(services, { script, bare }))
    }
    print('__gtg warm, against a bare Worker with the same answer (A/B/A/B, medians)', rows)
  } finally {
    await bare.stop()
  }
}

async function measure(
  services: number,
  { script, bare }: { script: string; bare: PlainRuntime },
): Promise<Row> {
  const worker = await startPlain({ script, vars: VARS })
  try {
    await report(worker.port, services)
    await slice(worker, WARM_UP_MS)
    await slice(bare, WARM_UP_MS)
    const pairs: { ours: Slice; bares: Slice }[] = []
    for (let i = 0; i < SLICES; i++) {
      // In turn, so that whatever else the machine does meets both.
      const first = i % 2 === 0 ? worker : bare
      const one = await slice(first, SLICE_MS)
      const other = await slice(first === worker ? bare : worker, SLICE_MS)
      pairs.push(first === worker ? { ours: one, bares: other } : { ours: other, bares: one })
    }
    const of = (figure: keyof Slice) => median(pairs.map(({ ours }) => ours[figure]))
    const ofBare = (figure: keyof Slice) => median(pairs.map(({ bares }) => bares[figure]))
    const ratio = (figure: keyof Slice) =>
      median(pairs.map(({ ours, bares }) => ours[figure] / bares[figure]))
    return {
      services,
      'requests/s': Math.round(of('perSecond')),
      'bare/s': Math.round(ofBare('perSecond')),
      ratio: atLeast(0.9, ratio('perSecond')),
      'p50 µs': Math.round(of('p50')),
      'bare p50': Math.round(ofBare('p50')),
      'p99 µs': Math.round(of('p99')),
      'bare p99': Math.round(ofBare('p99')),
      'p99 ratio': atMost(1.2, ratio('p99')),
      'CPU µs': round(of('cpuUs')),
      'bare CPU µs': round(ofBare('cpuUs')),
      'CPU ratio': round(ratio('cpuUs')),
    }
  } finally {
    await worker.stop()
  }
}

async function report(port: number, services: number): Promise<void> {
  const content = contentOf({ services, replicas: services > 1250 ? 1 : 4 })
  const requests = [await pushRequest(await new Reporter(INTERVAL_SECONDS).snapshot(content))]
  const next = () => requests.pop() ?? null
  await runLoad({ port, next, expect: 'HTTP/1.1 202', connections: 1 })
}

interface Slice {
  perSecond: number
  p50: number
  p99: number
  cpuUs: number
}

async function slice(runtime: PlainRuntime, ms: number): Promise<Slice> {
  const beforeMs = runtime.cpuMs()
  const next = repeat(getRequest('/__gtg'), ms)
  const { requests, perSecond, latenciesUs } = await runLoad({
    port: runtime.port,
    next,
    expect: 'HTTP/1.1 200',
    connections: CONNECTIONS,
  })
  return {
    perSecond,
    p50: quantile(latenciesUs, 0.5),
    p99: quantile(latenciesUs, 0.99),
    cpuUs: ((runtime.cpuMs() - beforeMs) * 1000) / requests,
  }
}
