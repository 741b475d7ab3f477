/**
 * The live link of a term: it keeps one WebSocket to the edge open, hands reports up and commands down, and tries again for
 * as long as it lasts. It never stands down and never decides anything: who leads is found out by reports.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { WebSocket } from 'ws'
import { downSchema, type PodAnswer } from '../../worker/contract/link.ts'
import type { SigningKey } from '../../worker/contract/signature.ts'
import type { Log } from '../self/log.ts'
import { readAnswer, type Delivered } from './deliver.ts'
import type { EdgeClock } from './edge-clock.ts'
import type { Order } from './order.ts'
import { upgrade, type Upgraded } from './upgrade.ts'

/** All in ms. */
export interface LinkTimings {
  /** What the edge has to answer an upgrade, and each report. */
  linkTimeoutMs: number
  /** Until a link that was lost or refused is tried again: at first, and at most. It doubles in between. */
  linkBackoffMs: readonly [first: number, most: number]
  /** The same where the edge, or something before it, knows no links. */
  noLinkMs: number
}

export interface LinkOptions {
  workerUrl: URL
  cluster: string
  keys: SigningKey[]
  clock: EdgeClock
  order: Order
  timings: LinkTimings
  log: Log
  /** As it came, not read yet. */
  onCommand: (command: unknown) => void
}

interface Waiting {
  sequence: number
  sentMs: number
  resolve: (delivered: Delivered) => void
}

/** A page, a redirect, or words for "no such thing": an edge without links, or a proxy that passes none. */
const KNOWS_NO_LINK = new Set([200, 301, 302, 307, 308, 404, 405, 426, 501])

/** ms until an upgrade that one of our own reports overtook is tried again. */
const OVERTAKEN_MS = 250

/** ms that a goodbye may take. */
const GOODBYE_MS = 500

const [answer, command] = downSchema.options
/** What is inside is read by whom it concerns: an edge that is newer may say more than is known here. */
const heardSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.variant('kind', [
    v.object({ ...answer.entries, body: v.unknown() }),
    v.object({ ...command.entries, command: v.unknown() }),
  ]),
)

export class Link {
  readonly #options: LinkOptions
  readonly #stop = new AbortController()
  #isStopped = false
  #running: Promise<void> | null = null
  /** The last try to open one. */
  #opening: Promise<unknown> = Promise.resolve()
  /** null: not open. */
  #socket: WebSocket | null = null
  #waiting: Waiting | null = null
  /** This socket has answered a report; or has failed to. */
  #hasAnswered = false
  #wasSilent = false
  /** In a row; a link that stays open for as long as the longest backoff ends the row. */
  #failures = 0
  /** That there is none is in the log. */
  #isMissed = false

