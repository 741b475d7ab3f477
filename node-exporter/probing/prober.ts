/**
 * Asks every target at its own phase of its service's period, with bounded concurrency, and keeps the last outcome
 * of each. It knows when it is behind; what the outcomes mean is the domain's business.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Service } from '../../worker/contract/report.ts'
import { wantsNone } from '../../worker/domain/service-memory.ts'
import { judgeService } from '../../worker/domain/service-health.ts'
import type { DiscoveredTarget } from '../discovery/targets.ts'
import { askTarget, findStartingMs, type AskOptions } from './ask-target.ts'
import {
  failingNames,
  findChange,
  isOutdated,
  keyOf,
  NOBODY,
  nobody,
  toTarget,
  type Entry,
  type KnownService,
} from './entry.ts'
import type { Probed } from './probe.ts'
import { findDelayMs } from './phase.ts'
import { Streak } from './streak.ts'

export interface ProberOptions extends AskOptions {
  /** ms; for services whose categories name no refresh rate. */
  periodMs: number
  concurrency: number
  /** `verdict`: something that a verdict reads has changed; `text`: something that only people read. */
  onChange: (what: 'verdict' | 'text') => void
  /** A target turned from good to bad or back, or is bad when first asked. */
  onTurn: (turn: { service: string; target: string; ok: boolean; reason: string }) => void
}

interface Member {
  service: KnownService
  streak: Streak
  entries: Map<string, Entry>
}

const NEAR_MS = 50

/** Kinds of warnings of one service: pods may each say another unknown word. */
const WARNINGS_MAX = 3

/** New targets that are asked together, and ms until the next. */
const BATCH = 32
const BATCH_EVERY_MS = 8

/** Targets of a round that somebody asked for which leave together: 5,000 take three seconds, and the loop stays free. */
const FORCED_BATCH = 16

export class Prober {
  readonly #options: ProberOptions
  readonly #limit: ReturnType<typeof pLimit>
  /** Of those that are asked besides: others have their places all the same. */
  readonly #forced: ReturnType<typeof pLimit>
  readonly #members = new Map<string, Member>()
  #isBlind = false
  /** Entries that the present call of `follow` has started. */
  #started = 0

  constructor(options: ProberOptions) {
    this.#options = options
    this.#limit = pLimit(options.concurrency)
    this.#forced = pLimit(Math.ceil(options.concurrency / 2))
  }

  /**
   * Half of all targets or more are overdue because the way to them is gone: that is blindness. Fewer are just overdue, like
   * those of a prober that is stuck. Once blind, it sees again when every target has a result again, a timeout included:
   * until then a report would carry the age of the oldest result, and so end the hold as stale.
   */
  isBlind(): boolean {
    const nowMs = performance.now()
    let [all, overdue, unseen] = [0, 0, 0]
    for (const { isUnseen, dueMs } of this.#entries()) {
      all += 1
      if (nowMs <= dueMs) continue
      overdue += 1
      if (isUnseen) unseen += 1
    }
    const least = this.#isBlind ? overdue : unseen
    this.#isBlind = least > 0 && (this.#isBlind || unseen * 2 >= all)
    return this.#isBlind
  }

