/**
 * One object per Kubernetes cluster, and the only writer of its state. It loads state, asks the domain, stores the
 * answer; it decides nothing itself. What it keeps in memory it may lose: counts, and who waits for what. After an eviction
 * it goes on as if there had been none.
 */
import { DurableObject } from 'cloudflare:workers'
import * as v from 'valibot'
import { CLOSED, linkQuerySchema, type PodAnswer } from '../contract/link.ts'
import { codeOf, describeRefusal, type Refusal, type Taken } from '../contract/refusal.ts'
import {
  applyAct,
  describeOutcome,
  passMoment,
  type Act,
  type ActOutcome,
  type ActRejection,
} from '../domain/acts.ts'
import { applyReport, type ClusterState, type Pulse } from '../domain/cluster.ts'
import type { Member } from '../domain/fleet.ts'
import {
  judgeFreshness,
  lateAtOf,
  tellFreshness,
  type Lease,
  type Ruling,
  withoutHand,
} from '../domain/freshness.ts'
import type { ClusterText } from '../dialects/metrics.ts'
import { makeView, type ClusterView } from '../domain/gtg.ts'
import type { Actor, Transition } from '../domain/history.ts'
import type { NodesView } from '../domain/node-gtg.ts'
import { isSignedBefore } from '../domain/order.ts'
import { applyRuling, isSameRuling } from '../domain/silence.ts'
import { leansOnHeld } from '../domain/merge-content.ts'
import type { Env } from '../env.ts'
import { Commands } from './commands.ts'
import type { Counters } from './counters.ts'
import { loadEvents, type HistoryOf } from './event-log.ts'
import { FLEET_NAME, type Fleet } from './fleet.ts'
import { hidePrivate } from './hide-private.ts'
import { Keeper } from './keeper.ts'
import { closeSocket, Links, signedAtOf } from './links.ts'
import { LiveLink } from './live-link.ts'
import { Measures, type Measuring } from './measures.ts'
import { parseWire, type Arrival, type ReadReport, type SignedWire } from './parse-report.ts'
import { parseState } from './read-state.ts'
import { Publisher } from './publisher.ts'
import { readRules, readSettings, readWireRules } from './read-rules.ts'
import { Restorer } from './restorer.ts'
import { SilenceWatch } from './silence-watch.ts'
import { mend } from './mend.ts'
import * as storage from './storage.ts'
import { within } from './within.ts'

/** ms that the fleet's object may take to say that it looks on. */
const FLEET_TIMEOUT_MS = 3000
/** Events in one answer: a page of history that somebody reads. */
const HISTORY_MAX = 300

