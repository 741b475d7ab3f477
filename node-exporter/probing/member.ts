/**
 * One service that is probed: its targets with what was last seen of each, and what is told of the whole. What a single
 * probe costs here doesn't grow with the number of targets.
 */
import type { Service } from '../../worker/contract/report.ts'
import { isTallyOk, NO_TALLY, tallyTarget } from '../../worker/domain/service-tally.ts'
import {
  findOverdueMs,
  isOutdated,
  NOBODY,
  toTarget,
  type Entry,
  type KnownService,
} from './entry.ts'
import type { Pace } from './pace.ts'
import type { Speed } from './places.ts'
import { Streak } from './streak.ts'

/** Kinds of warnings of one service: pods may each say another unknown word. */
const WARNINGS_MAX = 3

export class Member {
  service: KnownService
  pace: Pace
  /** The target that was asked last answered soon. */
  isQuick = false
  readonly entries = new Map<string, Entry>()
  readonly #streak = new Streak()
  #tally = NO_TALLY
  /** Entries with an outcome that holds. */
  #known = 0

  /** Of the target that is most overdue; by the edge's clock too, and that must not move while it is the same one. */
  #overdue: { sinceMs: number; atMs: number } | null = null
  readonly #now: () => number

  /** `now`: ms by the edge's clock. */
  constructor(service: KnownService, pace: Pace, now: () => number) {
    this.#now = now
    this.service = service
    this.pace = pace
  }

  /** Its entries, or what is known of their pods, may be others than before. */
  recount(): void {
    this.#tally = NO_TALLY
    this.#known = 0
    for (const entry of this.entries.values()) this.#count(entry, 1)
    this.#streak.follow([...this.entries.values()].map(({ target }) => target.id))
  }

  /** The outcome of a probe, which may go on with its streak or end it. */
  take(entry: Entry, outcome: NonNullable<Entry['outcome']>): void {
    const before = entry.outcome
    this.#count(entry, -1)
    entry.outcome = outcome
    this.#count(entry, 1)
    // As nearly always: it goes on being well, and there is no streak to end.
    if (before?.ok === true && outcome.ok && this.#streak.count === 0) return
    this.#streak.take(entry.target.id, {
      failed: !outcome.ok,
      isServiceOk: this.#isOk(),
      isForced: entry.asking?.isForced ?? false,
    })
  }

  /** A target that was quick until now, or is new, is taken for as quick as the one that was asked last. */
  speedOf({ quickIn }: Entry): Speed {
    if ((quickIn ?? 0) > 0) return 'slow'
    return this.isQuick ? 'quick' : 'unknown'
  }

  /** Its failed checks in a row; 0 while it is ok. */
  get streak(): number {
    return this.#isOk() ? 0 : this.#streak.count
  }

  /** ms, monotonic; since when the first of its overdue targets is so. null: none is. */
  overdueSinceMs(nowMs: number): number | null {
    let sinceMs: number | null = null
    for (const entry of this.entries.values()) {
      const ms = findOverdueMs(entry, nowMs)
      if (ms !== null && ms < (sinceMs ?? Infinity)) sinceMs = ms
    }
    return sinceMs
  }

  isOverdue(nowMs: number): boolean {
    for (const entry of this.entries.values()) if (findOverdueMs(entry, nowMs) !== null) return true
    return false
  }

  #tellOverdueAt(): number | null {
    const nowMs = performance.now()
    const sinceMs = this.overdueSinceMs(nowMs)
    if (sinceMs === null) this.#overdue = null
    else if (this.#overdue?.sinceMs !== sinceMs) {
      this.#overdue = { sinceMs, atMs: Math.max(0, Math.round(this.#now() - (nowMs - sinceMs))) }
    }
    return this.#overdue?.atMs ?? null
  }

  /** s; undefined: each target was asked within the period that its categories name. */
  #tellPeriod(): number | undefined {
    const nowMs = performance.now()
    const behind = [...this.entries.values()].filter(({ dueMs }) => nowMs > dueMs)
    const ages = behind.map(({ outcome }) =>
      outcome === null ? 0 : this.#now() - outcome.checkedAt,
    )
    const isAsWanted = behind.length === 0 && this.pace.warning === null
    if (isAsWanted) return undefined
    return Math.ceil(Math.max(this.pace.periodMs, ...ages) / 1000)
  }

  /** Its targets with an outcome that still holds; `targets` null while there is none. */
  describe(): Service {
    const probed = [...this.entries.values()].filter(isKnown)
    const targets = probed.filter(({ target }) => target.id !== NOBODY).map(toTarget)
    const { name, isResilient, isDaemon, desired, scalingDown, businessImpact, panicGuide } =
      this.service
    const overdueAtMs = this.#tellOverdueAt()
    const periodSeconds = this.#tellPeriod()
    return {
      name,
      isResilient,
      isDaemon,
      ...(desired === undefined ? {} : { desired }),
      ...(scalingDown ? { scalingDown } : {}),
      ...(overdueAtMs === null ? {} : { overdueSince: overdueAtMs }),
      ...(periodSeconds === undefined ? {} : { periodSeconds }),
      targets: probed.length === 0 ? null : targets,
      ...(targets.length === 0 && probed[0]?.outcome?.starting === true ? { starting: true } : {}),
      ...(businessImpact === undefined ? {} : { businessImpact }),
      ...(panicGuide === undefined ? {} : { panicGuide }),
    }
  }

  /** Targets that are taken as available although their answers may not be meant so: the first few kinds. */
  warnings(): { subject: string; message: string }[] {
    const counts = new Map<string, number>()
    for (const { outcome } of this.entries.values()) {
      const what = outcome?.warning
      if (what !== undefined) counts.set(what, (counts.get(what) ?? 0) + 1)
    }
    const subject = `Service ${this.service.name}`
    const told = [...counts].slice(0, WARNINGS_MAX).map(([what, count]) => ({
      subject,
      message: `${count} of its pods ${what}: taken as available`,
    }))
    const { warning } = this.pace
    return warning === null ? told : [{ subject, message: warning }, ...told]
  }

  /** As the edge judges it; one that was not checked yet fails nobody. */
  #isOk(): boolean {
    const { desired = null, isDaemon } = this.service
    return this.#known === 0 || isTallyOk(this.#tally, { desired, isDaemon })
  }

  #count(entry: Entry, by: 1 | -1): void {
    if (!isKnown(entry)) return
    const { target, outcome } = entry
    this.#known += by
    if (target.id === NOBODY) return
    const { ok = false, starting = false } = outcome ?? {}
    const counted = { ok, starting, terminating: target.terminating }
    this.#tally = tallyTarget(this.#tally, counted, by)
  }
}

function isKnown(entry: Entry): boolean {
  return entry.outcome !== null && !isOutdated(entry)
}
