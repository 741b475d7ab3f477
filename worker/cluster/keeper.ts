/**
 * Where a cluster's state stands between two events: in rows, and what heartbeats move on the live link, if that is newer.
 * It writes only what changed, and sets the alarm for what is to come; what any of it means is the domain's business.
 */
import type { Refusal } from '../contract/refusal.ts'
import type { Content, Place, Report } from '../contract/report.ts'
import type { ClusterState, Pulse } from '../domain/cluster.ts'
import { leansOnHeld } from '../domain/merge-content.ts'
import { NO_DECISIONS, type Decisions } from '../domain/decisions.ts'
import { endOfLease, leaseOfLostLink, tellFreshness } from '../domain/freshness.ts'
import { findMoments } from '../domain/moments.ts'
import { isLater, isSignedBefore, judgePlace } from '../domain/order.ts'
import type { Settled } from '../domain/settle.ts'
import { addEvents } from './event-log.ts'
import { Tally, type Counters } from './counters.ts'
import { placeOf, readCarried, type Carried, type Links } from './links.ts'
import type { Publisher } from './publisher.ts'
import * as storage from './storage.ts'

/** ms within which an alarm that is set is soon enough. */
const SOON_MS = 1000

interface KeeperOptions {
  storage: DurableObjectStorage
  links: Links
  publisher: Publisher
}

interface Saving {
  nowMs: number
  /** It came over the live link, which then carries what it moved, unless more than that has changed. */
  isLinked?: boolean
  /** The bytes of the report that it comes from, where that has all services of the content. */
  report?: Uint8Array
}

export class Keeper {
  readonly #storage: DurableObjectStorage
  readonly #sql: SqlStorage
  readonly #links: Links
  readonly #publisher: Publisher
  readonly #tally: Tally

  constructor({ storage: durable, links, publisher }: KeeperOptions) {
    this.#storage = durable
    this.#sql = durable.sql
    this.#links = links
    this.#publisher = publisher
    this.#tally = new Tally(this.#carried()?.counters ?? storage.loadCounters(this.#sql))
  }

  /** What `/metrics` tells. */
  get keptCounters(): Counters {
    return this.#tally.kept
  }

