/**
 * Reads of clusters' objects that the readers of an isolate share: one call for all who ask for the same at the same time,
 * a memo for those who have no token, and the last known where no further call is allowed.
 */
import { waitUntil } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import { mayCallObject } from './allowance.ts'
import type { Memo } from './memo.ts'
import { within } from './within.ts'

/** `busy`: no call is allowed now. `unreachable`: the object failed or was late; the log says why. */
export type SharedRead<T> = { ok: true; value: T } | { ok: false; reason: 'busy' | 'unreachable' }

interface SharedReadsOptions<T> {
  memo: Memo<T>
  /** ms for which a read needs no renewal. */
  goodForMs: number
  /** ms up to which it is shown while it is read anew, or where no call is allowed. */
  staleForMs: number
  /** ms that the object may take. */
  timeoutMs: number
  /** Each reader may ask for something else. */
  isSearch?: boolean
}

/** What is asked for. */
export interface Question<T> {
  cluster: string
  /** Tells apart what is read of one cluster. */
  part?: string
  /** A token holder sees what is there now, as long as the reserve lasts. */
  isKnown: boolean
  ask: () => Promise<T>
}

interface Asking<T> {
  startMs: number
  /** null: it failed. */
  asked: Promise<{ value: T } | null>
}

export class SharedReads<T> {
  readonly #options: SharedReadsOptions<T>
  /** By cluster and part; calls that are under way, by readers without a token. */
  readonly #asking = new Map<string, Asking<T>>()

  constructor(options: SharedReadsOptions<T>) {
    this.#options = options
  }

  /** Never rejects. */
  async read(env: Env, question: Question<T>): Promise<SharedRead<T>> {
    const { cluster, part = '', isKnown } = question
    const startMs = Date.now()
    if (isKnown && mayCallObject(env, { isKnown })) return this.#wait(this.#ask(question, startMs))
    const { memo, goodForMs, staleForMs, timeoutMs, isSearch = false } = this.#options
    const last = memo.get(cluster, part)
    // Else the clock was set back: nothing tells how old it is.
    const kept = last !== undefined && startMs >= last.doneMs ? last : undefined
    const ageMs = startMs - (kept?.doneMs ?? -Infinity)
    if (kept !== undefined && ageMs < goodForMs) return { ok: true, value: kept.value }
    const key = `${cluster} ${part}`
    const asking = this.#asking.get(key)
    const askedMs = startMs - (asking?.startMs ?? -Infinity)
    const isAsked = asking !== undefined && askedMs >= 0 && askedMs < timeoutMs
    if (isAsked && (kept === undefined || ageMs >= staleForMs)) return this.#wait(asking)
    if (!isAsked && mayCallObject(env, { isKnown: false, isSearch })) {
      const begun = this.#ask(question, startMs)
      this.#asking.set(key, begun)
      void begun.asked.finally(() => {
        if (this.#asking.get(key) === begun) this.#asking.delete(key)
      })
      return this.#wait(begun)
    }
    if (kept === undefined || ageMs >= staleForMs) return { ok: false, reason: 'busy' }
    return { ok: true, value: kept.value }
  }

  /** What was read before, or is being read, is shown to no one who asks from now on. */
  forget(cluster: string, nowMs: number): void {
    this.#options.memo.forget(cluster, nowMs)
    for (const key of this.#asking.keys()) {
      if (key.startsWith(`${cluster} `)) this.#asking.delete(key)
    }
  }

  #ask({ cluster, part, ask }: Question<T>, startMs: number): Asking<T> {
    const asked = ask().then(
      (value) => {
        this.#options.memo.keep(cluster, { value, startMs, doneMs: Date.now() }, part)
        return { value }
      },
      (error: unknown) => {
        console.error('object not read:', error instanceof Error ? error.message : error)
        return null
      },
    )
    // The others wait for it too: it must not end with the request that began it.
    waitUntil(asked)
    return { startMs, asked }
  }

  async #wait({ asked }: Asking<T>): Promise<SharedRead<T>> {
    const read = await within(this.#options.timeoutMs, asked)
    return read === null ? { ok: false, reason: 'unreachable' } : { ok: true, value: read.value }
  }
}
