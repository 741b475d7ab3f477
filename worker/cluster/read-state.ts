/**
 * All that is held of a cluster, for pages, JSON and metrics. The object hands over its large parts unread: parsing them
 * is work for the isolate that asks, for the one writer has reports to take. Whoever has no token shares a memo.
 */
import { within } from './within.ts'
import type { ClusterState } from '../domain/cluster.ts'
import type { Env } from '../env.ts'
import { Memo } from './memo.ts'
import { parseContent, parseNodes, parseServices, type StoredState } from './storage.ts'

/** ms that a read is good for where nobody is known: what a crowd of open pages costs the one object. */
const MEMO_MS = 1000
/** Clusters whose whole state an isolate keeps: it may be megabytes, and `__gtg` lives in the same 128. */
const MEMO_MAX = 3
/** ms that the object may take: a page says then that it can't be read. */
const READ_TIMEOUT_MS = 5000

/** ms up to which it is shown while another request of this isolate reads a newer one. */
const STALE_MS = 4000

/** ms by cluster; when a read began that is still under way. */
const asking = new Map<string, number>()
const memo = new Memo<ClusterState | null>(MEMO_MAX)

/** Throws when the object can't be reached in time. `isKnown`: somebody with a token sees what is there now. */
export async function readState(
  env: Env,
  cluster: string,
  { isKnown }: { isKnown: boolean },
): Promise<ClusterState | null> {
  const startMs = Date.now()
  const kept = memo.get(cluster)
  if (!isKnown && kept !== undefined) {
    const ageMs = startMs - kept.doneMs
    // A crowd behind somebody who asks already would only hold the object up.
    const isAsked = startMs - (asking.get(cluster) ?? -Infinity) < READ_TIMEOUT_MS
    if (ageMs < MEMO_MS || (isAsked && ageMs < STALE_MS)) return kept.value
  }
  asking.set(cluster, startMs)
  const asked = env.CLUSTER.getByName(cluster)
    .read()
    .finally(() => asking.delete(cluster))
  const read = await within(
    READ_TIMEOUT_MS,
    asked.then((stored) => ({ stored })),
  )
  if (read === null) throw new Error(`the object of ${cluster} could not be read`)
  const value = parseState(read.stored)
  if (value?.content === null && (read.stored?.content ?? read.stored?.report ?? null) !== null) {
    await env.CLUSTER.getByName(cluster).forgetDigest()
  }
  memo.keep(cluster, { value, startMs, doneMs: Date.now() })
  return value
}

export function forgetState(cluster: string, nowMs: number): void {
  memo.forget(cluster, nowMs)
}

export function parseState(stored: StoredState | null): ClusterState | null {
  if (stored === null) return null
  const { content, report, frame, services, nodes, standing, ...small } = stored
  return {
    ...small,
    content: parseContent({ content, report, frame }),
    standing: { ...standing, services: parseServices(services), nodes: parseNodes(nodes) },
  }
}
