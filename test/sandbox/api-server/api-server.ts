/**
 * A Kubernetes API server for tests: one process, memory only, HTTPS on loopback, with faults to order.
 * It agrees with kubernetes-api-observations.md; it runs no pods, schedules nothing and knows no RBAC.
 */
import { randomBytes } from 'node:crypto'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type Certificates, makeCertificates } from './certificates.ts'
import { keepEndpointSlices } from './endpoint-slices.ts'
import { Exchange } from './exchange.ts'
import { FaultInjector, type Faults } from './faults.ts'
import type { KubeObject, Ref } from './kube-object.ts'
import { Listener } from './listener.ts'
import { handleRequest } from './request-handler.ts'
import { keyOf, resourceOfKind } from './resources.ts'
import { ApiError } from './status.ts'
import { Store } from './store.ts'
import { Watches, isTrue, type WatchTiming } from './watch.ts'
import { type Place, Writer } from './write.ts'

export type { AnswerRule, Faults } from './faults.ts'
export type { KubeObject, Ref } from './kube-object.ts'

export interface ApiServerOptions {
  /** 0, the default, is any free port. */
  port?: number
  /** Accepted bearer tokens; by default one random token. */
  tokens?: string[]
  /** Between two bookmarks of a watch; 60 s by default, as observed. */
  bookmarkMs?: number
  /** The extra bookmark before the timeoutSeconds deadline; observed: 1.3 s before 190 s, none before 6 s. */
  deadlineBookmark?: WatchTiming['deadlineBookmark']
  /** How long a list waits for a resourceVersion from the future before its 504; 3 s by default, as observed. */
  tooLargeWaitMs?: number
}

export interface SeenRequest {
  /** ms by performance.now(). */
  atMs: number
  method: string
  path: string
  query: string
  watch: boolean
  token: string | undefined
}

export interface Seen {
  /** TLS connections accepted so far. */
  readonly connections: number
  readonly openWatches: number
  /** The newest 10,000. */
  readonly requests: readonly SeenRequest[]
}

const SEEN_MAX = 10_000 // requests: more than the busiest test makes, at about 200 bytes each

export interface ApiServer {
  /** https://127.0.0.1:PORT */
  readonly url: string
  readonly caPem: string
  /** Accepted bearer tokens; may be changed at run time. */
  readonly tokens: Set<string>
  readonly faults: Faults
  readonly seen: Seen
  /** Text of a kubeconfig (JSON is YAML) with the CA inline and a token that is valid now. */
  kubeconfig(): string
  /** Throws when it exists. A missing namespace is created along. Status and deletionTimestamp are kept as given. */
  create(object: KubeObject): KubeObject
  /** Creates or replaces; uid stays, resourceVersion always moves. */
  apply(object: KubeObject): KubeObject
  /** Merge-patch (RFC 7386) of the whole object, status included. */
  patch(ref: Ref, change: Record<string, unknown>): KubeObject
  remove(ref: Ref): void
  get(ref: Ref): KubeObject | undefined
  /** Sorted by namespace and name. */
  list(kind: string, namespace?: string): KubeObject[]
  stop(): Promise<void>
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const server = new MemoryApiServer(options, await makeCertificates())
  for (const name of ['default', 'kube-system']) {
    server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  await server.faults.comeBack()
  return server
}

class MemoryApiServer implements ApiServer {
  readonly caPem: string
  readonly tokens: Set<string>
  readonly faults: FaultInjector
  readonly seen: Seen
  #store = new Store()
  #writer = new Writer(this.#store)
  #watches: Watches
  #listener: Listener
  #requests: SeenRequest[] = []
  #tooLargeWaitMs: number

