/**
 * One object per Kubernetes cluster, and the only writer of its state. It loads state, asks the domain, stores the
 * answer; it decides nothing itself. Nothing is kept in memory: after an eviction it goes on as if there had been none.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Report } from '../contract/report.ts'
import { applyReport, type ClusterState, type Rejection } from '../domain/cluster.ts'
import { judgeFreshness } from '../domain/freshness.ts'
import { makeView, type ClusterView } from '../domain/gtg.ts'
import { readConfig, type Env } from '../env.ts'
import { writeRecord, type ClusterRecord } from '../store/cluster-record.ts'
import * as storage from './storage.ts'
import { within } from './within.ts'

/** ms between two writes of one key that KV takes. */
const PUT_EVERY_MS = 1000
/** ms a put may take. */
const PUT_TIMEOUT_MS = 10_000
/** ms until a failed put is tried again, doubled with each failure up to the most. */
const PUT_RETRY_MS = 2000
const PUT_RETRY_MAX_MS = 60_000

export class Cluster extends DurableObject<Env> {
  readonly #cluster: string
  readonly #sql: SqlStorage

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    if (ctx.id.name === undefined) throw new Error('a cluster object is addressed by its name')
    this.#cluster = ctx.id.name
    this.#sql = ctx.storage.sql
    storage.createTables(this.#sql)
  }

  /** Throws when the configuration is wrong or storage fails; then nothing has changed. */
  async applyReport(
    report: Report,
  ): Promise<{ ok: true; resend: boolean } | { ok: false; rejection: Rejection }> {
    const clock = { nowMs: Date.now(), deadAfterMs: this.#deadAfterMs() }
    const isSnapshot = report.kind === 'snapshot'
    // Only a snapshot reads or changes what is large.
    const applied = applyReport(isSnapshot ? this.#readAll() : this.#readSmall(), report, clock)
    if (!applied.ok) return { ok: false, rejection: applied.rejection }
    const { state, transitions, resend } = applied
    const isNews = this.ctx.storage.transactionSync(() => {
      storage.savePulse(this.#sql, state.pulse)
      if (isSnapshot) {
        storage.saveStanding(this.#sql, state.standing)
        if (state.content !== null) storage.saveContent(this.#sql, state.content)
        storage.addEvents(this.#sql, transitions)
      }
      return this.#preparePublication(state, clock.nowMs)
    })
    // An alarm that failed too often is gone: whoever comes next sets it anew.
    if (isNews || (await this.ctx.storage.getAlarm()) === null) {
      const { lastPutAtMs } = storage.loadPublication(this.#sql)
      await this.ctx.storage.setAlarm(Math.max(clock.nowMs, lastPutAtMs + PUT_EVERY_MS))
    }
    return { ok: true, resend }
  }

  /** What `__gtg` needs. Reads storage each time, so an object that was cut off can't answer from memory. */
  async view(): Promise<ClusterView> {
    return makeView(this.#readSmall())
  }

  /** All that is held of the cluster; null: never a report. */
  async read(): Promise<ClusterState | null> {
    return this.#readAll()
  }

  #readAll(): ClusterState | null {
    const small = this.#readSmall()
    if (small === null) return null
    const { pulse, standing } = small
    return {
      pulse,
      content: storage.loadContent(this.#sql),
      standing: { ...standing, services: storage.loadServices(this.#sql) },
    }
  }

  /** Publishes, and looks whether the cluster died. No answer depends on when it runs, for readers judge by their clock. */
  override async alarm(): Promise<void> {
    const nowMs = Date.now()
    const state = this.#readSmall()
    if (state === null) return
    this.#preparePublication(state, nowMs)
    await this.#publish(state, nowMs)
    const dueMs = [this.#nextPutMs(), endOfLease(state)]
      .filter((ms) => ms !== null)
      .filter((ms) => ms > nowMs)
    if (dueMs.length > 0) await this.ctx.storage.setAlarm(Math.min(...dueMs))
  }

  /** True when what is to be published differs from what last was. */
  #preparePublication(state: ClusterState, nowMs: number): boolean {
    const freshness = judgeFreshness(state.pulse.lease, nowMs)
    if (freshness === 'none') return false
    const { categories } = makeView(state)
    const text = JSON.stringify({ isDead: freshness === 'dead', categories })
    const publication = storage.loadPublication(this.#sql)
    if (publication.text === text) return false
    storage.savePublication(this.#sql, { ...publication, text, version: publication.version + 1 })
    return true
  }

  async #publish(state: ClusterState, nowMs: number): Promise<void> {
    const { version, putVersion } = storage.loadPublication(this.#sql)
    if (version === putVersion) return
    const isPut = await this.#put({
      version,
      publishedAtMs: nowMs,
      isDead: judgeFreshness(state.pulse.lease, nowMs) === 'dead',
      view: makeView(state),
    })
    const current = storage.loadPublication(this.#sql) // reports may have come while KV was busy
    storage.savePublication(this.#sql, {
      ...current,
      lastPutAtMs: nowMs,
      putVersion: isPut ? version : current.putVersion,
      failures: isPut ? 0 : current.failures + 1,
    })
  }

  /** False when it failed or hangs: the verdict stands in the object, the copy is tried again from the next alarm. */
  async #put(record: ClusterRecord): Promise<boolean> {
    const put = writeRecord(this.env.STATE, this.#cluster, record).then(() => true)
    const isPut = (await within(PUT_TIMEOUT_MS, put)) ?? false
    if (!isPut) console.error(`version ${record.version} of ${this.#cluster} not put to KV yet`)
    return isPut
  }

  #nextPutMs(): number | null {
    const { version, putVersion, lastPutAtMs, failures } = storage.loadPublication(this.#sql)
    if (version === putVersion) return null
    const retryMs = Math.min(PUT_RETRY_MS * 2 ** (failures - 1), PUT_RETRY_MAX_MS)
    return lastPutAtMs + (failures === 0 ? PUT_EVERY_MS : retryMs)
  }

  #readSmall(): ClusterState | null {
    const pulse = storage.loadPulse(this.#sql)
    if (pulse === null) return null
    const standing = { categories: storage.loadCategories(this.#sql), services: {} }
    return { pulse, content: null, standing }
  }

  #deadAfterMs(): number {
    const read = readConfig(this.env)
    if (!read.ok) throw new Error('misconfigured')
    return read.config.DEAD_AFTER_SECONDS * 1000
  }
}

/** ms; the first moment at which nothing keeps the verdict standing any more. */
function endOfLease({ pulse: { lease } }: ClusterState): number {
  return Math.max(lease.validUntilMs ?? 0, lease.heldUntilMs ?? 0) + 1
}
