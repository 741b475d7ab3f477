/** The node role, wired: what is known of this Node, the checks and their samples, and the ways to ask for them. */
import type { AddressInfo, Server } from 'node:net'
import { CHECKS } from '../checks/index.ts'
import type { Log } from '../self/log.ts'
import { startAgent } from './agent-check.ts'
import { readAccess } from './api-access.ts'
import { startEndpoint } from './endpoint.ts'
import type { NodeConfig } from './node-config.ts'
import { NODE_TIMINGS, NodeWatch, type NodeTimings } from './node-watch.ts'
import { Sampler } from './sampler.ts'

export interface RunningNodeRole {
  /** The ports that it listens on, also where any free one was asked for. */
  port: number
  agentPort: number | null
  stop(): Promise<void>
}

/** Rejects when a port can't be had. An API server that is away is no reason not to start. */
export async function startNodeRole(
  config: NodeConfig,
  {
    log,
    env,
    timings = NODE_TIMINGS,
  }: { log: Log; env: Record<string, string | undefined>; timings?: NodeTimings },
): Promise<RunningNodeRole> {
  const { nodeName, hostRoot } = config
  const watch = new NodeWatch({
    name: nodeName ?? '',
    hostRoot,
    timings,
    access: () => readAccess(env),
    onTurn: (problem) => {
      if (problem === null) log.info('the API server answers')
      else log.warn({ reason: problem }, 'the API server can’t be asked: what needs it passes')
    },
  })
  const sampler = new Sampler(CHECKS, () => watch.facts(), timings.sampleEveryMs)
  const ask = (name: string) => sampler.ask(name)
  const endpoint = await startEndpoint(config.listenPort, { nodeName, ask })
  const agent =
    config.agentPort === undefined
      ? null
      : await startAgent(config.agentPort, {
          checks: config.checks,
          ask,
          isCordoned: () => watch.facts().isUnschedulable,
        })
  log.info({ node: nodeName, port: portOf(endpoint) }, 'node role started')
  return {
    port: portOf(endpoint),
    agentPort: agent === null ? null : portOf(agent),
    stop: async () => {
      sampler.stop()
      watch.stop()
      await Promise.all([close(endpoint), agent === null ? null : close(agent)])
    },
  }
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}

function close(server: Server & { closeAllConnections?: () => void }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => {
    resolve()
  })
  server.closeAllConnections?.()
  return promise
}