  constructor(options: ApiServerOptions, certificates: Certificates) {
    this.caPem = certificates.caPem
    this.tokens = new Set(options.tokens ?? [randomBytes(16).toString('hex')])
    this.#tooLargeWaitMs = options.tooLargeWaitMs ?? 3_000
    // Watches subscribe before the controller: nobody may see a slice change before the pod change behind it.
    this.#watches = new Watches(this.#store, {
      bookmarkMs: options.bookmarkMs ?? 60_000,
      deadlineBookmark: options.deadlineBookmark ?? { beforeMs: 1_300, minTimeoutMs: 10_000 },
    })
    keepEndpointSlices(this.#writer)
    this.#listener = new Listener(options.port ?? 0, certificates, (request, response) => {
      void this.#answer(request, response)
    })
    this.faults = new FaultInjector(this.#listener, this.#watches)
    this.seen = seenThrough(this.#listener, this.#watches, this.#requests)
  }

  get url(): string {
    return `https://127.0.0.1:${this.#listener.port}`
  }

  kubeconfig(): string {
    const [token = ''] = this.tokens
    const name = 'double'
    const ca = Buffer.from(this.caPem).toString('base64')
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: this.url, 'certificate-authority-data': ca } }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
      'current-context': name,
    })
  }

  create(object: KubeObject): KubeObject {
    const { resourceVersion: _, ...metadata } = object.metadata
    const given = structuredClone({ ...object, metadata })
    const resource = resourceOfKind(object.kind)
    return structuredClone(this.#writer.create(resource, given, { author: 'operator' }))
  }

  apply(object: KubeObject): KubeObject {
    if (this.get(refOf(object)) === undefined) return this.create(object)
    const { resourceVersion: _, uid: __, ...metadata } = object.metadata
    const place = this.#placeOf(refOf(object))
    // A Lease is not updated without the resourceVersion that was read; here that is always the newest.
    const { resourceVersion } = this.#writer.find(place).metadata
    const given = structuredClone({ ...object, metadata: { ...metadata, resourceVersion } })
    const how = { author: 'operator', always: true } as const
    return structuredClone(this.#writer.replace(place, given, how))
  }

  patch(ref: Ref, change: Record<string, unknown>): KubeObject {
    const place = this.#placeOf(ref)
    return structuredClone(
      this.#writer.patch(place, structuredClone(change), { author: 'operator' }),
    )
  }

  remove(ref: Ref): void {
    this.#writer.remove(this.#placeOf(ref))
  }

  get(ref: Ref): KubeObject | undefined {
    const { resource, namespace, name } = this.#placeOf(ref)
    return structuredClone(this.#store.get(resource, keyOf(resource, namespace, name)))
  }

  list(kind: string, namespace?: string): KubeObject[] {
    const objects = this.#store.snapshot(resourceOfKind(kind)).map(([, object]) => object)
    const isHere = (object: KubeObject): boolean =>
      namespace === undefined || object.metadata.namespace === namespace
    return structuredClone(objects.filter(isHere))
  }

  async stop(): Promise<void> {
    this.#watches.hang()
    await this.#listener.stop()
  }

  #placeOf(ref: Ref): Place {
    const resource = resourceOfKind(ref.kind)
    const namespace = resource.namespaced ? (ref.namespace ?? 'default') : undefined
    return { resource, namespace, name: ref.name }
  }

  async #answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response)
    this.#remember(exchange)
    try {
      if (!(await this.faults.apply(exchange))) return
      this.#authenticate(exchange)
      await handleRequest(exchange, {
        writer: this.#writer,
        watches: this.#watches,
        tooLargeWaitMs: this.#tooLargeWaitMs,
      })
    } catch (error) {
      // Anything but a refusal is a fault of this double: its words go to the test that meets it.
      exchange.refuse(error instanceof ApiError ? error : new ApiError(500, String(error)))
    }
  }

  #remember(exchange: Exchange): void {
    const { method, path, rawQuery: query, token } = exchange
    const watch = isTrue(exchange.query.get('watch'))
    this.#requests.push({ atMs: performance.now(), method, path, query, watch, token })
    if (this.#requests.length > SEEN_MAX) this.#requests.shift()
  }

  /** The four public paths answer without a token, but a wrong token is refused everywhere. */
  #authenticate({ path, token }: Exchange): void {
    const isPublic = ['/healthz', '/livez', '/readyz', '/version'].includes(path)
    if (token === undefined ? isPublic : this.tokens.has(token)) return
    throw new ApiError(401, 'Unauthorized')
  }
}

function refOf({ kind, metadata }: KubeObject): Ref {
  const { name, namespace } = metadata
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) }
}

function seenThrough(listener: Listener, watches: Watches, requests: SeenRequest[]): Seen {
  return {
    requests,
    get connections() {
      return listener.connections
    },
    get openWatches() {
      return watches.size
    },
  }
}
