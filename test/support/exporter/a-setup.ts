/** The whole of it in one process: a world, the Worker in its real runtime, and an exporter with short timings. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { onTestFinished } from 'vitest'
import type { Config } from '../../../node-exporter/config.ts'
import { readConfig } from '../../../node-exporter/config.ts'
import { startExporter, TIMINGS, type Timings } from '../../../node-exporter/exporter.ts'
import { findAccessFault } from '../../../node-exporter/kubernetes/access.ts'
import type { Self } from '../../../node-exporter/self/self.ts'
import { startEdgeProxy, type EdgeProxy } from '../../sandbox/edge-proxy.ts'
import { ON_LOOPBACK } from '../../sandbox/process.ts'
import { startWorker, type RunningWorker } from '../../sandbox/worker.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { PUSH_SECRET, READ_TOKEN, VARS } from '../secrets.ts'
import { serve } from './local-server.ts'

/** The cluster that exporters of tests speak for. */
export const CLUSTER = 'c0'

/** A folder that goes with the test. */
export function aFolder(): string {
  const folder = mkdtempSync(`${tmpdir()}/pilotlight-test-`)
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

export async function aWorld(): Promise<World> {
  const world = await startWorld()
  onTestFinished(() => world.stop())
  return world
}

export async function aWorker(vars: Record<string, string> = {}): Promise<RunningWorker> {
  const worker = await startWorker({ port: 0, stateDir: aFolder(), vars: { ...VARS, ...vars } })
  onTestFinished(() => worker.stop())
  return worker
}

export async function anEdge(
  vars: Record<string, string> = {},
): Promise<EdgeProxy & { worker: string }> {
  const worker = await aWorker(vars)
  const proxy = await startEdgeProxy(worker.url)
  onTestFinished(() => proxy.stop())
  return Object.assign(proxy, { worker: worker.url })
}

/** An edge that takes every report and decides nothing, where only what is reported matters. */
export async function aMeekEdge(): Promise<EdgeProxy> {
  const meek = await serve((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(202).end(JSON.stringify({ accepted: true, resend: false }))
    })
  })
  const proxy = await startEdgeProxy(`http://127.0.0.1:${meek.port}`)
  onTestFinished(() => proxy.stop())
  return proxy
}

/** A kubeconfig file for the world's API server. */
export function aKubeconfig(world: World): string {
  const path = `${aFolder()}/kubeconfig`
  writeFileSync(path, world.api.kubeconfig())
  return path
}

/** A kubeconfig file for an API server that is away, where it is not asked for anything. */
export function aKubeconfigToNowhere(): string {
  const path = `${aFolder()}/kubeconfig`
  const cluster = { server: 'https://127.0.0.1:1' }
  writeFileSync(
    path,
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      contexts: [{ name: 'x', context: { cluster: 'c' } }],
      'current-context': 'x',
    }),
  )
  return path
}

export interface RunningExporter {
  /** What it logged, as `level message`. */
  readonly log: string[]
  readonly isSuperseded: () => boolean
  stop(): Promise<void>
}

export interface ExporterSettings {
  env?: Record<string, string>
  timings?: Partial<Timings>
  /** To be read by the case. */
  self?: Self
}

/** Pushes to `edgeUrl` every 0.2 s, unless the settings say otherwise. */
export async function anExporter(
  world: World,
  edgeUrl: string,
  { env = {}, timings = {}, self }: ExporterSettings = {},
): Promise<RunningExporter> {
  const config = configFrom({
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edgeUrl,
    PUSH_SECRET,
    KUBECONFIG: aKubeconfig(world),
    INTERVAL_SECONDS: '0.2',
    HEALTHCHECK_COOLDOWN: '0.05',
    ...ON_LOOPBACK,
    ...env,
  })
  // As the process does before it starts: it also loads what reads a kubeconfig, which takes a second.
  const fault = await findAccessFault({ kubeconfig: config.kubeconfig, accountRoot: '' })
  if (fault !== null) throw new Error(fault)
  const lines: string[] = []
  const write = (level: string) => (object: unknown, message?: unknown) => {
    lines.push(`${level} ${String(message ?? object)}`)
  }
  const log = {
    debug: () => undefined,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  let isSuperseded = false
  const exporter = await startExporter(config, {
    log,
    onSuperseded: () => {
      isSuperseded = true
    },
    timings: { ...TIMINGS, gatherMs: 20, ...timings },
    ...(self === undefined ? {} : { self }),
  })
  onTestFinished(() => exporter.stop())
  return { log: lines, isSuperseded: () => isSuperseded, stop: () => exporter.stop() }
}

function configFrom(env: Record<string, string>): Config {
  const read = readConfig(env)
  if (!read.ok) throw new Error(read.faults.join('; '))
  return read.config
}

export interface Asked {
  status: number
  reason: string
}

/** What the object itself says, past the memo. */
export async function askGtg(workerUrl: string, category = 'default'): Promise<Asked> {
  const response = await fetch(`${workerUrl}/clusters/${CLUSTER}/__gtg/${category}?cache=false`, {
    headers: { authorization: `Bearer ${READ_TOKEN}` },
  })
  await response.arrayBuffer()
  return { status: response.status, reason: response.headers.get('x-gtg-reason') ?? '' }
}
