/**
 * Whether a service is ok, from counts of its targets alone: as `judgeService` of one that has served, at a cost that
 * doesn't grow with the number of targets. The exporter judges so with each probe, to count failed checks in a row.
 */
import type { Service, Target } from '../contract/report.ts'
import { isStaying, wantsNone } from './service-memory.ts'

type Counted = Pick<Target, 'ok' | 'starting' | 'terminating'>

export class ServiceTally {
  #ok = 0
  /** Not terminating. */
  #okStaying = 0
  #failingStaying = 0
  /** Neither starting nor terminating: they count even while another target is ok. */
  #failingHard = 0

  add(target: Counted): void {
    this.#count(target, 1)
  }

  remove(target: Counted): void {
    this.#count(target, -1)
  }

  /** Of a service that was probed. */
  isOk(service: Pick<Service, 'desired' | 'isDaemon'>): boolean {
    const isNoneFine = wantsNone(service)
    const healthy = isNoneFine ? this.#okStaying : this.#ok
    if (healthy > 0) return this.#failingHard === 0
    return isNoneFine && this.#failingStaying === 0
  }

  #count(target: Counted, by: 1 | -1): void {
    const staying = isStaying(target) ? by : 0
    if (target.ok) {
      this.#ok += by
      this.#okStaying += staying
      return
    }
    this.#failingStaying += staying
    if (target.starting !== true) this.#failingHard += staying
  }
}