  /** Stored with what is stored next, or after a minute. */
  count(counted: Counters): void {
    this.#tally.add(counted)
    if (this.#tally.isDue()) this.#keepCounters()
  }

  /** For reads that must not store anything. */
  countUnkept(counted: Counters): void {
    this.#tally.add(counted)
  }

  #keepCounters(): void {
    const pulse = this.readPulse()
    if (pulse === null) {
      storage.saveCounters(this.#sql, this.#tally.all)
      this.#tally.noteKept()
    } else if (this.#carried() === null || !this.#carry(pulse)) this.savePulse(pulse)
  }

  forgetCounters(): void {
    this.#tally.reset()
  }

  /** False: no live link can. */
  #carry(pulse: Pulse): boolean {
    const isCarried = this.#links.carry({ pulse, counters: this.#tally.all })
    if (isCarried) this.#tally.noteKept()
    return isCarried
  }

  readPulse(): Pulse | null {
    return this.#carried()?.pulse ?? storage.loadPulse(this.#sql)
  }

  savePulse(pulse: Pulse): void {
    storage.savePulse(this.#sql, pulse, this.#tally.all)
    this.#tally.noteKept()
  }

  /** Without content, services and nodes, which only snapshots and acts look at. */
  readSmall(): ClusterState | null {
    const pulse = this.readPulse()
    if (pulse === null) return null
    const facts = storage.loadFacts(this.#sql)
    const categories = storage.loadCategories(this.#sql)
    const decisions = this.readDecisions()
    const memory = storage.loadMemory(this.#sql)
    const standing = { facts, categories, services: {}, memory, nodes: null }
    return { pulse, content: null, standing, decisions }
  }

  /** Also of a cluster without state, as after an erase. */
  readDecisions(): Decisions {
    return storage.loadDecisions(this.#sql) ?? NO_DECISIONS
  }

  readAll(): ClusterState | null {
    return this.#readWith(() => storage.loadContent(this.#sql))
  }

  /** What a report bears on. Only a snapshot reads or changes what is large, and only one with gaps the services held. */
  readFor(report: Report): ClusterState | null {
    if (report.kind !== 'snapshot') return this.readSmall()
    if (leansOnHeld(report.content)) return this.readAll()
    return this.#readWith(() => storage.loadFrame(this.#sql))
  }

  #readWith(loadContent: () => Content | null): ClusterState | null {
    const small = this.readSmall()
    if (small === null) return null
    const services = storage.loadServices(this.#sql)
    const nodes = storage.loadNodes(this.#sql)
    return { ...small, content: loadContent(), standing: { ...small.standing, services, nodes } }
  }

  async save(
    before: ClusterState | null,
    settled: Settled,
    { nowMs, isLinked = false, report }: Saving,
  ): Promise<void> {
    const { pulse, decisions } = settled.state
    if (isLinked && isRoutine(before, settled) && this.#carry(pulse)) {
      await this.#setLostAlarm(settled.state, nowMs)
      return
    }
    const isNews = this.store(before, settled, report)
    const isSooner = before !== null && endOfLease(pulse.lease) < endOfLease(before.pulse.lease)
    const isDue =
      isNews ||
      isSooner ||
      decisions !== before?.decisions ||
      pulse.freshness !== before?.pulse.freshness // a hold that ends is followed by a shorter lease
    // Nothing is awaited between the write and its alarm, so that both are kept or neither.
    if (isDue) await this.setAlarm(settled.state, { nowMs, isSteady: false })
    else await this.#setLostAlarm(settled.state, nowMs)
  }

  /** A lease that is renewed re-arms nothing; but an alarm that failed too often is gone, and whoever comes next sets it anew. */
  async #setLostAlarm(state: ClusterState, nowMs: number): Promise<void> {
    const isSteady = state.pulse.freshness === 'fresh'
    if ((await this.#storage.getAlarm()) === null) await this.setAlarm(state, { nowMs, isSteady })
  }

  /** Only what changed; true when KV's copy is to follow. */
  store(
    before: ClusterState | null,
    { state, transitions }: Settled,
    report?: Uint8Array,
  ): boolean {
    const { pulse, content, standing, decisions } = state
    return this.#storage.transactionSync(() => {
      this.savePulse(pulse)
      if (content !== null && content !== before?.content) {
        if (report === undefined) storage.saveContent(this.#sql, content)
        else storage.saveReported(this.#sql, content, report)
      }
      if (standing.facts !== before?.standing.facts) storage.saveFacts(this.#sql, standing.facts)
      if (standing.categories !== before?.standing.categories)
        storage.saveCategories(this.#sql, standing.categories)
      if (standing.services !== before?.standing.services)
        storage.saveServices(this.#sql, standing.services)
      if (standing.memory !== (before?.standing.memory ?? null))
        storage.saveMemory(this.#sql, standing.memory)
      if (standing.nodes !== (before?.standing.nodes ?? null))
        storage.saveNodes(this.#sql, standing.nodes)
      if (decisions !== before?.decisions) storage.saveDecisions(this.#sql, decisions)
      addEvents(this.#sql, transitions)
      return this.#publisher.note(before, state)
    })
  }

  /** `isSteady`: reports come, and nothing else is going on. */
  async setAlarm(
    state: ClusterState,
    { nowMs, isSteady }: { nowMs: number; isSteady: boolean },
  ): Promise<void> {
    const putMs = this.#publisher.nextPutMs()
    const moments = [
      ...(putMs === null ? [] : [Math.max(nowMs, putMs)]),
      ...findMoments(state, { nowMs, isSteady }),
    ]
    if (moments.length > 0) await this.#storage.setAlarm(Math.min(...moments))
  }

  /** Time has turned what nobody told yet: the alarm tells and publishes it, for it is not armed anew by each report. */
  async ringIfTurned({ lease, intervalSeconds, freshness }: Pulse): Promise<void> {
    const nowMs = Date.now()
    if (tellFreshness(lease, intervalSeconds, nowMs) === freshness) return
    const setMs = await this.#storage.getAlarm()
    if (setMs === null || setMs > nowMs + SOON_MS) await this.#storage.setAlarm(nowMs)
  }

  /** Whether a new link may take this place, after all reports and links. null: it may. */
  judgeLink(place: Place, signedAtSeconds: number): Refusal | null {
    const { orderSinceMs } = this.readDecisions()
    if (isSignedBefore(signedAtSeconds, orderSinceMs)) return { reason: 'signed-before-reset' }
    const pulse = this.readPulse()
    const link = storage.loadLink(this.#sql)
    return judgePlace(
      place,
      pulse === null || (link !== null && isLater(link, pulse)) ? link : pulse,
    )
  }

  /** Durable before anything comes over it. What the one before carried goes into the row. */
  openLink(place: Place): void {
    this.#storage.transactionSync(() => {
      this.#settle(this.#carried())
      storage.saveLink(this.#sql, { ...place, isOpen: true })
    })
  }

  /** All of them, on purpose: what the newest carried goes into the row, and no place of theirs is held any more. */
  endLinks(): void {
    this.#storage.transactionSync(() => {
      this.#settle(this.#carried())
      storage.deleteLink(this.#sql)
    })
    this.#links.closeAll()
  }

  /** What it carried is kept, and the alarm waits for what comes of its silence. */
  async closeLink(socket: WebSocket): Promise<void> {
    const link = storage.loadLink(this.#sql)
    const place = placeOf(socket)
    if (link === null || place === null || isLater(link, place)) return
    this.#storage.transactionSync(() => {
      this.#settle(readCarried(socket))
      storage.saveLink(this.#sql, { ...link, isOpen: false })
    })
    const state = this.readSmall()
    if (state === null) return
    await this.setAlarm(state, { nowMs: Date.now(), isSteady: false })
    await this.ringIfTurned(state.pulse)
  }

  /**
   * A deploy may drop links, or what they carry, without telling anybody. That is told apart from an end by the row, and
   * costs one lease. Counters begin at zero: the row's are lower than those that the link carried and `/metrics` told.
   */
  mendLostLink(rules: () => { nowMs: number; deadAfterMs: number }): void {
    const link = storage.loadLink(this.#sql)
    const isOpen = this.#links.newest() !== null
    if (link === null || !link.isOpen || (isOpen && !this.#links.dropUnreadable())) return
    const pulse = storage.loadPulse(this.#sql)
    this.#storage.transactionSync(() => {
      storage.saveLink(this.#sql, { ...link, isOpen })
      if (pulse === null) return
      this.forgetCounters()
      this.savePulse({ ...pulse, lease: leaseOfLostLink(pulse, rules()) })
    })
  }

  #settle(carried: Carried | null): void {
    const pulse = storage.loadPulse(this.#sql)
    if (carried !== null && pulse !== null && isLater(carried.pulse, pulse)) {
      this.savePulse(carried.pulse)
    }
  }

  /** null: the row is as new, or gone, and then nothing outlives it. */
  #carried(): Carried | null {
    const carried = this.#links.carried()
    if (carried === null) return null
    const row = storage.loadPulse(this.#sql)
    return row !== null && isLater(carried.pulse, row) ? carried : null
  }
}

/** It moved the pulse alone: order, freshness, levels. */
function isRoutine(before: ClusterState | null, { state, transitions }: Settled): boolean {
  return (
    before !== null &&
    transitions.length === 0 &&
    state.content === before.content &&
    state.standing === before.standing &&
    state.decisions === before.decisions &&
    state.pulse.freshness === before.pulse.freshness &&
    state.pulse.epoch === before.pulse.epoch &&
    endOfLease(state.pulse.lease) >= endOfLease(before.pulse.lease)
  )
}
