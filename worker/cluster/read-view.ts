/**
 * How a verdict is read at the edge: this isolate's memo, else the object, else what KV last published, held.
 * Only plain values are kept between requests; every one of them is judged again by the clock of whoever reads.
 */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import type { ClusterView } from '../domain/gtg.ts'
import type { Env } from '../env.ts'
import { readRecord } from '../store/cluster-record.ts'

/** ms a view is answered from memory: what a burst of probers costs the one object, against freshness. */
const MEMO_MS = 1000
/** ms until the object counts as out of reach, and until KV is asked beside it (behaviour, section 4). */
const OBJECT_DEADLINE_MS = 450
const KV_START_MS = 300
const ANSWER_DEADLINE_MS = 700
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
const failingSinceMs = new Map<string, number>()
let lastUncachedAtMs = 0

/** null: neither the object, nor the memo, nor KV can answer. Takes 700 ms at most and never throws. */
export async function readView(
  env: Env,
  cluster: string,
  skipMemo: SkipMemo,
): Promise<ReadView | null> {
  const startMs = Date.now()
  const memo = memos.get(cluster)
  const mustAsk = skipMemo === 'always' || (skipMemo === 'now and then' && takeUncached(startMs))
  if (!mustAsk && memo !== undefined && startMs - memo.readAtMs < MEMO_MS) {
    return { view: memo.view, isCopy: false }
  }
  const fromObject = within(OBJECT_DEADLINE_MS, env.CLUSTER.getByName(cluster).view())
  const fromStore = within(KV_START_MS, fromObject).then((view) =>
    view === null ? within(ANSWER_DEADLINE_MS - KV_START_MS, readRecord(env.STATE, cluster)) : null,
  )
  const view = await fromObject
  if (view !== null) {
    memos.set(cluster, { view, readAtMs: startMs })
    failingSinceMs.delete(cluster)
    return { view, isCopy: false }
  }
  return readInPlace(cluster, { memo: memo?.view, fromStore })
}

async function readInPlace(
  cluster: string,
  { memo, fromStore }: { memo: ClusterView | undefined; fromStore: ReturnType<typeof readRecord> },
): Promise<ReadView | null> {
  const nowMs = Date.now()
  const sinceMs = failingSinceMs.get(cluster) ?? nowMs
  failingSinceMs.set(cluster, sinceMs)
  if (memo !== undefined && nowMs <= (memo.lease.validUntilMs ?? 0)) {
    return { view: memo, isCopy: false }
  }
  const heldUntilMs = sinceMs + HOLD_MAX_MS
  const record = await fromStore
  if (record === null || nowMs > heldUntilMs) return null
  // KV never ages, for a stable cluster is not written for days: the hold runs from the first failed read.
  const validUntilMs = record.isDead ? 0 : heldUntilMs
  return { view: { ...record.view, lease: { ...record.view.lease, validUntilMs } }, isCopy: true }
}

function takeUncached(nowMs: number): boolean {
  if (nowMs - lastUncachedAtMs < UNCACHED_EVERY_MS) return false
  lastUncachedAtMs = nowMs
  return true
}

/** What it gives in time; null when it fails or is late. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => {
    resolve(null)
  }, ms)
  try {
    return await Promise.race([work, promise])
  } catch (error) {
    console.error('read failed:', error instanceof Error ? error.message : error)
    return null
  } finally {
    clearTimeout(timer)
  }
}
