/** A token bucket: how much may be spent a second, and how much at once. The caller brings the time. */

export interface Rate {
  perSecond: number
  /** What it holds when it is full. */
  burst: number
}

export class TokenBucket {
  /** null: it is full, for nothing was taken yet. */
  #left: number | null = null
  #atMs = 0

  /** False: it is empty, and nothing is taken. It may go below zero: then it takes longer to fill. */
  take(nowMs: number, rate: Rate, cost = 1): boolean {
    if (this.#fill(nowMs, rate) < 1) return false
    this.spend(cost)
    return true
  }

  /** What turned out to be the cost only afterwards. */
  spend(cost: number): void {
    this.#left = (this.#left ?? 0) - cost
  }

  empty(): void {
    this.#left = 0
  }

  refill(): void {
    this.#left = null
  }

  #fill(nowMs: number, { perSecond, burst }: Rate): number {
    // A clock that was set back gives nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    const left = Math.min(burst, (this.#left ?? burst) + (elapsedMs * perSecond) / 1000)
    this.#atMs = nowMs
    this.#left = left
    return left
  }
}
