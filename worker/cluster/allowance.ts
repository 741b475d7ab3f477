/**
 * What readers may cost the clusters' objects, counted per isolate: all readers without a token share one bucket, and token
 * holders have a reserve of their own that no visitor can use up. Probers' own reads (read-view.ts) need none of either.
 */
import { TokenBucket } from './token-bucket.ts'
import { readConfig, type Env } from '../env.ts'

/** Calls of objects a second, by all readers without a token together (behaviour, section 5). */
const VISITOR_CALLS_PER_SECOND = 10
/** Of an overview or a scrape: calls for each cluster, which the first one after a start makes at once. */
const CALLS_PER_CLUSTER = 2
/** Of these by searches: each may be another one, and loops of them must leave enough for the pages. */
const SEARCHES = { perSecond: 4, burst: 5 }
/** The same by all token holders: a dashboard of a hundred clusters, refreshed each second. */
const KNOWN_CALLS_PER_SECOND = 200

const visitors = new TokenBucket()
const searches = new TokenBucket()
const known = new TokenBucket()

/** Takes one call of an object. False: it must not be made; show what is known, or answer `busy`. */
export function mayCallObject(
  env: Env,
  { isKnown, isSearch = false }: { isKnown: boolean; isSearch?: boolean },
): boolean {
  const nowMs = Date.now()
  if (isKnown) {
    const rate = { perSecond: KNOWN_CALLS_PER_SECOND, burst: KNOWN_CALLS_PER_SECOND }
    return known.take(nowMs, rate)
  }
  if (isSearch && !searches.take(nowMs, SEARCHES)) return false
  const perSecond = VISITOR_CALLS_PER_SECOND
  const burst = Math.max(perSecond, CALLS_PER_CLUSTER * countClusters(env))
  return visitors.take(nowMs, { perSecond, burst })
}

function countClusters(env: Env): number {
  const read = readConfig(env)
  return read.ok ? read.config.PUSH_SECRETS.size : 0
}

/** As in an isolate that has just started. */
export function resetAllowance(): void {
  visitors.refill()
  searches.refill()
  known.refill()
}
