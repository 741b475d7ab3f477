/**
 * The API server as the exporter uses it: list, watch, single objects, and the pod proxy, as raw JSON over one kept
 * connection. It retries nothing: its caller does.
 */
import type { Readable } from 'node:stream'
import * as v from 'valibot'
import { makeAccess, type AccessOptions } from '../kubernetes/access.ts'
import { Connection, PINGS, type Answer, type Link } from '../kubernetes/connection.ts'
import { RefusedStream, type PingTimings } from '../kubernetes/session.ts'
import { KubeError, readRefusal, UNREADABLE } from './kube-error.ts'
import { readLines, readText } from '../kubernetes/read-body.ts'
import { readItems } from '../kubernetes/read-list.ts'

export { readOwnNamespace } from '../kubernetes/access.ts'
export { KubeError } from './kube-error.ts'

export interface ListPage {
  resourceVersion: string
  continue: string
  /** Characters of the answer. */
  length: number
}

/** `path` with its query. `object`: what is written. */
export interface Asked {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  object?: unknown
}

export interface Listing {
  query: Record<string, string>
  signal: AbortSignal
  onItem: (object: unknown) => void
}

/** How long a watch may last, and be silent. */
export interface WatchLimits {
  /** s that the server is asked for. */
  seconds: number
  /** ms without an event or a bookmark, after which it counts as hung. */
  silenceMs: number
}

export interface Watching {
  query: Record<string, string>
  signal: AbortSignal
  /** `isProven`: pings prove the connection, so a watch may be long. */
  limits: (isProven: boolean) => WatchLimits
  /** The server has begun to answer. `heardAtMs`: when it was last proven to be there, by performance.now(). */
  onOpen: (heardAtMs: () => number) => void
  onEvent: (event: unknown) => void
}

/** `date`: the header, as it came. The other two are ms by performance.now(). */
export interface DatedAnswer {
  date: string | undefined
  sentAtMs: number
  receivedAtMs: number
}

const GET = { method: 'GET' } as const

/**
 * Characters of one object. etcd takes 1.5 MiB of it, and JSON needs at most six characters for a byte (`\\u0001`); so a larger
 * one is none that an API server keeps.
 */
const MAX_LENGTH = 16 * 1024 * 1024

/** An empty object, or a page of a proxy in between, is not an empty list. */
const listSchema = v.object({
  kind: v.pipe(v.string(), v.endsWith('List')),
  metadata: v.object({
    resourceVersion: v.pipe(v.string(), v.nonEmpty()),
    continue: v.optional(v.string(), ''),
  }),
  items: v.nullish(v.pipe(v.array(v.unknown()), v.maxLength(0)), []), // each object was given away as it came
})

export interface KubeApiOptions extends AccessOptions {
  /** ms an ordinary request may take, and a watch until it begins. */
  timeoutMs: number
  /** Characters of an answer or an event. */
  maxLength?: number
  pings?: PingTimings
  /** Told of each answer, refusals too. */
  onAnswer?: (answer: DatedAnswer) => void
}

export class KubeApi {
  readonly #options: KubeApiOptions
  readonly #maxLength: number
  readonly #connection: Connection
  /** A pod that doesn't answer in time costs its connection: lists and watches must not move with it. */
  readonly #toPods: Connection

  constructor(options: KubeApiOptions) {
    const { pings = PINGS } = options
    const access = makeAccess(options)
    this.#options = options
    this.#maxLength = options.maxLength ?? MAX_LENGTH
    this.#connection = new Connection(access, pings)
    this.#toPods = new Connection(access, pings)
  }

