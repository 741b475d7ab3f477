/**
 * Runs checks in the background and answers from the last sample, so that many load balancers cost no more than one and
 * no request waits for a disk. A check is sampled from its first question on, and for a minute after its last; those
 * that are `warm` from the start, and for good.
 */
import { runCheck, type Check, type CheckResult, type NodeFacts } from '../checks/check.ts'

/** ms between the end of one run and the next. */
export const SAMPLE_EVERY_MS = 1000
/** ms without a question after which a check rests. */
const REST_AFTER_MS = 60_000
/** Characters of an unknown name that are said back. */
const NAME_MAX = 63

export interface SamplerOptions {
  checks: readonly Check[]
  facts: () => NodeFacts
  /** Names; one that there is no check of is passed over. */
  warm?: readonly string[]
  everyMs?: number
}

interface Sampling {
  /** Of the first run, while there is no sample yet. */
  first: Promise<CheckResult>
  last: CheckResult | null
  askedAtMs: number
}

export class Sampler {
  readonly #checks: ReadonlyMap<string, Check>
  readonly #facts: () => NodeFacts
  readonly #warm: ReadonlySet<string>
  readonly #samplings = new Map<string, Sampling>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #everyMs: number
  #isStopped = false

  constructor({ checks, facts, warm = [], everyMs = SAMPLE_EVERY_MS }: SamplerOptions) {
    this.#everyMs = everyMs
    this.#checks = new Map(checks.map((check) => [check.name, check]))
    this.#facts = facts
    this.#warm = new Set(warm)
    for (const check of checks) if (this.#warm.has(check.name)) this.#start(check)
  }

  /** Never rejects. An unknown name is a check that fails (behaviour, section 7). */
  async ask(name: string): Promise<CheckResult> {
    const check = this.#checks.get(name)
    if (check === undefined) {
      const said = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name
      return { name: said, passed: false, reason: `Unknown check: ${said}`, duration_ms: 0 }
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
      const isForgotten = performance.now() - sampling.askedAtMs > REST_AFTER_MS
      if (isForgotten && !this.#warm.has(check.name)) {
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
