/**
 * Reads the configuration, starts the roles, and stops clean when it is told to. Exit 2: misconfigured; 1: superseded, or a
 * port can't be had. Each role's code is loaded only where it runs: the node role stays small.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig, type Config } from './config.ts'
import type { LocalExporter } from './discovery/nodes.ts'
import { findAccessFault } from './kubernetes/access.ts'
import { readNodeConfig, type NodeConfig } from './node/node-config.ts'
import { startHealthServer } from './self/health-server.ts'
import { createLog, type Log } from './self/log.ts'
import { createSelf, type Self } from './self/self.ts'
import { readSelfConfig } from './self/self-config.ts'
import type { Signals } from './self/signals.ts'

const ACCESS = { kubeconfig: process.env['KUBECONFIG'], accountRoot: '' }

interface Running {
  /** The process was told to stop, and will when it has drained. */
  drain?(): void
  stop(): Promise<void>
}

interface Process {
  log: Log
  self: Self
  drainMs: number
  /** In the order in which they were started. */
  running: Running[]
  isStopping: boolean
}

/** What is set for each role that is to run; null: it isn't. */
interface Settings {
  healthPort: number
  cluster: Config | null
  node: NodeConfig | null
}

/** Resolves when everything was started. */
export async function run(signals: Signals): Promise<void> {
  const roles = readRoles(process.env['ROLE'])
  const own = readSelfConfig(process.env)
  const cluster = roles?.includes('cluster') ? readConfig(process.env) : null
  const node = roles?.includes('node') ? readNodeConfig(process.env) : null
  const access = roles === null ? null : await findAccessFault(ACCESS)
  const faults = new Set([
    ...(roles === null ? ['ROLE must be cluster, node or all'] : []),
    ...(own.ok ? [] : own.faults),
    ...(cluster?.ok === false ? cluster.faults : []),
    ...(node?.ok === false ? node.faults : []),
    ...(access === null ? [] : [access]),
  ])
  if (roles === null || !own.ok || faults.size > 0) {
    process.stderr.write(`The exporter can't start; mend these settings:\n`)
    for (const fault of faults) process.stderr.write(`  ${fault}\n`)
    process.exit(2)
  }

  const { clusterId, healthPort, drainMs, logLevel } = own.config
  const log = createLog(logLevel)
  const self = createSelf(log, roles, clusterId)
  const all: Process = { log, self, drainMs, running: [], isStopping: false }
  signals.onStop((signal) => {
    log.info({ signal, drainSeconds: drainMs / 1000 }, 'told to stop: draining')
    void stop(all, 0)
  })
  try {
    await start(all, {
      healthPort,
      cluster: cluster?.ok === true ? cluster.config : null,
      node: node?.ok === true ? node.config : null,
    })
  } catch (error) {
    process.stderr.write(
      `The exporter can't start: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    process.exit(1)
  }
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
async function start(all: Process, { healthPort, cluster, node }: Settings): Promise<void> {
  const { running, self, log } = all
  const { health, metrics, release } = self
  const server = await startHealthServer({ port: healthPort, health, metrics, release, log })
  running.push(server)
  log.info({ port: server.port, roles: self.roles }, 'health endpoint started')
  const nodeRole = node === null ? null : await startNode(node, all)
  if (nodeRole !== null) running.push(nodeRole)
  if (cluster !== null) {
    running.push(await startCluster(cluster, { all, local: nodeRole?.local ?? null }))
  }
}

/** `local`: where the other role finds it; null: it doesn't know which node it is on. */
async function startNode(
  config: NodeConfig,
  { self, log }: Process,
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
    log: all.log,
    self: all.self,
    local,
    onSuperseded: () => {
      void stop(all, 1)
    },
  })
}

/**
 * Not ready first, and only then, when whoever sends traffic has had the time to see it, gone. Probes of pods that hang are
 * not waited for.
 */
async function stop(all: Process, code: number): Promise<void> {
  if (all.isStopping) return
  all.isStopping = true
  all.self.health.startDraining()
  for (const part of all.running) part.drain?.()
  await sleep(all.drainMs)
  await Promise.all(all.running.map((part) => part.stop()))
  process.exit(code)
}
