/**
 * The metrics of a cluster as its object wrote them. Readers without a token share one call for a second; here the limiter
 * for such readers belongs, too.
 */
import { waitUntil } from 'cloudflare:workers'
import { writeCluster, type ClusterFormat, type ClusterText } from '../dialects/metrics.ts'
import type { Env } from '../env.ts'
import { giveBack, takeCounts } from './counters.ts'
import { within } from './within.ts'

/** ms for which a text is shown without a token. */
const GOOD_FOR_MS = 1000
/** ms that one cluster's object may take; Prometheus gives a scrape ten seconds. */
const READ_TIMEOUT_MS = 4000

interface Shared {
  maxLength: number
  startMs: number
  /** ms; Infinity while the object is asked. */
  doneMs: number
  /** null: the object failed. */
  asked: Promise<ClusterText | null>
}

/** By cluster and prefix: the read that is under way, or the last one. */
const shared = new Map<string, Shared>()

/** Never rejects. Of an object that can't be read in time the text says so, and nothing else. */
export async function readMetrics(
  env: Env,
  cluster: string,
  { isKnown, ...format }: ClusterFormat & { isKnown: boolean },
): Promise<ClusterText> {
  const key = `${cluster} ${format.prefix}`
  const nowMs = Date.now()
  const known = shared.get(key)
  const isShared = !isKnown && known?.maxLength === format.maxLength && isGood(known, nowMs)
  const read = isShared ? known : ask(env, cluster, { isKnown, ...format })
  shared.set(key, read)
  const text = await within(READ_TIMEOUT_MS, read.asked)
  // Without counters: at zero they would read as ones that start anew.
  const counters = { gtg: {}, reports: {} }
  return text ?? writeCluster({ cluster, status: null, counters }, format)
}

/** An act changed something through this isolate: no text is shown that was read before. */
export function forgetMetrics(cluster: string): void {
  for (const key of shared.keys()) if (key.startsWith(`${cluster} `)) shared.delete(key)
}

/** A clock that was set back tells nothing of its age. */
function isGood({ startMs, doneMs }: Shared, nowMs: number): boolean {
  if (nowMs < startMs) return false
  return doneMs === Infinity ? nowMs - startMs < READ_TIMEOUT_MS : nowMs - doneMs < GOOD_FOR_MS
}

function ask(env: Env, cluster: string, how: ClusterFormat & { isKnown: boolean }): Shared {
  const counted = takeCounts(cluster)
  const asked = env.CLUSTER.getByName(cluster)
    .measure(counted, how)
    .catch((error: unknown) => {
      giveBack(cluster, counted) // not when it is merely late: then they have arrived
      console.error('not measured:', error instanceof Error ? error.message : error)
      return null
    })
    .finally(() => {
      read.doneMs = Date.now()
    })
  const read: Shared = { maxLength: how.maxLength, startMs: Date.now(), doneMs: Infinity, asked }
  // Others wait for it too: it must not end with the request that began it.
  waitUntil(asked)
  return read
}
