/**
 * The API server as the exporter uses it: list, watch, single objects, and the pod proxy. Credentials, CA and proxies are
 * @kubernetes/client-node's; the requests are raw JSON over one kept connection, for its typed calls open a
 * connection each and block the event loop for seconds on a large list. It retries nothing: whoever asks does.
 */
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { Agent, request, type Dispatcher } from 'undici'
import * as v from 'valibot'

/** A request that came to nothing. `status` null: no answer at all. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number | null

  constructor(message: string, status: number | null, cause?: unknown) {
    super(message, { cause })
    this.status = status
  }
}

export interface ListPage {
  items: unknown[]
  resourceVersion: string
  continue: string
}

/** `path` with its query. `object`: what is written. */
export interface Asked {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  object?: unknown
}

const GET = { method: 'GET' } as const

const listSchema = v.object({
  metadata: v.object({
    resourceVersion: v.optional(v.string(), ''),
    continue: v.optional(v.string(), ''),
  }),
  items: v.nullish(v.array(v.unknown()), []),
})

const statusSchema = v.object({ message: v.string() })

export interface KubeApiOptions {
  /** Paths of kubeconfig files, used where there is no service account. */
  kubeconfig: string | undefined
  /** Where the service account's folders are mounted; '' in a pod. */
  accountRoot: string
  /** ms an ordinary request may take; a watch has its own limit. */
  timeoutMs: number
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const TOKEN_FILE = `${ACCOUNT}/token`

/** The namespace of this very pod. null: outside of one. */
export function readOwnNamespace(accountRoot: string): string | null {
  const file = `${accountRoot}${ACCOUNT}/namespace`
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null
}

interface Connection {
  config: KubeConfig
  server: string
  dispatcher: Dispatcher
}

export class KubeApi {
  readonly #options: KubeApiOptions
  /** A promise, so that those who start side by side share one. */
  #connection: Promise<Connection> | null = null

  constructor(options: KubeApiOptions) {
    this.#options = options
  }

  /** One page. Rejects with KubeError. */
  async list(path: string, query: Record<string, string>, signal: AbortSignal): Promise<ListPage> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    return this.#with(signal, async (connection) => {
      const url = pathWith(path, query)
      const body = await this.#ask(connection, { ...GET, path: url }, limited)
      const { metadata, items } = v.parse(listSchema, await body.json())
      return { ...metadata, items: items ?? [] }
    })
  }

  /** One object: as it is, or as it is once written. Rejects with KubeError. */
  async send(asked: Asked, signal: AbortSignal): Promise<unknown> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    return this.#with(signal, async (connection) => {
      const body = await this.#ask(connection, asked, limited)
      return body.json()
    })
  }

  /** Gives each event as it comes, until the server ends the stream or `limitMs` are over. Rejects with KubeError. */
  async watch(
    path: string,
    {
      query,
      signal,
      limitMs,
    }: { query: Record<string, string>; signal: AbortSignal; limitMs: number },
    onEvent: (event: unknown) => void,
  ): Promise<void> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
    await this.#with(signal, async (connection) => {
      const url = pathWith(path, { ...query, watch: 'true' })
      const body = await this.#ask(connection, { ...GET, path: url }, limited)
      let rest = ''
      for await (const text of body.setEncoding('utf8')) {
        const lines = (rest + String(text)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onEvent(JSON.parse(line))
      }
    })
  }

  /** What a pod answers through the API server's proxy. Rejects with KubeError when the API server itself is away. */
  async proxy(path: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    return this.#with(signal, (connection) => this.#request(connection, { ...GET, path }, signal))
  }

  async stop(): Promise<void> {
    const connection = await this.#connection?.catch(() => null) // it never came to be: nothing to let go
    this.#connection = null
    await connection?.dispatcher.destroy()
  }

  async #ask(connection: Connection, asked: Asked, signal: AbortSignal) {
    const answer = await this.#request(connection, asked, signal)
    if (answer.statusCode === 200 || answer.statusCode === 201) return answer.body
    const body: unknown = await answer.body.json().catch(() => null) // an error page says less than its status
    const status = v.safeParse(statusSchema, body)
    const message = status.success ? status.output.message : 'no reason given'
    throw new KubeError(`HTTP ${answer.statusCode}: ${message}`, answer.statusCode)
  }

  async #request(
    { config, server, dispatcher }: Connection,
    { method, path, object }: Asked,
    signal: AbortSignal,
  ) {
    const url = `${server}${path}`
    const context = new RequestContext(url, HttpMethod.GET)
    await config.applySecurityAuthentication(context)
    const headers = {
      ...context.getHeaders(),
      accept: 'application/json',
      'user-agent': 'pilotlight',
    }
    const options = { method, headers, dispatcher, signal, bodyTimeout: 0 }
    if (object === undefined) return request(url, options)
    const written = { ...headers, 'content-type': 'application/json' }
    return request(url, { ...options, headers: written, body: JSON.stringify(object) })
  }

  /**
   * A connection that failed is not used for anything new: the API server may have moved, its CA or the token may be
   * new. What else runs on it may well be alive, and ends by itself. Whoever gave up of its own will says nothing of it.
   */
  async #with<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connecting = (this.#connection ??= connect(this.#options))
    try {
      return await work(await connecting)
    } catch (error) {
      const isRefusal = error instanceof KubeError && error.status !== 401
      if (!isRefusal && !signal.aborted && this.#connection === connecting) {
        this.#connection = null
        connecting.then(({ dispatcher }) => dispatcher.close()).catch(() => undefined) // it is let go either way
      }
      throw error instanceof KubeError ? error : new KubeError(reasonOf(error), null, error)
    }
  }
}

function pathWith(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query).toString()}`
}

/** The service account in a pod, else the kubeconfig. Throws when there is neither, or it can't be read. */
async function connect({ kubeconfig, accountRoot }: KubeApiOptions): Promise<Connection> {
  const config = new KubeConfig()
  if (process.env['KUBERNETES_SERVICE_HOST'] && existsSync(`${accountRoot}${TOKEN_FILE}`)) {
    config.loadFromCluster(accountRoot)
  } else {
    const [first, ...others] = (kubeconfig ?? '').split(delimiter).filter((path) => path !== '')
    if (first === undefined) throw new Error('neither a service account nor KUBECONFIG is there')
    config.loadFromFile(first)
    for (const path of others) {
      const other = new KubeConfig()
      other.loadFromFile(path)
      config.mergeConfig(other)
    }
  }
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error('the kubeconfig names no current cluster')
  // client-node makes a dispatcher per request; the first one is kept for all of them.
  const context = new RequestContext(server, HttpMethod.GET)
  await config.applySecurityAuthentication(context)
  const dispatcher = context.getDispatcher() ?? new Agent()
  return { config, server: server.replace(/\/+$/, ''), dispatcher }
}

/** One line, with the reason behind "fetch failed" and the like. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`.split('\n')[0] ?? ''
}
