/**
 * Asks every target at its own phase of its service's period, in places that are shared fairly (places.ts), and keeps the
 * last outcome of each. It knows when it is behind; what the outcomes mean is the domain's business.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Service } from '../../worker/contract/report.ts'
import { wantsNone } from '../../worker/domain/service-memory.ts'
import type { DiscoveredTarget } from '../discovery/targets.ts'
import { askTarget, slowMsOf, type AskOptions, type TakePlace } from './ask-target.ts'
import {
  failingNames,
  findChange,
  hasBeenReady,
  keyOf,
  newEntry,
  NOBODY,
  nobody,
  type Entry,
  type KnownService,
} from './entry.ts'
import { runForcedRound } from './forced-round.ts'
import { findMostOverdueMs, findOverallPace, isLongOverdue, listOverdue } from './lateness.ts'
import { Member } from './member.ts'
import { findPaces, type Pace } from './pace.ts'
import { Places } from './places.ts'
import type { Probed } from './probe.ts'
import { Sight } from './sight.ts'
import { findWaitMs } from './wait.ts'

export interface ProberOptions extends AskOptions {
  /** ms; for services whose categories name no refresh rate. */
  periodMs: number
  concurrency: number
  /** `verdict`: something that a verdict reads has changed; `text`: something that only people read. */
  onChange: (what: 'verdict' | 'text') => void
  /** A target turned from good to bad or back, or is bad when first asked. */
  onTurn: (turn: { service: string; target: string; ok: boolean; reason: string }) => void
}

/** New targets that are asked together, and ms until the next. */
const BATCH = 32
const BATCH_EVERY_MS = 8

export class Prober {
  readonly #options: ProberOptions
  readonly #places: Places
  readonly #members = new Map<string, Member>()
  readonly #sight = new Sight()
  /** Entries that the present call of `follow` has started. */
  #started = 0

  constructor(options: ProberOptions) {
    this.#options = options
    const { concurrency, timeoutMs } = options
    this.#places = new Places({ places: concurrency, slowMs: slowMsOf(timeoutMs) })
  }

  isBlind(): boolean {
    return this.#sight.isBlind(() => this.#countEntries())
  }

  isComplete(): boolean {
    return this.#sight.isComplete()
  }

