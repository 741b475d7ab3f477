/**
 * The largest reports that the schema takes, each large in another way: what they cost the object, and what follows from them
 * for whoever reads. Every second one turns all that it can turn.
 */
import type { Content, Node, Service } from '../../worker/contract/report.ts'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { aCategory, aContent, aNode, aService, aTarget } from '../support/a-report.ts'
import { READ_TOKEN, VARS } from '../support/secrets.ts'
import { median } from './load.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, packed, Reporter } from './reports-like-real.ts'
import { overHttp } from './send.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

/** ms that any report may take in the object. */
const REPORT_MAX_MS = 200
const REPORTS = 8
const READS = 5

const READ: Record<string, { path: string; accept: string }> = {
  gtg: { path: '/__gtg', accept: 'text/plain' },
  metrics: { path: '/metrics', accept: 'text/plain' },
  'health JSON': { path: '/__health', accept: 'application/json' },
  'health page': { path: '/__health', accept: 'text/html' },
  'nodes page': { path: '/nodes', accept: 'text/html' },
  'categories page': { path: '/categories', accept: 'text/html' },
  'history page': { path: '/history', accept: 'text/html' },
}

function many<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

const nameOf = (i: number) => `service-${i}`

function failing(
  count: number,
  { targets, checks, ok }: Record<'targets' | 'checks', number> & { ok: boolean },
): Service[] {
  const said = many(checks, (n) => ({ id: `check-${n}`, name: `check-${n}`, ok }))
  return many(count, (i) =>
    aService({
      name: nameOf(i),
      targets: many(targets, (n) => aTarget({ id: `pod-${i}-${n}`, ok, checks: said })),
    }),
  )
}

function sticky(count: number, names: number) {
  return many(count, (i) =>
    aCategory({
      name: `category-${i}`,
      isSticky: true,
      failureThreshold: 1_000_000,
      services: many(names, (n) => nameOf((i * names + n) % 5000)),
    }),
  )
}

function nodes(count: number, { checks, ok }: { checks: number; ok: boolean }): Node[] {
  const said = many(checks, (n) => ({
    name: `c${n}`,
    passed: ok,
    ...(ok ? {} : { reason: 'no' }),
  }))
  return many(count, (i) => aNode({ name: `node-${i}`, checks: said }))
}

/** By what is large; `ok` false: all of it fails. */
const LARGEST: Record<string, (ok: boolean) => Partial<Content>> = {
  'a small one': (ok) => ({ services: failing(10, { targets: 2, checks: 3, ok }) }),
  '10,000 targets with 10 checks': (ok) => ({
    services: failing(5000, { targets: 2, checks: 10, ok }),
  }),
  '10,000 targets of one service': (ok) => ({
    services: failing(1, { targets: 10_000, checks: 10, ok }),
  }),
  '500 targets with 200 checks': (ok) => ({
    services: failing(500, { targets: 1, checks: 200, ok }),
  }),
  '500 sticky categories of 40': (ok) => ({
    services: failing(5000, { targets: 1, checks: 1, ok }),
    categories: sticky(500, 40),
  }),
  '4 sticky categories of 5,000': (ok) => ({
    services: failing(5000, { targets: 1, checks: 1, ok }),
    categories: sticky(4, 5000),
  }),
  '500 categories of 40 that are missing': (ok) => ({
    services: failing(1, { targets: 1, checks: 1, ok }),
    categories: sticky(500, 40),
  }),
  '650 nodes with 100 checks': (ok) => ({ nodes: nodes(650, { checks: 100, ok }) }),
  '5,000 nodes with 13 checks': (ok) => ({ nodes: nodes(5000, { checks: 13, ok }) }),
  '1,000 acks of 1 KiB': (ok) => ({
    services: failing(5000, { targets: 1, checks: 1, ok }),
    acks: many(1000, (i) => ({ service: nameOf(i), message: 'x'.repeat(1024) })),
  }),
  '3,000 texts of 1 KiB': (ok) => ({
    services: failing(3000, { targets: 1, checks: 1, ok }).map((service, i) => ({
      ...service,
      panicGuide: `${i} ${'x'.repeat(1000)}`,
    })),
  }),
}

export async function benchLargest(): Promise<void> {
  const script = await bundleWorker()
  const rows: Row[] = []
  for (const [largest, make] of Object.entries(LARGEST)) {
    tell(largest)
    rows.push({ largest, ...(await measure(script, make)) })
  }
  print('The largest reports that the schema takes', rows)
}

async function measure(script: string, make: (ok: boolean) => Partial<Content>): Promise<Row> {
  const runtime = await startPlain({ script, vars: { ...ALONE, TOKENS: VARS.TOKENS } })
  try {
    const reporter = new Reporter()
    const send = overHttp(runtime)
    const tookMs: number[] = []
    let bytes = 0
    for (let i = 0; i < REPORTS; i++) {
      const ok = i % 2 === 0
      const content = aContent(make(ok))
      const report = await reporter.snapshot(content)
      const streaks = ok
        ? {}
        : Object.fromEntries(content.services?.map(({ name }) => [name, i]) ?? [])
      bytes = packed({ ...report, streaks }).length
      tookMs.push(...(await send([{ ...report, streaks }])).tookMs)
    }
    // The first meets code that never ran.
    const row: Row = { bytes, 'report ms': atMost(REPORT_MAX_MS, median(tookMs.slice(1))) }
    for (const [what, read] of Object.entries(READ)) row[what] = await time(runtime, read)
    return row
  } finally {
    await runtime.stop()
  }
}

/** `ms, kB`; the median of a few reads past the isolate's copies of whole answers. */
async function time({ port }: PlainRuntime, { path, accept }: (typeof READ)[string]) {
  const tookMs: number[] = []
  let size = 0
  for (let i = 0; i < READS; i++) {
    const startMs = performance.now()
    const headers = { accept, authorization: `Bearer ${READ_TOKEN}` }
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    size = (await answer.arrayBuffer()).byteLength
    tookMs.push(performance.now() - startMs)
  }
  return `${round(median(tookMs))}, ${Math.round(size / 1000)}`
}