  /** One page, whose objects are given one by one: it may be far larger than memory. Rejects with KubeError. */
  async list(path: string, { query, signal, onItem }: Listing): Promise<ListPage> {
    const asked = { ...GET, path: pathWith(path, query) }
    const { rest, length } = await this.#read(asked, signal, (body) =>
      readItems(body, { maxLength: this.#maxLength, onItem }),
    )
    const list = v.safeParse(listSchema, rest)
    if (!list.success) throw new KubeError('an answer that is no list', 200)
    return { ...list.output.metadata, length }
  }

  /** One object: as it is, or as it is once written. Rejects with KubeError. */
  async send(asked: Asked, signal: AbortSignal): Promise<unknown> {
    return this.#read(asked, signal, async (body) => {
      const json: unknown = JSON.parse(await readText(body, this.#maxLength))
      return json
    })
  }

  /** Gives each event as it comes, until the server ends the stream. Rejects with KubeError, silence included. */
  async watch(path: string, watching: Watching): Promise<void> {
    const { query, signal, limits, onOpen, onEvent } = watching
    const silence = new AbortController()
    const whole = AbortSignal.any([signal, silence.signal])
    let timer: NodeJS.Timeout | undefined
    const giveUpIn = (ms: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        silence.abort(new DOMException('', 'TimeoutError'))
      }, ms)
    }
    giveUpIn(this.#options.timeoutMs)
    try {
      await this.#with(this.#connection, whole, async (link) => {
        const { seconds, silenceMs } = limits(link.session !== null)
        const asked = { ...query, watch: 'true', timeoutSeconds: String(seconds) }
        const askedAtMs = performance.now()
        const { body } = await this.#ask(link, { ...GET, path: pathWith(path, asked) }, whole)
        onOpen(() => Math.max(askedAtMs, link.session?.heardAtMs ?? 0))
        giveUpIn(silenceMs)
        for await (const line of readLines(body, this.#maxLength)) {
          giveUpIn(silenceMs)
          takeEvent(line, onEvent)
        }
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** What a pod answers through the API server's proxy. Rejects with KubeError when the API server itself is away. */
  async proxy(
    path: string,
    signal: AbortSignal,
  ): Promise<{
    statusCode: number
    headers: Record<string, string | string[] | undefined>
    body: Readable
  }> {
    return this.#with(this.#toPods, signal, async (link) => {
      const {
        status: statusCode,
        headers,
        body,
      } = await this.#request(link, { ...GET, path }, signal)
      return { statusCode, headers, body }
    })
  }

  stop(): Promise<void> {
    this.#connection.destroy()
    this.#toPods.destroy()
    return Promise.resolve()
  }

  async #read<T>(
    asked: Asked,
    signal: AbortSignal,
    read: (body: Readable) => Promise<T>,
  ): Promise<T> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)])
    return this.#with(this.#connection, limited, async (link) => {
      const { body } = await this.#ask(link, asked, limited)
      return read(body)
    })
  }

  async #ask(link: Link, asked: Asked, signal: AbortSignal): Promise<Answer> {
    const sentAtMs = performance.now()
    const answer = await this.#request(link, asked, signal)
    const { date } = answer.headers
    this.#options.onAnswer?.({ date, sentAtMs, receivedAtMs: performance.now() })
    if (answer.status === 200 || answer.status === 201) return answer
    throw readRefusal(answer, await readText(answer.body, this.#maxLength).catch(() => '')) // an error page says less than its status
  }

  #request(link: Link, { method, path, object }: Asked, signal: AbortSignal): Promise<Answer> {
    const headers = { accept: 'application/json', 'user-agent': 'pilotlight' }
    if (object === undefined) return link.ask({ method, path, headers }, signal)
    const written = { ...headers, 'content-type': 'application/json' }
    return link.ask({ method, path, headers: written, body: JSON.stringify(object) }, signal)
  }

  /**
   * A request that was refused unprocessed is asked once more, as Go's client does: the server shuts down, or has more
   * streams than it wants.
   */
  #with<T>(
    connection: Connection,
    signal: AbortSignal,
    work: (link: Link) => Promise<T>,
  ): Promise<T> {
    return this.#withOne(connection, signal, work).catch((error: unknown) => {
      const isUnprocessed = error instanceof KubeError && error.cause instanceof RefusedStream
      if (isUnprocessed) return this.#withOne(connection, signal, work)
      throw error
    })
  }

  /**
   * A connection that failed is not used for anything new: the API server may have moved, its CA or the token may be
   * new. A request that its own caller gave up says nothing of it.
   */
  async #withOne<T>(
    connection: Connection,
    signal: AbortSignal,
    work: (link: Link) => Promise<T>,
  ): Promise<T> {
    let link: Link | null = null
    try {
      // Of those who waited for a connection some may find it full: the next one is made for them.
      // oxlint-disable-next-line no-await-in-loop
      do link = await waitFor(connection.open(), signal)
      while (!link.hasRoom)
      return await work(link)
    } catch (error) {
      // Of a request that is aborted, some report the abort, some its cause, and some that the connection has ended.
      const isLate = signal.aborted && isTimeout(signal.reason)
      const known = KubeError.of(isLate && !(error instanceof KubeError) ? signal.reason : error)
      const isRefusal = known.status !== null && known.status !== 401
      if (!isRefusal && (isLate || !signal.aborted)) link?.leave()
      throw known
    }
  }
}

function takeEvent(line: string, onEvent: (event: unknown) => void): void {
  try {
    onEvent(JSON.parse(line))
  } catch (cause) {
    if (cause instanceof KubeError) throw cause
    throw new KubeError("an event that can't be read", null, { cause, reasons: [UNREADABLE] })
  }
}

/** A credential plugin takes no signal, and a connection is made for all: what is waited for goes on alone. */
async function waitFor<T>(given: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = () => {
    const reason: unknown = signal.reason
    reject(isTimeout(reason) ? new KubeError('no way to the API server in time', null) : reason)
  }
  given.catch(() => undefined) // it is heard below, unless it is given up
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([given, promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}

function pathWith(path: string, query: Record<string, string>): string {
  return `${path}?${new URLSearchParams(query).toString()}`
}
