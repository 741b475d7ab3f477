/** How clusters stand at a glance, without their services: what the overview of all clusters reads of each. */
import type { ClusterState } from '../domain/cluster.ts'
import type { Env } from '../env.ts'
import { Memo } from './memo.ts'
import { SharedReads, type SharedRead } from './shared-reads.ts'

/** ms that a read is good for without a token. */
const MEMO_MS = 1000
/**
 * ms up to which it is shown where no call is allowed: at ten calls a second, those of 150 clusters are renewed in that time. A
 * cluster that turns late or dead meanwhile is shown so all the same.
 */
const STALE_MS = 15_000
/** ms that one object may take: the others are shown all the same. */
const TIMEOUT_MS = 2000

const glances = new SharedReads<ClusterState | null>({
  memo: new Memo(),
  goodForMs: MEMO_MS,
  staleForMs: STALE_MS,
  timeoutMs: TIMEOUT_MS,
})

export function findGlance(
  env: Env,
  cluster: string,
  { isKnown }: { isKnown: boolean },
): Promise<SharedRead<ClusterState | null>> {
  const ask = async () => {
    const state = await env.CLUSTER.getByName(cluster).glance()
    // The memory of 5,000 services is not looked at here, and an isolate may keep a hundred glances.
    return state && { ...state, standing: { ...state.standing, memory: null } }
  }
  return glances.read(env, { cluster, isKnown, ask })
}

export function forgetGlance(cluster: string, nowMs: number): void {
  glances.forget(cluster, nowMs)
}
