/** One Lease of coordination.k8s.io/v1, read and written under its resourceVersion. What stands in it is the elector's business. */
import * as v from 'valibot'
import { KubeError, type KubeApi } from '../discovery/kube-api.ts'
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

export type Written = { ok: true; lease: SeenLease } | { ok: false; reason: 'conflict' }

export class LeaseStore {
  readonly #api: Pick<KubeApi, 'send'>
  readonly #collection: string
  readonly #place: { namespace: string; name: string }
  /** As last read or written, by which the next update keeps what is not ours. */
  #last: LeaseObject | null = null

  constructor(api: Pick<KubeApi, 'send'>, place: { namespace: string; name: string }) {
    this.#api = api
    this.#place = place
    this.#collection = `/apis/coordination.k8s.io/v1/namespaces/${place.namespace}/leases`
  }

  /** null: there is none. Rejects with KubeError. */
  async read(signal: AbortSignal): Promise<SeenLease | null> {
    try {
      return this.#take(await this.#api.send({ method: 'GET', path: this.#path() }, signal))
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return null
      throw this.#explain('get', error)
    }
  }

  /** `over`: the Lease as it was seen; null: there is none. Rejects with KubeError. */
  async write(claim: LeaseClaim, over: SeenLease | null, signal: AbortSignal): Promise<Written> {
    const isNew = over === null
    try {
      const object = this.#compose(claim, over)
      const asked = isNew
        ? ({ method: 'POST', path: this.#collection, object } as const)
        : ({ method: 'PUT', path: this.#path(), object } as const)
      return { ok: true, lease: this.#take(await this.#api.send(asked, signal)) }
    } catch (error) {
      const status = error instanceof KubeError ? error.status : null
      // 404: deleted since it was seen. For a new one it is the namespace that is missing.
      if (status === 409 || (status === 404 && !isNew)) return { ok: false, reason: 'conflict' }
      throw this.#explain(isNew ? 'create' : 'update', error)
    }
  }

  #path(): string {
    return `${this.#collection}/${this.#place.name}`
  }

  #take(answer: unknown): SeenLease {
    const object = v.parse(leaseSchema, answer)
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
  #explain(verb: 'get' | 'create' | 'update', error: unknown): KubeError {
    const known = KubeError.of(error)
    const { namespace, name } = this.#place
    if (known.status !== 403) return known
    const right = `the right to ${verb} leases (coordination.k8s.io) in namespace ${namespace}`
    return new KubeError(`${right} is missing, for the Lease ${name}: ${known.message}`, 403, {
      cause: known,
    })
  }
}

/** The API server refuses anything but six digits. `ms`: since 1970. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, '000Z')
}
