/**
 * What etcd is to an API server: objects under one global revision, and the history of changes until it is compacted.
 * It validates nothing and knows no HTTP; stored objects are never changed, only replaced.
 */
import type { KubeObject } from './kube-object.ts'
import { type Resource, RESOURCES } from './resources.ts'
import { ApiError } from './status.ts'

export interface Change {
  revision: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  resource: Resource
  key: string
  /** For DELETED the last state, with the revision of the deletion. */
  object: KubeObject
  previous: KubeObject | undefined
}

type Listener = (change: Change) => void

/** Changes kept: what the busiest of our tests writes in a few seconds, at about 1 kB each. */
const HISTORY_MAX = 10_000

export class Store {
  revision = 1
  /** Everything older than this revision is forgotten: neither listed nor watched from. */
  compactedRevision = 0
  #objects = new Map<Resource, Map<string, KubeObject>>(RESOURCES.map((each) => [each, new Map()]))
  #history: Change[] = []
  #listeners = new Set<Listener>()

  get(resource: Resource, key: string): KubeObject | undefined {
    return this.#all(resource).get(key)
  }

  put(resource: Resource, key: string, object: KubeObject): KubeObject {
    const previous = this.get(resource, key)
    const stored = this.#stamp(object)
    this.#all(resource).set(key, stored)
    const type = previous === undefined ? 'ADDED' : 'MODIFIED'
    this.#record({ revision: this.revision, type, resource, key, object: stored, previous })
    return stored
  }

  remove(resource: Resource, key: string): KubeObject | undefined {
    const previous = this.get(resource, key)
    if (previous === undefined) return undefined
    const object = this.#stamp(previous)
    this.#all(resource).delete(key)
    this.#record({ revision: this.revision, type: 'DELETED', resource, key, object, previous })
    return object
  }

  /** Objects sorted by key as they were at a revision, by undoing what came after it. 410 when that is compacted. */
  snapshot(resource: Resource, revision = this.revision): [string, KubeObject][] {
    if (revision < this.compactedRevision) {
      throw new ApiError(410, 'The resourceVersion for the provided list is too old.')
    }
    const objects = new Map(this.#all(resource))
    for (const change of this.changesAfter(resource, revision).toReversed()) {
      if (change.previous === undefined) objects.delete(change.key)
      else objects.set(change.key, change.previous)
    }
    return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  changesAfter(resource: Resource, revision: number): Change[] {
    if (revision >= this.revision) return []
    return this.#history.filter((each) => each.revision > revision && each.resource === resource)
  }

  /** Forgets all history, under a new revision: no resourceVersion handed out so far can be watched from. */
  compact(): void {
    this.revision += 1
    this.compactedRevision = this.revision
    this.#history = []
  }

  /** Listeners hear each change in the order they subscribed, before the write returns. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** True as soon as the store has reached the revision, false when that took longer than waitMs. */
  reaches(revision: number, waitMs: number): Promise<boolean> {
    if (this.revision >= revision) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (reached: boolean): void => {
        clearTimeout(timer)
        unsubscribe()
        resolve(reached)
      }
      const timer = setTimeout(() => settle(false), waitMs).unref()
      const unsubscribe = this.subscribe(() => this.revision >= revision && settle(true))
    })
  }

  #all(resource: Resource): Map<string, KubeObject> {
    const objects = this.#objects.get(resource)
    if (objects === undefined) throw new Error(`${resource.plural} is not in RESOURCES`)
    return objects
  }

  #stamp(object: KubeObject): KubeObject {
    this.revision += 1
    const resourceVersion = String(this.revision)
    return { ...object, metadata: { ...object.metadata, resourceVersion } }
  }

  #record(change: Change): void {
    this.#history.push(change)
    // A tenth of slack, or every write beyond the limit would move the whole array.
    if (this.#history.length > HISTORY_MAX * 1.1) {
      const dropped = this.#history.splice(0, this.#history.length - HISTORY_MAX)
      this.compactedRevision = dropped.at(-1)?.revision ?? this.compactedRevision
    }
    for (const listener of this.#listeners) listener(change)
  }
}

/** What a dry run writes to: it reads as the store does, answers as if it had stored, and keeps nothing. */
export class DryRun extends Store {
  #store: Store

  constructor(store: Store) {
    super()
    this.#store = store
    this.revision = store.revision
  }

  override get(resource: Resource, key: string): KubeObject | undefined {
    return this.#store.get(resource, key)
  }

  override put(_resource: Resource, _key: string, object: KubeObject): KubeObject {
    return object
  }

  override remove(resource: Resource, key: string): KubeObject | undefined {
    return this.get(resource, key)
  }

  override snapshot(resource: Resource, revision?: number): [string, KubeObject][] {
    return this.#store.snapshot(resource, revision)
  }
}
