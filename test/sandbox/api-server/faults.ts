/** What can be made to go wrong, and what that does to the next request. The normal answers are made elsewhere. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Exchange } from './exchange.ts'
import type { Listener } from './listener.ts'
import { ApiError } from './status.ts'
import type { Watches } from './watch.ts'

export interface AnswerRule {
  status: number
  /** Tried on the path and on path?query; without it every request matches. */
  path?: RegExp
  times?: number
  retryAfterSeconds?: number
  /** The header as it is, such as a date, where it isn't the Status' own number. */
  retryAfter?: string
}

export interface Faults {
  /** Stops listening and destroys every socket: connection refused. */
  goAway(): Promise<void>
  /** Listens on the same port again. */
  comeBack(): Promise<void>
  /** Every open watch is cut in the middle: HTTP/2 stream reset, HTTP/1.1 socket destroyed. */
  dropWatches(): void
  /** Open watches go silent for good: no events, no bookmarks, no EOF at timeoutSeconds. Later watches work. */
  hangWatches(): void
  /** New requests are accepted and never answered, not even once this is off again. */
  hangRequests(on: boolean): void
  /** Matching requests get this error Status, before authentication. Returns what removes the rule. */
  answer(rule: AnswerRule): () => void
  /** Open watches get the ERROR 410 event and EOF; no resourceVersion handed out so far can be watched from. */
  expireWatches(): void
  /** Every answer is late by this many ms; 0 is off. */
  delay(ms: number): void
}

export class FaultInjector implements Faults {
  #listener: Listener
  #watches: Watches
  #rules = new Set<{ rule: AnswerRule; left: number }>()
  #isHanging = false
  #delayMs = 0

  constructor(listener: Listener, watches: Watches) {
    this.#listener = listener
    this.#watches = watches
  }

  goAway(): Promise<void> {
    return this.#listener.stop()
  }

  comeBack(): Promise<void> {
    return this.#listener.start()
  }

  dropWatches(): void {
    this.#watches.cut()
  }

  hangWatches(): void {
    this.#watches.hang()
  }

  hangRequests(on: boolean): void {
    this.#isHanging = on
  }

  answer(rule: AnswerRule): () => void {
    const entry = { rule, left: rule.times ?? Infinity }
    this.#rules.add(entry)
    return () => this.#rules.delete(entry)
  }

  expireWatches(): void {
    this.#watches.expire()
  }

  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** False when the request is not to be answered. Throws the answer of the first rule that matches. */
  async apply(exchange: Exchange): Promise<boolean> {
    if (this.#isHanging) return false
    const { path, rawQuery } = exchange
    // The rule is taken before the delay: which request it meets must not depend on timing.
    const refusal = this.#takeRule(path, `${path}?${rawQuery}`)
    if (this.#delayMs > 0) await delay(this.#delayMs, undefined, { ref: false })
    if (refusal !== undefined) throw refusal
    return !exchange.isOver
  }

  #takeRule(...candidates: string[]): ApiError | undefined {
    for (const entry of this.#rules) {
      const { status, path, retryAfterSeconds, retryAfter } = entry.rule
      if (path !== undefined && !candidates.some((each) => each.search(path) >= 0)) continue
      entry.left -= 1
      if (entry.left <= 0) this.#rules.delete(entry)
      const message = `the API server was told to answer ${status}`
      const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }
      return new ApiError(status, message, { ...details, retryAfter })
    }
    return undefined
  }
}
