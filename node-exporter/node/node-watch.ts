/**
 * What the API server says of this one Node: one watch, answered from memory. It is as fresh as the last proof that the
 * API server is there and has told all: an answer, or that of a ping. What is older than five seconds is not known any
 * more: checks that need it then pass, for an API outage drains nobody.
 */
import { describeError, type NodeFacts } from '../checks/check.ts'
import { KubeApi, type DatedAnswer, type KubeError } from '../discovery/kube-api.ts'
import { Reflector, type ReflectorTimings } from '../discovery/reflector.ts'
import type { AccessOptions } from '../kubernetes/access.ts'
import { PINGS } from '../kubernetes/connection.ts'
import type { PingTimings } from '../kubernetes/session.ts'
import { NOTHING_KNOWN, readNode, type KnownNode } from './api-node.ts'
import {
  computeOffset,
  narrowOffset,
  readOffset,
  type Clocks,
  type OffsetRange,
} from './clock-offset.ts'
import { SAMPLE_EVERY_MS } from './sampler.ts'

export interface NodeTimings {
  reflector: ReflectorTimings
  pings: PingTimings
  /** ms that the API server has to begin an answer. */
  askTimeoutMs: number
  /** ms; what is older is not known (behaviour, section 7). */
  knownMs: number
  /** ms for which a `Date` of the API server tells how far its clock is off. */
  clockKnownMs: number
  sampleEveryMs: number
  /** After the start and a drain, in which the agent-check says `ready`. */
  agentReadyMs: number
}

/**
 * A watch ends about once a minute: that proves the stream, which no ping does, and each answer has a `Date`. Without
 * pings it ends every 2 s, and one that hangs leaves time for another within what is known.
 */
export const NODE_TIMINGS: NodeTimings = {
  reflector: {
    watchSeconds: [50, 70],
    silenceMs: 75_000,
    unprovenSeconds: [2, 2],
    overdueMs: 1000,
    relistMs: 600_000,
    unconfirmedMs: 45_000,
    refillMs: 45_000,
    backoffMs: [1000, 5000],
  },
  pings: PINGS,
  askTimeoutMs: 2000,
  knownMs: 5000,
  clockKnownMs: 150_000, // two answers, and a spare half minute
  sampleEveryMs: SAMPLE_EVERY_MS,
  agentReadyMs: 60_000,
}

/** Characters of a Node object; one with thousands of images is about 1 MB. */
const ANSWER_MAX = 4 * 1024 * 1024

export interface NodeWatchOptions {
  /** Empty: NODE_NAME isn't set, and the API server isn't asked. */
  name: string
  hostRoot: string
  access: AccessOptions
  /** Told when the Node is not known any more, or not at the first try, with why; null when it is known. */
  onTurn: (problem: string | null) => void
  timings: NodeTimings
}

export class NodeWatch {
  /** Settles with the first answer, or without one: then there is a problem to tell. Never rejects. */
  readonly asked: Promise<void>
  readonly #options: NodeWatchOptions
  readonly #api: KubeApi
  readonly #reflector: Reflector<KnownNode>
  /** Tells what gets old, so that it doesn't hang on an answer which may never come. */
  readonly #expiry: NodeJS.Timeout
  #clock: OffsetRange | null = null
  /** As last told by `onTurn`. */
  #isKnown: boolean | null = null

  constructor(options: NodeWatchOptions) {
    const { name, access, timings } = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#options = options
    this.asked = promise
    this.#api = new KubeApi({
      ...access,
      timeoutMs: timings.askTimeoutMs,
      maxLength: ANSWER_MAX,
      pings: timings.pings,
      onAnswer: (answer) => {
        this.#readClock(answer)
      },
    })
    this.#reflector = new Reflector(
      this.#api,
      { path: '/api/v1/nodes', fieldSelector: `metadata.name=${name}` },
      {
        parse: (object) => readNode(object, name),
        bound: { items: { perNamespace: 1, inAll: 1 } },
        timings: timings.reflector,
        onChange: () => {
          resolve()
          this.#tellTurn()
        },
      },
    )
    this.#expiry = setInterval(() => {
      this.#tellTurn()
    }, timings.knownMs / 10).unref()
    if (name === '') resolve()
    else void this.#reflector.run()
  }

  facts(): NodeFacts {
    const { name, hostRoot } = this.#options
    const problem = this.#findProblem()
    const [known] = this.#reflector.items
    return {
      name,
      hostRoot,
      nowMs: Date.now(),
      clockOffsetMs: this.#readOffset(),
      apiProblem: problem,
      isGone: problem === null && known === undefined,
      ...(problem === null && known !== undefined ? known : NOTHING_KNOWN),
    }
  }

  stop(): void {
    clearInterval(this.#expiry)
    this.#reflector.stop()
    void this.#api.stop()
  }

  /** null: the Node is known. */
  #findProblem(): string | null {
    const { name, timings } = this.#options
    const { state, heardAtMs } = this.#reflector
    if (name === '') return 'NODE_NAME is not set'
    if (state.isSynced && performance.now() - heardAtMs <= timings.knownMs) return null
    if (state.error !== null) return describeProblem(state.error)
    return state.isSynced ? 'nothing new from the API server' : 'the API server was not asked yet'
  }

  #tellTurn(): void {
    const problem = this.#findProblem()
    const isKnown = problem === null
    // Before the first answer there is nothing to tell.
    if (isKnown === this.#isKnown || !this.#isDecided()) return
    this.#isKnown = isKnown
    this.#options.onTurn(problem)
  }

  #isDecided(): boolean {
    const { isSynced, error } = this.#reflector.state
    return isSynced || error !== null
  }

  /** Of any answer: a refusal tells the time as well. */
  #readClock(answer: DatedAnswer): void {
    const offset = readOffset(answer, readClocks())
    if (offset !== null) this.#clock = narrowOffset(this.#clock, offset)
  }

  /** null: the API server has not told its time for a while, or not since this machine's clock jumped. */
  #readOffset(): number | null {
    const clocks = readClocks()
    const range = this.#clock
    if (range === null || clocks.nowMs - range.atMs > this.#options.timings.clockKnownMs)
      return null
    return computeOffset(range, clocks)
  }
}

function readClocks(): Clocks {
  return { nowMs: performance.now(), clockMs: Date.now() }
}

/** What to mend; the other statuses speak for themselves. */
const HINTS: Partial<Record<number, string>> = {
  401: 'it does not accept the credentials',
  403: 'give the user that it names "list" and "watch" on "nodes"',
}

function describeProblem(error: KubeError): string {
  const hint = HINTS[error.status ?? 0]
  return hint === undefined ? describeError(error) : `${error.message}; ${hint}`
}
