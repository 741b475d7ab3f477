/** The node role, wired: what is known of this Node, the checks and their samples, and the ways to ask for them. */
import type { AddressInfo, Server } from 'node:net'
import { makeChecks } from '../checks/index.ts'
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
  if (nodeName === undefined) log.error('NODE_NAME is not set: every question is answered with 500')
  // Before anybody can ask: a node that isn't ready would be ready for a moment.
  await watch.asked
  const checks = makeChecks(config.checkSettings)
  const sampler = new Sampler({
    checks,
    facts: () => watch.facts(),
    warm: config.checks,
    everyMs: timings.sampleEveryMs,
  })
  const ask = (name: string) => sampler.ask(name)
  const isCordoned = () => {
    const { apiProblem, isUnschedulable } = watch.facts()
    return apiProblem === null ? isUnschedulable : null
  }
  const endpoint = await startEndpoint(config.listenPort, { nodeName, ask })
  const agent =
    config.agentPort === undefined
      ? null
      : await startAgent(config.agentPort, {
          nodeName,
          checks: config.checks,
          ask,
          isCordoned,
          readyForMs: timings.agentReadyMs,
        })
  log.info({ node: nodeName, port: portOf(endpoint) }, 'node role started')
  return {
    port: portOf(endpoint),
    agentPort: agent === null ? null : portOf(agent),
    stop: async () => {
      sampler.stop()
      watch.stop()
      if (checks.some((check) => check.hasCallOut?.())) process.once('exit', killSelf)
      await Promise.all([close(endpoint), agent === null ? null : close(agent)])
    },
  }
}

/** A call that never returns holds a thread, and process.exit waits for every thread. */
function killSelf(): void {
  process.kill(process.pid, 'SIGKILL')
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
