/**
 * The exporter's own health over HTTP, for the kubelet, for Prometheus and for whoever looks into it (behaviour, section
 * 8). It reads and tells; nothing can be changed through it, and there is no authentication.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ComponentReading, HealthManager, Probe, Reading } from './health-manager.ts'
import type { Log } from './log.ts'
import { METRICS_TYPE, type Metrics } from './metrics.ts'
import { OpenServer, type ServerLimits } from './open-server.ts'
import type { Release } from './release.ts'

export const HEALTH_LIMITS: ServerLimits = {
  headersTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  /** Longer than a scrape's usual interval, so that Prometheus finds its connection still there. */
  keepAliveMs: 75_000,
  connections: 128,
}

/** A taken port: the exporter before may still be draining (behaviour, section 8). */
export const PORT_RETRIES = 3
const PORT_RETRY_MS = 5000

export interface HealthServerOptions {
  port: number
  /** undefined: every address there is. */
  host?: string
  health: HealthManager
  metrics: Metrics
  release: Release
  log: Log
  limits?: ServerLimits
  /** Waits before the next try of a taken port. */
  wait?: (ms: number) => Promise<unknown>
}

export interface HealthServer {
  /** The one that it listens on, also where any free one was asked for. */
  port: number
  stop(): Promise<void>
}

interface Reply {
  status: number
  /** Text as it is, anything else as JSON. */
  body: string | object
  type?: string
}

/** Rejects, in words for the operator, when the port can't be had. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { port, log, wait = sleep } = options
  for (let retry = 0; ; retry++) {
    try {
      // Tries follow one another.
      // oxlint-disable-next-line no-await-in-loop
      return await listen(options)
    } catch (error) {
      const why = `HEALTH_PORT ${port} can't be had: ${describe(error)}`
      if (codeOf(error) !== 'EADDRINUSE') throw new Error(why, { cause: error })
      if (retry === PORT_RETRIES) {
        throw new Error(`${why}, after ${PORT_RETRIES + 1} tries`, { cause: error })
      }
      log.warn(`${why}; trying again in ${PORT_RETRY_MS / 1000} s`)
      // oxlint-disable-next-line no-await-in-loop
      await wait(PORT_RETRY_MS)
    }
  }
}

function listen(options: HealthServerOptions): Promise<HealthServer> {
  const { port, host, limits = HEALTH_LIMITS } = options
  const server = new OpenServer(limits, (request, response) => {
    send(response, answerSafely(request, options))
  })
  const { promise, resolve, reject } = Promise.withResolvers<HealthServer>()
  server.on('error', reject) // for good: a connection that can't be taken later on must not end the process
  server.listen({ port, host }, () => {
    resolve({ port: portOf(server), stop: () => close(server) })
  })
  return promise
}

function answerSafely(request: IncomingMessage, options: HealthServerOptions): Reply {
  try {
    return answer(request, options)
  } catch (error) {
    // Whoever looks in must not end the process; the log says what is broken.
    options.log.error({ err: error }, 'the health endpoint failed')
    return { status: 500, body: { error: 'internal' } }
  }
}

function answer(
  { method = 'GET', url = '/' }: IncomingMessage,
  { health, metrics, release }: HealthServerOptions,
): Reply {
  // As a proxy sends it, too, with scheme and host.
  const path = URL.parse(url.startsWith('/') ? `http://exporter${url}` : url)?.pathname ?? ''
  const reply = findReply(path)
  if (reply === null) return { status: 404, body: { error: 'Nothing is here. Ask for /healthz' } }
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, body: { error: 'Ask with GET or HEAD' } }
  }
  const reading = health.read()
  return reply(reading, { release, metrics: () => metrics.write(reading) })
}

type Answer = (reading: Reading, about: { release: Release; metrics: () => string }) => Reply

const ANSWERS: Record<string, Answer> = {
  '/healthz': (reading, { release }) => {
    const words = { yes: 'healthy', no: 'unhealthy' }
    return describeProbe(reading.liveness, words, { reading, release })
  },
  '/readyz': (reading, { release }) => {
    const words = { yes: 'ready', no: 'not_ready' }
    return describeProbe(reading.readiness, words, { reading, release })
  },
  '/liveness': ({ liveness }) => sayProbe(liveness, { yes: 'OK', no: 'Unhealthy' }),
  '/readiness': ({ readiness }) => sayProbe(readiness, { yes: 'Ready', no: 'Not ready' }),
  '/status': describeStatus,
  '/metrics': (_, { metrics }) => ({ status: 200, body: metrics(), type: METRICS_TYPE }),
}

function findReply(path: string): Answer | null {
  const [, name] = /^\/components\/([^/]+)$/.exec(path) ?? []
  if (name !== undefined) return (reading) => describeComponent(reading, name)
  return ANSWERS[path] ?? null
}

interface Words {
  yes: string
  no: string
}

function describeProbe(
  probe: Probe,
  words: Words,
  { reading, release }: { reading: Reading; release: Release },
): Reply {
  const { uptimeSeconds, sources, components } = reading
  return {
    status: probe.ok ? 200 : 503,
    body: {
      status: probe.ok ? words.yes : words.no,
      ...(probe.ok ? {} : { error: probe.why }),
      ...release,
      uptime: uptimeSeconds,
      checks_loaded: sources.loaded,
      checks_total: sources.total,
      components: mapValues(components, ({ status, message }) => ({
        status,
        ...(message === '' ? {} : { message }),
      })),
    },
  }
}

function sayProbe(probe: Probe, words: Words): Reply {
  const body = probe.ok ? words.yes : `${words.no}: ${probe.why}`
  return { status: probe.ok ? 200 : 503, body: `${body}\n` }
}

function describeStatus(reading: Reading): Reply {
  const { liveness, readiness, isStandby, components } = reading
  const whys = [liveness.why, readiness.why].filter((why) => why !== null)
  const updates = Object.values(components).flatMap(({ updatedAtMs }) => updatedAtMs ?? [])
  return {
    status: readiness.ok ? 200 : 503,
    body: {
      healthy: liveness.ok,
      ready: readiness.ok,
      components: mapValues(components, ({ isInitialized, message, updatedAtMs }) => ({
        initialized: isInitialized,
        message,
        updatedAt: toTime(updatedAtMs),
      })),
      message: whys.join('; ') || (isStandby ? 'standing by' : ''),
      lastUpdate: toTime(updates.length === 0 ? null : Math.max(...updates)),
    },
  }
}

function describeComponent({ components }: Reading, name: string): Reply {
  const component = Object.hasOwn(components, name) ? components[name] : undefined
  if (component === undefined) return { status: 404, body: { error: 'There is no such component' } }
  const { status, message, metadata = {} } = component
  return { status: 200, body: { status, message, metadata } }
}

function mapValues<T>(
  components: Record<string, ComponentReading>,
  map: (component: ComponentReading) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(components).map(([name, value]) => [name, map(value)]))
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** HEAD has GET's status and headers; Node itself leaves out its body. */
function send(response: ServerResponse, reply: Reply): void {
  const [type, text] =
    typeof reply.body === 'string'
      ? ['text/plain', reply.body]
      : ['application/json', `${JSON.stringify(reply.body)}\n`]
  response.writeHead(reply.status, {
    'Content-Type': reply.type ?? `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(reply.status === 405 ? { Allow: 'GET, HEAD' } : {}),
  })
  response.end(text)
}

function portOf(server: Server): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => {
    resolve()
  })
  server.closeAllConnections()
  return promise
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
