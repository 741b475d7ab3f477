/**
 * How a verdict is read at the edge: this isolate's memo, else the object, else what KV last published, held.
 * Only plain values are kept between requests; every one of them is judged again by the clock of whoever reads.
 */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import { judgeFreshness, type Lease } from '../domain/freshness.ts'
import { makeView, type ClusterView } from '../domain/gtg.ts'
import type { NodesView } from '../domain/node-gtg.ts'
import type { Env } from '../env.ts'
import { readRecord, type ClusterRecord } from '../store/cluster-record.ts'
import type { Cluster } from './cluster.ts'
import { giveBack, takeCounts, type Counters } from './counters.ts'
import { Memo } from './memo.ts'
import { parseNodes } from './storage.ts'
import { within } from './within.ts'

/** ms for which a view needs no renewal: what a burst of probers costs the one object, against freshness. */
const MEMO_MS = 1000
/** ms until the object counts as out of reach, and until KV is asked beside it (behaviour, section 4). */
const OBJECT_DEADLINE_MS = 450
const KV_START_MS = 300
/** 700 ms are promised; what is left is for judging and answering. */
const ANSWER_DEADLINE_MS = 650
/** ms between two reads past the memo for callers without a token. */
const UNCACHED_EVERY_MS = 1000

/** ms up to which a view is answered while a newer one is read behind the answer. */
const STALE_MS = 4000

export interface ReadView<View> {
  view: View
  /** It is what KV last published, kept standing while the object can't be reached. */
  isCopy: boolean
}

/** Whoever has no token may pass the memo once a second, all of them together. */
export type SkipMemo = 'never' | 'now and then' | 'always'

interface ReadOptions {
  skipMemo: SkipMemo
  goOn: (work: Promise<unknown>) => void
}

/** What is read of a cluster's object, and what stands in its place where that can't be reached. */
interface Kind<View> {
  /** `mustAsk`: nobody wants what is known, so the exporter is asked too, for the next time. */
  ask: (
    object: DurableObjectStub<Cluster>,
    how: { counted: Counters; mustAsk: boolean },
  ) => Promise<View>
  /** `lease`: the record's, as long as it is held. */
  fromCopy: (record: ClusterRecord, lease: Lease) => View
}

class ViewReader<View extends { lease: Lease }> {
  readonly #kind: Kind<View>
  readonly #memo: Memo<View>
  /** ms by cluster; when a read began that is still under way. */
  readonly #asking = new Map<string, number>()
  /** Reads that failed without one that succeeded in between. */
  readonly #failing = new Map<string, { sinceMs: number; lastMs: number }>()

  /** `max`: clusters that are remembered at most. */
  constructor(kind: Kind<View>, max = Infinity) {
    this.#kind = kind
    this.#memo = new Memo(max)
  }

  /**
   * null: neither the object, nor the memo, nor KV can answer. Takes 650 ms at most and never rejects. `goOn` keeps a
   * read alive behind the answer: an object that is late for this prober is not out of reach.
   */
  async read(
    env: Env,
    cluster: string,
    { skipMemo, goOn }: ReadOptions,
  ): Promise<ReadView<View> | null> {
    const startMs = Date.now()
    const mustAsk = skipMemo === 'always' || (skipMemo === 'now and then' && takeUncached(startMs))
    const view = mustAsk ? null : this.recall(env, cluster, goOn)
    if (view !== null) return { view, isCopy: false }
    return this.#readNow(env, cluster, { startMs, mustAsk, goOn })
  }

