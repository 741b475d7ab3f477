/** From a pod that has just told a fault to the first 503, end to end: the exporter as it ships, the Worker in workerd. */
import { TIMINGS } from '../../node-exporter/exporter.ts'
import type { Behaviour } from '../sandbox/pods.ts'
import { pause, startTown, type BenchTown } from './bench-town.ts'
import { median, quantile } from './load.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

const SIZE = { services: 10, replicas: 2 }
const INTERVAL_SECONDS = 0.5
const FAULTS = 50
/** ms between two reads: the machine has other things to do. */
const READ_EVERY_MS = 2
const GIVE_UP_MS = 20_000

/** ms up to which a memo answers: while it is fresh, and while a newer view is read behind the answer (read-view.ts). */
const MEMO_MS = { fresh: 1000, stale: 4000 }
/** ms that the object may take, and that the exporter waits after one try that failed (read-view.ts, pusher.ts). */
const [OBJECT_MS, BACKOFF_MS] = [450, 250]

export async function benchFault(): Promise<void> {
  const rows: Row[] = []
  for (const over of ['HTTP', 'link'] as const) {
    tell(`${FAULTS} faults over ${over}`)
    const town = await startTown({ ...SIZE, over, intervalSeconds: INTERVAL_SECONDS })
    try {
      rows.push({ over, ...(await measure(town)) })
    } finally {
      await town.stop()
    }
  }
  print('From the end of the probe that saw a fault to 503, read from the object', rows)
  const { fresh, stale } = MEMO_MS
  console.log(
    `\nThe memo adds ${fresh} ms at most, ${stale} ms where a view is renewed behind the answer.`,
  )
  tellWorst('one report lost over HTTP', TIMINGS.pushTimeoutMs)
  tellWorst('one report lost over the link', TIMINGS.linkTimeoutMs)
}

/** By arithmetic, layer by layer: what nobody may ever wait longer for. */
function tellWorst(what: string, lostMs: number): void {
  const layers = {
    gathered: TIMINGS.gatherMs,
    lost: lostMs,
    'tried again after': BACKOFF_MS * 1.1, // its jitter
    object: OBJECT_MS,
    memo: MEMO_MS.stale,
  }
  const parts = Object.entries(layers).map(([layer, ms]) => `${layer} ${Math.round(ms)}`)
  const sumMs = Object.values(layers).reduce((sum, ms) => sum + ms, 0)
  console.log(`Worst case, ${what}: ${parts.join(' + ')} ms = ${atMost(10, sumMs / 1000, ' s')}`)
}

async function measure(town: BenchTown): Promise<Row> {
  await town.startExporter()
  const [[pod = ''] = []] = town.pods
  const tookMs: number[] = []
  for (let i = 0; i < FAULTS + 1; i++) {
    await pause(300 + Math.random() * 400)
    const fault = stampedFault()
    await town.world.pods.set(pod, fault.behaviour)
    const seenMs = await readUntil(town, 503)
    tookMs.push(seenMs - fault.toldMs())
    await town.world.pods.set(pod, { kind: 'ok' })
    await readUntil(town, 200)
  }
  const [, ...warm] = tookMs // the first is the start
  const ascending = Float64Array.from(warm).toSorted()
  return {
    faults: warm.length,
    'p50 ms': atMost(100, median(warm)),
    'p90 ms': round(quantile(ascending, 0.9)),
    'max ms': atMost(500, Math.max(...warm)),
  }
}

/** A pod that fails, and knows when it first said so. */
function stampedFault(): { behaviour: Behaviour; toldMs: () => number } {
  let firstMs: number | null = null
  const check = { id: 'database', name: 'database', ok: false, severity: 1, checkOutput: 'refused' }
  const body = JSON.stringify({ schemaVersion: 1, checks: [check] })
  return {
    behaviour: {
      kind: 'body',
      get body() {
        firstMs ??= performance.now()
        return body
      },
    },
    toldMs: () => firstMs ?? NaN,
  }
}

/** ms, by performance.now(), of the first such answer. */
async function readUntil(town: BenchTown, status: number): Promise<number> {
  const endMs = performance.now() + GIVE_UP_MS
  while (performance.now() < endMs) {
    const answer = await town.ask('/__gtg?cache=false')
    await answer.arrayBuffer()
    if (answer.status === status) return performance.now()
    await pause(READ_EVERY_MS)
  }
  throw new Error(`no ${status} within ${GIVE_UP_MS} ms`)
}
