/** The exporter in the role node, once for each node of a world, in this process: real endpoints, on a port each. */
import { readNodeConfig } from '../../node-exporter/node/node-config.ts'
import { startNodeRole } from '../../node-exporter/node/node-role.ts'
import { NODES, type World } from './world.ts'

/** What the sandbox's nodes are asked for: what an operator can change of them here. */
export const SANDBOX_CHECKS = 'node_ready,schedulable'

export interface RunningNodeRoles {
  /** Of each node, where its own endpoint answers. */
  readonly urls: Map<string, string>
  stop(): Promise<void>
}

export async function startNodeRoles(
  world: World,
  { kubeconfig, tell }: { kubeconfig: string; tell: (line: string) => void },
): Promise<RunningNodeRoles> {
  const roles = await Promise.all(NODES.map((node) => startRole(node, { kubeconfig, tell })))
  for (const { node, port } of roles) {
    world.addNodePod(node, { name: `pilotlight-${node}`, address: '127.0.0.1', port })
  }
  return {
    urls: new Map(roles.map(({ node, port }) => [node, `http://127.0.0.1:${port}/health`])),
    stop: async () => {
      await Promise.all(roles.map(({ role }) => role.stop()))
    },
  }
}

async function startRole(
  node: string,
  { kubeconfig, tell }: { kubeconfig: string; tell: (line: string) => void },
) {
  const env = { KUBECONFIG: kubeconfig }
  const read = readNodeConfig({ NODE_NAME: node, LISTEN_PORT: '0', NODE_CHECKS: SANDBOX_CHECKS })
  if (!read.ok) throw new Error(read.faults.join('; '))
  const say = (_: object | string, message?: string) => {
    tell(`${node}: ${message ?? ''}`)
  }
  const log = { debug: () => undefined, info: () => undefined, warn: say, error: say }
  const role = await startNodeRole(read.config, { log, env })
  return { node, port: role.port, role }
}
