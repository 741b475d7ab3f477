/**
 * What `__gtg` has to say, told a second time and simply: from the text of the behaviour page alone (sections 2, 3, 4
 * and 6), without any code of the domain. It is asked before and after whatever happens.
 */
import { ModelFleet } from './hour-model-fleet.ts'
import { ModelVerdicts, type PlayedAct } from './hour-model-verdicts.ts'
import { INTERVAL_SECONDS, type Sighting } from './hour-report.ts'

const INTERVAL_MS = INTERVAL_SECONDS * 1000
const LATE_AFTER_MS = 3 * INTERVAL_MS
const DEAD_AFTER_MS = 60_000
const HOLD_MAX_MS = 15 * 60_000

/** Section 4: the reasons that this hour knows, and which wins. */
const PASSING = ['held', 'late', 'degraded', 'healthy']

/** What the model knows of one cluster. Times in ms. */
interface Known {
  epoch: number
  sequence: number
  /** null: no snapshot that a heartbeat could vouch for. */
  digest: string | null
  /** null: never any data. */
  freshAtMs: number | null
  /** The lease, however it was given: by freshness, or by a restore. */
  validUntilMs: number
  /** A blind exporter, or a restore, holds the verdict until then, and since when. */
  heldUntilMs: number | null
  blindSinceMs: number | null
  /** Past its lease, and nothing held it when time last came. */
  isDead: boolean
  /** Also where an operator holds it since: only reports bring it back. */
  hasDied: boolean
  /** The first of the two. */
  first: { epoch: number; atMs: number } | null
  hold: number | null
  verdicts: ModelVerdicts
}

export class HourModel {
  readonly #clusters = new Map<string, Known>()
  readonly #copies = new Map<string, Known>()
  readonly #fleet = new ModelFleet()

  /** Section 2: a report counts when (epoch, sequence) is greater than what is held. */
  hear(cluster: string, sighting: Sighting, nowMs: number): boolean {
    const { epoch, sequence, kind, digest } = sighting
    const known = this.#clusters.get(cluster) ?? nothingKnown()
    if (epoch < known.epoch || (epoch === known.epoch && sequence <= known.sequence)) return false
    Object.assign(known, { epoch, sequence })
    this.#clusters.set(cluster, known)
    if (kind === 'snapshot') {
      known.digest = digest
      known.verdicts.see(sighting)
    }
    if (kind === 'snapshot' || (kind === 'heartbeat' && known.digest === digest)) {
      this.#renew(cluster, { known, sighting, nowMs })
    } else if (kind === 'blind') holdBlind(known, nowMs)
    return true
  }

  /** False: it is refused, since nothing is known or there is nothing to take back. */
  act(cluster: string, act: PlayedAct, nowMs: number): boolean {
    const known = this.#clusters.get(cluster)
    if (known === undefined || known.freshAtMs === null) return false
    if (act.kind !== 'hold') {
      return known.verdicts.act(act, { freshAtMs: known.freshAtMs, nowMs })
    }
    const isHeld = known.hold !== null && nowMs <= known.hold
    known.hold = act.untilMs
    return act.untilMs !== null || isHeld
  }

  /** KV's copy follows. */
  publish(cluster: string): void {
    const known = this.#clusters.get(cluster)
    if (known !== undefined)
      this.#copies.set(cluster, { ...known, verdicts: known.verdicts.copy() })
  }

