/**
 * Watches: where one starts, what it replays, how a change looks through its selector, bookmarks and the end.
 * It writes events to a sink and knows neither HTTP nor how an event is spelled there.
 */
import type { KubeObject } from './kube-object.ts'
import { type ListScope, parseRevision, selects } from './list.ts'
import { apiVersionOf } from './resources.ts'
import { ApiError } from './status.ts'
import type { Change, Store } from './store.ts'

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: object
}

export interface WatchSink {
  send(event: WatchEvent): void
  /** A clean EOF. */
  end(): void
  /** The stream is reset, or the socket destroyed. */
  cut(): void
}

export interface WatchTiming {
  bookmarkMs: number
  /** One more bookmark this long before the timeoutSeconds deadline, for watches at least minTimeoutMs long. */
  deadlineBookmark: { beforeMs: number; minTimeoutMs: number }
}

interface WatchQuery {
  resourceVersion: number | undefined
  sendsInitialEvents: boolean | undefined
  allowsBookmarks: boolean
  timeoutMs: number
}

/** Without timeoutSeconds the server ends a watch by itself after 30 to 60 minutes (min-request-timeout). */
const DEFAULT_TIMEOUT_MS = 1_800_000

export class Watches {
  #store: Store
  #timing: WatchTiming
  #open = new Set<OpenWatch>()

  constructor(store: Store, timing: WatchTiming) {
    this.#store = store
    this.#timing = timing
    store.subscribe((change) => {
      for (const watch of this.#open) watch.deliver(change)
    })
  }

  get size(): number {
    return this.#open.size
  }

  /** Checks the query (400, 422, 500), then streams. Returns what to call when the client has gone. */
  open(scope: ListScope, start: () => WatchSink): () => void {
    const query = parseWatchQuery(scope.query)
    const matches = selects(scope)
    const watch = new OpenWatch({ scope, query, matches: matches ?? (() => true), sink: start() })
    this.#open.add(watch)
    const forget = (): void => {
      watch.stop()
      this.#open.delete(watch)
    }
    watch.start(this.#timing, forget)
    return forget
  }

  /** Every open watch gets the ERROR 410 event and EOF, and history is forgotten. */
  expire(): void {
    this.#store.compact()
    for (const watch of this.#open) if (watch.expire()) this.#open.delete(watch)
  }

  cut(): void {
    for (const watch of this.#open) watch.cut()
    this.#open.clear()
  }

  /** Silent from now on, for good: no event, no bookmark, no EOF. */
  hang(): void {
    for (const watch of this.#open) watch.stop()
  }
}

interface Opening {
  scope: ListScope
  query: WatchQuery
  matches: (object: KubeObject) => boolean
  sink: WatchSink
}

class OpenWatch {
  #opening: Opening
  #timers: NodeJS.Timeout[] = []
  #isSilent = false
  /** Changes up to this revision are the client's already. */
  #from: number

  constructor(opening: Opening) {
    this.#opening = opening
    this.#from = opening.query.resourceVersion ?? 0
  }

  start(timing: WatchTiming, forget: () => void): void {
    const { scope, query, sink } = this.#opening
    const { store, resource } = scope
    if (this.#from > 0 && query.sendsInitialEvents !== true) {
      if (this.#from < store.compactedRevision) {
        this.expire(`too old resource version: ${this.#from} (${store.compactedRevision})`)
        return forget()
      }
      for (const change of store.changesAfter(resource, this.#from)) this.deliver(change)
    } else if (this.#from <= store.revision) {
      if (query.sendsInitialEvents !== false) this.#sendAll()
      this.#from = store.revision
      if (query.sendsInitialEvents === true && query.allowsBookmarks) {
        this.#bookmark({ annotations: { 'k8s.io/initial-events-end': 'true' } })
      }
    }
    this.#after(query.timeoutMs, () => {
      sink.end()
      forget()
    })
    if (query.allowsBookmarks) this.#planBookmarks(timing)
  }

  deliver(change: Change): void {
    const { scope } = this.#opening
    if (this.#isSilent || change.resource !== scope.resource || change.revision <= this.#from)
      return
    const isIn = change.type !== 'DELETED' && this.#shows(change.object)
    const wasIn = change.previous !== undefined && this.#shows(change.previous)
    if (isIn) this.#send(wasIn ? 'MODIFIED' : 'ADDED', change.object)
    else if (wasIn && change.previous !== undefined) {
      // The last state that matched, under the revision of the change that took it out of view.
      const { resourceVersion } = change.object.metadata
      const metadata = { ...change.previous.metadata, ...(resourceVersion && { resourceVersion }) }
      this.#send('DELETED', { ...change.previous, metadata })
    }
  }

  /** False for a watch that hangs: it does not even learn of its end. */
  expire(message = 'The resourceVersion for the provided watch is too old.'): boolean {
    if (this.#isSilent) return false
    const { sink } = this.#opening
    sink.send({ type: 'ERROR', object: new ApiError(410, message).status })
    this.stop()
    sink.end()
    return true
  }

  cut(): void {
    this.stop()
    this.#opening.sink.cut()
  }

  stop(): void {
    this.#isSilent = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #sendAll(): void {
    const { store, resource } = this.#opening.scope
    for (const [, object] of store.snapshot(resource)) {
      if (this.#shows(object)) this.#send('ADDED', object)
    }
  }

  #shows(object: KubeObject): boolean {
    const { scope, matches } = this.#opening
    const isHere = scope.namespace === undefined || object.metadata.namespace === scope.namespace
    return isHere && matches(object)
  }

  #send(type: WatchEvent['type'], object: object): void {
    if (!this.#isSilent) this.#opening.sink.send({ type, object })
  }

  #bookmark(extra: { annotations?: Record<string, string> } = {}): void {
    const { store, resource } = this.#opening.scope
    // A watch from the future has nothing to confirm yet.
    if (store.revision < this.#from) return
    const metadata = { resourceVersion: String(store.revision), ...extra }
    this.#send('BOOKMARK', { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata })
  }

  #planBookmarks({ bookmarkMs, deadlineBookmark }: WatchTiming): void {
    const { timeoutMs } = this.#opening.query
    this.#timers.push(setInterval(() => this.#bookmark(), bookmarkMs).unref())
    if (timeoutMs >= deadlineBookmark.minTimeoutMs) {
      this.#after(timeoutMs - deadlineBookmark.beforeMs, () => this.#bookmark())
    }
  }

  #after(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, ms).unref())
  }
}

function parseWatchQuery(query: URLSearchParams): WatchQuery {
  const match = query.get('resourceVersionMatch')
  const initial = query.get('sendInitialEvents')
  if (initial === null && match !== null) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'
    throw ApiError.forbiddenOption('resourceVersionMatch', why)
  }
  if (initial !== null && match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
    throw ApiError.forbiddenOption('resourceVersionMatch', why)
  }
  const timeoutSeconds = Number(query.get('timeoutSeconds') ?? 0)
  return {
    resourceVersion: parseRevision(
      query.get('resourceVersion'),
      (text) => new ApiError(500, `strconv.ParseUint: parsing "${text}": invalid syntax`),
    ),
    sendsInitialEvents: initial === null ? undefined : isTrue(initial),
    allowsBookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutMs:
      timeoutSeconds > 0 ? timeoutSeconds * 1_000 : DEFAULT_TIMEOUT_MS * (1 + Math.random()),
  }
}

/** A boolean in a query as the API machinery reads it: present and neither "false" nor "0". */
export function isTrue(text: string | null): boolean {
  return text !== null && text !== 'false' && text !== '0'
}
