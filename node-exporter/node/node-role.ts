/** The node role, wired: what is known of this Node, the checks and their samples, and the ways to ask for them. */
import type { AddressInfo, Server } from 'node:net'
import type { Check } from '../checks/check.ts'
import { makeChecks } from '../checks/index.ts'
import type { Log } from '../self/log.ts'
import { createSelf, type Self } from '../self/self.ts'
import { watchNode } from '../self/watch-node.ts'
import { startAgent } from './agent-check.ts'
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
    self = createSelf(log, ['node'], ''),
  }: { log: Log; env: Record<string, string | undefined>; timings?: NodeTimings; self?: Self },
): Promise<RunningNodeRole> {
  const { nodeName, hostRoot } = config
  const watched = watchNode(self, { ...config, log })
  const watch = new NodeWatch({
    name: nodeName ?? '',
    hostRoot,
    timings,
    access: { kubeconfig: env['KUBECONFIG'], accountRoot: '', env },
    onTurn: (problem) => {
      watched.tellApi(problem)
    },
  })
  if (nodeName === undefined) log.error('NODE_NAME is not set: every question is answered with 500')
  // Before anybody can ask: a node that isn't ready would be ready for a moment.
  await watch.asked
  const checks = makeChecks(config.checkSettings)
  const release = killAtExit(checks)
  const { promise: sampling, resolve: startSampling } = Promise.withResolvers<Sampler>()
  const ask = async (name: string) => (await sampling).ask(name)
  const isCordoned = () => {
    const { apiProblem, isUnschedulable } = watch.facts()
    return apiProblem === null ? isUnschedulable : null
  }
  const servers: Server[] = []
  const leave = async () => {
    watch.stop()
    release()
    await Promise.all(servers.map(close))
  }
  const listen = async (starting: Promise<Server>) => {
    const server = await starting
    servers.push(server)
    return portOf(server)
  }
  let port: number
  let agentPort: number | null = null
  try {
    port = await listen(
      startEndpoint(config.listenPort, { nodeName, ask, onIgnored: countIgnored(self) }),
    )
    if (config.agentPort !== undefined) {
      const { checks: names } = config
      const readyForMs = timings.agentReadyMs
      const options = { nodeName, checks: names, ask, isCordoned, readyForMs }
      agentPort = await listen(startAgent(config.agentPort, options))
    }
  } catch (error) {
    await leave()
    throw error
  }
  // Not before the ports are its own: a process that ends without them must have no call out.
  const sampler = new Sampler({
    checks,
    facts: watched.facts(() => watch.facts()),
    warm: config.checks,
    everyMs: timings.sampleEveryMs,
  })
  startSampling(sampler)
  watched.open()
  log.info({ node: nodeName, port }, 'node role started')
  return {
    port,
    agentPort,
    stop: async () => {
      sampler.stop()
      await leave()
    },
  }
}

/** Parameters that mean nothing to the endpoint: told in `/metrics`, also while there are none. */
function countIgnored({ metrics }: Self): (parameters: number) => void {
  let ignoredParameters = 0
  metrics.addGauges(() => ({ ignoredParameters }))
  return (parameters) => {
    ignoredParameters += parameters
  }
}

/**
 * A call that never returns holds a thread, and process.exit waits for every thread, whoever calls it and why. Gives what
 * takes it back, unless a call is out.
 */
function killAtExit(checks: readonly Check[]): () => void {
  const hasCallOut = () => checks.some((check) => check.hasCallOut?.())
  const killSelf = () => {
    if (hasCallOut()) process.kill(process.pid, 'SIGKILL')
  }
  process.once('exit', killSelf)
  return () => {
    if (!hasCallOut()) process.off('exit', killSelf)
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