  /** Section 3: acks and trips come back, and the verdict is held until the first snapshot. */
  loseStorage(cluster: string, nowMs: number): void {
    const copy = this.#copies.get(cluster)
    this.#clusters.delete(cluster)
    if (copy === undefined) return
    const heldUntilMs = copy.hasDied ? null : nowMs + HOLD_MAX_MS
    this.#clusters.set(cluster, {
      ...copy,
      verdicts: copy.verdicts.copy(),
      digest: null,
      validUntilMs: 0,
      heldUntilMs,
      blindSinceMs: copy.hasDied ? null : nowMs,
      first: null,
    })
    this.#clusters.get(cluster)?.verdicts.forget()
    this.#fleet.forget(cluster)
  }

  /** Time has come so far, for all clusters: whoever is past its lease and held by nothing is dead (section 6). */
  pass(nowMs: number): void {
    // Whoever died before an episode opens stays dead.
    this.#bury(nowMs)
    const members = [...this.#clusters].map(([name, known]) => {
      const { freshAtMs, hasDied } = known
      const isLate = nowMs > (freshAtMs ?? Infinity) + LATE_AFTER_MS
      const isStanding = isWithinLease(known, nowMs)
      return { name, freshAtMs, hasDied, isLate, isStanding }
    })
    this.#fleet.judge(members, nowMs)
    this.#bury(nowMs)
  }

  /** ms; the first moment, not before this one, that time alone may turn something at. Infinity: none. */
  findNextEnd(fromMs: number): number {
    const ends = [...this.#clusters].flatMap(([cluster, known]) => [
      (known.freshAtMs ?? 0) + LATE_AFTER_MS,
      ...this.#endsOf(cluster, known),
      known.hold ?? 0,
    ])
    return Math.min(...ends.filter((endMs) => endMs >= fromMs))
  }

  /** `200 held`, `503 unhealthy`. */
  ask(cluster: string, categories: string[], nowMs: number): string {
    const reason = this.#findReason(cluster, categories, nowMs)
    return `${PASSING.includes(reason) ? 200 : 503} ${reason}`
  }

  #findReason(cluster: string, categories: string[], nowMs: number): string {
    const known = this.#clusters.get(cluster)
    if (known === undefined || known.freshAtMs === null) return 'no-data'
    const words = categories.map((category) => known.verdicts.judge(category, nowMs))
    if (words.includes('disabled')) return 'disabled'
    if (known.isDead) return 'stale'
    if (words.includes('unhealthy')) return 'unhealthy'
    if (!isWithinLease(known, nowMs)) return 'held'
    if (nowMs > known.freshAtMs + LATE_AFTER_MS) return 'late'
    return words.includes('degraded') ? 'degraded' : 'healthy'
  }

  #bury(nowMs: number): void {
    for (const [cluster, known] of this.#clusters) {
      if (known.freshAtMs === null) continue
      if (!this.#isStanding(cluster, known, nowMs)) known.hasDied = true
      known.isDead = known.hasDied && nowMs > (known.hold ?? 0)
    }
  }

  #isStanding(cluster: string, known: Known, nowMs: number): boolean {
    return nowMs <= Math.max(...this.#endsOf(cluster, known))
  }

  /** ms; when what keeps it alive ends. */
  #endsOf(cluster: string, { validUntilMs, heldUntilMs }: Known): number[] {
    return [validUntilMs, heldUntilMs ?? 0, this.#fleet.findHeldUntil(cluster)]
  }

  /** The lease runs from the earlier of `observedAt` and receipt, and never back behind what was given. */
  #renew(
    cluster: string,
    { known, sighting, nowMs }: { known: Known; sighting: Sighting; nowMs: number },
  ): void {
    const beforeMs = known.freshAtMs
    known.blindSinceMs = null
    if (!isBack(known, sighting, nowMs)) return known.verdicts.count(sighting, { beforeMs, nowMs })
    const atMs = Math.max(beforeMs ?? 0, Math.min(sighting.observedAtMs, nowMs))
    known.freshAtMs = atMs
    known.validUntilMs = atMs + DEAD_AFTER_MS
    known.heldUntilMs = null
    known.hasDied = false
    known.first = null
    this.#fleet.hear(cluster, atMs)
    known.verdicts.count(sighting, { beforeMs, atMs, nowMs })
  }
}

/** Section 6: two reports of one epoch, an interval apart, and no more than the time to dead (history 4). */
function isBack(known: Known, { epoch }: Sighting, nowMs: number): boolean {
  if (!known.hasDied) return true
  const { first } = known
  const isFirst = first?.epoch !== epoch || nowMs - first.atMs > DEAD_AFTER_MS
  if (isFirst) known.first = { epoch, atMs: nowMs }
  return !isFirst && nowMs - first.atMs >= INTERVAL_MS
}

function isWithinLease({ validUntilMs, heldUntilMs }: Known, nowMs: number): boolean {
  return nowMs <= validUntilMs && (heldUntilMs === null || nowMs > heldUntilMs)
}

function nothingKnown(): Known {
  return {
    epoch: -1,
    sequence: -1,
    digest: null,
    freshAtMs: null,
    validUntilMs: 0,
    heldUntilMs: null,
    blindSinceMs: null,
    isDead: false,
    hasDied: false,
    first: null,
    hold: null,
    verdicts: new ModelVerdicts(),
  }
}

/** Alive, but it can't see: the last verdict is held while it is heard, 15 min at most. Nobody is back by it. */
function holdBlind(known: Known, nowMs: number): void {
  if (known.freshAtMs === null || known.hasDied) {
    known.heldUntilMs = null
    return
  }
  known.blindSinceMs ??= nowMs
  known.heldUntilMs = Math.min(known.blindSinceMs + HOLD_MAX_MS, nowMs + DEAD_AFTER_MS)
}
