/**
 * When and what to push: at once on a change that bears on a verdict, else each interval; a snapshot, a heartbeat, or
 * blind. Only the newest state is ever sent: a failed try is followed by a new report, not by the old one.
 */
import { digestContent } from '../../worker/contract/digest.ts'
import { EPOCH_STEP_MAX } from '../../worker/contract/limits.ts'
import {
  COMMANDS_MAX,
  type Content,
  type ExporterInfo,
  type Place,
  type Report,
} from '../../worker/contract/report.ts'
import { findNextEpoch } from '../../worker/domain/order.ts'
import type { HealthManager } from '../self/health-manager.ts'
import type { Log } from '../self/log.ts'
import { packReport } from './content.ts'
import type { Deliver, Delivered } from './deliver.ts'
import type { EdgeClock } from './edge-clock.ts'
import type { Order } from './order.ts'

export interface PusherOptions {
  cluster: string
  /** Its epoch is the Lease's, and stays so; else it takes over once, and finds its own. */
  hasLease: boolean
  order: Order
  intervalMs: number
  /** ms a change of text alone may wait. */
  textEveryMs: number
  /** ms between two looks at changes: what comes in between is taken together. */
  gatherMs: number
  clock: EdgeClock
  deliver: Deliver
  /** Which way the last report took. */
  via: () => string
  /** Everything was listed and asked once; until then reports are blind. */
  canSee: () => boolean
  /** The content as it is now. */
  see: () => Content
  streaks: () => Record<string, number>
  /** ms that the most overdue service is so; 0 where none is. */
  overdueMs: () => number
  /** ms for which something was overdue and no probe was completed. */
  stuckMs: () => number
  exporter: () => ExporterInfo
  components: Pick<HealthManager, 'update'>
  log: Log
  /** The edge holds newer reports than these, for another speaks: this was the last of them. */
  onSuperseded: (held: Place) => void
}

export class Pusher {
  readonly #options: PusherOptions
  #hasSpoken = false
  #failures = 0
  /** Of the last snapshot that the edge has taken. */
  #heldDigest = ''
  #mustResend = true
  #verdictChanged = true
  #textChanged = false
  /** Of commands whose rounds are done, and not told yet. */
  #rounds: string[] = []
  #snapshotAtMs = -Infinity
  /** When the content was last looked at, or the push that followed ended. */
  #lookedAtMs = -Infinity
  /** The edge judges each service that is overdue by itself. One that doesn't knows only `observedAt`, which stands still. */
  #edgeJudges = false
  #isStopped = false
  /** Ends the wait; brings its end forward. */
  #finish: (() => void) | null = null
  #hurry: (() => void) | null = null

  constructor(options: PusherOptions) {
    this.#options = options
  }

