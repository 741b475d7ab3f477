/**
 * A service's own failed checks in a row, as a level. In one round, in which each target is asked, a service fails
 * once at most, however many of its pods fail; one moment in which it is well ends the streak.
 */
export class Streak {
  #count = 0
  #isCounted = false
  #asked = new Set<string>()

  get count(): number {
    return this.#count
  }

  /** `failed`: this very answer was bad; `isServiceOk`: all that is known of the service after it. */
  take(
    target: string,
    { failed, isServiceOk, targets }: { failed: boolean; isServiceOk: boolean; targets: string[] },
  ): void {
    this.#asked.add(target)
    if (isServiceOk) {
      this.#count = 0
      this.#isCounted = false
    } else if (failed && !this.#isCounted) {
      this.#count += 1
      this.#isCounted = true
    }
    if (targets.every((id) => this.#asked.has(id))) {
      this.#asked = new Set()
      this.#isCounted = false
    }
  }
}
