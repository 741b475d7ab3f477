/** The sandbox's world with the Worker in workerd itself, and the exporter as it ships between them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { bundleExporter, NODE_FLAGS } from '../../deploy/bundle.ts'
import { startProcess, type RunningProcess } from '../sandbox/process.ts'
import { startWorld, type World } from '../sandbox/world.ts'
import { PUSH_SECRET, READ_TOKEN, VARS } from '../support/secrets.ts'
import { bundleWorker } from '../sandbox/bundle-worker.ts'
import { startPlain, type PlainRuntime } from './plain-runtime.ts'
import { ALONE, CLUSTER, type Size } from './reports-like-real.ts'
import { startWire, type Wire } from './wire.ts'

export interface TownOptions extends Size {
  over: 'HTTP' | 'link'
  intervalSeconds: number
  /** Of the Worker. */
  vars?: Record<string, string>
}

export interface BenchTown {
  world: World
  /** Names of its pods, by service. */
  pods: string[][]
  worker: PlainRuntime
  wire: Wire
  /** Resolves when its first snapshot was accepted. `flags`: of node, beside those that it ships with. */
  startExporter(flags?: string[]): Promise<RunningProcess>
  ask(path: string, accept?: string): Promise<Response>
  stop(): Promise<void>
}

export async function startTown(options: TownOptions): Promise<BenchTown> {
  const { services, replicas, over, intervalSeconds, vars = {} } = options
  const folder = mkdtempSync(`${tmpdir()}/pilotlight-bench-`)
  const bundle = await bundleExporter()
  const world = await startWorld()
  const pods: string[][] = []
  for (let i = 0; i < services; i++) {
    pods.push(await world.addService({ name: `service-${i}`, replicas }))
  }
  const script = await bundleWorker()
  const worker = await startPlain({ script, vars: { ...ALONE, TOKENS: VARS.TOKENS, ...vars } })
  const wire = await startWire(worker.port, { links: over === 'link' })
  writeFileSync(`${folder}/kubeconfig`, world.api.kubeconfig())
  const running = new Set<RunningProcess>()
  return {
    world,
    pods,
    worker,
    wire,
    startExporter: async (flags = []) => {
      const exporter = startProcess(bundle, {
        CLUSTER_ID: CLUSTER,
        WORKER_URL: wire.url,
        PUSH_SECRET,
        KUBECONFIG: `${folder}/kubeconfig`,
        INTERVAL_SECONDS: String(intervalSeconds),
        NODE_OPTIONS: [...NODE_FLAGS, ...flags].join(' '),
      })
      running.add(exporter)
      await exporter.waitFor(/snapshot accepted/)
      return exporter
    },
    ask: (path, accept = '*/*') =>
      fetch(`http://127.0.0.1:${worker.port}${path}`, {
        headers: { authorization: `Bearer ${READ_TOKEN}`, accept },
      }),
    stop: async () => {
      await Promise.all([...running].map((exporter) => exporter.stop()))
      await wire.stop()
      await worker.stop()
      await world.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
