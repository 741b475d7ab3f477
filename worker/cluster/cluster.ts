/**
 * One object per Kubernetes cluster, and the only writer of its state. It loads state, asks the domain, stores the
 * answer; it decides nothing itself. Nothing is kept in memory but counters: after an eviction it goes on as if there
 * had been none.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Report } from '../contract/report.ts'
import { applyAct, passMoment, type Act, type ActRejection } from '../domain/acts.ts'
import type { Ack } from '../domain/acks.ts'
import {
  applyReport,
  type CategoryStanding,
  type ClusterState,
  type Rejection,
  type Rules,
} from '../domain/cluster.ts'
import type { Member } from '../domain/fleet.ts'
import {
  endOfLease,
  judgeFreshness,
  lateAtOf,
  type Lease,
  type Ruling,
  withoutHand,
} from '../domain/freshness.ts'
import { makeView, type ClusterView } from '../domain/gtg.ts'
import type { Actor, Transition } from '../domain/history.ts'
import type { NodesView } from '../domain/node-gtg.ts'
import { findMoments } from '../domain/moments.ts'
import { NOTHING_PUBLISHED, restoreState } from '../domain/restore.ts'
import { NO_DECISIONS, type Hold } from '../domain/decisions.ts'
import type { Settled } from '../domain/settle.ts'
import { applyRuling, isSameRuling } from '../domain/silence.ts'
import { judgeServices, observeCategories } from '../domain/verdict.ts'
import { readConfig, settingsOf, type ClusterSettings, type Env } from '../env.ts'
import { readBackup } from '../store/cluster-record.ts'
import { addCounts, type Counters } from './counters.ts'
import { Publisher } from './publisher.ts'
import * as storage from './storage.ts'
import { FLEET_NAME } from './fleet.ts'
import { SilenceWatch } from './silence-watch.ts'
import { within } from './within.ts'

/** ms that an object which lost its storage waits for KV's copy; who asks for it waits no longer than that. */
const RESTORE_TIMEOUT_MS = 5000
/** Events in one answer: a page of history that somebody reads. */
const HISTORY_MAX = 300

