/**
 * Reads the configuration, starts the roles, and stops clean on SIGTERM and SIGINT. Exit 2: misconfigured; 1: superseded,
 * or a port can't be had. Each role's code is loaded only where it runs: the node role stays small.
 */
import { readConfig, type Config } from './config.ts'
import type { LocalExporter } from './discovery/nodes.ts'
import { readNodeConfig, type NodeConfig } from './node/node-config.ts'
import { createLog } from './self/log.ts'

interface Running {
  stop(): Promise<void>
}

const roles = readRoles(process.env['ROLE'])
const cluster = roles?.includes('cluster') ? readConfig(process.env) : null
const node = roles?.includes('node') ? readNodeConfig(process.env) : null
const faults = new Set([
  ...(roles === null ? ['ROLE must be cluster, node or all'] : []),
  ...(cluster?.ok === false ? cluster.faults : []),
  ...(node?.ok === false ? node.faults : []),
])
if (faults.size > 0) {
  process.stderr.write(`The exporter can't start; mend these variables:\n`)
  for (const fault of faults) process.stderr.write(`  ${fault}\n`)
  process.exit(2)
}

const running: Running[] = []
try {
  const nodeRole = node?.ok === true ? await startNode(node.config) : null
  if (nodeRole !== null) running.push(nodeRole)
  if (cluster?.ok === true) {
    running.push(await startCluster(cluster.config, nodeRole?.local ?? null))
  }
} catch (error) {
  process.stderr.write(
    `The exporter can't start: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  process.exit(1)
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void stop(0)
  })
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

/** `local`: where the other role finds it; null: it doesn't know which node it is on. */
async function startNode(config: NodeConfig): Promise<Running & { local: LocalExporter | null }> {
  const { startNodeRole } = await import('./node/node-role.ts')
  const role = await startNodeRole(config, { log: createLog(config.logLevel), env: process.env })
  const { nodeName } = config
  return {
    local: nodeName === undefined ? null : { node: nodeName, port: role.port },
    stop: () => role.stop(),
  }
}

async function startCluster(config: Config, local: LocalExporter | null): Promise<Running> {
  const { startExporter } = await import('./exporter.ts')
  return startExporter(config, {
    log: createLog(config.logLevel),
    local,
    onSuperseded: () => {
      void stop(1)
    },
  })
}

/** Probes of pods that hang are not waited for. */
async function stop(code: number): Promise<void> {
  await Promise.all(running.map((role) => role.stop()))
  process.exit(code)
}
