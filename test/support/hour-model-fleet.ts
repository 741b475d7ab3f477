/** The model's third rule of silence: many at once, so that the aggregator is the suspect (behaviour, section 6). */

const ELECTORATE_BEFORE_MS = 30_000
const LATE_AFTER_MS = 30_000
const DEAD_AFTER_MS = 60_000
const HOLD_MAX_MS = 15 * 60_000

interface Member {
  name: string
  freshAtMs: number | null
  /** Also where an operator holds it since. */
  hasDied: boolean
  /** Past its own three intervals. */
  isLate: boolean
  /** Within its lease, be it late. */
  isStanding: boolean
}

export class ModelFleet {
  /** By cluster: when it was fresh last, and whether its lease ran out since. */
  readonly #fresh = new Map<string, { fromMs: number; untilMs: number; isOver: boolean }>()
  #openedAtMs: number | null = null
  /** When who joined the open episode. */
  readonly #joinedAtMs = new Map<string, number>()
  /** Until when an episode holds whom; `isOver`: it ended, and this is what is left of it. */
  readonly #held = new Map<string, { untilMs: number; isOver: boolean }>()

  /** A joined cluster's report closes the episode; the others then get a fresh `DEAD_AFTER_SECONDS`. */
  hear(cluster: string, freshAtMs: number): void {
    // It is fresh from what its report observed on, whenever that came, and for three intervals.
    const seen = this.#fresh.get(cluster)
    const fromMs = seen?.isOver === false ? seen.fromMs : freshAtMs
    this.#fresh.set(cluster, { fromMs, untilMs: freshAtMs + LATE_AFTER_MS, isOver: false })
    // Of before it joined: it is not back by that.
    if (freshAtMs <= (this.#joinedAtMs.get(cluster) ?? 0)) return
    this.#held.delete(cluster)
    if (!this.#joinedAtMs.has(cluster)) return
    for (const held of this.#held.values()) {
      if (!held.isOver) held.untilMs = freshAtMs + DEAD_AFTER_MS
    }
    this.#close()
  }

  /** Its storage is lost: nothing is known of an episode, nor of a silence before the next report. */
  forget(cluster: string): void {
    this.#held.delete(cluster)
    this.#fresh.delete(cluster)
  }

  judge(members: Member[], nowMs: number): void {
    if (this.#openedAtMs !== null && nowMs > this.#openedAtMs + HOLD_MAX_MS) this.#close()
    for (const { name, isStanding } of members) {
      const seen = this.#fresh.get(name)
      if (seen !== undefined && !isStanding) seen.isOver = true
    }
    for (const { name, freshAtMs, hasDied, isLate } of members) {
      if (freshAtMs === null || !isLate || hasDied || this.#held.has(name)) continue
      if (!this.#fresh.has(name)) continue
      if (this.#openedAtMs === null) {
        // Of a silence that old, one that was blind all the while, nobody has to say anything.
        if (nowMs - freshAtMs > 2 * DEAD_AFTER_MS) continue
        const whenMs = freshAtMs - ELECTORATE_BEFORE_MS
        const electorate = members.filter((one) => this.#wasFresh(one.name, whenMs))
        const silent = electorate.filter((one) => one.isLate).length
        if (silent < 2 || silent <= electorate.length / 2) continue
        this.#openedAtMs = nowMs
        for (const one of electorate) {
          if (one.isLate && !one.hasDied) this.#join(one.name, nowMs)
        }
      }
      this.#join(name, nowMs)
    }
  }

  #join(name: string, nowMs: number): void {
    if (!this.#joinedAtMs.has(name)) this.#joinedAtMs.set(name, nowMs)
    if (this.#held.has(name)) return
    this.#held.set(name, { untilMs: (this.#openedAtMs ?? 0) + HOLD_MAX_MS, isOver: false })
  }

  /** 0: it is in no episode, nor was it in one since its last report. */
  findHeldUntil(cluster: string): number {
    return this.#held.get(cluster)?.untilMs ?? 0
  }

  #close(): void {
    this.#openedAtMs = null
    this.#joinedAtMs.clear()
    for (const held of this.#held.values()) held.isOver = true
  }

  /** And alive since, up to its last report: one that just came back tells nothing of the aggregator. */
  #wasFresh(cluster: string, atMs: number): boolean {
    const { fromMs, untilMs } = this.#fresh.get(cluster) ?? { fromMs: Infinity, untilMs: 0 }
    return fromMs <= atMs && atMs <= untilMs
  }
}
