/** What exists: the reflectors side by side, joined into services, categories and acks. It probes nothing. */
import type { Category, Content, Warning } from '../../worker/contract/report.ts'
import { findPeriods } from '../../worker/domain/periods.ts'
import type { KubeApi } from './kube-api.ts'
import { markIncomplete } from './incomplete.ts'
import { NAMESPACE_RETRY_MS, Namespaces } from './namespaces.ts'
import { findLeftOut, Sources } from './sources.ts'
import { describeCollection, type ReflectorTimings } from './reflector.ts'
import { joinTargets, type DiscoveredService, type Found, type Refuse } from './targets.ts'
import { joinAcks, joinCategories } from './categories.ts'

/** What is known of the cluster. A section is null while it could not be listed. */
export interface Discovered {
  services: (DiscoveredService & { periodSeconds: number | undefined })[]
  categories: Category[] | null
  acks: Content['acks']
  /** Names of categories of which something was left out. */
  incomplete: string[]
  warnings: Warning[]
}

export interface DiscoveryState {
  /** Every collection was listed whole, or at least tried; services and their addresses were listed. */
  isComplete: boolean
  /** Why the API server can't be reached at all; null while it answers. */
  away: string | null
  /** Collections that can't be listed, with the reason. */
  failing: string[]
  /** Collections that were listed at least once, of all. */
  collections: { loaded: number; total: number }
}

/** ms in which changes of several collections are taken together. */
const GATHER_MS = 20

/** Joining thousands of services takes a while: it may have this part of the time, however often something changes. */
const JOIN_SHARE = 0.2

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #sources: Sources
  readonly #namespaces: Namespaces
  readonly #stopping = new AbortController()
  #gathering: NodeJS.Timeout | null = null
  /** ms, by performance.now(). */
  #gatherDueMs = 0
  /** ms, by performance.now(): not joined again before, unless for a namespace. */
  #restUntilMs = 0
  /** As it was joined when namespaces were last followed; null: not everything was listed then. */
  #found: Found | null = null
  /** One after the other: what is told must not be older than what was told before. */
  #telling: Promise<void> = Promise.resolve()

  constructor(api: KubeApi, options: DiscoveryOptions) {
    this.#options = options
    this.#namespaces = new Namespaces(api)
    this.#sources = new Sources(api, {
      ...options,
      onChange: () => {
        this.#gather()
      },
    })
  }

  start(): void {
    this.#sources.start()
  }

  stop(): void {
    this.#stopping.abort()
    this.#sources.stop()
    if (this.#gathering !== null) clearTimeout(this.#gathering)
  }

  /** Which addresses may be asked has changed. */
  rejoin(): void {
    this.#gather()
  }

  state(): DiscoveryState {
    const all = this.#sources.all()
    const tried = all.every(({ state }) => state.isSynced || state.error !== null)
    const failing = all.filter(({ state }) => state.error !== null)
    const away = failing.find(({ state }) => (state.error?.status ?? 500) >= 500)
    return {
      isComplete: tried && this.#sources.needed().every(({ state }) => state.isSynced),
      away: away?.state.error?.message ?? null,
      failing: failing.map(
        ({ collection, state }) =>
          `${describeCollection(collection)}: ${state.error?.message ?? ''}`,
      ),
      collections: {
        loaded: all.filter(({ state }) => state.isSynced).length,
        total: all.length,
      },
    }
  }

  current(): Discovered {
    const found = this.#found ?? this.#join()
    const services = found.services.filter(
      ({ namespace }) => !this.#namespaces.isTerminating(namespace),
    )
    const known = this.#sources.categories()
    const read = known && joinCategories(known)
    const acks = this.#sources.acks()
    const names = services.map(({ name }) => name)
    const periods = findPeriods(read?.categories ?? [], names)
    const leftOut = findLeftOut(this.#sources, { found, cutCategories: read?.cut ?? [] })
    const { homeNamespace } = this.#options
    const marked = markIncomplete(read?.categories ?? null, {
      known: names,
      homeNamespace,
      leftOut,
    })
    return {
      services: services.map((service) => ({
        ...service,
        periodSeconds: periods.get(service.name),
      })),
      categories: marked.categories,
      acks: acks && joinAcks(acks),
      incomplete: marked.incomplete,
      warnings: [
        ...this.#sources.warnings(),
        ...marked.warnings,
        ...this.#namespaces.warnings(),
        ...(read?.warnings ?? []),
        ...this.state().failing.map((message) => ({ subject: 'discovery', message })),
        ...found.warnings,
      ],
    }
  }

  #join(): Found {
    const { homeNamespace, refuse, onServerAddresses } = this.#options
    onServerAddresses(this.#sources.serverAddresses())
    const { cutSlices, cutWorkloads } = this.#sources
    return joinTargets(this.#sources.services(), {
      homeNamespace,
      refuse,
      cutSlices,
      cutWorkloads,
    })
  }

  /** Brought forward, where it was to be later; never put off, or a storm of events would be told when it is over. */
  #gather(afterMs = GATHER_MS): void {
    const nowMs = performance.now()
    const dueMs = Math.max(nowMs + afterMs, this.#restUntilMs)
    if (this.#gathering !== null && this.#gatherDueMs <= dueMs) return
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#gatherDueMs = dueMs
    this.#gathering = setTimeout(() => {
      this.#gathering = null
      this.#sources.follow()
      this.#telling = this.#telling.then(() => this.#tell())
    }, dueMs - nowMs)
  }

  /** A service that lost its last pod is told only once it is known whether its namespace is being deleted. */
  async #tell(): Promise<void> {
    const { signal } = this.#stopping
    const startedAtMs = performance.now()
    const found = this.#join()
    const tookMs = performance.now() - startedAtMs
    const { isComplete, away } = this.state()
    if (isComplete && away === null) await this.#namespaces.follow(found.services, signal)
    if (signal.aborted) return
    const againAtMs = performance.now()
    // Until all is listed, each look joins what there is by then: `state` may be complete before this is.
    if (isComplete) this.#found = found
    this.#options.onChange()
    const busyMs = tookMs + performance.now() - againAtMs
    this.#restUntilMs = performance.now() + busyMs / JOIN_SHARE
    if (this.#namespaces.mustReadAgain) this.#gather(NAMESPACE_RETRY_MS)
  }
}

export interface DiscoveryOptions {
  /** Empty: all. */
  namespaces: string[]
  homeNamespace: string
  timings: ReflectorTimings
  /** What is wrong with asking an address. */
  refuse: Refuse
  /** Told before `refuse` is asked: where the API server itself is. */
  onServerAddresses: (addresses: string[]) => void
  /** Something that `current()` or `state()` tells may have changed. */
  onChange: () => void
}
