/**
 * What this isolate last read of each cluster: plain values only, for nothing that belongs to one request may serve
 * another. How long one is good for is its reader's rule.
 */
export interface Kept<T> {
  value: T
  /** ms; when the read began: of two side by side the one that began later knows better. */
  startMs: number
  /** ms; when it came. */
  doneMs: number
}

export class Memo<T> {
  readonly #kept = new Map<string, Kept<T>>()
  /** ms by cluster; what was read before then is known to be out of date. */
  readonly #forgotten = new Map<string, number>()
  readonly #max: number

  /** `max`: clusters that are kept at most, the longest unread go. */
  constructor(max = Infinity) {
    this.#max = max
  }

  get(cluster: string): Kept<T> | undefined {
    return this.#kept.get(cluster)
  }

  keep(cluster: string, kept: Kept<T>): void {
    const isOld = kept.startMs < (this.#kept.get(cluster)?.startMs ?? 0)
    if (isOld || kept.startMs <= (this.#forgotten.get(cluster) ?? 0)) return
    this.#kept.delete(cluster)
    this.#kept.set(cluster, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#max && oldest !== undefined) this.#kept.delete(oldest)
  }

  /** Somebody just changed something through this isolate: they must not be shown what was before. */
  forget(cluster: string, nowMs: number): void {
    this.#kept.delete(cluster)
    this.#forgotten.set(cluster, nowMs)
  }
}
