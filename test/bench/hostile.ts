/**
 * What others may do to a category that has nothing to do with them: tenants whose pods hang, that make ten thousand
 * Services or a ConfigMap of a megabyte, and visitors without a token. Each alone, then all at once.
 */
import { startProcess } from '../sandbox/process.ts'
import type { World } from '../sandbox/world.ts'
import { pause, startTown, type BenchTown } from './bench-town.ts'
import { quantile } from './load.ts'
import { CLUSTER } from './reports-like-real.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

/** s for which each is watched: an old result would be stale after 60. */
const WATCH_SECONDS = 100
const PROBE_EVERY_MS = 100
/** ms that `__gtg` may take, whatever fails behind it (docs/behaviour.md, `__gtg`). */
const ANSWER_MAX_MS = 700
/** ms after which no prober waits any more. */
const GIVE_UP_MS = 10_000

type Act = (town: BenchTown) => Promise<() => Promise<string>>

const ACTS: Record<string, Act> = {
  'nothing else': () => Promise.resolve(nothing),
  '2,000 targets that hang': async ({ world }) => {
    await world.addService({
      name: 'hanging',
      namespace: 'tenant-a',
      replicas: 2000,
      behaviour: { kind: 'hang' },
    })
    return nothing
  },
  '10,000 labelled Services': ({ world }) => {
    for (let i = 0; i < 10_000; i++) addEmptyService(world, i)
    return Promise.resolve(nothing)
  },
  'ConfigMaps of 1 MB': ({ world }) => {
    addLargeConfigMaps(world)
    return Promise.resolve(nothing)
  },
  '350 anonymous connections': ({ worker }) => {
    const visitors = startProcess('test/bench/anonymous-load.ts', {
      URL: `http://127.0.0.1:${worker.port}`,
    })
    return Promise.resolve(async () => {
      await visitors.stop()
      return visitors.lines.at(-1) ?? ''
    })
  },
}

function nothing(): Promise<string> {
  return Promise.resolve('')
}

export async function benchHostile(): Promise<void> {
  const rows: Row[] = []
  for (const [name, act] of Object.entries(ACTS)) rows.push(await measure(name, [act]))
  rows.push(await measure('all at once', Object.values(ACTS)))
  print(`__gtg of a category of ten healthy services, for ${WATCH_SECONDS} s beside`, rows)
}

async function measure(name: string, acts: Act[]): Promise<Row> {
  tell(name)
  const size = { services: 10, replicas: 2 }
  const town = await startTown({ ...size, over: 'link', intervalSeconds: 10 })
  try {
    const services = Array.from({ length: size.services }, (_, i) => `service-${i}`)
    town.world.addCategory({ name: 'honest', services })
    const exporter = await town.startExporter()
    await untilKnown(town)
    const ends: (() => Promise<string>)[] = []
    for (const act of acts) ends.push(await act(town))
    const looks = await watch(town)
    const fault = await timeFault(town)
    for (const end of ends) {
      const told = await end()
      if (told !== '') tell(told)
    }
    await exporter.stop()
    const row = {
      beside: name,
      ...describe(looks),
      'fault to 503 s': atMost(FAULT_MAX_SECONDS, fault),
    }
    tell(JSON.stringify(row)) // what was measured stays, whatever the next one breaks
    return row
  } finally {
    await town.stop()
  }
}

interface Look {
  said: string
  tookMs: number
  ageSeconds: number
}

async function watch(town: BenchTown): Promise<Look[]> {
  const looks: Look[] = []
  const endMs = performance.now() + WATCH_SECONDS * 1000
  while (performance.now() < endMs) {
    looks.push(await look(town))
    await pause(PROBE_EVERY_MS)
  }
  return looks
}

async function look({ worker }: BenchTown): Promise<Look> {
  const startMs = performance.now()
  const url = `http://127.0.0.1:${worker.port}/clusters/${CLUSTER}/__gtg/honest`
  const signal = AbortSignal.timeout(GIVE_UP_MS)
  const response = await fetch(url, { signal }).catch(() => null) // too late for any prober
  await response?.arrayBuffer()
  const tookMs = performance.now() - startMs
  if (response === null) return { said: 'no answer', tookMs, ageSeconds: 0 }
  const { status, headers } = response
  const ageSeconds = Number(headers.get('x-gtg-age') ?? 0)
  return { said: `${status} ${headers.get('x-gtg-reason')}`, tookMs, ageSeconds }
}

function describe(looks: Look[]): Row {
  const tookMs = Float64Array.from(looks, (one) => one.tookMs).toSorted()
  const saids = Map.groupBy(looks, ({ said }) => said)
  return {
    answers: [...saids].map(([said, some]) => `${some.length} × ${said}`).join(', '),
    'p99 ms': round(quantile(tookMs, 0.99)),
    'max ms': atMost(ANSWER_MAX_MS, tookMs.at(-1) ?? 0),
    'oldest s': round(Math.max(...looks.map(({ ageSeconds }) => ageSeconds))),
  }
}

async function untilKnown(town: BenchTown): Promise<void> {
  while ((await look(town)).said !== '200 healthy') await pause(PROBE_EVERY_MS)
}

/** s after which a fault that is not told counts as never told. */
const FAULT_MAX_SECONDS = 60

/** s until the category tells that one of its pods fails. */
async function timeFault(town: BenchTown): Promise<number> {
  const [pod = ''] = town.pods[0] ?? []
  await town.world.pods.set(pod, { kind: 'failing' })
  const startMs = performance.now()
  const secondsSince = () => (performance.now() - startMs) / 1000
  while ((await look(town)).said !== '503 unhealthy' && secondsSince() < FAULT_MAX_SECONDS) {
    await pause(PROBE_EVERY_MS)
  }
  return secondsSince()
}

function addEmptyService({ api }: World, i: number): void {
  api.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `flood-${i}`, namespace: 'tenant-b', labels: { hasHealthcheck: 'true' } },
    spec: { ports: [{ port: 8080 }], ...(i < 1500 ? {} : { selector: { app: 'none' } }) },
  })
}

/** As large as etcd takes them. */
function addLargeConfigMaps({ api }: World): void {
  const names = Array.from({ length: 15_000 }, (_, i) => `${'x'.repeat(50)}-${i}`)
  const add = (name: string, label: string, data: Record<string, string>) => {
    const metadata = { name, namespace: 'default', labels: { [label]: 'aggregate-healthcheck' } }
    api.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  }
  add('category.large', 'healthcheck-categories-for', {
    'category.name': 'large',
    'category.services': names.join(','),
  })
  const acks = names.map((name) => [name, 'known'] as const)
  add('acks.large', 'healthcheck-acknowledgements-for', Object.fromEntries(acks))
}
