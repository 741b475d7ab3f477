/** The bundled exporter at a few sizes: what it takes of its machine and of the wire. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import type { RunningProcess } from '../sandbox/process.ts'
import { pause, startTown, type BenchTown, type TownOptions } from './bench-town.ts'
import { atMost, print, round, tell, type Row } from './table.ts'

const REPLICAS = 4
const INTERVAL_SECONDS = 10
const SIZES: Pick<TownOptions, 'services' | 'over'>[] = [
  { services: 0, over: 'link' },
  { services: 25, over: 'link' },
  { services: 250, over: 'link' },
  { services: 1250, over: 'link' },
  { services: 1250, over: 'HTTP' },
]
/** s of the steady state that are measured. */
const STEADY_SECONDS = 30
/** ms after the first snapshot until it is steady: what the start left behind is collected. */
const SETTLE_MS = 5000

const lagSchema = v.object({ bench: v.object({ p99: v.number(), max: v.number() }) })

export async function benchExporter(): Promise<void> {
  const rows: Row[] = []
  for (const size of SIZES) {
    tell(`exporter at ${size.services * REPLICAS} pods over ${size.over}`)
    rows.push(await measure(size))
  }
  print(`The exporter, a round every ${INTERVAL_SECONDS} s`, rows)
}

async function measure(size: (typeof SIZES)[number]): Promise<Row> {
  const pods = size.services * REPLICAS
  const town = await startTown({ ...size, replicas: REPLICAS, intervalSeconds: INTERVAL_SECONDS })
  try {
    const startMs = performance.now()
    const exporter = await town.startExporter()
    const startupMs = Math.round(performance.now() - startMs)
    await pause(SETTLE_MS)
    const before = { ...readUsage(exporter.pid), up: town.wire.up, down: town.wire.down }
    await pause(STEADY_SECONDS * 1000)
    const after = readUsage(exporter.pid)
    const [up, down] = [town.wire.up - before.up, town.wire.down - before.down]
    const cpuShare = (after.cpuMs - before.cpuMs) / (10 * STEADY_SECONDS)
    const roundMs = size.over === 'link' ? await timeRound(town) : null
    await exporter.stop()
    return {
      pods,
      over: size.over,
      'start to snapshot ms': pods === 1000 ? atMost(3000, startupMs) : startupMs,
      'CPU %': pods === 5000 ? atMost(25, cpuShare) : round(cpuShare),
      'RSS MB': aimOfRss(pods, after.rssMb),
      'round ms': roundMs === null ? '' : Math.round(roundMs),
      ...(await measureLag(town, pods)),
      'bytes up a heartbeat': atMost(500, (up * INTERVAL_SECONDS) / STEADY_SECONDS),
      'MB a day': round(((up + down) * 86_400) / STEADY_SECONDS / 1e6),
    }
  } finally {
    await town.stop()
  }
}

function aimOfRss(pods: number, rssMb: number): string | number {
  if (pods === 0) return atMost(100, rssMb)
  return pods === 5000 ? atMost(200, rssMb) : rssMb
}

/** All targets asked at once, and told: what somebody waits for who wants to know now. */
async function timeRound(town: BenchTown): Promise<number> {
  const startMs = performance.now()
  const answer = await town.ask('/__health?cache=false', 'application/json')
  await answer.arrayBuffer()
  return performance.now() - startMs
}

/** In a run of its own, for what measures it takes memory too. */
async function measureLag(town: BenchTown, pods: number): Promise<Row> {
  const preload = new URL('lag.mjs', import.meta.url).pathname
  const exporter = await town.startExporter(['--import', preload])
  await pause(SETTLE_MS)
  const start = readLag(exporter)
  exporter.kill('SIGUSR2')
  await pause(STEADY_SECONDS * 1000)
  const steady = readLag(exporter)
  await exporter.stop()
  return {
    'lag at start ms': start.max,
    'lag p99 ms': pods === 5000 ? atMost(50, steady.p99) : steady.p99,
    'lag max ms': steady.max,
  }
}

/** What it last told. */
function readLag({ lines }: RunningProcess): { p99: number; max: number } {
  const told = lines.flatMap((line) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), lagSchema), line)
    return parsed.success ? [parsed.output.bench] : []
  })
  const last = told.at(-1)
  if (last === undefined) throw new Error('the exporter told no lag')
  return last
}

/** From Linux's /proc; a tick of its clock is 10 ms. */
function readUsage(pid: number): { rssMb: number; cpuMs: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return { rssMb: Math.round(rssKb / 1000), cpuMs: 10 * (Number(fields[11]) + Number(fields[12])) }
}
