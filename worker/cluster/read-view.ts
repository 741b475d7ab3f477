/**
 * How a verdict is read at the edge: this isolate's memo, else the object, else what KV last published, held.
 * Only plain values are kept between requests; every one of them is judged again by the clock of whoever reads.
 */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import { makeView, type ClusterView } from '../domain/gtg.ts'
import type { Env } from '../env.ts'
import { readRecord } from '../store/cluster-record.ts'
import { giveBack, takeCounts } from './counters.ts'
import { within } from './within.ts'

/** ms a view is answered from memory: what a burst of probers costs the one object, against freshness. */
const MEMO_MS = 1000
/** ms until the object counts as out of reach, and until KV is asked beside it (behaviour, section 4). */
const OBJECT_DEADLINE_MS = 450
const KV_START_MS = 300
/** 700 ms are promised; what is left is for judging and answering. */
const ANSWER_DEADLINE_MS = 650
/** ms between two reads past the memo for callers without a token. */
const UNCACHED_EVERY_MS = 1000

export interface ReadView {
  view: ClusterView
  /** It is what KV last published, kept standing while the object can't be reached. */
  isCopy: boolean
}

/** Whoever has no token may pass the memo once a second, all of them together. */
export type SkipMemo = 'never' | 'now and then' | 'always'

const memos = new Map<string, { view: ClusterView; readAtMs: number }>()
/** Reads that failed without one that succeeded in between. */
const failing = new Map<string, { sinceMs: number; lastMs: number }>()
let lastUncachedAtMs = 0

/**
 * null: neither the object, nor the memo, nor KV can answer. Takes 650 ms at most and never rejects. `goOn` keeps a read
 * alive behind the answer: an object that is late for this prober is not out of reach.
 */
export async function readView(
  env: Env,
  cluster: string,
  { skipMemo, goOn }: { skipMemo: SkipMemo; goOn: (work: Promise<unknown>) => void },
): Promise<ReadView | null> {
  const startMs = Date.now()
  const memo = memos.get(cluster)
  const mustAsk = skipMemo === 'always' || (skipMemo === 'now and then' && takeUncached(startMs))
  if (!mustAsk && memo !== undefined && startMs - memo.readAtMs < MEMO_MS) {
    return { view: memo.view, isCopy: false }
  }
  const asked = askObject(env, cluster, startMs)
  goOn(asked)
  const fromObject = within(OBJECT_DEADLINE_MS, asked)
  const fromStore = within(KV_START_MS, asked).then((view) =>
    view === null ? within(ANSWER_DEADLINE_MS - KV_START_MS, readRecord(env.STATE, cluster)) : null,
  )
  const view = await fromObject
  return view === null ? readInPlace(cluster, { startMs, fromStore }) : { view, isCopy: false }
}

/** Somebody just changed something through this isolate: they must not be shown what was before. */
export function forgetView(cluster: string): void {
  memos.delete(cluster)
}

/** null when it fails; what it gives is remembered, however late. */
async function askObject(env: Env, cluster: string, startMs: number): Promise<ClusterView | null> {
  const counted = takeCounts(cluster)
  try {
    const view = await env.CLUSTER.getByName(cluster).view(counted)
    failing.delete(cluster)
    // Of two reads side by side the one that started later knows better.
    if (startMs >= (memos.get(cluster)?.readAtMs ?? 0))
      memos.set(cluster, { view, readAtMs: startMs })
    return view
  } catch (error) {
    giveBack(cluster, counted)
    console.error('object not read:', error instanceof Error ? error.message : error)
    return null
  }
}

async function readInPlace(
  cluster: string,
  { startMs, fromStore }: { startMs: number; fromStore: ReturnType<typeof readRecord> },
): Promise<ReadView | null> {
  const nowMs = Date.now()
  const memo = memos.get(cluster)
  const heldUntilMs = noteFailure(cluster, nowMs) + HOLD_MAX_MS
  const isAlive = memo !== undefined && nowMs <= (memo.view.lease.validUntilMs ?? 0)
  if (isAlive || (memo !== undefined && memo.readAtMs > startMs)) {
    return { view: memo.view, isCopy: false }
  }
  const record = await fromStore
  if (record === null || nowMs > heldUntilMs) return null
  // KV never ages, for a stable cluster is not written for days: the hold runs from the first failed read.
  const validUntilMs = record.isDead ? 0 : heldUntilMs
  const { lease, intervalSeconds, categories } = record
  const pulse = { lease: { ...lease, validUntilMs }, intervalSeconds }
  return { view: makeView({ pulse, standing: { categories } }), isCopy: true }
}

/** ms; since when reads fail. A failure long after the last one is another outage. */
function noteFailure(cluster: string, nowMs: number): number {
  const known = failing.get(cluster)
  const isSame = known !== undefined && nowMs - known.lastMs <= HOLD_MAX_MS
  const sinceMs = isSame ? known.sinceMs : nowMs
  failing.set(cluster, { sinceMs, lastMs: nowMs })
  return sinceMs
}

function takeUncached(nowMs: number): boolean {
  if (nowMs - lastUncachedAtMs < UNCACHED_EVERY_MS) return false
  lastUncachedAtMs = nowMs
  return true
}
