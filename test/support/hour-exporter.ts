/** One cluster's exporter in an hour: what it saw, and the report that it makes of it each round. */
import type { Applied } from '../../worker/domain/cluster.ts'
import type { Fault } from './hour-faults.ts'
import { CATEGORIES, digestOf, SERVICES, type Failing, type Sighting } from './hour-report.ts'

/** How the next report travels. */
export type Travel = Extract<Fault, { kind: 'lose' | 'refuse' | 'double' | 'delay' }>

export class HourExporter {
  readonly #services = new Map<string, Failing | null>(SERVICES.map((name) => [name, null]))
  readonly #said = new Map<string, boolean | null>(CATEGORIES.map(({ name }) => [name, null]))
  readonly #streaks = new Map<string, number>()
  #epoch = 1
  #sequence = 0
  /** Of the report last sent, arrived or not; null: the next one is a snapshot. */
  #sentDigest: string | null = null
  #blindRounds = 2
  #silentRounds = 0
  #skew = { byMs: 0, rounds: 0 }
  travel: Travel | null = null

  /** What is not the exporter's matter passes it by. */
  befall(fault: Fault): void {
    if (fault.kind === 'service') this.#turn(fault.service, fault.failing)
    if (fault.kind === 'configmap') this.#said.set(fault.category, fault.enabled)
    if (isTravel(fault)) this.travel = fault
    if (fault.kind === 'restart') this.#begin(this.#epoch + 1)
    if (fault.kind === 'restart' || fault.kind === 'blind') this.#blindRounds = fault.rounds
    if (fault.kind === 'silence') this.#silentRounds = Math.max(this.#silentRounds, fault.rounds)
    if (fault.kind === 'skew') this.#skew = { ...fault }
  }

  /** Every check once, and what is to be pushed then. null: nothing gets out. */
  round(nowMs: number): Sighting | null {
    if (this.#blindRounds > 0) this.#blindRounds -= 1
    else this.#check()
    if (this.#skew.rounds > 0) this.#skew.rounds -= 1
    if (this.#silentRounds > 0) {
      this.#silentRounds -= 1
      return null
    }
    return this.report(nowMs)
  }

  /** What is pushed between two rounds. */
  push(nowMs: number): Sighting | null {
    return this.#silentRounds > 0 ? null : this.report(nowMs)
  }

  /** What was sent before this process had the Lease: a snapshot in which all is well. */
  deposed(nowMs: number): Sighting {
    const sighting = this.#see(nowMs)
    const services = Object.fromEntries(SERVICES.map((name) => [name, null]))
    return { ...sighting, kind: 'snapshot', epoch: this.#epoch - 1, sequence: 9999, services }
  }

  /** What the edge answered; `refused`: that it was not even read. */
  learn(answer: Applied | 'refused'): void {
    if (answer === 'refused') this.#sentDigest = null
    else if (!answer.ok) this.#begin(answer.rejection.held.epoch + 1)
    else if (answer.resend) this.#sentDigest = null
  }

  report(nowMs: number): Sighting {
    this.#sequence += 1
    const sighting = this.#see(nowMs)
    if (this.#blindRounds > 0) return { ...sighting, kind: 'blind' }
    const kind = sighting.digest === this.#sentDigest ? 'heartbeat' : 'snapshot'
    this.#sentDigest = sighting.digest
    return { ...sighting, kind }
  }

  #see(nowMs: number): Sighting {
    const seen = {
      services: Object.fromEntries(this.#services),
      said: Object.fromEntries(this.#said),
    }
    return {
      kind: 'heartbeat',
      epoch: this.#epoch,
      sequence: this.#sequence,
      observedAtMs: nowMs + (this.#skew.rounds > 0 ? this.#skew.byMs : 0),
      digest: digestOf(seen),
      streaks: Object.fromEntries(this.#streaks),
      ...seen,
    }
  }

  /** It is checked at that moment, too. */
  #turn(service: string, failing: Failing | null): void {
    this.#services.set(service, failing)
    if (failing === null) this.#streaks.delete(service)
    else this.#streaks.set(service, (this.#streaks.get(service) ?? 0) + 1)
  }

  #check(): void {
    for (const [name, failing] of this.#services) {
      if (failing === null) this.#streaks.delete(name)
      else this.#streaks.set(name, (this.#streaks.get(name) ?? 0) + 1)
    }
  }

  /** Another process, which saw no check fail so far. */
  #begin(epoch: number): void {
    this.#epoch = epoch
    this.#sequence = 0
    this.#sentDigest = null
    this.#streaks.clear()
  }
}

function isTravel(fault: Fault): fault is Fault & Travel {
  return ['lose', 'refuse', 'double', 'delay'].includes(fault.kind)
}
