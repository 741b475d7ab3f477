/**
 * Keeps a copy of one collection of the API server: one list, then one watch after another, each from where the last
 * one ended. The list is the truth, the watch is the hint: the whole is listed again from time to time, and when the API
 * server can't go on from there. It knows nothing of what the objects mean.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { KubeError, type KubeApi } from './kube-api.ts'
import { EXPIRED, mustList, reasonsOf, statusSchema } from './kube-error.ts'
import type { ReflectorTimings } from './reflector-timings.ts'

export { REFLECTOR_TIMINGS, type ReflectorTimings } from './reflector-timings.ts'

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

export interface Collection {
  /** Such as /apis/apps/v1/deployments. */
  path: string
  labelSelector?: string
  fieldSelector?: string
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
  /** To watch from; '' where the whole must be listed first. */
  #resourceVersion = ''
  /** ms by performance.now(): when the last list was asked for. -Infinity: one is due. */
  #listTriedAtMs = -Infinity
  /** ms by performance.now(), of the last list that was asked for, event or bookmark. */
  #confirmedAtMs = -Infinity
  /** Tries since a watch last worked, or since the API server answers again. */
  #failures = 0
  /** The last try had no answer at all. */
  #isAway = false
  /** ms by performance.now(), of the watch that is open; null: none is. */
  #openedAtMs: number | null = null
  #heardAtMs = () => -Infinity

  /** `parse` keeps what is needed of an object; null: it is not one of ours. If it throws, the whole is listed again. */
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

  /** ms by performance.now(): whatever the API server had told until then is in `items`. -Infinity: nothing is known. */
  get heardAtMs(): number {
    return this.#heardAtMs()
  }

  /** Runs until stopped; never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (this.#isListDue()) await this.#list()
        await this.#watch()
      } catch (error) {
        if (!signal.aborted) await this.#fail(KubeError.of(error))
      }
    }
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** By age alone: where every watch fails, or none ever says a word, lists are all that keeps the copy true. */
  #isListDue(): boolean {
    const ageMs = performance.now() - this.#listTriedAtMs
    return this.#resourceVersion === '' || ageMs >= this.#timings.relistMs
  }

  async #list(): Promise<void> {
    const { pageSize = PAGE_SIZE } = this.collection
    const askedAtMs = performance.now()
    this.#listTriedAtMs = askedAtMs
    this.#confirmedAtMs = askedAtMs
    const { items, resourceVersion } = await this.#readPages(pageSize).catch((error: unknown) => {
      // The snapshot that the pages are of is gone. Its last pages could be had as they are now, but no watch could
      // start from such a mixture: as client-go, the whole at once.
      if (error instanceof KubeError && error.status === EXPIRED) return this.#readPages(null)
      throw error
    })
    this.#items = items
    this.#resourceVersion = resourceVersion
    this.#heardAtMs = () => askedAtMs
    this.#succeed()
    this.#onChange()
  }

  /** `pageSize` null: all of it in one answer. */
  async #readPages(pageSize: number | null) {
    const items = new Map<string, T>()
    let resourceVersion = ''
    let token = ''
    do {
      const query = {
        ...this.#selectors(),
        ...(pageSize === null ? {} : { limit: String(pageSize) }),
        ...(token === '' ? {} : { continue: token }),
      }
      // Pages of one list share their version; the next page needs the token of this one.
      // oxlint-disable-next-line no-await-in-loop
      const page = await this.#api.list(this.collection.path, query, this.#stopping.signal)
      for (const object of page.items) this.#put(items, object)
      resourceVersion ||= page.resourceVersion
      token = page.continue
    } while (token !== '')
    return { items, resourceVersion }
  }

  #selectors(): Record<string, string> {
    const { labelSelector, fieldSelector } = this.collection
    return {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    }
  }

  /** Resolves when the server ends the watch as asked; rejects on anything else, silence included. */
  async #watch(): Promise<void> {
    const startedAtMs = performance.now()
    const resourceVersion = this.#resourceVersion
    const query = { ...this.#selectors(), allowWatchBookmarks: 'true', resourceVersion }
    await this.#api.watch(this.collection.path, {
      query,
      signal: this.#stopping.signal,
      limits: (isProven) => this.#findLimits(isProven),
      onOpen: (heardAtMs) => {
        this.#openedAtMs = performance.now()
        this.#heardAtMs = heardAtMs
        this.#succeed()
      },
      onEvent: (event) => {
        this.#take(event)
      },
    })
    this.#failures = 0
    this.#close()
    // A server that ends every watch at once must not be asked a thousand times a second.
    const tooSoonMs = this.#timings.backoffMs[0] - (performance.now() - startedAtMs)
    if (tooSoonMs > 0) await this.#wait(tooSoonMs)
  }

  #findLimits(isProven: boolean) {
    const { watchSeconds, silenceMs, unprovenSeconds, overdueMs } = this.#timings
    const [from, to] = isProven ? watchSeconds : unprovenSeconds
    const seconds = Math.ceil(from + Math.random() * (to - from))
    return { seconds, silenceMs: isProven ? silenceMs : seconds * 1000 + overdueMs }
  }

  /** The watch has ended: what was heard over it gets old from now on. */
  #close(): void {
    const wordlessMs = performance.now() - this.#confirmedAtMs
    // Not after a watch that was refused: it would cost a busy API server a list.
    if (this.#openedAtMs !== null && wordlessMs >= this.#timings.unconfirmedMs) {
      this.#listTriedAtMs = -Infinity
    }
    this.#openedAtMs = null
    const heardAtMs = this.#heardAtMs()
    this.#heardAtMs = () => heardAtMs
  }

  #take(event: unknown): void {
    const { type, object } = v.parse(eventSchema, event)
    if (type === 'ERROR') {
      const said = v.parse(statusSchema, object)
      const reasons = reasonsOf(said)
      throw new KubeError(`watch ended: ${said.message}`, said.code, { reasons })
    }
    const { metadata } = v.parse(metadataSchema, object)
    this.#failures = 0
    this.#confirmedAtMs = performance.now()
    if (type !== 'BOOKMARK') this.#change(type, object)
    this.#resourceVersion = metadata.resourceVersion
  }

  #change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void {
    const before = JSON.stringify(this.#items.get(keyOf(object)))
    if (type === 'DELETED') this.#items.delete(keyOf(object))
    else this.#put(this.#items, object)
    // Most of what happens to an object is of no interest here: a Deployment counts its pods all day.
    if (JSON.stringify(this.#items.get(keyOf(object))) !== before) this.#onChange()
  }

  #put(items: Map<string, T>, object: unknown): void {
    const item = this.#parse(object)
    if (item === null) items.delete(keyOf(object))
    else items.set(keyOf(object), item)
  }

  #succeed(): void {
    const isNews = !this.state.isSynced || this.state.error !== null
    this.state.isSynced = true
    this.state.error = null
    if (isNews) this.#onChange()
  }

  async #fail(error: KubeError): Promise<void> {
    const [from, mostOfAllMs] = this.#timings.backoffMs
    const wasOpen = this.#openedAtMs !== null
    const isAway = error.status === null && !wasOpen
    // Back after an outage, it answers 410 first: what was waited for is there, so the list must not wait as long again.
    if (this.#isAway && !isAway) this.#failures = 0
    this.#isAway = isAway
    const to = isAway ? Math.min(mostOfAllMs, AWAY_MAX_MS) : mostOfAllMs
    // Without bookmarks nothing else says that a watch worked.
    if (wasOpen && performance.now() - (this.#openedAtMs ?? 0) > to) this.#failures = 0
    this.#close()
    this.#failures += 1
    if (mustList(error)) this.#resourceVersion = ''
    // A watch that breaks is resumed, or listed anew, at once and without a word: only what then fails is a fault.
    const isFirst = wasOpen && this.#failures === 1
    if (!isFirst) {
      this.state.error = error
      this.#onChange()
    }
    const mostMs = isFirst ? from / 2 : Math.min(to, from * 2 ** (this.#failures - 1))
    const leastMs = isFirst ? 0 : mostMs / 2
    await this.#wait(error.retryAfterMs + leastMs + Math.random() * (mostMs - leastMs))
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#stopping
    await sleep(ms, undefined, { signal }).catch(() => undefined) // cut short by stop()
  }
}

/** ms between two tries of a server that can't be reached: nothing is spared by waiting longer. */
const AWAY_MAX_MS = 10_000

function keyOf(object: unknown): string {
  const { metadata } = v.parse(metadataSchema, object)
  return `${metadata.namespace}/${metadata.name}`
}
