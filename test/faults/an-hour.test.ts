/**
 * The 360 rounds of an hour in less than two minutes: the real exporter and the real Worker, while pods fail and reports
 * are lost or refused by a seed. Whenever it is quiet, the answer is what the pods say.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, vi } from 'vitest'
import type { EdgeFault, EdgeProxy } from '../sandbox/edge-proxy.ts'
import type { Behaviour } from '../sandbox/pods.ts'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { anEdge, anExporter, askGtg, aWorld } from '../support/exporter/a-setup.ts'
import { pick, rollFrom } from '../support/hour-dice.ts'

const SEED = 1
const STEPS = 36
const SOON = { timeout: 10_000, interval: 20 }
/** Reports that are tried while a fault lasts, and when it is over: ten rounds a step. */
const ROUNDS_EACH = 5
const CATEGORIES = { read: ['web', 'api'], pay: ['bank'], default: ['web', 'api', 'bank'] }

const EDGE_FAULTS: EdgeFault[] = [
  'none',
  'lose the reply',
  'lose the request',
  { status: 503 },
  { status: 429, retryAfterSeconds: 60 },
]
const BEHAVIOURS: Behaviour[] = [
  { kind: 'ok' },
  { kind: 'ok' },
  { kind: 'failing' },
  { kind: 'status', status: 500 },
  { kind: 'refuse' },
]

it.skipIf(!IS_LONG)(
  'says what the pods say for 360 rounds, with no restart, and keeps its heap (FAULTS=long)',
  async () => {
    const dice = rollFrom(SEED)
    const world = await aWorld()
    const pods = new Map<string, string>()
    for (const name of CATEGORIES.default) {
      // oxlint-disable-next-line no-await-in-loop -- one address after the other
      const [pod = ''] = await world.addService({ name })
      pods.set(name, pod)
    }
    world.addCategory({ name: 'read', services: CATEGORIES.read })
    world.addCategory({ name: 'pay', services: CATEGORIES.pay })
    const edge = await anEdge({ DEAD_AFTER_SECONDS: '2' })
    const exporter = await anExporter(world, edge.url, { timings: { pushTimeoutMs: 150 } })
    const failing = new Set<string>()
    const startedAt = new Set<number>()
    const workers = findWorkers()
    const used: { heap: number; worker: number }[] = []

    for (let step = 1; step <= STEPS; step += 1) {
      const service = pick(dice, CATEGORIES.default)
      const behaviour = pick(dice, BEHAVIOURS)
      edge.fault = pick(dice, EDGE_FAULTS)
      /* oxlint-disable no-await-in-loop -- one step after the other */
      await world.pods.set(pods.get(service) ?? '', behaviour)
      if (behaviour.kind === 'ok') failing.delete(service)
      else failing.add(service)
      await passRounds(edge)
      edge.fault = 'none'
      await passRounds(edge)

      await vi.waitFor(async () => {
        expect({ step, said: await askAll(edge.worker) }).toEqual({ step, said: judge(failing) })
      }, SOON)
      for (const { report } of edge.passed) startedAt.add(report.exporter.startedAt)
      edge.passed.length = 0
      if (step === STEPS / 6 || step === STEPS) used.push(await measure(workers))
      /* oxlint-enable no-await-in-loop */
    }

    expect(startedAt.size).toBe(1)
    expect(exporter.isSuperseded()).toBe(false)
    expect(findWorkers()).toEqual(workers)
    const [first, last] = used
    console.info('bytes in use after a sixth, and at the end:', used)
    expect(last?.heap).toBeLessThanOrEqual(1.1 * (first?.heap ?? 0))
    // What workerd holds is told and not judged: it collects when it likes, and nobody here can make it.
  },
  300_000,
)

/** All that the model knows: a category passes while none of its services fails. */
function judge(failing: Set<string>) {
  return Object.entries(CATEGORIES).map(([name, services]) =>
    services.some((service) => failing.has(service)) ? `${name} 503` : `${name} 200`,
  )
}

async function askAll(workerUrl: string) {
  const asked = Object.keys(CATEGORIES).map(async (name) => {
    const { status, reason } = await askGtg(workerUrl, name)
    const isQuiet = ['healthy', 'unhealthy'].includes(reason)
    return isQuiet ? `${name} ${status}` : `${name} ${status} ${reason}`
  })
  return Promise.all(asked)
}

/** Until so many reports were tried, whatever became of them. */
async function passRounds(edge: EdgeProxy): Promise<void> {
  const enough = edge.passed.length + ROUNDS_EACH
  await vi.waitFor(() => {
    expect(edge.passed.length).toBeGreaterThanOrEqual(enough)
  }, SOON)
}

/** bytes; this process's heap, with the exporter in it, after a collection, and what the Worker's processes hold of memory. */
async function measure(workers: number[]) {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
  await new Promise(setImmediate) // what was freed by it lets go of more
  runInNewContext('gc()')
  const rss = workers.map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readStatus(pid))?.[1]) * 1024)
  return { heap: process.memoryUsage().heapUsed, worker: rss.reduce((sum, one) => sum + one, 0) }
}

/** The processes of workerd that this one started. */
function findWorkers(): number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
  return pids.filter((pid) => {
    const status = readStatus(pid)
    return status.startsWith('Name:\tworkerd') && status.includes(`\nPPid:\t${process.pid}\n`)
  })
}

/** Empty: it has ended. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // it ended since /proc was listed
  }
}