  constructor(options: LinkOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** From now on there is to be one. */
  open(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when nobody is opening one, or after `forMs`. */
  async settle(forMs: number): Promise<void> {
    const over = new AbortController()
    const timeUp = sleep(forMs, undefined, { signal: over.signal }).catch(() => undefined) // ended below
    await Promise.race([this.#opening, timeUp])
    over.abort()
  }

  /** null: it isn't open. A report that isn't answered in time is a failed try, and the end of this socket. */
  deliver(body: Uint8Array, sequence: number): Promise<Delivered> | null {
    const socket = this.#socket
    if (socket === null || !this.isOpen || this.#waiting !== null) return null
    const { promise, resolve } = Promise.withResolvers<Delivered>()
    const timer = setTimeout(() => {
      this.#wasSilent = true
      this.#settle(failed('no answer in time over the live link'))
      socket.terminate()
    }, this.#options.timings.linkTimeoutMs)
    this.#waiting = { sequence, sentMs: performance.now(), resolve }
    socket.send(body)
    return promise.finally(() => {
      clearTimeout(timer)
    })
  }

  /** Whether it could be sent at all. */
  send(said: PodAnswer): boolean {
    if (!this.isOpen) return false
    this.#socket?.send(JSON.stringify(said))
    return true
  }

  /** Resolves when it is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#socket?.close(1000)
    const abort = () => {
      this.#stop.abort()
    }
    const goodbye = setTimeout(abort, GOODBYE_MS)
    if (this.#socket === null) abort()
    await this.#running
    clearTimeout(goodbye)
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!this.#isStopped) {
      // oxlint-disable-next-line no-await-in-loop -- one link after the other
      const delayMs = await this.#hold()
      // oxlint-disable-next-line no-await-in-loop
      if (!this.#isStopped) await sleep(delayMs, undefined, { signal }).catch(() => undefined) // told to stop
    }
  }

  /** Opens one and keeps it until it ends. Gives the ms until the next try. */
  async #hold(): Promise<number> {
    const { order, timings, log, ...options } = this.#options
    const opening = upgrade({
      ...options,
      place: order.next(),
      timeoutMs: timings.linkTimeoutMs,
      signal: this.#stop.signal,
      onMessage: (text) => {
        this.#hear(text)
      },
    })
    this.#opening = opening
    const upgraded = await opening
    if (!upgraded.isOpen) return this.#takeRefusal(upgraded)
    const openedMs = performance.now()
    this.#socket = upgraded.socket
    this.#hasAnswered = false
    this.#wasSilent = false
    this.#isMissed = false
    log.info('the live link is open')
    const code = await upgraded.closed
    this.#socket = null
    const why = `the live link was closed (${code})`
    this.#settle(failed(why))
    if (performance.now() - openedMs >= timings.linkBackoffMs[1]) this.#failures = 0
    this.#miss(why)
    return this.#findDelayMs({ isHopeless: this.#wasSilent && !this.#hasAnswered })
  }

  #takeRefusal({ status, reason, clockMoved, held }: Extract<Upgraded, { isOpen: false }>): number {
    if (clockMoved) return 0
    // A report of our own has overtaken it: the next has a later place.
    if (held !== null && this.#options.order.hasGiven(held)) return OVERTAKEN_MS
    this.#miss(`no live link: ${reason}`)
    return this.#findDelayMs({ isHopeless: status !== null && KNOWS_NO_LINK.has(status) })
  }

  /** `isHopeless`: links can't be had from here, or are opened and then lead nowhere. */
  #findDelayMs({ isHopeless }: { isHopeless: boolean }): number {
    const { linkBackoffMs, noLinkMs } = this.#options.timings
    this.#failures += 1
    const delayMs = isHopeless ? noLinkMs : findBackoffMs(this.#failures, linkBackoffMs)
    // An edge that starts anew has lost the links of all its clusters in one moment.
    return delayMs * (0.5 + Math.random() / 2)
  }

  /** Told once, not with each try. */
  #miss(why: string): void {
    const { log } = this.#options
    if (this.#isStopped) return
    if (this.#isMissed) log.debug(why)
    else log.warn(`${why}; reports go over HTTPS`)
    this.#isMissed = true
  }

  #hear(text: string): void {
    const { clock, log, onCommand } = this.#options
    const heard = v.safeParse(heardSchema, text)
    if (!heard.success) {
      log.debug('the edge said over the live link what nobody here understands')
      return
    }
    if (heard.output.kind === 'command') {
      onCommand(heard.output.command)
      return
    }
    const { sequence, date, status, body } = heard.output
    if (this.#waiting?.sequence !== sequence) return // too late: nobody waits for it any more
    const { sentMs } = this.#waiting
    this.#hasAnswered = true
    const clockMoved = clock.adjustTo(date, { sentMs, receivedMs: performance.now() })
    const rest = { clockMoved: clockMoved && status === 401, retryAfterMs: null }
    this.#settle(readAnswer(status, body, rest))
  }

  #settle(delivered: Delivered): void {
    this.#waiting?.resolve(delivered)
    this.#waiting = null
  }
}

/** Doubled with each failure in a row. */
export function findBackoffMs(
  failures: number,
  [first, most]: LinkTimings['linkBackoffMs'],
): number {
  return Math.min(most, first * 2 ** (failures - 1))
}

function failed(reason: string): Delivered {
  return { kind: 'failed', reason, retryAfterMs: null, clockMoved: false }
}
