/**
 * Keeps KV's copy of a cluster: versioned, always of the current state, tried again by the object's alarm. Two puts are never
 * under way at once, so an old one can't land on top of a newer one.
 */
import type { ClusterState } from '../domain/cluster.ts'
import { isUrgentCopy, publish, tellCopy } from '../domain/restore.ts'
import { readBackup, writeRecord } from '../store/cluster-record.ts'
import * as storage from './storage.ts'
import { within } from './within.ts'

/** ms between two writes of one key that KV takes. */
const PUT_EVERY_MS = 1000
/** The same where no more than verdicts turned: a flapping service must not use up the puts of a day. */
const TURN_PUT_EVERY_MS = 10_000
/** ms a put may take. */
const PUT_TIMEOUT_MS = 10_000
/** ms after which a put that never settled is given up: it lands no more. */
const PUT_LOST_MS = 120_000
/** ms until a failed put is tried again, doubled with each failure up to the most. */
const PUT_RETRY_MS = 2000
const PUT_RETRY_MAX_MS = 60_000

type Write = Parameters<typeof writeRecord>[2]

export class Publisher {
  readonly #cluster: string
  readonly #sql: SqlStorage
  readonly #kv: () => KVNamespace
  /** ms; when the put that is under way began. */
  #puttingSinceMs: number | null = null

  constructor(cluster: string, sql: SqlStorage, kv: () => KVNamespace) {
    this.#cluster = cluster
    this.#sql = sql
    this.#kv = kv
  }

  /** True when what is published differs from before: a new version, to be put. */
  note(before: ClusterState | null, after: ClusterState): boolean {
    if (after.pulse.freshness === 'no-data') return false
    if (before !== null && (isSame(before, after) || tellCopy(before) === tellCopy(after))) {
      return false
    }
    const publication = this.#load()
    const version = publication.version + 1
    const isUrgent = before === null || isUrgentCopy(before, after)
    const urgentVersion = isUrgent ? version : publication.urgentVersion
    storage.savePublication(this.#sql, { ...publication, version, urgentVersion })
    return true
  }

  async put(state: ClusterState, nowMs: number): Promise<void> {
    const dueMs = this.nextPutMs()
    if (dueMs === null || nowMs < dueMs) return
    const { version } = this.#load()
    const isPut = await this.#write({ version, publishedAtMs: nowMs, ...publish(state) })
    const current = this.#load() // reports may have come while KV was busy
    storage.savePublication(this.#sql, {
      ...current,
      lastPutAtMs: nowMs,
      putVersion: isPut ? version : current.putVersion,
      failures: isPut ? 0 : current.failures + 1,
    })
  }

  /** Writes a tombstone and gives its version. Throws when KV doesn't say that it took it. */
  async bury(nowMs: number): Promise<number> {
    const version = Math.max(this.#load().version, await this.#readVersion()) + 1
    if (await this.#write({ version, erasedAtMs: nowMs })) return version
    const held = storage.loadPublication(this.#sql)
    // It may have landed all the same: the record goes over it. What was not even restored yet still can be.
    if (held !== null) {
      storage.savePublication(this.#sql, { ...held, version: version + 1, lastPutAtMs: nowMs })
    }
    throw new Error('KV did not take the tombstone, so nothing was erased')
  }

  /** Of KV's copy, for an object that lost its own; 0 where it can't be told. */
  async #readVersion(): Promise<number> {
    const read = readBackup(this.#kv(), this.#cluster).then((backup) => backup?.version ?? 0)
    return (await within(PUT_TIMEOUT_MS, read)) ?? 0
  }

  /** ms; null: nothing is to be put. */
  nextPutMs(): number | null {
    const { version, putVersion, urgentVersion, lastPutAtMs, failures } = this.#load()
    if (version === putVersion) return null
    if (failures > 0) {
      return lastPutAtMs + Math.min(PUT_RETRY_MS * 2 ** (failures - 1), PUT_RETRY_MAX_MS)
    }
    return lastPutAtMs + (urgentVersion > putVersion ? PUT_EVERY_MS : TURN_PUT_EVERY_MS)
  }

  /** False when it failed or hangs: the verdict stands in the object, the copy is tried again from the next alarm. */
  async #write(write: Write): Promise<boolean> {
    const nowMs = Date.now()
    if (this.#puttingSinceMs !== null && nowMs - this.#puttingSinceMs < PUT_LOST_MS) return false
    this.#puttingSinceMs = nowMs
    const put = writeRecord(this.#kv(), this.#cluster, write).finally(() => {
      if (this.#puttingSinceMs === nowMs) this.#puttingSinceMs = null
    })
    const isPut = await within(
      PUT_TIMEOUT_MS,
      put.then(() => true),
    )
    if (isPut !== true)
      console.error(`version ${write.version} of ${this.#cluster} not put to KV yet`)
    return isPut === true
  }

  #load(): storage.Publication {
    return storage.loadPublication(this.#sql) ?? storage.NOTHING_PUT
  }
}

/** The very same parts, as after nearly every heartbeat: nothing to write out and compare. */
function isSame(before: ClusterState, after: ClusterState): boolean {
  return (
    before.standing.facts === after.standing.facts &&
    before.standing.categories === after.standing.categories &&
    before.standing.memory === after.standing.memory &&
    before.standing.nodes === after.standing.nodes &&
    before.decisions === after.decisions &&
    before.pulse.freshness === after.pulse.freshness
  )
}
