/**
 * Keeps a copy of one collection of the API server. The list is the truth, the watch is the hint: whatever happens
 * to a watch costs at most a fresh list, never a wrong copy. It knows nothing of what the objects mean.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { KubeError, type KubeApi } from './kube-api.ts'

export interface ReflectorTimings {
  /** s a watch asks the server for, from and to: short, so that a silent one is found out (below). */
  watchSeconds: [number, number]
  /** ms a watch may outstay that before it counts as hung. */
  silenceMs: number
  /** ms after which the whole is listed again, whatever the watch says: an etcd restored from yesterday is silent. */
  relistMs: number
  /** ms between tries after a failure, from and to. */
  backoffMs: [number, number]
}

/**
 * Bookmarks come a minute apart, so silence alone tells a hung watch from a quiet one only after that. A watch that
 * the server must end within six seconds tells early enough for a fresh list within ten.
 */
export const REFLECTOR_TIMINGS: ReflectorTimings = {
  watchSeconds: [4, 6],
  silenceMs: 1500,
  relistMs: 600_000,
  backoffMs: [1000, 30_000],
}

/** Objects of a page. */
const PAGE_SIZE = 500

const metadataSchema = v.object({
  metadata: v.object({
    name: v.optional(v.string(), ''),
    namespace: v.optional(v.string(), ''),
    resourceVersion: v.optional(v.string(), ''),
  }),
})
const eventSchema = v.object({
  type: v.picklist(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: v.unknown(),
})
const errorSchema = v.object({
  code: v.optional(v.number(), 500),
  message: v.optional(v.string(), ''),
})

export interface Collection {
  /** Such as /apis/apps/v1/deployments. */
  path: string
  labelSelector?: string
  /** Objects of a page, where they are so large that 500 at once would block the loop. */
  pageSize?: number
}

/** As it is asked for: several collections may have one path. */
export function describeCollection({ path, labelSelector }: Collection): string {
  return labelSelector === undefined ? path : `${path}?labelSelector=${labelSelector}`
}

/** `isSynced`: listed whole at least once. `error`: why the last try failed; null since something worked. */
export interface ReflectorState {
  isSynced: boolean
  error: KubeError | null
}

export class Reflector<T> {
  readonly state: ReflectorState = { isSynced: false, error: null }
  readonly collection: Collection
  readonly #api: KubeApi
  readonly #parse: (object: unknown) => T | null
  readonly #onChange: () => void
  readonly #timings: ReflectorTimings
  readonly #stopping = new AbortController()
  #items = new Map<string, T>()
  #resourceVersion = ''
  #listedAtMs = 0
  #failures = 0

  /** `parse` keeps what is needed of an object; null: it is not one of ours. */
  constructor(
    api: KubeApi,
    collection: Collection,
    options: {
      parse: (object: unknown) => T | null
      onChange: () => void
      timings: ReflectorTimings
    },
  ) {
    this.#api = api
    this.collection = collection
    this.#parse = options.parse
    this.#onChange = options.onChange
    this.#timings = options.timings
  }

  /** In the order of namespace and name. */
  get items(): T[] {
    return [...this.#items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  /** Runs until stopped; never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    let isListed = false
    while (!signal.aborted) {
      try {
        if (!isListed) await this.#list()
        isListed = true
        await this.#watch()
        isListed = performance.now() - this.#listedAtMs < this.#timings.relistMs
      } catch (error) {
        if (signal.aborted) return
        isListed = false
        await this.#fail(error)
      }
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #list(): Promise<void> {
    const { path, labelSelector, pageSize = PAGE_SIZE } = this.collection
    const items = new Map<string, T>()
    let resourceVersion = ''
    let token = ''
    do {
      const query = {
        limit: String(pageSize),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(token === '' ? {} : { continue: token }),
      }
      // Pages of one list share their version; the next page needs the token of this one.
      // oxlint-disable-next-line no-await-in-loop
      const page = await this.#api.list(path, query, this.#stopping.signal)
      for (const object of page.items) this.#put(items, object)
      resourceVersion ||= page.resourceVersion
      token = page.continue
    } while (token !== '')
    this.#items = items
    this.#resourceVersion = resourceVersion
    this.#listedAtMs = performance.now()
    this.#succeed()
    this.#onChange()
  }

  /** Resolves when the server ends the watch as asked; rejects on anything else, silence included. */
  async #watch(): Promise<void> {
    const [from, to] = this.#timings.watchSeconds
    const seconds = from + Math.random() * (to - from)
    const { path, labelSelector } = this.collection
    const query = {
      allowWatchBookmarks: 'true',
      resourceVersion: this.#resourceVersion,
      timeoutSeconds: String(Math.ceil(seconds)),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    }
    const limitMs = Math.ceil(seconds) * 1000 + this.#timings.silenceMs
    const startedAtMs = performance.now()
    await this.#api.watch(path, { query, signal: this.#stopping.signal, limitMs }, (event) => {
      this.#take(event)
    })
    // A server that ends every watch at once must not be asked a thousand times a second.
    const tooSoonMs = this.#timings.backoffMs[0] - (performance.now() - startedAtMs)
    if (tooSoonMs > 0) await this.#wait(tooSoonMs)
    this.#succeed()
  }

  #take(event: unknown): void {
    const { type, object } = v.parse(eventSchema, event)
    if (type === 'ERROR') {
      const { code, message } = v.parse(errorSchema, object)
      throw new KubeError(`watch ended: ${message}`, code)
    }
    const { metadata } = v.parse(metadataSchema, object)
    this.#resourceVersion = metadata.resourceVersion
    if (type === 'BOOKMARK') return
    const before = JSON.stringify(this.#items.get(keyOf(object)))
    if (type === 'DELETED') this.#items.delete(keyOf(object))
    else this.#put(this.#items, object)
    this.#succeed()
    // Most of what happens to an object is of no interest here: a Deployment counts its pods all day.
    if (JSON.stringify(this.#items.get(keyOf(object))) !== before) this.#onChange()
  }

  #put(items: Map<string, T>, object: unknown): void {
    const item = this.#parse(object)
    if (item === null) items.delete(keyOf(object))
    else items.set(keyOf(object), item)
  }

  #succeed(): void {
    this.#failures = 0
    const isNews = !this.state.isSynced || this.state.error !== null
    this.state.isSynced = true
    this.state.error = null
    if (isNews) this.#onChange()
  }

  async #fail(error: unknown): Promise<void> {
    const known = error instanceof KubeError ? error : new KubeError(String(error), null, error)
    // Too old a version is how a watch ends by design: a fresh list, at once, unless the last one was only just made.
    const listAgeMs = performance.now() - this.#listedAtMs
    if (known.status === 410 && listAgeMs >= this.#timings.backoffMs[0]) return
    this.#failures += 1
    this.state.error = known
    this.#onChange()
    const [from, to] = this.#timings.backoffMs
    const mostMs = Math.min(to, from * 2 ** (this.#failures - 1))
    await this.#wait(mostMs * (0.5 + Math.random() / 2))
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#stopping
    await sleep(ms, undefined, { signal }).catch(() => undefined) // cut short by stop()
  }
}

function keyOf(object: unknown): string {
  const { metadata } = v.parse(metadataSchema, object)
  return `${metadata.namespace}/${metadata.name}`
}
