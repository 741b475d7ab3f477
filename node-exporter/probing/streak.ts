/**
 * A service's own failed checks in a row, as a level. In one round, in which each target is asked, a service fails
 * once at most, however many of its pods fail; one moment in which it is well ends the streak. What is asked besides,
 * for somebody who wants to know now, may begin a streak or end it, and never makes it longer.
 */

interface Taken {
  /** This very answer was bad. */
  failed: boolean
  /** Of all that is known of the service after it. */
  isServiceOk: boolean
  /** It was asked besides the rounds. */
  isForced?: boolean
}

export class Streak {
  #count = 0
  #isCounted = false
  /** It began besides the rounds: the first of their failures is the one that counts already. */
  #isAhead = false
  #targets: string[] = []
  #asked = new Set<string>()
  /** Targets that the round still has to ask. */
  #left = new Set<string>()

  get count(): number {
    return this.#count
  }

  /** The service has these targets from now on. */
  follow(targets: string[]): void {
    this.#targets = targets
    this.#left = new Set(targets.filter((target) => !this.#asked.has(target)))
  }

  take(target: string, { failed, isServiceOk, isForced = false }: Taken): void {
    if (isServiceOk) {
      this.#count = 0
      this.#isCounted = false
      this.#isAhead = false
    } else if (failed && isForced) {
      this.#isAhead ||= this.#count === 0
      this.#count ||= 1
    } else if (failed && !this.#isCounted) {
      if (!this.#isAhead) this.#count += 1
      this.#isAhead = false
      this.#isCounted = true
    }
    if (isForced) return
    this.#asked.add(target)
    this.#left.delete(target)
    if (this.#left.size > 0) return
    this.#asked = new Set()
    this.#left = new Set(this.#targets)
    this.#isCounted = false
  }
}
