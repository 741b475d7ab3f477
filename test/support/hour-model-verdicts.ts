/** The model's verdicts of one cluster: acks, switches and trips, from the text of behaviour, section 3, alone. */
import type { Act } from '../../worker/domain/acts.ts'
import {
  CATEGORIES,
  FAILURE_THRESHOLD,
  SERVICES,
  type Failing,
  type Sighting,
} from './hour-report.ts'

const RECOVERY_MS = 60_000
/** ms without freshness: nobody saw the service well. */
const BREAK_MS = 30_000

/** Of a report that moved freshness, and of the one before; null: it was the first. */
interface Moved {
  beforeMs: number | null
  atMs?: number
  nowMs: number
}

interface Ack {
  until: 'removed' | 'recovery' | 'change'
  expiresAtMs: number
  /** How the service failed then; null: it didn't. */
  failingThen: Failing | null
  goodSinceMs: number | null
}

interface Override {
  isEnabled: boolean
  saidThen: boolean | null
}

/** What the hour plays: the order of reports is no matter of verdicts. */
export type PlayedAct = Exclude<Act, { kind: 'reset-order' }>

export class ModelVerdicts {
  #services = new Map<string, Failing | null>()
  #said = new Map<string, boolean | null>()
  #acks = new Map<string, Ack>()
  #overrides = new Map<string, Override>()
  /** By `category service`. */
  #counts = new Map<string, number>()
  #levels = new Map<string, number>()
  #isLost = false
  /** null: after a restore nothing is known of what was counted. */
  #epoch: number | null = -1

  see({ services, said }: Sighting): void {
    this.#isLost = false
    const wasDisabled = Object.keys(said).filter((category) => !this.#isEnabled(category))
    this.#services = new Map(Object.entries(services))
    this.#said = new Map(Object.entries(said))
    for (const [category, { saidThen }] of this.#overrides) {
      const now = this.#said.get(category) ?? null
      // Its absence never ends one, and one that was absent had said the default.
      if (now === null || now === (saidThen ?? true)) continue
      this.#overrides.delete(category)
      this.#forget(category)
    }
    for (const category of wasDisabled) if (this.#isEnabled(category)) this.#forget(category)
  }

  /** A report that moved freshness: it alone moves counters and recoveries. */
  count({ epoch, streaks }: Sighting, moved: Moved): void {
    for (const service of SERVICES) this.#endAck(service, moved)
    for (const service of SERVICES) {
      const level = streaks[service] ?? 0
      const isKnown = this.#epoch !== null
      const last = isKnown ? (epoch === this.#epoch ? (this.#levels.get(service) ?? 0) : 0) : level
      this.#levels.set(service, level)
      for (const { name, services, isSticky } of CATEGORIES) {
        if (isSticky && services.includes(service)) {
          this.#add({ category: name, service, level, last, nowMs: moved.nowMs })
        }
      }
    }
    this.#epoch = epoch
  }

  act(
    act: Exclude<PlayedAct, { kind: 'hold' }>,
    { freshAtMs, nowMs }: { freshAtMs: number; nowMs: number },
  ): boolean {
    switch (act.kind) {
      case 'add-ack': {
        if (this.#isLost) return false
        const expiresAtMs = act.expiresAtMs ?? Infinity
        const failingThen = this.#services.get(act.service) ?? null
        const goodSinceMs = failingThen === null ? freshAtMs : null
        this.#acks.set(act.service, { until: act.until, expiresAtMs, failingThen, goodSinceMs })
        return true
      }
      case 'remove-ack': {
        const isAcked = this.#isAcked(act.service, nowMs)
        this.#acks.delete(act.service)
        return isAcked
      }
      case 'disable-category':
      case 'enable-category': {
        const isEnabled = act.kind === 'enable-category'
        const saidThen = this.#said.get(act.category) ?? null
        this.#overrides.set(act.category, { isEnabled, saidThen })
        if (isEnabled) this.#forget(act.category)
        return true
      }
    }
  }

  judge(category: string, nowMs: number): 'disabled' | 'unhealthy' | 'degraded' | 'healthy' {
    if (!this.#isEnabled(category)) return 'disabled'
    const named = CATEGORIES.find(({ name }) => name === category)?.services ?? SERVICES
    const known = named.filter((service) => this.#services.has(service))
    const fails = (service: string) =>
      (this.#services.get(service) ?? null) !== null && !this.#isAcked(service, nowMs)
    if (known.length === 0 || known.some(fails)) return 'unhealthy'
    return known.length < named.length ? 'degraded' : 'healthy'
  }

  /** KV holds acks and trips, no counters; and no service can be acked before it is seen again. */
  forget(): void {
    this.#isLost = true
    this.#counts.clear()
    this.#levels.clear()
    this.#epoch = null
    for (const ack of this.#acks.values()) ack.goodSinceMs = null
  }

  copy(): ModelVerdicts {
    const copy = new ModelVerdicts()
    copy.#services = new Map(this.#services)
    copy.#said = new Map(this.#said)
    copy.#acks = new Map([...this.#acks].map(([service, ack]) => [service, { ...ack }]))
    copy.#overrides = new Map(this.#overrides)
    copy.#counts = new Map(this.#counts)
    copy.#levels = new Map(this.#levels)
    copy.#epoch = this.#epoch
    copy.#isLost = this.#isLost
    return copy
  }

  #isEnabled(category: string): boolean {
    return this.#overrides.get(category)?.isEnabled ?? this.#said.get(category) ?? true
  }

  #isAcked(service: string, nowMs: number): boolean {
    const ack = this.#acks.get(service)
    return ack !== undefined && nowMs < ack.expiresAtMs
  }

  #endAck(service: string, { beforeMs, nowMs, atMs = beforeMs ?? 0 }: Moved): void {
    const ack = this.#acks.get(service)
    const failing = this.#services.get(service) ?? null
    if (ack === undefined) return
    if (nowMs >= ack.expiresAtMs) this.#acks.delete(service)
    if (ack.until === 'change' && failing !== null && isNew(failing, ack.failingThen)) {
      this.#acks.delete(service)
    }
    if (ack.until !== 'recovery') return
    const isBroken = atMs - (beforeMs ?? 0) > BREAK_MS
    ack.goodSinceMs = failing === null ? (isBroken ? atMs : (ack.goodSinceMs ?? atMs)) : null
    if (ack.goodSinceMs !== null && atMs - ack.goodSinceMs >= RECOVERY_MS)
      this.#acks.delete(service)
  }

  /** One failed check counts once, however often it is reported. */
  #add(of: {
    category: string
    service: string
    level: number
    last: number
    nowMs: number
  }): void {
    const { category, service, level, last, nowMs } = of
    const key = `${category} ${service}`
    if (level < last || (this.#services.get(service) ?? null) === null) this.#counts.delete(key)
    if (!this.#isEnabled(category) || this.#isAcked(service, nowMs)) return
    if ((this.#services.get(service) ?? null) === null) return
    const count = (this.#counts.get(key) ?? 0) + (level < last ? level : level - last)
    this.#counts.set(key, count)
    if (count < FAILURE_THRESHOLD) return
    const saidThen = this.#said.get(category) ?? null
    this.#overrides.set(category, { isEnabled: false, saidThen })
  }

  #forget(category: string): void {
    for (const service of SERVICES) this.#counts.delete(`${category} ${service}`)
  }
}

function isNew(failing: Failing, then: Failing | null): boolean {
  if (then === null) return true
  return failing.severity < then.severity || failing.checks.some((id) => !then.checks.includes(id))
}
