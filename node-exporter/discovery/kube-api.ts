/**
 * The API server as the exporter uses it: list, watch, single objects, and the pod proxy. Credentials, CA and proxies are
 * @kubernetes/client-node's; the requests are raw JSON over one kept connection, for its typed calls open a
 * connection each and block the event loop for seconds on a large list. It retries nothing: whoever asks does.
 */
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import * as v from 'valibot'
import { sayNoCredentials, sayUnread } from './kubeconfig-faults.ts'

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
  /** Where `config` is from, for people. */
  source: string
  server: string
  dispatcher: Dispatcher
  /** Who asks meanwhile shares it: a plugin that hangs is started once. null: nobody waits for any. */
  credentials: Promise<Record<string, string>> | null
}

/** ms; what isn't let go by then, for a credential plugin hangs, ends with the process. */
const LET_GO_MS = 1000

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
    const letGo = this.#connection
      ?.then(({ dispatcher }) => dispatcher.destroy())
      .catch(() => undefined) // it never came to be: nothing to let go
    this.#connection = null
    const waiting = new AbortController()
    const { signal } = waiting
    await Promise.race([letGo, sleep(LET_GO_MS, undefined, { signal }).catch(() => undefined)]) // ended below
    waiting.abort()
  }

  async #ask(connection: Connection, asked: Asked, signal: AbortSignal) {
    const answer = await this.#request(connection, asked, signal)
    if (answer.statusCode === 200 || answer.statusCode === 201) return answer.body
    const body: unknown = await answer.body.json().catch(() => null) // an error page says less than its status
    const status = v.safeParse(statusSchema, body)
    const message = status.success ? status.output.message : 'no reason given'
    throw new KubeError(`HTTP ${answer.statusCode}: ${message}`, answer.statusCode)
  }

  async #request(connection: Connection, { method, path, object }: Asked, signal: AbortSignal) {
    const { server, dispatcher } = connection
    const url = `${server}${path}`
    connection.credentials ??= authenticate(connection).finally(() => {
      connection.credentials = null
    })
    const headers = {
      ...(await this.#waitFor(connection.credentials, signal)),
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
    let isSettled = false
    const settle = () => {
      isSettled = true
    }
    connecting.then(settle, settle)
    try {
      return await work(await this.#waitFor(connecting, signal))
    } catch (error) {
      const status = error instanceof KubeError ? error.status : null
      const isRefusal = status !== null && status !== 401
      // One that is still being made is for whoever comes next: a plugin that hangs is started once.
      const isUsed = isSettled && this.#connection === connecting
      if (!isRefusal && !signal.aborted && isUsed) {
        this.#connection = null
        connecting.then(({ dispatcher }) => dispatcher.close()).catch(() => undefined) // it is let go either way
      }
      throw error instanceof KubeError ? error : new KubeError(reasonOf(error), null, error)
    }
  }

  /** Credentials may be a plugin's, which takes no signal: it goes on alone. */
  async #waitFor<T>(given: Promise<T>, signal: AbortSignal): Promise<T> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    const { promise, reject } = Promise.withResolvers<never>()
    const giveUp = () => {
      reject(signal.aborted ? signal.reason : new KubeError('no credentials in time', null))
    }
    if (limited.aborted) giveUp()
    limited.addEventListener('abort', giveUp)
    try {
      return await Promise.race([given, promise])
    } finally {
      limited.removeEventListener('abort', giveUp)
    }
  }
}

function pathWith(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query).toString()}`
}

/** Rejects with KubeError, in words that hold nothing of what was read. */
async function connect(options: KubeApiOptions): Promise<Connection> {
  const { config, source } = load(options)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new KubeError(`${source} names no cluster`, null)
  try {
    // client-node makes a dispatcher per request; the first one is kept for all of them.
    const context = new RequestContext(server, HttpMethod.GET)
    await config.applySecurityAuthentication(context)
    const dispatcher = context.getDispatcher() ?? new Agent()
    const kept = { config, source, dispatcher, credentials: null }
    return { ...kept, server: server.replace(/\/+$/, '') }
  } catch (error) {
    throw new KubeError(sayNoCredentials(source, error), null, error)
  }
}

/** The service account in a pod, else the kubeconfig. */
function load({ kubeconfig, accountRoot }: KubeApiOptions): { config: KubeConfig; source: string } {
  const isInPod =
    process.env['KUBERNETES_SERVICE_HOST'] && existsSync(`${accountRoot}${TOKEN_FILE}`)
  const source = isInPod ? 'the service account' : 'KUBECONFIG'
  const [first, ...others] = (kubeconfig ?? '').split(delimiter).filter((path) => path !== '')
  const config = new KubeConfig()
  if (!isInPod && first === undefined) {
    throw new KubeError('neither a service account nor KUBECONFIG is there', null)
  }
  try {
    if (first === undefined || isInPod) {
      config.loadFromCluster(accountRoot)
      return { config, source }
    }
    config.loadFromFile(first)
    for (const path of others) {
      const other = new KubeConfig()
      other.loadFromFile(path)
      config.mergeConfig(other)
    }
    return { config, source }
  } catch (error) {
    throw new KubeError(sayUnread(source, error), null, error)
  }
}

/** Headers, as they are now: a token may have been rotated. Rejects with KubeError. */
async function authenticate({
  config,
  source,
  server,
}: Connection): Promise<Record<string, string>> {
  try {
    const context = new RequestContext(server, HttpMethod.GET)
    await config.applySecurityAuthentication(context)
    return context.getHeaders()
  } catch (error) {
    throw new KubeError(sayNoCredentials(source, error), null, error)
  }
}

/** One line, with the reason behind "fetch failed" and the like. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error instanceof SyntaxError) return 'an answer that is no JSON' // its words hold a piece of it
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`.split('\n')[0] ?? ''
}
