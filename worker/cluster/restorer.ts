/**
 * How an object that lost its storage begins anew, from KV's copy, and how one is emptied on purpose. Whoever comes
 * meanwhile waits: half of the state would answer 200 for a category that somebody disabled.
 */
import type { Actor } from '../domain/history.ts'
import { NO_DECISIONS } from '../domain/decisions.ts'
import { NOTHING_PUBLISHED, restoreState } from '../domain/restore.ts'
import { readBackup } from '../store/cluster-record.ts'
import { addEvents } from './event-log.ts'
import type { Keeper } from './keeper.ts'
import type { Links } from './links.ts'
import type { Publisher } from './publisher.ts'
import * as storage from './storage.ts'
import { within } from './within.ts'

/** ms that an object which lost its storage waits for KV's copy; who asks for it waits no longer than that. */
const RESTORE_TIMEOUT_MS = 5000

interface RestorerOptions {
  cluster: string
  storage: DurableObjectStorage
  kv: () => KVNamespace
  keeper: Keeper
  publisher: Publisher
  links: Links
}

export class Restorer {
  readonly #options: RestorerOptions
  readonly #sql: SqlStorage
  #restoring: Promise<void> | null = null
  #erasing: Promise<void> | null = null

  constructor(options: RestorerOptions) {
    this.#options = options
    this.#sql = options.storage.sql
  }

  /** Once in the life of a storage, before anything else: what KV holds of acks and trips, or that there is nothing. */
  async restore(): Promise<void> {
    if (this.#erasing !== null) {
      await this.#erasing.catch(() => undefined)
      return this.restore()
    }
    if (storage.loadPublication(this.#sql) !== null) return
    this.#restoring ??= this.#fetchBackup().finally(() => {
      this.#restoring = null
    })
    await this.#restoring
    return this.restore()
  }

  async erase(actor: Actor): Promise<void> {
    this.#erasing ??= this.#empty(actor).finally(() => {
      this.#erasing = null
    })
    await this.#erasing
  }

  async #fetchBackup(): Promise<void> {
    const { cluster, kv, keeper, links } = this.#options
    const read = readBackup(kv(), cluster).then((backup) => ({ backup }))
    const found = await within(RESTORE_TIMEOUT_MS, read)
    if (found === null) throw new Error('the copy in KV could not be read, nothing is restored yet')
    if (storage.loadPublication(this.#sql) !== null) return // erased while KV was read
    links.closeAll() // what they carry is of a state that is gone
    const { backup } = found
    const nowMs = Date.now()
    const version = backup?.version ?? 0
    const publication = { ...storage.NOTHING_PUT, version, putVersion: version }
    // Where only other rows could not be read, what was decided stands here, newer than any copy.
    const kept = storage.loadDecisions(this.#sql)
    const decided = backup !== null && 'decisions' in backup ? backup.decisions : null
    if (decided === null && kept === null) {
      const erasedAtMs = backup !== null && 'erasedAtMs' in backup ? backup.erasedAtMs : null
      this.#options.storage.transactionSync(() => {
        storage.savePublication(this.#sql, publication)
        if (erasedAtMs !== null) this.#rememberErase(erasedAtMs)
      })
      return
    }
    const published = {
      ...NOTHING_PUBLISHED,
      ...(backup !== null && 'lease' in backup ? backup : {}),
      decisions: decided ?? NO_DECISIONS,
    }
    const restored = restoreState(published, nowMs, kept)
    this.#options.storage.transactionSync(() => {
      storage.savePublication(this.#sql, publication)
      keeper.store(null, restored)
    })
    await keeper.setAlarm(restored.state, { nowMs, isSteady: false })
  }

  /** The tombstone goes first: without it KV's copy would bring everything back. */
  async #empty(actor: Actor): Promise<void> {
    // A restore under way would bring back what is erased; that it fails is no reason to keep anything.
    await this.#restoring?.catch(() => undefined)
    const { keeper, links } = this.#options
    const nowMs = Date.now()
    const version = await this.#bury(nowMs)
    this.#options.storage.transactionSync(() => {
      storage.deleteAll(this.#sql)
      const put = { version, putVersion: version, lastPutAtMs: nowMs }
      storage.savePublication(this.#sql, { ...storage.NOTHING_PUT, ...put })
      this.#rememberErase(nowMs)
      const told = { subject: 'cluster', name: '', from: null, to: null, cause: 'hand' } as const
      addEvents(this.#sql, [{ ...told, atMs: nowMs, actor, note: 'erased' }])
    })
    links.closeAll()
    keeper.forgetCounters()
    await this.#options.storage.deleteAlarm()
  }

  /** Reports that were signed until then are refused: one that was overheard would bring back what was erased. */
  #rememberErase(erasedAtMs: number): void {
    storage.saveDecisions(this.#sql, { ...NO_DECISIONS, orderSinceMs: erasedAtMs })
  }

  async #bury(nowMs: number): Promise<number> {
    const { publisher } = this.#options
    try {
      return await publisher.bury(nowMs)
    } catch (error) {
      const nextMs = publisher.nextPutMs()
      if (nextMs !== null) await this.#options.storage.setAlarm(nextMs)
      throw error
    }
  }
}
