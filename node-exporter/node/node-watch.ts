/**
 * What the API server says of this one Node, asked every two seconds over one kept connection and answered from memory.
 * What is older than five seconds is not known any more: checks that need it then pass, for an API outage drains nobody.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, type NodeFacts } from '../checks/check.ts'
import type { Access } from './api-access.ts'
import { ApiConnection, type ApiAnswer } from './api-connection.ts'
import { NOTHING_KNOWN, readNode } from './api-node.ts'
import { middleOf, narrowOffset, readOffset, type OffsetRange } from './clock-offset.ts'
import { SAMPLE_EVERY_MS } from './sampler.ts'

/**
 * ms. What is older than `knownMs` is not known (behaviour, section 7). The next question starts `askEveryMs` after the
 * last one did, give or take a tenth: one that is lost leaves time for another within what is known.
 */
export const NODE_TIMINGS = {
  askEveryMs: 2000,
  askTimeoutMs: 2000,
  knownMs: 5000,
  sampleEveryMs: SAMPLE_EVERY_MS,
  /** After the start and a drain, in which the agent-check says `ready`. */
  agentReadyMs: 60_000,
}
export type NodeTimings = typeof NODE_TIMINGS

/** ms; a timer may be early by less than one. */
const SLACK_MS = 5

export interface NodeWatchOptions {
  /** Empty: NODE_NAME isn't set, and nobody is asked. */
  name: string
  hostRoot: string
  access: () => Promise<Access>
  /** Told when the Node is not known any more, or not at the first try, with why; null when it is known. */
  onTurn: (problem: string | null) => void
  timings: NodeTimings
}

export class NodeWatch {
  /** Settles with the first answer, or without one: then there is a problem to tell. Never rejects. */
  readonly asked: Promise<void>
  readonly #options: NodeWatchOptions
  readonly #connection = new ApiConnection()
  readonly #stop = new AbortController()
  #known = NOTHING_KNOWN
  /** ms by performance.now(); when it was last heard. */
  #heardAtMs = -Infinity
  #clock: OffsetRange | null = null
  #clockHeardAtMs = -Infinity
  #problem: string | null = 'the API server was not asked yet'
  #expiry: NodeJS.Timeout | undefined
  /** As last told by `onTurn`. */
  #isKnown: boolean | null = null

  constructor(options: NodeWatchOptions) {
    this.#options = options
    if (options.name === '') {
      this.#problem = 'NODE_NAME is not set'
      this.asked = Promise.resolve()
    } else {
      this.asked = this.#ask()
      void this.asked.then(() => this.#run())
    }
  }

  facts(): NodeFacts {
    const { name, hostRoot } = this.#options
    const isKnown = this.#isFresh(this.#heardAtMs)
    const clock = this.#freshClock()
    return {
      name,
      hostRoot,
      nowMs: Date.now(),
      clockOffsetMs: clock === null ? null : middleOf(clock),
      apiProblem: isKnown ? null : (this.#problem ?? 'nothing new from the API server'),
      ...(isKnown ? this.#known : NOTHING_KNOWN),
    }
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#expiry)
    this.#connection.stop()
  }

  #isFresh(heardAtMs: number): boolean {
    return performance.now() - heardAtMs <= this.#options.timings.knownMs
  }

  async #run(): Promise<void> {
    let startedAtMs = performance.now()
    while (!this.#stop.signal.aborted) {
      const everyMs = this.#options.timings.askEveryMs * (0.9 + 0.2 * Math.random())
      const restMs = Math.max(0, startedAtMs + everyMs - performance.now())
      // Questions follow one another: a slow API server is not asked twice at once.
      // oxlint-disable-next-line no-await-in-loop
      await sleep(restMs, undefined, { signal: this.#stop.signal, ref: false }).catch(
        () => undefined, // stopped
      )
      startedAtMs = performance.now()
      // oxlint-disable-next-line no-await-in-loop
      if (!this.#stop.signal.aborted) await this.#ask()
    }
  }

  async #ask(): Promise<void> {
    this.#problem = await this.#askOnce().then(() => null, describeError)
    this.#tellTurn()
  }

  /** Also called when what is known gets old, so that it doesn't hang on an answer which may never come. */
  #tellTurn(): void {
    if (this.#stop.signal.aborted) return
    const { apiProblem } = this.facts()
    const isKnown = apiProblem === null
    if (isKnown === this.#isKnown) return
    this.#isKnown = isKnown
    this.#options.onTurn(apiProblem)
  }

  async #askOnce(): Promise<void> {
    const { name, access, timings } = this.#options
    const answer = await this.#connection.get({
      access,
      // Out of the API server's memory: it may be a moment old, and costs etcd nothing.
      path: `/api/v1/nodes/${encodeURIComponent(name)}?resourceVersion=0`,
      timeoutMs: timings.askTimeoutMs,
    })
    this.#readClock(answer)
    this.#known = readNode(answer)
    this.#heardAtMs = performance.now()
    clearTimeout(this.#expiry)
    this.#expiry = setTimeout(() => {
      this.#tellTurn()
    }, timings.knownMs + SLACK_MS).unref()
  }

  /** Of any answer: a refusal tells the time as well. */
  #readClock(answer: ApiAnswer): void {
    const offset = readOffset(answer)
    if (offset === null) return
    this.#clock = narrowOffset(this.#freshClock(), offset)
    this.#clockHeardAtMs = performance.now()
  }

  #freshClock(): OffsetRange | null {
    return this.#isFresh(this.#clockHeardAtMs) ? this.#clock : null
  }
}
