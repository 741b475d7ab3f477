/** One Lease of coordination.k8s.io/v1, read and written under its resourceVersion. What stands in it is the elector's business. */
import * as v from 'valibot'
import { KubeError, type Asked, type KubeApi } from '../discovery/kube-api.ts'
import type { SeenLease } from './elector.ts'

/** What is not ours stays as it is: labels, owners, fields of later versions. */
const leaseSchema = v.looseObject({
  metadata: v.looseObject({ resourceVersion: v.string() }),
  spec: v.optional(
    v.looseObject({
      holderIdentity: v.nullish(v.string(), ''),
      leaseTransitions: v.nullish(v.number(), 0),
      renewTime: v.nullish(v.string(), ''),
      acquireTime: v.nullish(v.string()),
    }),
    {},
  ),
})
type LeaseObject = v.InferOutput<typeof leaseSchema>

/** What is to be written. */
export interface LeaseClaim {
  /** Empty: released. */
  holder: string
  transitions: number
  durationSeconds: number
}

/** What RBAC grants of a Lease. */
type Right = 'get' | 'create' | 'update'

export type Written = { ok: true; lease: SeenLease } | { ok: false; reason: 'conflict' }

export class LeaseStore {
  readonly #api: Pick<KubeApi, 'send'>
  readonly #collection: string
  readonly #place: { namespace: string; name: string }
  /** As last read or written, by which the next update keeps what is not ours. */
  #last: LeaseObject | null = null
  readonly #granted = new Set<Right>()
  /** Refused, and never granted to this process; each in words. */
  readonly #missing = new Map<Right, string>()

  constructor(api: Pick<KubeApi, 'send'>, place: { namespace: string; name: string }) {
    this.#api = api
    this.#place = place
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${place.namespace}/leases`
  }

  /**
   * Which right it lacks, in words. null: none that is known. One that was granted once doesn't count, though it be refused
   * later: an API server that has just started refuses what it will grant a moment later.
   */
  get missingRight(): string | null {
    return this.#missing.values().next().value ?? null
  }

  /** null: there is none. Rejects with KubeError. */
  async read(signal: AbortSignal): Promise<SeenLease | null> {
    try {
      return await this.#ask('get', { method: 'GET', path: this.#path() }, signal)
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return null
      throw error
    }
  }

  /** `over`: the Lease as it was seen; null: there is none. Rejects with KubeError. */
  async write(claim: LeaseClaim, over: SeenLease | null, signal: AbortSignal): Promise<Written> {
    const isNew = over === null
    try {
      const object = this.#compose(claim, over)
      const answer = isNew
        ? this.#ask('create', { method: 'POST', path: this.#collection, object }, signal)
        : this.#ask('update', { method: 'PUT', path: this.#path(), object }, signal)
      return { ok: true, lease: await answer }
    } catch (error) {
      const status = error instanceof KubeError ? error.status : null
      // 404: deleted since it was seen. For a new one it is the namespace that is missing.
      if (status === 409 || (status === 404 && !isNew)) return { ok: false, reason: 'conflict' }
      throw error
    }
  }

  /** Rejects with KubeError. 404 and 409 are for callers that have the right: the API server authorizes first. */
  async #ask(right: Right, asked: Asked, signal: AbortSignal): Promise<SeenLease> {
    try {
      const lease = this.#take(await this.#api.send(asked, signal))
      this.#grant(right)
      return lease
    } catch (error) {
      const known = KubeError.of(error)
      if (known.status === 404 || known.status === 409) this.#grant(right)
      if (known.status !== 403) throw known
      const explained = this.#explain(right, known)
      if (!this.#granted.has(right)) this.#missing.set(right, explained.message)
      throw explained
    }
  }

  #grant(right: Right): void {
    this.#granted.add(right)
    this.#missing.delete(right)
  }

  #path(): string {
    return `${this.#collection}/${this.#place.name}`
  }

  #take(answer: unknown): SeenLease {
    const object = v.parse(leaseSchema, answer)
    // Another replica has written it: the ServiceAccount that they share has the rights by now.
    if (object.metadata.resourceVersion !== this.#last?.metadata.resourceVersion)
      this.#missing.clear()
    this.#last = object
    const { holderIdentity: holder, leaseTransitions: transitions, renewTime } = object.spec
    return { resourceVersion: object.metadata.resourceVersion, holder, transitions, renewTime }
  }

  #compose({ holder, transitions, durationSeconds }: LeaseClaim, over: SeenLease | null) {
    const last = over === null ? null : this.#last
    const now = microTime(Date.now())
    const isSame = last?.spec.holderIdentity === holder && last.spec.acquireTime != null
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...(last?.metadata ?? this.#place),
        ...(over === null ? {} : { resourceVersion: over.resourceVersion }),
      },
      spec: {
        ...last?.spec,
        holderIdentity: holder,
        leaseDurationSeconds: durationSeconds,
        leaseTransitions: transitions,
        acquireTime: isSame ? last.spec.acquireTime : now,
        renewTime: now,
      },
    }
  }

  /** A missing right is told with what to grant. */
  #explain(right: Right, error: KubeError): KubeError {
    const { namespace, name } = this.#place
    const what = `the right to ${right} leases (coordination.k8s.io) in namespace ${namespace}`
    const message = `${what} is missing, for the Lease ${name}: ${error.message}`
    return new KubeError(message, 403, { cause: error })
  }
}

/** The API server refuses anything but six digits. `ms`: since 1970. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, '000Z')
}
