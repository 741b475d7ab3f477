/**
 * What the API server says of this one Node, asked every two seconds over one kept connection and answered from memory.
 * What is older than five seconds is not known any more: checks that need it then pass, for an API outage drains nobody.
 */
import { Agent, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import type { Condition, NodeFacts } from '../checks/check.ts'
import type { Access } from './api-access.ts'
import { SAMPLE_EVERY_MS } from './sampler.ts'

/** ms. What is older than `knownMs` is not known (behaviour, section 7). */
export const NODE_TIMINGS = {
  askEveryMs: 2000,
  askTimeoutMs: 2000,
  knownMs: 5000,
  sampleEveryMs: SAMPLE_EVERY_MS,
}
export type NodeTimings = typeof NODE_TIMINGS

/** Bytes of a Node object; one with thousands of images is about 1 MB. */
const NODE_MAX_BYTES = 4 * 1024 * 1024

const nodeSchema = v.object({
  spec: v.optional(
    v.object({
      unschedulable: v.optional(v.boolean(), false),
      taints: v.nullish(v.array(v.object({ key: v.string(), effect: v.string() })), []),
    }),
    {},
  ),
  status: v.optional(
    v.object({
      conditions: v.nullish(
        v.array(
          v.object({
            type: v.string(),
            status: v.string(),
            reason: v.optional(v.string(), ''),
            message: v.optional(v.string(), ''),
            lastHeartbeatTime: v.nullish(v.string(), null),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
})

type Known = Pick<NodeFacts, 'isGone' | 'conditions' | 'isUnschedulable' | 'taints'>

const NOTHING: Known = { isGone: false, conditions: new Map(), isUnschedulable: false, taints: [] }

export interface NodeWatchOptions {
  name: string
  hostRoot: string
  access: () => Promise<Access>
  /** Told when the API server goes out of reach, with why, and null when it is back. */
  onTurn: (problem: string | null) => void
  timings: NodeTimings
}

export class NodeWatch {
  readonly #options: NodeWatchOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #stop = new AbortController()
  #known = NOTHING
  /** ms by performance.now(); when it was last heard. */
  #heardAtMs = -Infinity
  #clockOffsetMs: number | null = null
  #problem: string | null = 'the API server was not asked yet'

  constructor(options: NodeWatchOptions) {
    this.#options = options
    void this.#run()
  }

  facts(): NodeFacts {
    const isKnown = performance.now() - this.#heardAtMs <= this.#options.timings.knownMs
    return {
      name: this.#options.name,
      hostRoot: this.#options.hostRoot,
      nowMs: Date.now(),
      clockOffsetMs: this.#clockOffsetMs,
      apiProblem: isKnown ? null : (this.#problem ?? 'nothing new from the API server'),
      ...(isKnown ? this.#known : NOTHING),
    }
  }

  stop(): void {
    this.#stop.abort()
    this.#agent.destroy()
  }

  async #run(): Promise<void> {
    const { askEveryMs } = this.#options.timings
    while (!this.#stop.signal.aborted) {
      // Questions follow one another: a slow API server is not asked twice at once.
      // oxlint-disable-next-line no-await-in-loop
      await this.#ask()
      // oxlint-disable-next-line no-await-in-loop
      await sleep(askEveryMs, undefined, { signal: this.#stop.signal, ref: false }).catch(
        () => undefined, // stopped
      )
    }
  }

  async #ask(): Promise<void> {
    const problem = await this.#askOnce().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    if ((problem === null) !== (this.#problem === null)) this.#options.onTurn(problem)
    this.#problem = problem
  }

  async #askOnce(): Promise<void> {
    const access = await this.#options.access()
    const sentAtMs = Date.now()
    const { status, date, text } = await this.#get(access)
    if (status !== 200 && status !== 404) throw new Error(`the API server answers ${status}`)
    if (date !== null) {
      // The header has whole seconds: half of one is what it lacks on average.
      this.#clockOffsetMs = date + 500 - (sentAtMs + Date.now()) / 2
    }
    this.#known = status === 404 ? { ...NOTHING, isGone: true } : readNode(text)
    this.#heardAtMs = performance.now()
  }

  #get({
    server,
    ...access
  }: Access): Promise<{ status: number; date: number | null; text: string }> {
    const path = `/api/v1/nodes/${encodeURIComponent(this.#options.name)}?resourceVersion=0`
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number
      date: number | null
      text: string
    }>()
    const signal = AbortSignal.any([
      this.#stop.signal,
      AbortSignal.timeout(this.#options.timings.askTimeoutMs),
    ])
    const asked = request(
      new URL(path, server),
      { ...access, agent: this.#agent, signal },
      (response) => {
        readText(response).then((text) => {
          const date = Date.parse(response.headers.date ?? '')
          resolve({
            status: response.statusCode ?? 0,
            date: Number.isNaN(date) ? null : date,
            text,
          })
        }, reject)
      },
    )
    asked.on('error', reject)
    asked.end()
    return promise
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > NODE_MAX_BYTES) throw new Error('the Node object is too large')
  }
  return text
}

function readNode(text: string): Known {
  const { spec, status } = v.parse(nodeSchema, JSON.parse(text))
  const conditions = (status.conditions ?? []).map(
    ({ type, lastHeartbeatTime, ...condition }): [string, Condition] => {
      const heartbeatMs = Date.parse(lastHeartbeatTime ?? '')
      return [
        type,
        { ...condition, lastHeartbeatMs: Number.isNaN(heartbeatMs) ? null : heartbeatMs },
      ]
    },
  )
  return {
    isGone: false,
    conditions: new Map(conditions),
    isUnschedulable: spec.unschedulable ?? false,
    taints: spec.taints ?? [],
  }
}
