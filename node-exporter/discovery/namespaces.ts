/**
 * Which namespaces are being deleted. Their pods go before their Services, so without this a deleted namespace reads as an
 * outage. A namespace is read by its name, and only when one of its services has just lost its last pod.
 */
import pLimit from 'p-limit'
import * as v from 'valibot'
import type { Warning } from '../../worker/contract/report.ts'
import { isStaying, wantsNone } from '../../worker/domain/service-memory.ts'
import { KubeError, type KubeApi } from './kube-api.ts'
import type { DiscoveredService } from './targets.ts'

const namespaceSchema = v.object({
  metadata: v.object({ deletionTimestamp: v.nullish(v.string()) }),
  status: v.nullish(v.object({ phase: v.nullish(v.string(), '') }), {}),
})

interface Known {
  /** Names of the emptied services that it was read for. */
  emptied: Set<string>
  isTerminating: boolean
  /** Why it could not be read; null: it was. */
  fault: string | null
  readAtMs: number
}

/** ms that all reads of one turn may take: what else changed is told only after them. */
const TIMEOUT_MS = 2000

/** Reads side by side. */
const CONCURRENCY = 16

/** Reads at once, and in a second from then on: a service that flaps loses its last pod all the time. */
const READS_AT_ONCE = 1000
const READS_PER_SECOND = 50

/** ms before a namespace is read again that could not be read, or is being deleted: it may be made anew. */
export const NAMESPACE_RETRY_MS = 10_000

export class Namespaces {
  readonly #api: Pick<KubeApi, 'send'>
  readonly #known = new Map<string, Known>()
  /** Reads that may be made at once; as of when, in ms by performance.now(). */
  #allowed = { reads: READS_AT_ONCE, atMs: 0 }

  constructor(api: Pick<KubeApi, 'send'>) {
    this.#api = api
  }

  /** Resolves when each namespace with a newly emptied service was read, or could not be. Never rejects. */
  async follow(services: DiscoveredService[], signal: AbortSignal): Promise<void> {
    const all = new Set(services.map(({ namespace }) => namespace))
    for (const namespace of this.#known.keys()) {
      if (!all.has(namespace)) this.#known.delete(namespace)
    }
    const emptied = Map.groupBy(services.filter(isEmptied), ({ namespace }) => namespace)
    const namesIn = (namespace: string) => new Set(emptied.get(namespace)?.map(({ name }) => name))
    const due = [...all].filter((namespace) => this.#isDue(namespace, namesIn(namespace)))
    // First what was never read, then what was read longest ago: one that flaps doesn't keep others waiting.
    const first = due.toSorted((a, b) => this.#readAtMs(a) - this.#readAtMs(b))
    const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    const limit = pLimit(CONCURRENCY)
    const reads = first.map(async (namespace) => {
      const read = this.#mayRead() ? await limit(() => this.#read(namespace, limited)) : UNREAD
      this.#known.set(namespace, { ...read, emptied: namesIn(namespace) })
    })
    await Promise.all(reads)
  }

  isTerminating(namespace: string): boolean {
    return this.#known.get(namespace)?.isTerminating === true
  }

  /** Something is to be read again though nothing else changes. */
  get mustReadAgain(): boolean {
    return [...this.#known.values()].some((known) => !isSettled(known))
  }

  warnings(): Warning[] {
    return [...this.#known].flatMap(([namespace, { isTerminating, fault }]) => {
      const subject = `Namespace ${namespace}`
      if (isTerminating)
        return [{ subject, message: 'is being deleted: its services are left out' }]
      if (fault === null) return []
      return [
        { subject, message: `can't be read, so a deletion of it counts as failure: ${fault}` },
      ]
    })
  }

  /** It is to be read; if not, what is known of it is kept up. */
  #isDue(namespace: string, emptied: Set<string>): boolean {
    const known = this.#known.get(namespace)
    if (emptied.size === 0) {
      this.#known.delete(namespace)
      return false
    }
    const isOld = known === undefined || performance.now() - known.readAtMs >= NAMESPACE_RETRY_MS
    const isCovered = known !== undefined && [...emptied].every((name) => known.emptied.has(name))
    if (known !== undefined && (isSettled(known) ? isCovered : !isOld)) {
      known.emptied = emptied
      return false
    }
    return true
  }

  #readAtMs(namespace: string): number {
    return this.#known.get(namespace)?.readAtMs ?? -Infinity
  }

  #mayRead(): boolean {
    const nowMs = performance.now()
    const more = ((nowMs - this.#allowed.atMs) / 1000) * READS_PER_SECOND
    const reads = Math.min(READS_AT_ONCE, this.#allowed.reads + more)
    this.#allowed = { reads: reads >= 1 ? reads - 1 : reads, atMs: nowMs }
    return reads >= 1
  }

  async #read(namespace: string, signal: AbortSignal): Promise<Omit<Known, 'emptied'>> {
    try {
      const asked = { method: 'GET', path: `/api/v1/namespaces/${namespace}` } as const
      const { metadata, status } = v.parse(namespaceSchema, await this.#api.send(asked, signal))
      const isTerminating = Boolean(metadata.deletionTimestamp) || status?.phase === 'Terminating'
      return { isTerminating, fault: null, readAtMs: performance.now() }
    } catch (error) {
      const { status, message } = KubeError.of(error)
      const isGone = status === 404 // so will be its Services
      return { isTerminating: isGone, fault: isGone ? null : message, readAtMs: performance.now() }
    }
  }
}

/** Due again at the next turn. */
const UNREAD: Omit<Known, 'emptied'> = {
  isTerminating: false,
  fault: 'too many namespaces lost pods at once; it is read soon',
  readAtMs: -Infinity,
}

/** It should have pods, and has none that stay. */
function isEmptied(service: DiscoveredService): boolean {
  return !wantsNone(service) && !service.targets.some(isStaying)
}

/** It was read, and is there to stay. */
function isSettled({ isTerminating, fault }: Known): boolean {
  return !isTerminating && fault === null
}