  /** Out of the memo, at once; renewed behind the answer from one second on. null: the object must be asked first. */
  recall(env: Env, cluster: string, goOn: ReadOptions['goOn']): View | null {
    const nowMs = Date.now()
    const kept = this.#memo.get(cluster)
    if (kept === undefined) return null
    const ageMs = nowMs - kept.doneMs
    if (ageMs >= STALE_MS) return null
    // What died since it was read may be alive in the object; what was dead then is no news.
    const { lease } = kept.value
    const isDead = judgeFreshness(lease, nowMs) === 'dead'
    if (isDead && judgeFreshness(lease, kept.doneMs) !== 'dead') return null
    const isAsked = nowMs - (this.#asking.get(cluster) ?? -Infinity) < OBJECT_DEADLINE_MS
    if (ageMs >= MEMO_MS && !isAsked) {
      goOn(this.#askObject(env, cluster, { startMs: nowMs, mustAsk: false }))
    }
    return kept.value
  }

  forget(cluster: string, nowMs: number): void {
    this.#memo.forget(cluster, nowMs)
  }

  async #readNow(
    env: Env,
    cluster: string,
    { startMs, mustAsk, goOn }: { startMs: number; mustAsk: boolean; goOn: ReadOptions['goOn'] },
  ): Promise<ReadView<View> | null> {
    const asked = this.#askObject(env, cluster, { startMs, mustAsk })
    goOn(asked)
    const fromObject = within(OBJECT_DEADLINE_MS, asked)
    const fromStore = within(KV_START_MS, asked).then((view) =>
      view === null
        ? within(ANSWER_DEADLINE_MS - KV_START_MS, readRecord(env.STATE, cluster))
        : null,
    )
    const view = await fromObject
    return view === null
      ? this.#readInPlace(cluster, { startMs, fromStore })
      : { view, isCopy: false }
  }

  /** null when it fails; what it gives is remembered, however late. */
  async #askObject(
    env: Env,
    cluster: string,
    { startMs, mustAsk }: { startMs: number; mustAsk: boolean },
  ): Promise<View | null> {
    const counted = takeCounts(cluster)
    this.#asking.set(cluster, startMs)
    try {
      const view = await this.#kind.ask(env.CLUSTER.getByName(cluster), { counted, mustAsk })
      this.#failing.delete(cluster)
      this.#memo.keep(cluster, { value: view, startMs, doneMs: Date.now() })
      return view
    } catch (error) {
      giveBack(cluster, counted)
      console.error('object not read:', error instanceof Error ? error.message : error)
      return null
    } finally {
      if (this.#asking.get(cluster) === startMs) this.#asking.delete(cluster)
    }
  }

  async #readInPlace(
    cluster: string,
    { startMs, fromStore }: { startMs: number; fromStore: ReturnType<typeof readRecord> },
  ): Promise<ReadView<View> | null> {
    const nowMs = Date.now()
    const kept = this.#memo.get(cluster)
    const heldUntilMs = this.#noteFailure(cluster, nowMs) + HOLD_MAX_MS
    const isAlive = kept !== undefined && nowMs <= (kept.value.lease.validUntilMs ?? 0)
    if (isAlive || (kept !== undefined && kept.startMs > startMs)) {
      return { view: kept.value, isCopy: false }
    }
    const record = await fromStore
    if (record === null || nowMs > heldUntilMs) return null
    // KV never ages, for a stable cluster is not written for days: the hold runs from the first failed read.
    const lease = { ...record.lease, validUntilMs: record.isDead ? 0 : heldUntilMs }
    return { view: this.#kind.fromCopy(record, lease), isCopy: true }
  }

  /** ms; since when reads fail. A failure long after the last one is another outage. */
  #noteFailure(cluster: string, nowMs: number): number {
    const known = this.#failing.get(cluster)
    const isSame = known !== undefined && nowMs - known.lastMs <= HOLD_MAX_MS
    const sinceMs = isSame ? known.sinceMs : nowMs
    this.#failing.set(cluster, { sinceMs, lastMs: nowMs })
    return sinceMs
  }
}

/** For `__gtg` of a cluster. */
export const clusterViews = new ViewReader<ClusterView>({
  ask: (object, { counted, mustAsk }) => object.view(counted, mustAsk),
  fromCopy: ({ intervalSeconds, categories }, lease) =>
    makeView({ pulse: { lease, intervalSeconds }, standing: { categories } }),
})

/** Clusters whose nodes an isolate remembers: those of 5,000 nodes are a few megabytes, of its 128. */
const NODES_MEMO_MAX = 10

/** For `__gtg` of a cluster's nodes. */
export const nodesViews = new ViewReader<NodesView>(
  {
    ask: async (object, { counted }) => {
      const { nodes, ...view } = await object.viewNodes(counted)
      return { ...view, nodes: parseNodes(nodes) }
    },
    fromCopy: ({ intervalSeconds, nodes }, lease) => ({
      lease,
      intervalSeconds,
      nodes,
      untoldSinceMs: null,
    }),
  },
  NODES_MEMO_MAX,
)

let lastUncachedAtMs = 0

function takeUncached(nowMs: number): boolean {
  if (nowMs - lastUncachedAtMs < UNCACHED_EVERY_MS) return false
  lastUncachedAtMs = nowMs
  return true
}