export class Cluster extends DurableObject<Env> {
  readonly #cluster: string
  readonly #sql: SqlStorage
  readonly #links: Links
  readonly #publisher: Publisher
  readonly #keeper: Keeper
  readonly #restorer: Restorer
  readonly #silence: SilenceWatch
  readonly #commands = new Commands((command) => this.#links.send({ kind: 'command', command }))
  readonly #liveLink: LiveLink
  readonly #measures: Measures

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    if (ctx.id.name === undefined) throw new Error('a cluster object is addressed by its name')
    this.#cluster = ctx.id.name
    this.#sql = ctx.storage.sql
    storage.createTables(this.#sql)
    mend(ctx.storage)
    const kv = () => this.env.STATE
    const links = new Links(ctx)
    const publisher = new Publisher(this.#cluster, this.#sql, kv)
    const keeper = new Keeper({ storage: ctx.storage, links, publisher })
    this.#links = links
    this.#publisher = publisher
    this.#keeper = keeper
    this.#restorer = new Restorer({
      cluster: this.#cluster,
      storage: ctx.storage,
      kv,
      keeper,
      publisher,
      links,
    })
    this.#silence = new SilenceWatch(this.#cluster, {
      fleet: () => this.#fleet(),
      again: () => this.#considerSilence(),
      save: (lease, rule) => this.#saveRuling(lease, rule),
    })
    this.#measures = new Measures(this.#cluster)
    this.#liveLink = new LiveLink({
      rules: () => readWireRules(this.env, this.#cluster),
      apply: (read, socket) =>
        this.#apply(read, { isLinked: true, counted: null, signedAtSeconds: signedAtOf(socket) }),
      refuse: (refusal) => {
        this.#countReport(codeOf(refusal))
      },
      end: async (socket, code) => {
        await this.#endLink(socket)
        closeSocket(socket, code)
      },
      hearPod: (answer) => {
        this.#commands.hear(answer)
      },
    })
    keeper.mendLostLink(() => ({ nowMs: Date.now(), ...readRules(this.env, this.#cluster) }))
  }

  /**
   * A report, as whoever may send one has sent it: it is unpacked and read here, for to hand it over unpacked would cost more
   * than all the rest. Throws when the configuration is wrong, storage fails or nothing could be restored; then nothing has
   * changed.
   */
  async take(wire: SignedWire, counted: Counters): Promise<Taken> {
    const parsed = await parseWire(wire, readWireRules(this.env, this.#cluster))
    if (!parsed.ok) {
      this.#keeper.count(counted)
      return { ok: false, rejection: parsed.refusal }
    }
    const { signedAtSeconds } = wire
    const applied = await this.#apply(parsed, { isLinked: false, counted, signedAtSeconds })
    if (!applied.ok) return applied
    this.#links.closeOlder(parsed.report)
    const commands = this.#commands.take()
    return commands.length === 0
      ? applied
      : { ok: true, accepted: { ...applied.accepted, commands } }
  }

  async #apply(
    { report, text }: ReadReport,
    { isLinked, counted, signedAtSeconds }: Arrival,
  ): Promise<Taken> {
    await this.#restorer.restore()
    // Not before: where nothing could be restored, whoever counted counts it again.
    if (counted !== null) this.#keeper.count(counted)
    const before = this.#keeper.readFor(report)
    const decided = before?.decisions ?? this.#keeper.readDecisions()
    if (isSignedBefore(signedAtSeconds, decided.orderSinceMs))
      return this.#refuse({ reason: 'signed-before-reset' })
    const rules = { nowMs: Date.now(), decided, ...readRules(this.env, this.#cluster) }
    const applied = applyReport(before, report, rules)
    if (!applied.ok) return this.#refuse(applied.rejection)
    this.#countReport('accepted')
    const isWhole = report.kind === 'snapshot' && !leansOnHeld(report.content)
    await this.#keeper.save(before, applied, {
      nowMs: rules.nowMs,
      isLinked,
      ...(isWhole ? { report: text } : {}),
    })
    this.#commands.finish(report.rounds ?? [])
    const { resend, state } = applied
    const isOverdue = Object.keys(state.standing.memory?.overdue ?? {}).length > 0
    const told = isOverdue ? { overdue: true as const } : {}
    return { ok: true, accepted: { accepted: true, resend, ...told } }
  }

  /** The live link. The Worker has seen that it is the cluster's own exporter who asks. */
  override async fetch(request: Request): Promise<Response> {
    const place = v.parse(linkQuerySchema, Object.fromEntries(new URL(request.url).searchParams))
    const signedAtSeconds = Number(request.headers.get('webhook-timestamp') ?? 0) // 0: from an older Worker
    await this.#restorer.restore()
    const refusal = this.#keeper.judgeLink(place, signedAtSeconds)
    if (refusal !== null) {
      const { status, body } = describeRefusal(this.#refuse(refusal).rejection)
      return Response.json(body, { status, headers: { Date: new Date().toUTCString() } })
    }
    this.#keeper.openLink(place)
    return this.#links.accept({ place, signedAtSeconds })
  }

  #refuse(rejection: Refusal): { ok: false; rejection: Refusal } {
    this.#countReport(codeOf(rejection))
    return { ok: false, rejection }
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    // Another has taken its place, and the close is on its way.
    if (this.#links.isNewest(socket)) await this.#liveLink.hear(socket, message)
  }

  override webSocketClose(socket: WebSocket): Promise<void> {
    closeSocket(socket, CLOSED.normal)
    return this.#endLink(socket)
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#endLink(socket)
  }

  /** What it carried is gone with it, if it can't be stored now: then the object begins anew, as after any lost link. */
  async #endLink(socket: WebSocket): Promise<void> {
    try {
      await this.#keeper.closeLink(socket)
    } catch (error) {
      this.ctx.abort(`the end of a link was not stored: ${String(error)}`)
    }
  }

  /**
   * The id of a fresh round, of one service or of all (null). null when none came within 10 s, none is due for visitors, or
   * no exporter is there to ask: then what is held is the last known. `isKnown`: for a token holder.
   */
  async refresh(service: string | null, isKnown = false): Promise<string | null> {
    await this.#restorer.restore()
    const pulse = this.#keeper.readPulse()
    const isHeard =
      pulse !== null && tellFreshness(pulse.lease, pulse.intervalSeconds, Date.now()) === 'fresh'
    return isHeard ? this.#commands.round(service, { isKnown }) : null
  }

  /** What a pod itself says now. null: there is no live link, or no answer came in time. */
  askPod(service: string, pod: string): Promise<PodAnswer['answer'] | null> {
    return this.#commands.askPod(service, pod)
  }

  /** An ack or a category's switch. Throws as `applyReport` does; answered with `ok` only once it is stored. */
  async act(
    act: Act,
    actor: Actor,
  ): Promise<{ ok: true; outcome: ActOutcome } | { ok: false; reason: ActRejection }> {
    await this.#restorer.restore()
    const nowMs = Date.now()
    const before = this.#keeper.readAll()
    const acted = applyAct(before, act, { nowMs, actor })
    if (!acted.ok) return acted
    // First: what a link carries has a place of the order that ends here.
    if (act.kind === 'reset-order') this.#keeper.endLinks()
    await this.#keeper.save(before, acted, { nowMs })
    this.#measures.forget()
    return { ok: true, outcome: describeOutcome(acted.state, act) }
  }

  /**
   * What `__gtg` needs. Reads storage each time, so an object that was cut off can't answer from memory. `mustAsk`: a fresh
   * round is asked for over the live link, and not waited for. `isKnown`: for a token holder.
   */
  async view(counted: Counters, mustAsk = false, isKnown = false): Promise<ClusterView> {
    await this.#restorer.restore()
    this.#keeper.count(counted)
    if (mustAsk && this.#links.newest() !== null) {
      this.ctx.waitUntil(this.#commands.round(null, { isKnown }))
    }
    const pulse = await this.#look()
    return makeView(pulse && { pulse, standing: { categories: storage.loadCategories(this.#sql) } })
  }

  /** The same for `__gtg` of its nodes. They are handed over unread: parsing them is the asking isolate's work. */
  async viewNodes(counted: Counters): Promise<StoredNodesView> {
    await this.#restorer.restore()
    this.#keeper.count(counted)
    const pulse = await this.#look()
    const { lease, intervalSeconds } = makeView(pulse && { pulse, standing: { categories: [] } })
    const untoldSinceMs = pulse?.nodes?.untoldSinceMs ?? null
    return { lease, intervalSeconds, untoldSinceMs, nodes: storage.loadNodesText(this.#sql) }
  }

  /** All that is held of the cluster; null: never a report. */
  async read(): Promise<storage.StoredState | null> {
    await this.#restorer.restore()
    await this.#look()
    return this.#readStored()
  }

  #readStored(): storage.StoredState | null {
    const small = this.#keeper.readSmall()
    return small && { ...small, ...storage.loadTexts(this.#sql) }
  }

  /** The same without services, for an overview of many clusters. */
  async glance(): Promise<ClusterState | null> {
    await this.#restorer.restore()
    await this.#look()
    return this.#keeper.readSmall()
  }

  /** How it stands, for the fleet. Asks nobody: whoever waits for the fleet may be this very object. */
  tellMember(mustHearWitness: boolean): Member {
    const pulse = this.#keeper.readPulse()
    const nowMs = Date.now()
    const { witness } = readSettings(this.env, this.#cluster)
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

  /** What `/metrics` tells of it. It stores nothing, so that a loop of scrapes costs no rows. */
  async measure(counted: Counters, how: Measuring): Promise<ClusterText> {
    await this.#restorer.restore()
    this.#keeper.countUnkept(counted)
    await this.#look()
    return this.#measures.write(how, () => {
      const stored = this.#readStored()
      return {
        state: parseState(how.isKnown || stored === null ? stored : hidePrivate(stored)),
        counters: this.#keeper.keptCounters,
      }
    })
  }

  /** The content can't be read, for another version wrote it: no heartbeat vouches for it, the next is asked for all of it. */
  async forgetDigest(): Promise<void> {
    await this.#restorer.restore()
    const pulse = this.#keeper.readPulse()
    if (pulse !== null) this.#keeper.savePulse({ ...pulse, digest: null })
  }

  /** Newest first. */
  async history(of: HistoryOf): Promise<Transition[]> {
    await this.#restorer.restore()
    return loadEvents(this.#sql, of, HISTORY_MAX)
  }

  /** Empties the object on purpose. Whoever comes meanwhile waits as for a restore. */
  async erase(actor: Actor): Promise<void> {
    await this.#restorer.erase(actor)
  }

  /** Publishes, and tells what time alone has turned. No answer depends on when it runs, for readers judge by their clock. */
  override async alarm(): Promise<void> {
    await this.#considerSilence()
    const nowMs = Date.now()
    const before = this.#keeper.readSmall()
    if (before === null) return
    const settled = passMoment(before, nowMs)
    const { freshness } = settled.state.pulse
    const hasTurned = settled.transitions.length > 0 || freshness !== before.pulse.freshness
    if (hasTurned) this.#keeper.store(before, settled)
    const isPutDue = this.#publisher.nextPutMs() !== null
    if (isPutDue) {
      const standing = { ...settled.state.standing, nodes: storage.loadNodes(this.#sql) }
      await this.#publisher.put({ ...settled.state, standing }, nowMs)
    }
    const isSteady = freshness === 'fresh' && !hasTurned && !isPutDue
    // Who is not looked at must look itself.
    const isWatched = isSteady && (await within(FLEET_TIMEOUT_MS, this.#fleet().watch())) !== null
    const state = this.#keeper.readSmall() ?? settled.state // a report or an act may have come meanwhile
    await this.ctx.storage.deleteAlarm() // what a ruling has just set was for this very run
    await this.#keeper.setAlarm(state, { nowMs: Date.now(), isSteady: isWatched })
  }

  /** As whoever reads it does. */
  async look(): Promise<void> {
    await this.#restorer.restore()
    await this.#look()
  }

  /** Whoever asks finds what time has turned, and brings the alarm forward that tells of it. */
  async #look(): Promise<Pulse | null> {
    await this.#considerSilence()
    const pulse = this.#keeper.readPulse()
    if (pulse !== null) await this.#keeper.ringIfTurned(pulse)
    return pulse
  }

  /** From the moment that it is late on: what is to hold once its lease ends. */
  async #considerSilence(): Promise<void> {
    const pulse = this.#keeper.readPulse()
    if (pulse === null) return
    const settings = readSettings(this.env, this.#cluster)
    await this.#silence.consider(pulse, { settings, goOn: (work) => this.ctx.waitUntil(work) })
  }

  async #saveRuling(ruled: Lease, rule: (lease: Lease, nowMs: number) => Ruling): Promise<void> {
    const before = this.#keeper.readSmall()
    // Meanwhile a report may have come, or the object have been emptied.
    if (before === null || before.pulse.lease.freshAtMs !== ruled.freshAtMs) return
    const nowMs = Date.now()
    const ruling = rule(before.pulse.lease, nowMs)
    if (isSameRuling(before.pulse.lease, ruling, nowMs)) return
    await this.#keeper.save(before, applyRuling(before, ruling, nowMs), { nowMs })
  }

  #countReport(result: string): void {
    this.#keeper.count({ gtg: {}, reports: { [result]: 1 } })
  }

  #fleet(): DurableObjectStub<Fleet> {
    return this.env.FLEET.getByName(FLEET_NAME)
  }
}

/** What answers for nodes are made of, as it is stored. */
export type StoredNodesView = Omit<NodesView, 'nodes'> & { nodes: string | null }
