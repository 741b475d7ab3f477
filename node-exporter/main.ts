/**
 * Reads the configuration, starts the roles, and stops clean on SIGTERM and SIGINT. Exit 2: misconfigured; 1: superseded,
 * or a port can't be had. Each role's code is loaded only where it runs: the node role stays small.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig, type Config } from './config.ts'
import type { LocalExporter } from './discovery/nodes.ts'
import { readNodeConfig, type NodeConfig } from './node/node-config.ts'
import { startHealthServer } from './self/health-server.ts'
import { createLog, type Log } from './self/log.ts'
import { createSelf, type Self } from './self/self.ts'
import { readSelfConfig } from './self/self-config.ts'

interface Running {
  stop(): Promise<void>
}

interface Process {
  log: Log
  self: Self
  /** In the order in which they were started. */
  running: Running[]
}

/** ms in which a signal that comes again is the same one: npm hands on what its terminal has sent to all already. */
const SAME_SIGNAL_MS = 300

const roles = readRoles(process.env['ROLE'])
const own = readSelfConfig(process.env)
const cluster = roles?.includes('cluster') ? readConfig(process.env) : null
const node = roles?.includes('node') ? readNodeConfig(process.env) : null
const faults = new Set([
  ...(roles === null ? ['ROLE must be cluster, node or all'] : []),
  ...(own.ok ? [] : own.faults),
  ...(cluster?.ok === false ? cluster.faults : []),
  ...(node?.ok === false ? node.faults : []),
])
if (roles === null || !own.ok || faults.size > 0) {
  process.stderr.write(`The exporter can't start; mend these variables:\n`)
  for (const fault of faults) process.stderr.write(`  ${fault}\n`)
  process.exit(2)
}

const { healthPort, drainMs, logLevel } = own.config
const log = createLog(logLevel)
const started: Process = { log, self: createSelf(log, roles), running: [] }
stopOnSignals(started, drainMs)
try {
  await start(started)
} catch (error) {
  process.stderr.write(
    `The exporter can't start: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  process.exit(1)
}

/** null: no role of that name. */
function readRoles(role: string | undefined): ('cluster' | 'node')[] | null {
  switch (role?.trim() || 'cluster') {
    case 'cluster':
      return ['cluster']
    case 'node':
      return ['node']
    case 'all':
      return ['node', 'cluster']
    default:
      return null
  }
}

/** First its own health, so that whoever asks hears why the rest is slow to start. */
async function start(all: Process): Promise<void> {
  const { running, self } = all
  const { health, metrics, release } = self
  const server = await startHealthServer({ port: healthPort, health, metrics, release, log })
  running.push(server)
  log.info({ port: server.port, roles }, 'health endpoint started')
  const nodeRole = node?.ok === true ? await startNode(node.config, all) : null
  if (nodeRole !== null) running.push(nodeRole)
  if (cluster?.ok === true) {
    running.push(await startCluster(cluster.config, { all, local: nodeRole?.local ?? null }))
  }
}

/** `local`: where the other role finds it; null: it doesn't know which node it is on. */
async function startNode(
  config: NodeConfig,
  { self }: Process,
): Promise<Running & { local: LocalExporter | null }> {
  const { startNodeRole } = await import('./node/node-role.ts')
  const role = await startNodeRole(config, { log, env: process.env, self })
  const { nodeName } = config
  return {
    local: nodeName === undefined ? null : { node: nodeName, port: role.port },
    stop: () => role.stop(),
  }
}

async function startCluster(
  config: Config,
  { all, local }: { all: Process; local: LocalExporter | null },
): Promise<Running> {
  const { startExporter } = await import('./exporter.ts')
  return startExporter(config, {
    log,
    self: all.self,
    local,
    onSuperseded: () => {
      void stop(all.running, 1)
    },
  })
}

/** Not ready first, and only then, when whoever sends traffic has had the time to see it, gone. */
function stopOnSignals({ self, running }: Process, waitMs: number): void {
  let toldAtMs: number | null = null
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const nowMs = performance.now()
      if (toldAtMs !== null) {
        if (nowMs - toldAtMs > SAME_SIGNAL_MS) process.exit(1)
        return
      }
      toldAtMs = nowMs
      self.health.startDraining()
      log.info({ signal, drainSeconds: waitMs / 1000 }, 'told to stop: draining')
      void sleep(waitMs).then(() => stop(running, 0))
    })
  }
}

/** Probes of pods that hang are not waited for. */
async function stop(running: Running[], code: number): Promise<void> {
  await Promise.all(running.map((part) => part.stop()))
  process.exit(code)
}
