/**
 * Asks every node's exporter once an interval, in rounds with bounded concurrency, and keeps the last answer of each. A
 * node that doesn't answer is unknown at once, without a second try: the edge then believes its Node object.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { ComponentStatus, Node } from '../../worker/contract/report.ts'
import type { ExporterPlace, KnownNode } from '../discovery/nodes.ts'
import type { Ask } from './ask.ts'
import { readNodeAnswer, type NodeCheck } from './node-answer.ts'

export interface NodeCollectorOptions {
  ask: Ask
  /** The checks that each node is asked for. */
  checks: string[]
  /** How the exporters' pods are found, to be told where there are none. */
  selector: string
  periodMs: number
  timeoutMs: number
  /** `verdict`: something that a verdict reads has changed; `text`: something that only people read. */
  onChange: (what: 'verdict' | 'text') => void
}

interface Entry {
  node: KnownNode
  /** null: its exporter did not answer, or was not asked yet. */
  checks: NodeCheck[] | null
  asking: Promise<void> | null
  wasAsked: boolean
}

/** Nodes that are asked at once. */
const CONCURRENCY = 64
const CONCURRENCY_OF_SILENT = 32
/** ms a round may take beside what its time limits add up to. */
const SLACK_MS = 1000
/** Names of silent nodes that are told; who wants them all looks at the nodes. */
const NAMES_MAX = 3

export class NodeCollector {
  readonly #options: NodeCollectorOptions
  readonly #path: string
  readonly #limit = pLimit(CONCURRENCY)
  readonly #limitOfSilent = pLimit(CONCURRENCY_OF_SILENT)
  readonly #stop = new AbortController()
  #entries = new Map<string, Entry>()
  /** Each node that there was at first has been asked; until then nothing is told. */
  #isKnown = false
  #isRunning = false
  /** ms, monotonic; when the last round began, or the next one will. */
  #roundAtMs = Infinity

  constructor(options: NodeCollectorOptions) {
    this.#options = options
    this.#path = `/health?check=${options.checks.map(encodeURIComponent).join(',')}`
  }

