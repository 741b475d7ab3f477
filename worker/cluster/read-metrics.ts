/** The metrics of a cluster as its object wrote them. Readers without a token share their reads. */
import type { ClusterFormat, ClusterText } from '../dialects/metrics.ts'
import type { Env } from '../env.ts'
import { giveBack, takeCounts } from './counters.ts'
import { Memo } from './memo.ts'
import { SharedReads, type SharedRead } from './shared-reads.ts'

/** ms that a text is good for without a token, and up to which it is shown where no call is allowed. */
const MEMO_MS = 1000
const STALE_MS = 4000
/** ms that one cluster's object may take; Prometheus gives a scrape ten seconds. */
const READ_TIMEOUT_MS = 4000
/** Characters that an isolate keeps, of all clusters together: one page of the largest. */
const MEMO_MAX_LENGTH = 16_000_000

const texts = new SharedReads<ClusterText>({
  memo: new Memo({ max: MEMO_MAX_LENGTH, weigh: lengthOf }),
  goodForMs: MEMO_MS,
  staleForMs: STALE_MS,
  timeoutMs: READ_TIMEOUT_MS,
})

/** `isKnown`: a token holder's, with addresses, and as of now. Never rejects. */
export function readMetrics(
  env: Env,
  cluster: string,
  how: ClusterFormat & { isKnown: boolean },
): Promise<SharedRead<ClusterText>> {
  const { isKnown, prefix, maxLength } = how
  const ask = async () => {
    const counted = takeCounts(cluster)
    try {
      return await env.CLUSTER.getByName(cluster).measure(counted, how)
    } catch (error) {
      giveBack(cluster, counted) // not when it is merely late: then they have arrived
      throw error
    }
  }
  return texts.read(env, { cluster, part: `${prefix} ${maxLength} ${isKnown}`, isKnown, ask })
}

export function forgetMetrics(cluster: string, nowMs: number): void {
  texts.forget(cluster, nowMs)
}

function lengthOf(text: ClusterText): number {
  return Object.values(text).reduce((sum, lines) => sum + lines.length, 0)
}
