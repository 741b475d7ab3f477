/**
 * Keeps a copy of one collection of the API server: one list, then one watch after another, each from where the last
 * one ended. The list is the truth, the watch is the hint: the whole is listed again from time to time, and when the API
 * server can't go on from there. It knows nothing of what the objects mean.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { BoundedItems, type Bound } from './bounded-items.ts'
import { KubeError, type KubeApi } from './kube-api.ts'
import { mustList, reasonsOf, statusSchema } from './kube-error.ts'
import { metadataSchema, readKnown } from './object-metadata.ts'
import { PageReader } from './page-reader.ts'
import { AWAY_MAX_MS, type ReflectorTimings } from './reflector-timings.ts'

export { REFLECTOR_TIMINGS, type ReflectorTimings } from './reflector-timings.ts'

const eventSchema = v.object({
  type: v.picklist(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: v.unknown(),
})

export interface Collection {
  /** Such as /apis/apps/v1/deployments. */
  path: string
  labelSelector?: string
  fieldSelector?: string
  /** Objects of the first page, where they may be so large that 500 are too many. */
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
  readonly #bound: Bound<T>
  readonly #onChange: () => void
  readonly #timings: ReflectorTimings
  readonly #stopping = new AbortController()
  #items: BoundedItems<T>
  readonly #pages: PageReader
  /** Ends the watch that is open, where a list is due instead. */
  #watching = new AbortController()
  /** What `parse` takes is more than it was. */
  #isOutgrown = false
  #relisting: NodeJS.Timeout | undefined
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
      bound: Bound<NoInfer<T>>
      onChange: () => void
      timings: ReflectorTimings
    },
  ) {
    this.#api = api
    this.collection = collection
    this.#parse = options.parse
    this.#bound = options.bound
    this.#items = new BoundedItems(options.bound)
    this.#pages = new PageReader(api, collection)
    this.#onChange = options.onChange
    this.#timings = options.timings
  }

  /** In the order of namespace and name. */
  get items(): T[] {
    return this.#items.items()
  }

  /** Namespaces of which there is more than the bound: the oldest objects were kept. */
  get cut(): ReadonlySet<string> {
    return this.#items.cut
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
    clearTimeout(this.#relisting)
    this.#stopping.abort()
  }

  /**
   * `parse` takes objects now that it didn't, so the whole is listed again: at once, but no sooner than `refillMs` after the
   * last list, for what decides it may change all the time.
   */
  relist(): void {
    this.#isOutgrown = true
    clearTimeout(this.#relisting)
    const waitMs = this.#listTriedAtMs + this.#timings.refillMs - performance.now()
    this.#relisting = setTimeout(
      () => {
        if (this.#isOutgrown) this.#watching.abort()
      },
      Math.max(0, waitMs),
    )
  }

  /** By age alone: where every watch fails, or none ever says a word, lists are all that keeps the copy true. */
  #isListDue(): boolean {
    const ageMs = performance.now() - this.#listTriedAtMs
    const isShort = this.#isOutgrown || this.#items.hasRoom
    return (
      this.#resourceVersion === '' ||
      ageMs >= this.#timings.relistMs ||
      (isShort && ageMs >= this.#timings.refillMs)
    )
  }

  async #list(): Promise<void> {
    const askedAtMs = performance.now()
    this.#listTriedAtMs = askedAtMs
    this.#confirmedAtMs = askedAtMs
    this.#isOutgrown = false
    let items = new BoundedItems(this.#bound)
    const resourceVersion = await this.#pages.readAll({
      query: this.#selectors(),
      signal: this.#stopping.signal,
      onStart: () => {
        items = new BoundedItems(this.#bound)
      },
      onItem: (object) => {
        this.#put(items, object)
      },
    })
    this.#items = items
    this.#resourceVersion = resourceVersion
    this.#heardAtMs = () => askedAtMs
    this.#succeed()
    this.#onChange()
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
    const { signal: isOver } = (this.#watching = new AbortController())
    const watching = this.#api.watch(this.collection.path, {
      query,
      signal: AbortSignal.any([this.#stopping.signal, isOver]),
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
    await watching.catch((error: unknown) => {
      if (!isOver.aborted) throw error // else a list is due, as if the server had ended the watch
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
    // While something is left out a list may be due at any time, to take in what has room again.
    const mostSeconds = this.#items.cut.size === 0 ? Infinity : this.#timings.refillMs / 1000
    const seconds = Math.ceil(Math.min(from + Math.random() * (to - from), mostSeconds))
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
    const known = readKnown(object)
    const [before, cutBefore] = [JSON.stringify(this.#items.get(known)), this.#items.cut.size]
    if (type === 'DELETED') this.#items.delete(known)
    else this.#put(this.#items, object)
    const isCut = this.#items.cut.size !== cutBefore
    // Most of what happens to an object is of no interest here: a Deployment counts its pods all day.
    if (isCut || JSON.stringify(this.#items.get(known)) !== before) this.#onChange()
  }

  #put(items: BoundedItems<T>, object: unknown): void {
    const item = this.#parse(object)
    const known = readKnown(object)
    if (item === null) items.delete(known)
    else items.put(known, item)
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