  /** Names of targets that are overdue, the first few. */
  overdueTargets(): string[] {
    const nowMs = performance.now()
    const overdue = [...this.#entries()].filter(({ dueMs }) => nowMs > dueMs)
    return overdue.slice(0, 3).map(({ target }) => target.id)
  }

  /** Starts with what is new, stops with what is gone, leaves the rest in its rhythm. */
  follow(services: KnownService[]): void {
    const names = new Set(services.map(({ name }) => name))
    for (const [name, { entries }] of this.#members) {
      if (names.has(name)) continue
      for (const entry of entries.values()) entry.stop.abort()
      this.#members.delete(name)
    }
    this.#started = 0
    for (const service of services) this.#followService(service)
  }

  stop(): void {
    this.follow([])
  }

  /**
   * Asks every target now, of all services or of one, besides their rhythm, which stays. Resolves when each has answered,
   * or after `forMs`: who wasn't asked by then isn't any more, and who was is heard whenever the answer comes.
   */
  async askNow(service: string | undefined, forMs: number): Promise<void> {
    const over = new AbortController()
    const { signal } = over
    const timeUp = sleep(forMs, undefined, { signal }).catch(() => undefined) // ended below
    await Promise.race([this.#askAll(service, signal), timeUp])
    over.abort()
  }

  async #askAll(service: string | undefined, signal: AbortSignal): Promise<void> {
    const all = [...this.#members.values()]
      .filter((member) => service === undefined || member.service.name === service)
      .flatMap((member) => [...member.entries.values()].map((entry) => ({ member, entry })))
      .filter(({ entry }) => entry.target.id !== NOBODY)
    const asking: Promise<void>[] = []
    for (const [i, { member, entry }] of all.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- in batches, as new ones
      if (i > 0 && i % FORCED_BATCH === 0) await sleep(BATCH_EVERY_MS)
      if (signal.aborted) return
      asking.push(
        this.#forced(async () => {
          if (!signal.aborted) await this.#probe(member, entry, true)
        }),
      )
    }
    await Promise.all(asking)
  }

  /** Where a target of a service is asked; null: there is none of that name. */
  find(service: string, id: string): DiscoveredTarget | null {
    if (id === NOBODY) return null
    const targets = [...(this.#members.get(service)?.entries.values() ?? [])]
    return targets.find(({ target }) => target.id === id)?.target ?? null
  }

  /** Every target has an outcome. */
  isComplete(): boolean {
    for (const { outcome } of this.#entries()) if (outcome === null) return false
    return true
  }

  /** ms behind: for how long the most overdue target has been so; 0 when none is. */
  overdueMs(): number {
    const nowMs = performance.now()
    let mostMs = 0
    for (const { dueMs } of this.#entries()) mostMs = Math.max(mostMs, nowMs - dueMs)
    return mostMs
  }

  /** How many targets there are to ask, and ms between two probes of those that are asked most often. */
  pace(): { targets: number; periodMs: number } {
    let targets = 0
    let leastMs = Infinity
    for (const { target, periodMs } of this.#entries()) {
      if (target.id === NOBODY) continue
      targets += 1
      leastMs = Math.min(leastMs, periodMs)
    }
    return { targets, periodMs: targets === 0 ? 0 : leastMs }
  }

  /** What is known of a service: its targets with an outcome that still holds; `targets` null while there is none. */
  describe(service: KnownService): Service {
    const entries = [...(this.#members.get(service.name)?.entries.values() ?? [])]
    const probed = entries.filter((entry) => entry.outcome !== null && !isOutdated(entry))
    const targets = probed.filter(({ target }) => target.id !== NOBODY).map(toTarget)
    const { name, isResilient, isDaemon, desired, scalingDown, businessImpact, panicGuide } =
      service
    return {
      name,
      isResilient,
      isDaemon,
      ...(desired === undefined ? {} : { desired }),
      ...(scalingDown ? { scalingDown } : {}),
      targets: probed.length === 0 ? null : targets,
      ...(targets.length === 0 && probed[0]?.outcome?.starting === true ? { starting: true } : {}),
      ...(businessImpact === undefined ? {} : { businessImpact }),
      ...(panicGuide === undefined ? {} : { panicGuide }),
    }
  }

  /** By failing service. */
  streaks(): Record<string, number> {
    const failing = [...this.#members].filter(
      ([, { service, streak }]) =>
        streak.count > 0 && judgeService(this.describe(service))?.ok === false,
    )
    return Object.fromEntries(failing.map(([name, { streak }]) => [name, streak.count]))
  }

  /** Targets that are taken as available although their answers may not be meant so: the first few kinds of a service. */
  warnings(): { subject: string; message: string }[] {
    return [...this.#members.values()].flatMap(({ service, entries }) => {
      const counts = new Map<string, number>()
      for (const { outcome } of entries.values()) {
        const what = outcome?.warning
        if (what !== undefined) counts.set(what, (counts.get(what) ?? 0) + 1)
      }
      return [...counts].slice(0, WARNINGS_MAX).map(([what, count]) => ({
        subject: `Service ${service.name}`,
        message: `${count} of its pods ${what}: taken as available`,
      }))
    })
  }

  /** One by one: this is walked with every result, and a list of thousands each time blocks the loop. */
  *#entries(): Generator<Entry, void, void> {
    for (const { entries } of this.#members.values()) yield* entries.values()
  }

  #followService(service: KnownService): void {
    const known = this.#members.get(service.name)
    const member = known ?? { service, streak: new Streak(), entries: new Map<string, Entry>() }
    member.service = service
    this.#members.set(service.name, member)
    const periodMs = service.periodSeconds ? service.periodSeconds * 1000 : this.#options.periodMs
    const targets = service.targets.length === 0 ? [nobody()] : service.targets
    const keys = new Map(targets.map((target) => [keyOf(target), target]))
    for (const [key, entry] of member.entries) {
      const target = keys.get(key)
      if (target !== undefined) {
        const isNewlyReady = !entry.hasBeenReady && hasBeenReady(target)
        entry.target = target
        entry.hasBeenReady ||= isNewlyReady
        if (entry.periodMs === periodMs && !isNewlyReady) continue
      }
      entry.stop.abort()
      member.entries.delete(key)
      // Its pace is another, or it is to be asked at once: what was seen still holds, and so does what is overdue.
      const dueMs = Math.min(entry.dueMs, this.#findDueMs(periodMs))
      if (target !== undefined) this.#startEntry(member, { ...entry, periodMs, dueMs })
    }
    for (const [key, target] of keys) {
      if (member.entries.has(key)) continue
      const dueMs = this.#findDueMs(periodMs)
      const seen = { outcome: null, isUnseen: false, startedAtMs: null }
      const state = { ...seen, target, periodMs, dueMs, hasBeenReady: hasBeenReady(target) }
      this.#startEntry(member, state)
    }
    const none = member.entries.get(keyOf(nobody()))
    if (none !== undefined) {
      none.startedAtMs = wantsNone(service) ? null : (none.startedAtMs ?? this.#options.now())
    }
  }

  #startEntry(member: Member, state: Omit<Entry, 'stop' | 'asking'>): void {
    const entry: Entry = { ...state, asking: null, stop: new AbortController() }
    member.entries.set(keyOf(entry.target), entry)
    // A thousand new targets at once would block the loop, and leave in one millisecond.
    const turnMs = Math.floor(this.#started++ / BATCH) * BATCH_EVERY_MS
    void this.#run(member, entry, turnMs)
  }

  #findDueMs(periodMs: number): number {
    return performance.now() + periodMs + this.#probeMs()
  }

  /** The longest a probe takes but for connections that fail slowly; those only make it overdue for a moment. */
  #probeMs(): number {
    const { timeoutMs, maxAttempts, cooldownMs } = this.#options
    return timeoutMs + maxAttempts * cooldownMs
  }

  /** In its turn when new, then at its phase for as long as it is there. */
  async #run(member: Member, entry: Entry, turnMs: number): Promise<void> {
    const { signal } = entry.stop
    if (turnMs > 0) await sleep(turnMs, undefined, { signal }).catch(() => undefined) // it is gone
    while (!signal.aborted) {
      await this.#probe(member, entry, false)
      if (signal.aborted) return
      const waitMs = this.#findWaitMs(member, entry)
      await sleep(waitMs, undefined, { signal }).catch(() => undefined) // it is gone: the loop ends
    }
  }

  /** Until its phase; sooner where the last probe learned nothing, or where it stops being excused as starting. */
  #findWaitMs({ service }: Member, entry: Entry): number {
    const key = `${service.name}/${entry.target.id}`
    const delayMs = findDelayMs(key, { periodMs: entry.periodMs, nowMs: performance.now() })
    // A timer may fire a little early: the moment it was meant for has not passed, but had its probe.
    const isHad = delayMs < Math.min(NEAR_MS, entry.periodMs / 10)
    const phaseMs = isHad ? delayMs + entry.periodMs : delayMs
    const isOpen = entry.isUnseen || entry.outcome?.isUnread === true
    const againMs = isOpen ? this.#options.periodMs : Infinity
    const isStarting = entry.outcome?.starting === true
    const startingMs = isStarting ? Math.max(1, findStartingMs(entry, this.#options)) : Infinity
    return Math.min(phaseMs, againMs, startingMs)
  }

  /** Nobody is asked twice at once: whoever comes second hears the answer of the first, and no older one after it. */
  #probe(member: Member, entry: Entry, isForced: boolean): Promise<void> {
    entry.asking ??= { done: this.#askOnce(member, entry), isForced }
    if (!isForced) entry.asking.isForced = false
    return entry.asking.done
  }

  async #askOnce(member: Member, entry: Entry): Promise<void> {
    const probed = await askTarget(entry, this.#limit, this.#options)
    if (!entry.stop.signal.aborted) {
      entry.isUnseen = probed === null
      if (probed !== null) this.#take(member, entry, probed)
    }
    entry.asking = null
  }

  #take(member: Member, entry: Entry, probed: NonNullable<Probed>): void {
    const before = entry.outcome
    entry.outcome = { ...probed, checkedAt: this.#options.now() }
    entry.dueMs = this.#findDueMs(entry.periodMs)
    // As nearly always: it goes on being well, and there is no streak to end.
    if (before?.ok !== true || !probed.ok || member.streak.count > 0) this.#count(member, entry)
    if ((before?.ok ?? true) !== probed.ok && entry.target.id !== NOBODY) {
      this.#options.onTurn({
        service: member.service.name,
        target: entry.target.id,
        ok: probed.ok,
        reason: probed.reason ?? failingNames(probed).join(', '),
      })
    }
    const change = findChange(before, probed)
    if (change !== null) this.#options.onChange(change)
  }

  #count({ service, entries, streak }: Member, { target, outcome, asking }: Entry): void {
    streak.take(target.id, {
      failed: outcome?.ok === false,
      isServiceOk: judgeService(this.describe(service))?.ok ?? true,
      isForced: asking?.isForced ?? false,
      targets: [...entries.values()].map((one) => one.target.id),
    })
  }
}

/** A terminating target is one only while it serves. */
function hasBeenReady({ ready, terminating }: DiscoveredTarget): boolean {
  return ready || terminating
}
