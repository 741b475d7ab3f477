/** Operations that the platform bills, counted while 5,000 pods report: over HTTP and over the link. */
import * as v from 'valibot'
import type { Report } from '../../worker/contract/report.ts'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { COUNTING_ENTRY } from './count-operations.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, contentOf, podName, Reporter } from './reports-like-real.ts'
import { overHttp, overLink, type Send } from './send.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

export const SIZE = { services: 1250, replicas: 4 }
const HEARTBEATS = 100
const TURNS = 10
/** ms between two of them: KV takes a put a second. */
const TURN_EVERY_MS = 1200

/** What one report costs. */
export interface Cost {
  rowsWritten: number
  rowsRead: number
  alarmsSet: number
  calls: number
  messages: number
  kvPuts: number
  /** ms from the first byte to the answer: more than the object is at work. */
  tookMs: number
}

export interface Costs {
  heartbeat: Cost
  /** A snapshot in which one service turns, and what follows from it. */
  turn: Cost
}

export async function benchRows(): Promise<void> {
  const rows: Row[] = []
  for (const over of ['HTTP', 'link'] as const) {
    tell(`operations of ${SIZE.services * SIZE.replicas} pods over ${over}`)
    const costs = await countCosts(over)
    rows.push(
      ...(costs === null
        ? [{ over, report: 'no link yet' }]
        : [
            { over, report: 'heartbeat', ...describeSteady(costs.heartbeat, over) },
            { over, report: 'a service turns', ...describe(costs.turn) },
          ]),
    )
  }
  print('Operations a report, at 5,000 pods', rows)
}

function describe(cost: Cost): Row {
  return {
    'rows written': round(cost.rowsWritten),
    'of them alarms': round(cost.alarmsSet),
    'rows read': round(cost.rowsRead),
    'KV puts': round(cost.kvPuts),
    'calls of the object': round(cost.calls),
    'messages in': round(cost.messages),
  }
}

function describeSteady(cost: Cost, over: 'HTTP' | 'link'): Row {
  return {
    ...describe(cost),
    'rows written': atMost(over === 'HTTP' ? 1 : 0, cost.rowsWritten),
    'KV puts': atMost(0, cost.kvPuts),
  }
}

/** null: the Worker knows no link. */
export async function countCosts(over: 'HTTP' | 'link'): Promise<Costs | null> {
  const script = await bundleWorker({ entry: COUNTING_ENTRY })
  const runtime = await startPlain({ script, vars: ALONE })
  try {
    const reporter = new Reporter()
    const send = over === 'HTTP' ? overHttp(runtime) : await overLink(runtime, reporter)
    if (send === null) return null
    await send([await reporter.snapshot(contentOf(SIZE))])
    await pause(2 * TURN_EVERY_MS) // what it publishes follows in an alarm
    const heartbeats = Array.from({ length: HEARTBEATS }, () => reporter.heartbeat())
    const heartbeat = await costOf(runtime, HEARTBEATS, () => send(heartbeats))
    const turn = await costOf(runtime, TURNS, () => turnOften(reporter, send))
    return { heartbeat, turn }
  } finally {
    await runtime.stop()
  }
}

/** A service fails, and is well again, and so on. */
async function turnOften(reporter: Reporter, send: Send): ReturnType<Send> {
  const tookMs: number[] = []
  for (let i = 0; i < TURNS; i++) {
    const failing = i % 2 === 0 ? [podName('service-3', 1)] : []
    const report: Report = await reporter.snapshot(contentOf(SIZE, failing))
    tookMs.push(...(await send([report])).tookMs)
    await pause(TURN_EVERY_MS)
  }
  return { tookMs, up: 0, down: 0 }
}

async function costOf(
  runtime: PlainRuntime,
  times: number,
  act: () => ReturnType<Send>,
): Promise<Cost> {
  const before = await readCounts(runtime)
  const { tookMs } = await act()
  const after = await readCounts(runtime)
  const each = (name: keyof typeof before) => (after[name] - before[name]) / times
  return {
    rowsWritten: each('rowsWritten'),
    rowsRead: each('rowsRead'),
    alarmsSet: each('alarmsSet'),
    calls: each('calls'),
    messages: each('messages'),
    kvPuts: each('kvPuts'),
    tookMs: tookMs.reduce((sum, one) => sum + one, 0) / tookMs.length,
  }
}

const countsSchema = v.object({
  rowsWritten: v.number(),
  rowsRead: v.number(),
  alarmsSet: v.number(),
  calls: v.number(),
  messages: v.number(),
})

export async function readCounts(runtime: PlainRuntime) {
  const answer = await fetch(`http://127.0.0.1:${runtime.port}/bench/operations`)
  const counts = v.parse(countsSchema, await answer.json())
  return { ...counts, kvPuts: await runtime.countKvPuts() }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
