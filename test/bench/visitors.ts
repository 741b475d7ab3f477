/** What readers without a token cost: calls of the object, counted, and what they do to probers and to the exporter meanwhile. */
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { COUNTING_ENTRY } from './count-operations.ts'
import { getRequest, quantile, repeat, runLoad } from './load.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, contentOf, podName, Reporter, type Size } from './reports-like-real.ts'
import { readCounts } from './rows.ts'
import { overHttp } from './send.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

/** Small where calls are counted, for they don't depend on it, and the load would only wait for bytes. */
const COUNTED = { services: 25, replicas: 4 }
const SIZE = { services: 1250, replicas: 4 }
const REQUESTS = 10_000
const CONNECTIONS = 16
/** Calls a second that visitors may make; and once as many at the start. */
const CALLS_PER_SECOND = 10
const CROWD = 350
const CROWD_MS = 3000
/** Longer than the bench: nothing reports while it counts. */
const INTERVAL_SECONDS = 600
const VARS = { ...ALONE, DEAD_AFTER_SECONDS: '3600', SESSION_SECRET: 'x'.repeat(32) }
const JSON_ONLY = { Accept: 'application/json' }
const PAGE = { Accept: 'text/html' }

interface Kind {
  name: string
  path: (i: number) => string
  headers?: Record<string, string>
}

const pod = (i: number) => podName(`service-${i % COUNTED.services}`, i % COUNTED.replicas)
const KINDS: Kind[] = [
  { name: '`/`', path: () => '/', headers: PAGE },
  { name: '`__health`, page', path: () => '/__health', headers: PAGE },
  { name: '`__health`, JSON', path: (i) => `/__health?i=${i}`, headers: JSON_ONLY },
  { name: '`__health?cache=false`', path: () => '/__health?cache=false', headers: JSON_ONLY },
  {
    name: '`__pods-health`, any service',
    path: (i) => `/__pods-health?service-name=service-${i % COUNTED.services}`,
    headers: PAGE,
  },
  {
    name: '`__pods-health?cache=false`, any service',
    path: (i) => `/__pods-health?service-name=service-${i % COUNTED.services}&cache=false`,
    headers: JSON_ONLY,
  },
  {
    name: '`__pod-individual-health`',
    path: (i) =>
      `/__pod-individual-health?service-name=service-${i % COUNTED.services}&pod-name=${pod(i)}`,
    headers: JSON_ONLY,
  },
  { name: '`/categories`', path: () => '/categories', headers: PAGE },
  { name: '`/nodes`', path: () => '/nodes', headers: PAGE },
  { name: '`/history`', path: () => '/history', headers: PAGE },
  {
    name: '`/history`, a search each',
    path: (i) => `/history?service-name=service-${i}`,
    headers: JSON_ONLY,
  },
  { name: '`/add-ack-form`', path: (i) => `/add-ack-form?service-name=service-${i % 25}` },
  { name: '`/sign-in`', path: () => '/sign-in' },
  { name: '`/metrics`', path: () => '/metrics' },
  { name: 'a cluster that is not known', path: (i) => `/clusters/c${i}/__health` },
  { name: 'a service that is not known', path: (i) => `/__pods-health?service-name=x${i}` },
  { name: '`__gtg`', path: () => '/__gtg' },
  { name: '`__gtg?cache=false`', path: () => '/__gtg?cache=false' },
]

export async function benchVisitors(): Promise<void> {
  const counting = await startPlain({
    script: await bundleWorker({ entry: COUNTING_ENTRY }),
    vars: VARS,
  })
  try {
    await report(counting, COUNTED)
    const rows: Row[] = []
    for (const kind of KINDS) {
      tell(`${REQUESTS} of ${kind.name}`)
      rows.push(await count(counting, kind))
    }
    print(`Calls of the object per ${REQUESTS} requests without a token`, rows)
  } finally {
    await counting.stop()
  }
  const plain = await startPlain({ script: await bundleWorker(), vars: VARS })
  try {
    const reporter = await report(plain, SIZE)
    const rows: Row[] = [await crowd(plain, reporter, null)]
    for (const kind of KINDS.filter(({ name }) => !name.startsWith('`__gtg'))) {
      tell(`${CROWD} connections: ${kind.name}`)
      rows.push(await crowd(plain, reporter, kind))
    }
    print(`${CROWD} connections without a token in a loop, at 5,000 pods`, rows)
  } finally {
    await plain.stop()
  }
}

async function report(runtime: PlainRuntime, size: Size): Promise<Reporter> {
  const reporter = new Reporter(INTERVAL_SECONDS)
  await overHttp(runtime)([await reporter.snapshot(contentOf(size))])
  return reporter
}

async function count({ port, ...runtime }: PlainRuntime, kind: Kind): Promise<Row> {
  const before = await readCounts({ port, ...runtime })
  const startMs = performance.now()
  await runLoad({
    port,
    next: takeRequests(kind, REQUESTS),
    expect: 'HTTP/1.1 ',
    connections: CONNECTIONS,
  })
  const seconds = (performance.now() - startMs) / 1000
  const after = await readCounts({ port, ...runtime })
  return {
    kind: kind.name,
    seconds: round(seconds),
    'requests/s': Math.round(REQUESTS / seconds),
    calls: atMost(Math.floor(CALLS_PER_SECOND * (seconds + 1)), after.calls - before.calls),
  }
}

function takeRequests({ path, headers }: Kind, times: number): () => Uint8Array | null {
  let i = 0
  return () => (i < times ? getRequest(path(i++), headers) : null)
}

/** A prober and the exporter, one request after the other, beside the crowd. */
async function crowd(runtime: PlainRuntime, reporter: Reporter, kind: Kind | null): Promise<Row> {
  const { port } = runtime
  let i = 0
  const until = repeat(new Uint8Array(), CROWD_MS)
  const next = () =>
    until() === null || kind === null ? null : getRequest(kind.path(i++), kind.headers)
  const load = { port, next, expect: 'HTTP/1.1 ', connections: kind === null ? 0 : CROWD }
  const probes = repeat(getRequest('/__gtg'), CROWD_MS)
  const [loaded, probed, pushed] = await Promise.all([
    runLoad(load),
    runLoad({ port, next: probes, expect: 'HTTP/1.1 200', connections: 1 }),
    pushFor(runtime, reporter),
  ])
  return {
    crowd: kind?.name ?? 'none',
    'requests/s': Math.round(loaded.requests / (CROWD_MS / 1000)),
    '`__gtg` p50 ms': round(quantile(probed.latenciesUs, 0.5) / 1000),
    '`__gtg` max ms': atMost(700, quantile(probed.latenciesUs, 1) / 1000),
    'heartbeat max ms': round(Math.max(...pushed)),
  }
}

async function pushFor(runtime: PlainRuntime, reporter: Reporter): Promise<number[]> {
  const tookMs: number[] = []
  const endMs = performance.now() + CROWD_MS
  while (performance.now() < endMs) {
    tookMs.push(...(await overHttp(runtime)([reporter.heartbeat()])).tookMs)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return tookMs
}
