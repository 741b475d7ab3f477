/** What a prober has seen so far: whether each target was asked once, whether it is blind, and when it last learned anything. */
import { findOverdueMs, NOBODY, type Entry } from './entry.ts'

export class Sight {
  /** Entries without an outcome, and those whose last probe learned nothing: so that a probe walks no others. */
  readonly #unasked = new Set<Entry>()
  readonly #unseen = new Set<Entry>()
  #isBlind = false
  /** ms, monotonic; when a pod was last asked and something was learned, if only that it doesn't answer. */
  #learnedAtMs = -Infinity

  get learnedAtMs(): number {
    return this.#learnedAtMs
  }

  /** It is asked from now on. */
  start(entry: Entry): void {
    if (entry.outcome === null) this.#unasked.add(entry)
    if (entry.isUnseen) this.#unseen.add(entry)
  }

  /** It is asked no more. */
  end(entry: Entry): void {
    this.#unasked.delete(entry)
    this.#unseen.delete(entry)
  }

  /** A probe of it has ended. */
  take(entry: Entry, hasLearned: boolean): void {
    entry.isUnseen = !hasLearned
    if (!hasLearned) {
      this.#unseen.add(entry)
      return
    }
    this.end(entry)
    if (entry.target.id !== NOBODY) this.#learnedAtMs = performance.now()
  }

  /** Every target has an outcome, or waits for one so long that its service is told as overdue. */
  isComplete(): boolean {
    const nowMs = performance.now()
    for (const { isUnseen, dueMs } of this.#unasked) if (isUnseen || nowMs <= dueMs) return false
    return true
  }

  /**
   * Half of all targets or more are overdue because the way to them is gone: that is blindness. Once blind, it sees again when
   * each target that may be good by an old result has a new one, a timeout included: until then such a service would be told
   * as overdue for the whole time.
   */
  isBlind(all: () => number): boolean {
    if (this.#unseen.size === 0) return (this.#isBlind = false)
    const nowMs = performance.now()
    const overdue = [...this.#unseen].filter(({ dueMs }) => nowMs > dueMs)
    this.#isBlind =
      (overdue.length > 0 && overdue.length * 2 >= all()) ||
      (this.#isBlind && overdue.some((entry) => findOverdueMs(entry, nowMs) !== null))
    return this.#isBlind
  }
}
