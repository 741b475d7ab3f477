/**
 * Runs checks in the background and answers from the last sample, so that many load balancers cost no more than one and
 * no request waits for a disk. A check is sampled from its first question on, and for a minute after its last.
 */
import { runCheck, type Check, type CheckResult, type NodeFacts } from '../checks/check.ts'

/** ms between the end of one run and the next. */
export const SAMPLE_EVERY_MS = 1000
/** ms without a question after which a check rests. */
const REST_AFTER_MS = 60_000

interface Sampling {
  /** Of the first run, while there is no sample yet. */
  first: Promise<CheckResult>
  last: CheckResult | null
  askedAtMs: number
}

export class Sampler {
  readonly #checks: ReadonlyMap<string, Check>
  readonly #facts: () => NodeFacts
  readonly #samplings = new Map<string, Sampling>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #everyMs: number
  #isStopped = false

  constructor(checks: Check[], facts: () => NodeFacts, everyMs = SAMPLE_EVERY_MS) {
    this.#everyMs = everyMs
    this.#checks = new Map(checks.map((check) => [check.name, check]))
    this.#facts = facts
  }

  /** Never rejects. An unknown name is a check that fails (behaviour, section 7). */
  async ask(name: string): Promise<CheckResult> {
    const check = this.#checks.get(name)
    if (check === undefined) {
      return { name, passed: false, reason: `Unknown check: ${name}`, duration_ms: 0 }
    }
    const sampling = this.#samplings.get(name) ?? this.#start(check)
    sampling.askedAtMs = performance.now()
    return sampling.last ?? sampling.first
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #start(check: Check): Sampling {
    const sampling: Sampling = {
      first: runCheck(check, this.#facts()),
      last: null,
      askedAtMs: performance.now(),
    }
    this.#samplings.set(check.name, sampling)
    void sampling.first.then((result) => {
      this.#keep(check, sampling, result)
    })
    return sampling
  }

  #keep(check: Check, sampling: Sampling, result: CheckResult): void {
    sampling.last = result
    if (this.#isStopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (performance.now() - sampling.askedAtMs > REST_AFTER_MS) {
        this.#samplings.delete(check.name)
        return
      }
      void runCheck(check, this.#facts()).then((next) => {
        this.#keep(check, sampling, next)
      })
    }, this.#everyMs)
    this.#timers.add(timer)
  }
}