  /** Asks what is new at once, forgets what is gone. null: nothing is known, so what was known stays. */
  follow(nodes: KnownNode[] | null): void {
    if (nodes === null || this.#stop.signal.aborted) return
    const before = this.#stateKey()
    const entries = nodes.map((node) => followNode(this.#entries.get(node.name), node))
    this.#entries = new Map(entries.map((entry) => [entry.node.name, entry]))
    for (const entry of entries) if (!entry.wasAsked) void this.#ask(entry)
    if (!this.#isRunning) void this.#run()
    if (this.#stateKey() !== before) this.#tell('verdict')
  }

  stop(): void {
    this.#stop.abort()
  }

  /** null: not known yet. */
  describe(): Node[] | null {
    return this.#isKnown ? [...this.#entries.values()].map(describeEntry) : null
  }

  /** What the component `node_collector` is to say: silent nodes are told, and are nobody's reason to restart. */
  health(): { status: ComponentStatus; message?: string } {
    const behindMs = performance.now() - this.#roundAtMs - this.#longestMs()
    if (behindMs > 0) {
      return { status: 'degraded', message: `behind by ${Math.ceil(behindMs / 1000)} s` }
    }
    if (!this.#isKnown) return { status: 'unspecified', message: 'the nodes are not known yet' }
    const all = [...this.#entries.values()]
    if (all.every(({ node }) => node.exporter === null)) {
      return {
        status: 'healthy',
        message: `no pod is known that matches ${this.#options.selector}`,
      }
    }
    const silent = all.filter(({ checks }) => checks === null).map(({ node }) => node.name)
    if (silent.length === 0) return { status: 'healthy' }
    const more = silent.length > NAMES_MAX ? ' and more' : ''
    const names = `${silent.slice(0, NAMES_MAX).join(', ')}${more}`
    const message = `${silent.length} of ${all.length} nodes don't answer: ${names}`
    return { status: 'degraded', message }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    const { signal } = this.#stop
    while (!signal.aborted) {
      this.#roundAtMs = performance.now()
      // Rounds follow one another: a slow one is never joined by the next.
      // oxlint-disable-next-line no-await-in-loop
      await this.#askAll()
      if (signal.aborted) return
      if (!this.#isKnown) {
        this.#isKnown = true
        this.#tell('verdict')
      }
      const nowMs = performance.now()
      const waitMs = Math.max(0, this.#roundAtMs + this.#options.periodMs - nowMs)
      this.#roundAtMs = nowMs + waitMs
      // oxlint-disable-next-line no-await-in-loop
      await sleep(waitMs, undefined, { signal }).catch(() => undefined) // stopped
    }
  }

  /** The silent ones are asked beside the round, which would wait for their time limits. */
  async #askAll(): Promise<void> {
    const all = [...this.#entries.values()]
    const asked = all.map((entry) => ({ isSilent: isSilent(entry), done: this.#ask(entry) }))
    await Promise.all(asked.filter(({ isSilent: isLeft }) => !isLeft).map(({ done }) => done))
  }

  /** ms a round takes at the most, though every node hangs. */
  #longestMs(): number {
    const turns = Math.ceil(this.#entries.size / CONCURRENCY)
    return turns * this.#options.timeoutMs + SLACK_MS
  }

  /** Whoever asks while it is being asked gets the same question's end. */
  #ask(entry: Entry): Promise<void> {
    const { exporter } = entry.node
    if (exporter === null) return Promise.resolve()
    const limit = isSilent(entry) ? this.#limitOfSilent : this.#limit
    entry.asking ??= limit(() => this.#askNow(entry, exporter)).finally(() => {
      entry.asking = null
    })
    return entry.asking
  }

  async #askNow(entry: Entry, exporter: ExporterPlace): Promise<void> {
    if (!this.#isCurrent(entry)) return
    const { ask, timeoutMs } = this.#options
    const asked = await ask({ ...exporter, path: this.#path }, timeoutMs)
    if (!this.#isCurrent(entry)) return
    const [stateBefore, textBefore] = [stateKey(entry), JSON.stringify(entry.checks)]
    entry.wasAsked = true
    if (asked === null) return // nothing was learned of the node: what was known stays
    entry.checks = asked.isAnswer ? readNodeAnswer(asked.status, asked.text) : null
    if (stateKey(entry) !== stateBefore) this.#tell('verdict')
    else if (JSON.stringify(entry.checks) !== textBefore) this.#tell('text')
  }

  /** Its node may be gone, or have another exporter by now. */
  #isCurrent(entry: Entry): boolean {
    return !this.#stop.signal.aborted && this.#entries.get(entry.node.name) === entry
  }

  #stateKey(): string {
    return JSON.stringify([...this.#entries.values()].map(stateKey))
  }

  #tell(what: 'verdict' | 'text'): void {
    if (this.#isKnown) this.#options.onChange(what)
  }
}

function isSilent({ checks, wasAsked }: Entry): boolean {
  return wasAsked && checks === null
}

/** What is known of a node stays until its new exporter has been asked, and goes with its last one. */
function followNode(known: Entry | undefined, node: KnownNode): Entry {
  const place = JSON.stringify(node.exporter)
  if (known !== undefined && JSON.stringify(known.node.exporter) === place) {
    known.node = node
    return known
  }
  const checks = node.exporter === null ? null : (known?.checks ?? null)
  return { node, checks, asking: null, wasAsked: node.exporter === null }
}

function describeEntry({ node, checks }: Entry): Node {
  return {
    name: node.name,
    schedulable: node.isSchedulable,
    ready: node.isReady,
    answered: checks !== null,
    checks: checks ?? [],
  }
}

/** All of a node that verdicts read. */
function stateKey({ node, checks }: Entry): string {
  return JSON.stringify([
    node.name,
    node.isSchedulable,
    node.isReady,
    checks?.map(({ name, passed }) => [name, passed]),
  ])
}
