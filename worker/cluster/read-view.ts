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
import { mayCallObject } from './allowance.ts'
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

/** ms within which probers share a read that is under way: so an object that hangs is asked ten times a second at most. */
const SHARE_MS = 100

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

/** Whether the exporter is asked too, for the next time, and for whom. */
type MustAsk = 'no' | 'for a visitor' | 'for a token holder'

/** What is read of a cluster's object, and what stands in its place where that can't be reached. */
interface Kind<View> {
  ask: (
    object: DurableObjectStub<Cluster>,
    how: { counted: Counters; mustAsk: MustAsk },
  ) => Promise<View>
  /** `lease`: the record's, as long as it is held. */
  fromCopy: (record: ClusterRecord, lease: Lease) => View
}

class ViewReader<View extends { lease: Lease }> {
  readonly #kind: Kind<View>
  readonly #memo: Memo<View>
  /** By cluster; the newest read that is still under way, and when it began (ms). */
  readonly #asking = new Map<string, { startMs: number; asked: Promise<View | null> }>()
  /** Reads that failed without one that succeeded in between. */
  readonly #failing = new Map<string, { sinceMs: number; lastMs: number }>()

  constructor(kind: Kind<View>, memo: Memo<View>) {
    this.#kind = kind
    this.#memo = memo
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
    const mustAsk = findMustAsk(env, skipMemo, startMs)
    const view = mustAsk === 'no' ? this.recall(env, cluster, goOn) : null
    if (view !== null) return { view, isCopy: false }
    return this.#readNow(env, cluster, { startMs, mustAsk, goOn })
  }

  /** Out of the memo, at once; renewed behind the answer from one second on. null: the object must be asked first. */
  recall(env: Env, cluster: string, goOn: ReadOptions['goOn']): View | null {
    const nowMs = Date.now()
    const kept = this.#memo.get(cluster)
    if (kept === undefined) return null
    const ageMs = nowMs - kept.doneMs
    // Below zero the clock was set back: nothing tells how old it is.
    if (ageMs < 0 || ageMs >= STALE_MS) return null
    // What died since it was read may be alive in the object; what was dead then is no news.
    const { lease } = kept.value
    const isDead = judgeFreshness(lease, nowMs) === 'dead'
    if (isDead && judgeFreshness(lease, kept.doneMs) !== 'dead') return null
    const askedMs = nowMs - (this.#asking.get(cluster)?.startMs ?? -Infinity)
    const isAsked = askedMs >= 0 && askedMs < OBJECT_DEADLINE_MS
    if (ageMs >= MEMO_MS && !isAsked) {
      goOn(this.#askObject(env, cluster, { startMs: nowMs, mustAsk: 'no' }))
    }
    return kept.value
  }

  forget(cluster: string, nowMs: number): void {
    this.#memo.forget(cluster, nowMs)
    this.#asking.delete(cluster)
  }

  async #readNow(
    env: Env,
    cluster: string,
    { startMs, mustAsk, goOn }: { startMs: number; mustAsk: MustAsk; goOn: ReadOptions['goOn'] },
  ): Promise<ReadView<View> | null> {
    const asked = this.#joinOrAsk(env, cluster, { startMs, mustAsk })
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

  /** A crowd that nothing is remembered for shares the reads of a tenth of a second. */
  #joinOrAsk(
    env: Env,
    cluster: string,
    how: { startMs: number; mustAsk: MustAsk },
  ): Promise<View | null> {
    const asking = this.#asking.get(cluster)
    const askedMs = how.startMs - (asking?.startMs ?? -Infinity)
    const isShared = askedMs >= 0 && askedMs < SHARE_MS && how.mustAsk === 'no'
    if (asking !== undefined && isShared) return asking.asked
    return this.#askObject(env, cluster, how)
  }

  #askObject(
    env: Env,
    cluster: string,
    how: { startMs: number; mustAsk: MustAsk },
  ): Promise<View | null> {
    const { startMs } = how
    const asked = this.#readObject(env, cluster, how).finally(() => {
      if (this.#asking.get(cluster)?.startMs === startMs) this.#asking.delete(cluster)
    })
    this.#asking.set(cluster, { startMs, asked })
    return asked
  }

  /** null when it fails; what it gives is remembered, however late. */
  async #readObject(
    env: Env,
    cluster: string,
    { startMs, mustAsk }: { startMs: number; mustAsk: MustAsk },
  ): Promise<View | null> {
    const counted = takeCounts(cluster)
    try {
      const view = await this.#kind.ask(env.CLUSTER.getByName(cluster), { counted, mustAsk })
      this.#failing.delete(cluster)
      this.#memo.keep(cluster, { value: view, startMs, doneMs: Date.now() })
      return view
    } catch (error) {
      giveBack(cluster, counted)
      console.error('object not read:', error instanceof Error ? error.message : error)
      return null
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
export const clusterViews = new ViewReader<ClusterView>(
  {
    ask: (object, { counted, mustAsk }) =>
      object.view(counted, mustAsk !== 'no', mustAsk === 'for a token holder'),
    fromCopy: ({ intervalSeconds, categories }, lease) =>
      makeView({ pulse: { lease, intervalSeconds }, standing: { categories } }),
  },
  new Memo(),
)

/** Nodes that an isolate remembers, of all clusters together: 5,000 are a few megabytes, of its 128. */
const NODES_MEMO_MAX = 50_000

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
  new Memo({ max: NODES_MEMO_MAX, weigh: ({ nodes }) => 1 + (nodes?.length ?? 0) }),
)

function findMustAsk(env: Env, skipMemo: SkipMemo, nowMs: number): MustAsk {
  if (skipMemo === 'always' && mayCallObject(env, { isKnown: true })) return 'for a token holder'
  return skipMemo !== 'never' && takeUncached(nowMs) ? 'for a visitor' : 'no'
}

let lastUncachedAtMs = 0

function takeUncached(nowMs: number): boolean {
  const sinceMs = nowMs - lastUncachedAtMs
  if (sinceMs >= 0 && sinceMs < UNCACHED_EVERY_MS) return false
  lastUncachedAtMs = nowMs
  return true
}