  /** Names of targets that are overdue, the first few. */
  overdueTargets(): string[] {
    return listOverdue(this.#members.values(), performance.now())
  }

  /** Starts with what is new, stops with what is gone, leaves the rest in its rhythm. */
  follow(services: KnownService[]): void {
    const names = new Set(services.map(({ name }) => name))
    for (const [name, { entries }] of this.#members) {
      if (names.has(name)) continue
      for (const entry of entries.values()) this.#end(entry)
      this.#members.delete(name)
    }
    this.#started = 0
    const paces = findPaces(services, this.#options.periodMs)
    for (const service of services) {
      const pace = paces.get(service.name)
      if (pace !== undefined) this.#followService(service, pace)
    }
  }

  stop(): void {
    this.follow([])
  }

  /**
   * Asks every target now, of all services or of one, besides their rhythm, which stays. Resolves when each has answered,
   * or after `forMs`: who wasn't asked by then isn't any more, and who was is heard whenever the answer comes.
   */
  async askNow(service: string | undefined, forMs: number): Promise<void> {
    const all = [...this.#members.values()]
      .filter((member) => service === undefined || member.service.name === service)
      .flatMap((member) => [...member.entries.values()].map((entry) => ({ member, entry })))
      .filter(({ entry }) => entry.target.id !== NOBODY)
    // Those that hang would fill the half of the places that is theirs, and the time runs out for the others.
    const quickFirst = all.toSorted((a, b) => (a.entry.quickIn ?? 1) - (b.entry.quickIn ?? 1))
    const questions = quickFirst.map(
      ({ member, entry }) =>
        () =>
          this.#probe(member, entry, true),
    )
    // Its own: those of a round before that hang keep no other from being asked.
    const limit = pLimit(Math.ceil(this.#options.concurrency / 2))
    await runForcedRound({ questions, limit, forMs })
  }

  /** Where a target of a service is asked; null: there is none of that name. */
  find(service: string, id: string): DiscoveredTarget | null {
    if (id === NOBODY) return null
    const targets = [...(this.#members.get(service)?.entries.values() ?? [])]
    return targets.find(({ target }) => target.id === id)?.target ?? null
  }

  /** ms behind: for how long the most overdue target has been so; 0 when none is. */
  overdueMs(): number {
    const nowMs = performance.now()
    return Math.max(0, nowMs - findMostOverdueMs(this.#members.values(), nowMs))
  }

  /** ms for which something has been overdue and no pod was asked; 0 while nothing is overdue, or while probes go on. */
  stuckMs(): number {
    const nowMs = performance.now()
    const sinceMs = findMostOverdueMs(this.#members.values(), nowMs)
    return Math.max(0, nowMs - Math.max(sinceMs, this.#sight.learnedAtMs))
  }

  pace(): { targets: number; periodMs: number } {
    return findOverallPace(this.#members.values())
  }

  /** What is known of a service: its targets with an outcome that still holds; `targets` null while there is none. */
  describe(service: KnownService): Service {
    const known = this.#members.get(service.name) ?? this.#newMember(service, NO_PACE)
    return known.describe()
  }

  /** By failing service. */
  streaks(): Record<string, number> {
    const streaks = [...this.#members].map(([name, { streak }]) => [name, streak] as const)
    return Object.fromEntries(streaks.filter(([, streak]) => streak > 0))
  }

  warnings(): { subject: string; message: string }[] {
    return [...this.#members.values()].flatMap((member) => member.warnings())
  }

  #newMember(service: KnownService, pace: Pace): Member {
    return new Member(service, pace, () => this.#options.now())
  }

  #countEntries(): number {
    let count = 0
    for (const { entries } of this.#members.values()) count += entries.size
    return count
  }

  #followService(service: KnownService, pace: Pace): void {
    const member = this.#members.get(service.name) ?? this.#newMember(service, pace)
    member.service = service
    member.pace = pace
    this.#members.set(service.name, member)
    const targets = service.targets.length === 0 ? [nobody()] : service.targets
    const keys = new Map(targets.map((target) => [keyOf(target), target]))
    for (const [key, entry] of member.entries) this.#followEntry(member, entry, keys.get(key))
    for (const [key, target] of keys) {
      if (!member.entries.has(key)) {
        // It is asked at once, so its first result is due soon, however rarely it is asked from then on.
        const dueMs = this.#findDueMs(Math.min(pace.periodMs, this.#options.periodMs))
        this.#startEntry(member, newEntry(target, { periodMs: pace.periodMs, dueMs }))
      }
    }
    const none = member.entries.get(keyOf(nobody()))
    if (none !== undefined) {
      none.startedAtMs = wantsNone(service) ? null : (none.startedAtMs ?? this.#options.now())
    }
    member.recount()
  }

  /** `target` undefined: it is gone. */
  #followEntry(member: Member, entry: Entry, target: DiscoveredTarget | undefined): void {
    const { periodMs } = member.pace
    if (target === undefined) {
      this.#end(entry)
      member.entries.delete(keyOf(entry.target))
      return
    }
    const isNewlyReady = !entry.hasBeenReady && hasBeenReady(target)
    entry.target = target
    entry.hasBeenReady ||= isNewlyReady
    if (entry.periodMs === periodMs && !isNewlyReady) return
    // What was seen still holds, and so does what is overdue.
    entry.dueMs = Math.min(entry.dueMs, this.#findDueMs(periodMs))
    entry.periodMs = periodMs
    // Paces change often: that asks no target at once, and loses no answer. Mostly it is asked soon enough as it is.
    const nowMs = performance.now()
    if (!isNewlyReady && entry.nextMs - nowMs <= periodMs) return
    this.#end(entry)
    const waitMs = findWaitMs(member.service.name, entry, this.#options)
    this.#startEntry(member, { ...entry, nextMs: isNewlyReady ? 0 : nowMs + waitMs })
  }

  #startEntry(member: Member, state: Omit<Entry, 'stop' | 'asking'>): void {
    const entry: Entry = { ...state, asking: null, stop: new AbortController() }
    member.entries.set(keyOf(entry.target), entry)
    this.#sight.start(entry)
    // A thousand new targets at once would block the loop, and leave in one millisecond.
    const isPlanned = entry.nextMs > performance.now()
    if (!isPlanned)
      entry.nextMs = performance.now() + Math.floor(this.#started++ / BATCH) * BATCH_EVERY_MS
    void this.#run(member, entry)
  }

  #end(entry: Entry): void {
    entry.stop.abort()
    this.#sight.end(entry)
  }

  #findDueMs(periodMs: number): number {
    return performance.now() + periodMs + this.#probeMs()
  }

  /** The longest a probe takes but for connections that fail slowly; those only make it overdue for a moment. */
  #probeMs(): number {
    const { timeoutMs, maxAttempts, cooldownMs } = this.#options
    return timeoutMs + maxAttempts * cooldownMs
  }

  /** After a wait, or in its turn when new, then at its phase for as long as it is there. */
  async #run(member: Member, entry: Entry): Promise<void> {
    const { signal } = entry.stop
    const turnMs = entry.nextMs - performance.now()
    if (turnMs > 0) await sleep(turnMs, undefined, { signal }).catch(() => undefined) // it is gone
    while (!signal.aborted) {
      await this.#probe(member, entry, false)
      if (signal.aborted) return
      const waitMs = findWaitMs(member.service.name, entry, this.#options)
      entry.nextMs = performance.now() + waitMs
      await sleep(waitMs, undefined, { signal }).catch(() => undefined) // it is gone: the loop ends
    }
  }

  /** Nobody is asked twice at once: whoever comes second hears the answer of the first, and no older one after it. */
  #probe(member: Member, entry: Entry, isForced: boolean): Promise<void> {
    entry.asking ??= { done: this.#askOnce(member, entry), isForced }
    if (!isForced) entry.asking.isForced = false
    return entry.asking.done
  }

  async #askOnce(member: Member, entry: Entry): Promise<void> {
    const probed = await askTarget(entry, this.#takePlace(member, entry), this.#options)
    if (!entry.stop.signal.aborted) {
      this.#sight.take(entry, probed !== null)
      if (probed !== null) this.#take(member, entry, probed)
    }
    entry.asking = null
  }

  #takePlace(member: Member, entry: Entry): TakePlace {
    const { name: service, namespace } = member.service
    const speed = () => member.speedOf(entry)
    return (work) =>
      this.#places.take({ service, namespace, speed }, async () => {
        const answer = await work()
        // null: it was gone before it was asked.
        if (entry.quickIn !== null) member.isQuick = entry.quickIn === 0
        return answer
      })
  }

  #take(member: Member, entry: Entry, probed: NonNullable<Probed>): void {
    const before = entry.outcome
    const wasLate = isLongOverdue(entry, this.#options.periodMs)
    member.take(entry, { ...probed, checkedAt: this.#options.now() })
    entry.dueMs = this.#findDueMs(entry.periodMs)
    if ((before?.ok ?? true) !== probed.ok && entry.target.id !== NOBODY) {
      this.#options.onTurn({
        service: member.service.name,
        target: entry.target.id,
        ok: probed.ok,
        reason: probed.reason ?? failingNames(probed).join(', '),
      })
    }
    const isLateNoMore = wasLate && !member.isOverdue(performance.now())
    const change = isLateNoMore ? 'verdict' : findChange(before, probed)
    if (change !== null) this.#options.onChange(change)
  }
}

/** Of a service that isn't followed. */
const NO_PACE: Pace = { periodMs: 0, warning: null }
