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

/** How much is kept. */
interface MemoOptions<T> {
  /** The sum of all weights at most; where it is exceeded, the longest unread go. The newest stays, whatever it weighs. */
  max?: number
  /** 1 each, where it is left out. */
  weigh?: (value: T) => number
}

export class Memo<T> {
  /** By cluster, and by part of it where only parts are read. */
  readonly #kept = new Map<string, Kept<T>>()
  /** ms by cluster; what was read before then is known to be out of date. */
  readonly #forgotten = new Map<string, number>()
  readonly #max: number
  readonly #weigh: (value: T) => number
  #weight = 0

  constructor({ max = Infinity, weigh = () => 1 }: MemoOptions<T> = {}) {
    this.#max = max
    this.#weigh = weigh
  }

  get(cluster: string, part = ''): Kept<T> | undefined {
    return this.#kept.get(keyOf(cluster, part))
  }

  keep(cluster: string, kept: Kept<T>, part = ''): void {
    const key = keyOf(cluster, part)
    // What lies ahead of this moment is of a clock that was set back since, and tells nothing.
    const isPast = (ms: number) => ms <= kept.doneMs
    const heldMs = this.#kept.get(key)?.startMs ?? -Infinity
    const forgottenMs = this.#forgotten.get(cluster) ?? -Infinity
    const isOld = kept.startMs < heldMs && isPast(heldMs)
    if (isOld || (kept.startMs <= forgottenMs && isPast(forgottenMs))) return
    this.#drop(key)
    this.#kept.set(key, kept)
    this.#weight += this.#weigh(kept.value)
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#max || oldest === key) return
      this.#drop(oldest)
    }
  }

  /** An act just changed something through this isolate: nothing that was read before it may be shown. */
  forget(cluster: string, nowMs: number): void {
    for (const key of this.#kept.keys()) {
      if (key === cluster || key.startsWith(`${cluster} `)) this.#drop(key)
    }
    this.#forgotten.set(cluster, nowMs)
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    this.#weight -= this.#weigh(kept.value)
    this.#kept.delete(key)
  }
}

/** A cluster's id is a DNS label, so it holds no space. */
function keyOf(cluster: string, part: string): string {
  return part === '' ? cluster : `${cluster} ${part}`
}
