/** `GET /health?check=a,b` on the node itself: the exact statuses and body that load balancers ask for (behaviour, section 7). */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { readNames, type Misspelling } from '../../worker/domain/parameters.ts'
import type { CheckResult } from '../checks/check.ts'
import { OpenServer, type ServerLimits } from '../self/open-server.ts'

/** Asked for where no check is named, whatever else is configured. */
const DEFAULT_CHECK = 'node_ready'
const METHODS = ['GET', 'HEAD', 'OPTIONS']
/** More names than there are checks: whoever sends more doesn't ask for a node. */
const NAMES_MAX = 32

export const ENDPOINT_LIMITS: ServerLimits = {
  headersTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  /** More than any load balancer's interval: one that finds its kept connection just closed takes the node for down. */
  keepAliveMs: 75_000,
  connections: 512,
}

export interface EndpointOptions {
  /** undefined: NODE_NAME isn't set. */
  nodeName: string | undefined
  ask: (name: string) => Promise<CheckResult>
  /** Told how many parameters of a question mean nothing here. */
  onIgnored?: (parameters: number) => void
  limits?: ServerLimits
}

interface Reply {
  status: number
  body: object
}

/** Rejects when the port can't be had. */
export async function startEndpoint(port: number, options: EndpointOptions): Promise<Server> {
  const { limits = ENDPOINT_LIMITS } = options
  const server = new OpenServer(limits, (request, response) => {
    answer(request, options).then(
      (reply) => {
        send(request, response, reply)
      },
      () => {
        send(request, response, { status: 500, body: { status: 'not-ready', error: 'internal' } })
      },
    )
  })
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  server.on('error', reject) // for good: a connection that can't be taken later on must not end the process
  server.listen(port, () => {
    resolve(server)
  })
  return promise
}

async function answer(
  { method = 'GET', url = '/' }: IncomingMessage,
  { nodeName, ask, onIgnored }: EndpointOptions,
): Promise<Reply> {
  const startMs = performance.now()
  // As a proxy sends it, too, with scheme and host.
  const asked = URL.parse(url.startsWith('/') ? `http://node${url}` : url)
  if (asked === null) return { status: 400, body: { error: 'This is no URL' } }
  if (asked.pathname !== '/health' && asked.pathname !== '/health/') {
    return { status: 404, body: { error: 'Nothing is here. Ask for /health?check=…' } }
  }
  if (!METHODS.includes(method)) {
    return { status: 405, body: { error: `Ask with one of: ${METHODS.join(', ')}` } }
  }
  if (nodeName === undefined) {
    const error =
      'NODE_NAME is not set: set it from the downward API, fieldRef spec.nodeName, to the name of the Node'
    return { status: 500, body: { status: 'not-ready', error, checks: [], total_duration_ms: 0 } }
  }
  const { misspelled, ignored } = readNames(asked.searchParams.keys(), { guarded: ['check'] })
  if (misspelled !== null) return refuse(misspelled)
  if (ignored > 0) onIgnored?.(ignored)
  const names = splitChecks(asked.searchParams.getAll('check'))
  if (names.length > NAMES_MAX) {
    return { status: 400, body: { error: `Ask for ${NAMES_MAX} checks at most` } }
  }
  const checks = await Promise.all(names.map(ask))
  const isReady = checks.every(({ passed }) => passed)
  return {
    status: isReady ? 200 : 503,
    body: {
      status: isReady ? 'ready' : 'not-ready',
      checks,
      total_duration_ms: Math.round(performance.now() - startMs),
    },
  }
}

/** Without this, `?checks=kubelet` would be answered for `node_ready`. */
function refuse({ name, meant }: Misspelling): Reply {
  return { status: 400, body: { error: `Unknown parameter ${name}: ask with ${meant}` } }
}

/** Blanks are ignored, none left means the default, repeats run once. Names are as they are written, case and all. */
export function splitChecks(lists: string[]): string[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  const distinct = [...new Set(names.filter((name) => name !== ''))]
  return distinct.length === 0 ? [DEFAULT_CHECK] : distinct
}

/** HEAD has GET's status and headers; OPTIONS too, with a length of 0: HAProxy asks so by default. */
function send(request: IncomingMessage, response: ServerResponse, { status, body }: Reply): void {
  const text = `${JSON.stringify(body)}\n`
  const isOptions = request.method === 'OPTIONS'
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': isOptions ? 0 : Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(isOptions || status === 405 ? { Allow: METHODS.join(', ') } : {}),
  })
  response.end(request.method === 'HEAD' || isOptions ? undefined : text)
}