  /** Something changed. A verdict's change goes out at once, a text's with the next report once it has waited. */
  change(what: 'verdict' | 'text'): void {
    if (what === 'text') this.#textChanged = true
    else this.#verdictChanged = true
    if (what === 'verdict' && this.#options.canSee()) this.#hurry?.()
  }

  /** These rounds are done: what they saw goes out at once, whole, for somebody waits to read it. */
  tellRounds(ids: string[]): void {
    this.#rounds.push(...ids)
    this.#hurry?.()
  }

  /** Runs until stopped; never rejects. */
  async run(): Promise<void> {
    let dueMs = performance.now()
    while (!this.#isStopped) {
      const delayMs = await this.#push(performance.now() >= dueMs - 1) // timers may fire a moment early
      if (delayMs !== null) dueMs = performance.now() + delayMs
      if (!this.#isStopped) await this.#wait(Math.max(1, dueMs - performance.now()))
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#finish?.()
  }

  /** ms until the next push at the latest; null: it was not due, and nothing that bears on a verdict had changed. */
  async #push(isDue: boolean): Promise<number | null> {
    const { intervalMs, gatherMs, deliver, log } = this.#options
    const startMs = performance.now()
    try {
      const report = await this.#prepare(startMs)
      this.#lookedAtMs = performance.now()
      if (!isDue && report.kind === 'heartbeat') return null
      const body = await packReport(report)
      if (this.#isStopped) return null
      const delivered = await deliver(body, report.sequence)
      // Whoever was stopped meanwhile has no word any more, and nobody to answer to.
      if (this.#isStopped) return null
      this.#lookedAtMs = performance.now()
      log.debug({ kind: report.kind, sequence: report.sequence, delivered }, 'pushed')
      switch (delivered.kind) {
        case 'accepted':
          this.#confirm(report, startMs)
          if (this.#options.overdueMs() > 0) this.#edgeJudges = delivered.overdue === true
          if (delivered.resend) this.#mustResend = true
          return delivered.resend ? gatherMs : jitter(intervalMs) - (this.#lookedAtMs - startMs)
        case 'superseded':
          if (report.kind === 'snapshot') this.#mustResend = true
          if (!this.#isOwn(delivered.held, report)) return this.#takeOver(delivered.held)
          // The live link was opened meanwhile: its place is the later one.
          if (delivered.held.sequence !== report.sequence) return 0
          this.#confirm(report, startMs)
          return jitter(intervalMs) - (this.#lookedAtMs - startMs)
        case 'failed':
          if (report.kind === 'snapshot') this.#mustResend = true
          return this.#backOff(delivered)
      }
    } catch (error) {
      // A report that can't be built costs this try; the component and the log say why.
      this.#mustResend = true
      const reason = error instanceof Error ? error.message : String(error)
      return this.#backOff(failedFor(reason))
    }
  }

  /** Looks at the whole each time: a heartbeat must never rest on an event that somebody forgot to tell. */
  async #prepare(nowMs: number): Promise<Report> {
    const { clock, cluster, intervalMs, textEveryMs } = this.#options
    this.#verdictChanged = false
    const rounds = this.#rounds.slice(0, COMMANDS_MAX)
    const canSee = this.#options.canSee()
    const content = canSee ? this.#options.see() : null
    const { overdueMs, stuckMs } = this.#options
    const behindMs = this.#edgeJudges ? stuckMs() : overdueMs()
    const envelope = {
      cluster,
      ...this.#options.order.next(),
      observedAt: clock.now() - Math.ceil(behindMs),
      intervalSeconds: intervalMs / 1000,
      streaks: canSee ? this.#options.streaks() : {},
      exporter: this.#options.exporter(),
      ...(rounds.length === 0 ? {} : { rounds }),
    }
    if (content === null) return { kind: 'blind', ...envelope, digest: this.#heldDigest }
    const digest = await digestContent(content)
    // The next chance comes an interval later, at its longest.
    const waitedMs = nowMs - this.#snapshotAtMs + intervalMs * (1 + JITTER)
    const isTextDue = this.#textChanged && waitedMs >= textEveryMs
    const isSame = digest === this.#heldDigest && !this.#mustResend && !isTextDue
    if (isSame && rounds.length === 0) return { kind: 'heartbeat', ...envelope, digest }
    this.#textChanged = false
    return { kind: 'snapshot', ...envelope, digest, content }
  }

  #confirm(report: Report, startMs: number): void {
    const { components, log, via } = this.#options
    this.#hasSpoken = true
    this.#failures = 0
    this.#rounds = this.#rounds.filter((id) => !report.rounds?.includes(id))
    components.update('push', 'healthy', { metadata: { via: via() } })
    if (report.kind !== 'snapshot') return
    this.#heldDigest = report.digest
    this.#snapshotAtMs = startMs
    this.#mustResend = false
    const tookMs = Math.round(this.#lookedAtMs - startMs)
    log.info({ sequence: report.sequence, tookMs }, 'snapshot accepted')
  }

  /**
   * It was taken already (a proxy has sent it again when the answer was lost), or the live link took a place after it.
   * Without a Lease the first word may as well be another's who has begun at the same moment: that one is taken over from.
   */
  #isOwn(held: Place, { sequence }: Report): boolean {
    const { hasLease, order } = this.#options
    return (hasLease || this.#hasSpoken) && held.sequence >= sequence && order.hasGiven(held)
  }

  /** Without a Lease: an exporter that starts takes over once, and ends when it is refused later. */
  #takeOver(held: Place): number {
    const { cluster, hasLease, order, log, components, onSuperseded } = this.#options
    if (findNextEpoch(held.epoch) === null) return this.#backOff(failedFor(sayUsedUp(cluster)))
    if (hasLease) {
      this.stop()
      onSuperseded(held)
      return 0
    }
    // What is held is far below: the order was started anew, and no other exporter has taken this one's place.
    const isAnew = held.epoch + EPOCH_STEP_MAX < order.epoch
    if (!isAnew && (this.#hasSpoken || order.epoch > 0)) {
      const message = `another exporter pushes for this cluster (epoch ${held.epoch})`
      components.update('push', 'degraded', message)
      log.error({ held, epoch: order.epoch }, message)
      this.stop()
      onSuperseded(held)
      return 0
    }
    order.exceed(held)
    const why = isAnew
      ? 'the order of reports started anew'
      : 'taking over from the exporter before'
    log.info({ epoch: order.epoch }, why)
    return 0
  }

  #backOff({ reason, retryAfterMs, clockMoved }: Extract<Delivered, { kind: 'failed' }>): number {
    const { intervalMs, components, log } = this.#options
    if (clockMoved) {
      log.warn("the clock here and the edge's differ by minutes: the edge's counts")
      return 0
    }
    this.#failures += 1
    components.update('push', 'degraded', `the last push failed: ${reason}`)
    const backoffMs = jitter(Math.min(intervalMs, BACKOFF_MS * 2 ** (this.#failures - 1)))
    return Math.min(intervalMs, Math.max(backoffMs, retryAfterMs ?? 0))
  }

  /** Until the time is up or something bears on a verdict; changes soon after a push are taken together. */
  async #wait(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let timer = setTimeout(resolve, delayMs)
    this.#finish = resolve
    if (this.#failures === 0) {
      this.#hurry = () => {
        clearTimeout(timer)
        const sinceMs = performance.now() - this.#lookedAtMs
        timer = setTimeout(resolve, Math.max(1, this.#options.gatherMs - sinceMs))
      }
    }
    if (this.#verdictChanged) this.change('verdict')
    if (this.#rounds.length > 0) this.#hurry?.()
    await promise
    clearTimeout(timer)
    this.#finish = null
    this.#hurry = null
  }
}

function failedFor(reason: string): Extract<Delivered, { kind: 'failed' }> {
  return { kind: 'failed', reason, retryAfterMs: null, clockMoved: false }
}

/** Only a person can end this; until then each try is refused, and the component says so. */
function sayUsedUp(cluster: string): string {
  return `the edge holds the highest epoch, so no report of this exporter counts: POST /clusters/${cluster}/reset-order starts the order anew`
}

/** ms until a failed push is tried again, doubled with each failure up to the interval. */
const BACKOFF_MS = 250

/** So that a thousand clusters don't push in step. */
const JITTER = 0.1

function jitter(ms: number): number {
  return ms * (1 - JITTER + Math.random() * 2 * JITTER)
}