export class Cluster extends DurableObject<Env> {
  readonly #cluster: string
  readonly #sql: SqlStorage
  readonly #publisher: Publisher
  #counters: Counters
  readonly #silence: SilenceWatch
  #restoring: Promise<void> | null = null
  #erasing: Promise<void> | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    if (ctx.id.name === undefined) throw new Error('a cluster object is addressed by its name')
    this.#cluster = ctx.id.name
    this.#sql = ctx.storage.sql
    storage.createTables(this.#sql)
    this.#counters = storage.loadCounters(this.#sql)
    this.#mend()
    this.#silence = new SilenceWatch(this.#cluster, {
      fleet: () => this.env.FLEET.getByName(FLEET_NAME),
      again: () => this.#considerSilence(),
      save: (lease, rule) => this.#saveRuling(lease, rule),
    })
    this.#publisher = new Publisher(this.#cluster, this.#sql, () => this.env.STATE)
  }

  /** What another version wrote, once in the life of this object. */
  #mend(): void {
    if (storage.areFactsUnreadable(this.#sql)) {
      const content = storage.loadContent(this.#sql)
      const facts = content === null ? [] : observeCategories(content, judgeServices(content))
      storage.saveFacts(this.#sql, facts)
    }
    storage.dropUnreadable(this.#sql)
  }

  /** Throws when the configuration is wrong, storage fails or nothing could be restored; then nothing has changed. */
  async applyReport(
    report: Report,
    counted: Counters,
  ): Promise<{ ok: true; resend: boolean } | { ok: false; rejection: Rejection }> {
    await this.#restore()
    const rules = { nowMs: Date.now(), ...this.#readRules() }
    // Only a snapshot reads or changes what is large.
    const before = report.kind === 'snapshot' ? this.#readAll() : this.#readSmall()
    const applied = applyReport(before, report, rules)
    const result = applied.ok ? 'accepted' : applied.rejection.reason.replaceAll('_', '-')
    this.#count(addCounts(counted, { gtg: {}, reports: { [result]: 1 } }))
    if (!applied.ok) return { ok: false, rejection: applied.rejection }
    await this.#save(before, applied, rules.nowMs)
    return { ok: true, resend: applied.resend }
  }

  /** An ack or a category's switch. Throws as `applyReport` does; answered with `ok` only once it is stored. */
  async act(
    act: Act,
    actor: Actor,
  ): Promise<{ ok: true; outcome: ActOutcome } | { ok: false; reason: ActRejection }> {
    await this.#restore()
    const nowMs = Date.now()
    const before = this.#readAll()
    const acted = applyAct(before, act, { nowMs, actor })
    if (!acted.ok) return acted
    await this.#save(before, acted, nowMs)
    return { ok: true, outcome: describeOutcome(acted.state, act) }
  }

  /** What `__gtg` needs. Reads storage each time, so an object that was cut off can't answer from memory. */
  async view(counted: Counters): Promise<ClusterView> {
    await this.#restore()
    this.#count(counted)
    await this.#considerSilence()
    const pulse = storage.loadPulse(this.#sql)
    return makeView(pulse && { pulse, standing: { categories: storage.loadCategories(this.#sql) } })
  }

  /** The same for `__gtg` of its nodes. They are handed over unread: parsing them is the asking isolate's work. */
  async viewNodes(counted: Counters): Promise<StoredNodesView> {
    await this.#restore()
    this.#count(counted)
    await this.#considerSilence()
    const pulse = storage.loadPulse(this.#sql)
    const { lease, intervalSeconds } = makeView(pulse && { pulse, standing: { categories: [] } })
    const untoldSinceMs = pulse?.nodes?.untoldSinceMs ?? null
    return { lease, intervalSeconds, untoldSinceMs, nodes: storage.loadNodesText(this.#sql) }
  }

  /** All that is held of the cluster; null: never a report. */
  async read(): Promise<storage.StoredState | null> {
    await this.#restore()
    await this.#considerSilence()
    const small = this.#readSmall()
    return small && { ...small, ...storage.loadTexts(this.#sql) }
  }

  /** The same without services, for an overview of many clusters. */
  async glance(): Promise<ClusterState | null> {
    await this.#restore()
    await this.#considerSilence()
    return this.#readSmall()
  }

  /** How it stands, for the fleet. Asks nobody: whoever waits for the fleet may be this very object. */
  tellMember(mustHearWitness: boolean): Member {
    const pulse = storage.loadPulse(this.#sql)
    const nowMs = Date.now()
    const { witness } = this.#readSettings()
    return {
      cluster: this.#cluster,
      freshAtMs: pulse?.lease.freshAtMs ?? null,
      freshSinceMs: pulse?.freshSinceMs ?? null,
      aliveSinceMs: pulse?.aliveSinceMs ?? null,
      lateAtMs: pulse === null ? 0 : lateAtOf(pulse.lease, pulse.intervalSeconds),
      isDead: pulse === null || judgeFreshness(withoutHand(pulse.lease), nowMs) === 'dead',
      witness: mustHearWitness ? (this.#silence.hearWitness(witness, nowMs)?.word ?? null) : null,
    }
  }

  /** What was counted, for `/metrics`. It is stored before it is told: a counter that falls reads as one that starts anew. */
  async countersWith(counted: Counters): Promise<Counters> {
    await this.#restore()
    this.#count(counted)
    const pulse = storage.loadPulse(this.#sql)
    if (pulse === null) storage.saveCounters(this.#sql, this.#counters)
    else storage.savePulse(this.#sql, pulse, this.#counters)
    return this.#counters
  }

  /** The content can't be read, for another version wrote it: no heartbeat vouches for it, the next is asked for all of it. */
  async forgetDigest(): Promise<void> {
    await this.#restore()
    const pulse = storage.loadPulse(this.#sql)
    if (pulse !== null) storage.savePulse(this.#sql, { ...pulse, digest: null }, this.#counters)
  }

  /** Newest first. */
  async history(of: storage.HistoryOf): Promise<Transition[]> {
    await this.#restore()
    return storage.loadEvents(this.#sql, of, HISTORY_MAX)
  }

  /** Empties the object on purpose. Whoever comes meanwhile waits as for a restore. */
  async erase(actor: Actor): Promise<void> {
    this.#erasing ??= this.#empty(actor).finally(() => {
      this.#erasing = null
    })
    await this.#erasing
  }

  /** The tombstone goes first: without it KV's copy would bring everything back. */
  async #empty(actor: Actor): Promise<void> {
    // A restore under way would bring back what is erased; that it fails is no reason to keep anything.
    await this.#restoring?.catch(() => undefined)
    const nowMs = Date.now()
    const version = await this.#bury(nowMs)
    this.ctx.storage.transactionSync(() => {
      storage.deleteAll(this.#sql)
      storage.savePublication(this.#sql, {
        version,
        putVersion: version,
        lastPutAtMs: nowMs,
        failures: 0,
      })
      const told = { subject: 'cluster', name: '', from: null, to: null, cause: 'hand' } as const
      storage.addEvents(this.#sql, [{ ...told, atMs: nowMs, actor, note: 'erased' }])
    })
    this.#counters = { gtg: {}, reports: {} }
    await this.ctx.storage.deleteAlarm()
  }

  /** Publishes, and tells what time alone has turned. No answer depends on when it runs, for readers judge by their clock. */
  override async alarm(): Promise<void> {
    await this.#considerSilence()
    const nowMs = Date.now()
    const before = this.#readSmall()
    if (before === null) return
    const settled = passMoment(before, nowMs)
    if (settled.transitions.length > 0) this.#store(before, settled)
    const standing = { ...settled.state.standing, nodes: storage.loadNodes(this.#sql) }
    await this.#publisher.put({ ...settled.state, standing }, nowMs)
    await this.ctx.storage.deleteAlarm() // what a ruling has just set was for this very run
    await this.#setAlarm(settled.state, nowMs)
  }

  /** From the moment that it is late on: what is to hold once its lease ends. */
  async #considerSilence(): Promise<void> {
    const pulse = storage.loadPulse(this.#sql)
    if (pulse === null) return
    const settings = this.#readSettings()
    await this.#silence.consider(pulse, { settings, goOn: (work) => this.ctx.waitUntil(work) })
  }

  async #saveRuling(ruled: Lease, rule: (lease: Lease, nowMs: number) => Ruling): Promise<void> {
    const before = this.#readSmall()
    // Meanwhile a report may have come, or the object have been emptied.
    if (before === null || before.pulse.lease.freshAtMs !== ruled.freshAtMs) return
    const nowMs = Date.now()
    const ruling = rule(before.pulse.lease, nowMs)
    if (isSameRuling(before.pulse.lease, ruling, nowMs)) return
    await this.#save(before, applyRuling(before, ruling, nowMs), nowMs)
  }

  async #save(before: ClusterState | null, settled: Settled, nowMs: number): Promise<void> {
    const isNews = this.#store(before, settled)
    const { pulse, decisions } = settled.state
    const isSooner = before !== null && endOfLease(pulse.lease) < endOfLease(before.pulse.lease)
    const isDue =
      isNews ||
      isSooner ||
      decisions !== before?.decisions ||
      pulse.freshness !== before?.pulse.freshness // a hold that ends is followed by a shorter lease
    // Nothing is awaited between the write and its alarm, so that both are kept or neither. A lease that is renewed
    // re-arms nothing; but an alarm that failed too often is gone, and whoever comes next sets it anew.
    if (isDue || (await this.ctx.storage.getAlarm()) === null) {
      await this.#setAlarm(settled.state, nowMs)
    }
  }

  async #setAlarm(state: ClusterState, nowMs: number): Promise<void> {
    const putMs = this.#publisher.nextPutMs()
    const moments = [
      ...(putMs === null ? [] : [Math.max(nowMs, putMs)]),
      ...findMoments(state, nowMs),
    ]
    if (moments.length > 0) await this.ctx.storage.setAlarm(Math.min(...moments))
  }

  /** Only what changed; true when KV's copy is to follow. */
  #store(before: ClusterState | null, { state, transitions }: Settled): boolean {
    const { pulse, content, standing, decisions } = state
    return this.ctx.storage.transactionSync(() => {
      storage.savePulse(this.#sql, pulse, this.#counters)
      if (content !== null && content !== before?.content) storage.saveContent(this.#sql, content)
      if (standing.facts !== before?.standing.facts) storage.saveFacts(this.#sql, standing.facts)
      if (standing.categories !== before?.standing.categories)
        storage.saveCategories(this.#sql, standing.categories)
      if (standing.services !== before?.standing.services)
        storage.saveServices(this.#sql, standing.services)
      if (standing.nodes !== (before?.standing.nodes ?? null))
        storage.saveNodes(this.#sql, standing.nodes)
      if (decisions !== before?.decisions) storage.saveDecisions(this.#sql, decisions)
      storage.addEvents(this.#sql, transitions)
      return this.#publisher.note(before, state)
    })
  }

  /** Once in the life of a storage, before anything else: what KV holds of acks and trips, or that there is nothing. */
  async #restore(): Promise<void> {
    if (this.#erasing !== null) {
      await this.#erasing.catch(() => undefined)
      return this.#restore()
    }
    if (storage.loadPublication(this.#sql) !== null) return
    this.#restoring ??= this.#fetchBackup().finally(() => {
      this.#restoring = null
    })
    await this.#restoring
    return this.#restore()
  }

  async #fetchBackup(): Promise<void> {
    const read = readBackup(this.env.STATE, this.#cluster).then((backup) => ({ backup }))
    const found = await within(RESTORE_TIMEOUT_MS, read)
    // Half of the state would answer 200 for a category that somebody disabled.
    if (found === null) throw new Error('the copy in KV could not be read, nothing is restored yet')
    if (storage.loadPublication(this.#sql) !== null) return // erased while KV was read
    const { backup } = found
    const nowMs = Date.now()
    const version = backup?.version ?? 0
    const publication = { version, putVersion: version, lastPutAtMs: 0, failures: 0 }
    // Where only other rows could not be read, what was decided stands here, newer than any copy.
    const kept = storage.loadDecisions(this.#sql)
    const decided = backup !== null && 'decisions' in backup ? backup.decisions : null
    if (decided === null && kept === null) {
      storage.savePublication(this.#sql, publication)
      return
    }
    const published = {
      ...NOTHING_PUBLISHED,
      ...(backup !== null && 'lease' in backup ? backup : {}),
      decisions: decided ?? NO_DECISIONS,
    }
    const restored = restoreState(published, nowMs, kept)
    this.ctx.storage.transactionSync(() => {
      storage.savePublication(this.#sql, publication)
      this.#store(null, restored)
    })
    await this.#setAlarm(restored.state, nowMs)
  }

  async #bury(nowMs: number): Promise<number> {
    try {
      return await this.#publisher.bury(nowMs)
    } catch (error) {
      const nextMs = this.#publisher.nextPutMs()
      if (nextMs !== null) await this.ctx.storage.setAlarm(nextMs)
      throw error
    }
  }

  #count(counted: Counters): void {
    this.#counters = addCounts(this.#counters, counted)
  }

  #readAll(): ClusterState | null {
    const small = this.#readSmall()
    if (small === null) return null
    const services = storage.loadServices(this.#sql)
    const nodes = storage.loadNodes(this.#sql)
    return {
      ...small,
      content: storage.loadContent(this.#sql),
      standing: { ...small.standing, services, nodes },
    }
  }

  /** Without content, services and nodes, which only snapshots and acts look at. */
  #readSmall(): ClusterState | null {
    const pulse = storage.loadPulse(this.#sql)
    if (pulse === null) return null
    const facts = storage.loadFacts(this.#sql)
    const categories = storage.loadCategories(this.#sql)
    const decisions = storage.loadDecisions(this.#sql) ?? NO_DECISIONS
    const standing = { facts, categories, services: {}, nodes: null }
    return { pulse, content: null, standing, decisions }
  }

  #readRules(): Omit<Rules, 'nowMs'> {
    const { DEAD_AFTER_SECONDS, NODES_MIN_READY } = this.#readSettings()
    return { deadAfterMs: DEAD_AFTER_SECONDS * 1000, nodesMinReady: NODES_MIN_READY }
  }

  #readSettings(): ClusterSettings & { hasOthers: boolean } {
    const read = readConfig(this.env)
    if (!read.ok) throw new Error('misconfigured')
    const hasOthers = read.config.PUSH_SECRETS.size > 1
    return { hasOthers, ...settingsOf(read.config, this.#cluster) }
  }
}

/** What answers for nodes are made of, as it is stored. */
export type StoredNodesView = Omit<NodesView, 'nodes'> & { nodes: string | null }

/** How things stand after an act, of what it was about. */
export type ActOutcome =
  { ack: Ack | null } | { category: CategoryStanding | null } | { hold: Hold | null }

function describeOutcome({ decisions, standing }: ClusterState, act: Act): ActOutcome {
  if ('service' in act)
    return { ack: decisions.acks.find((a) => a.service === act.service) ?? null }
  if (act.kind === 'hold') return { hold: decisions.hold }
  return { category: standing.categories.find(({ name }) => name === act.category) ?? null }
}
