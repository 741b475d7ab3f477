/**
 * A fresh round for a reader who waits. All readers without a token of an isolate who ask for the same share one call, for as
 * long as one round is shown; where no call is allowed, there is none.
 */
import type { Env } from '../env.ts'
import { Memo } from './memo.ts'
import { SharedReads } from './shared-reads.ts'

/** ms for which one round is shown to all who ask (behaviour, section 5). */
const SHOWN_FOR_MS = 5000
/** ms that the object may take beyond the 10 s that it waits itself. */
const TIMEOUT_MS = 11_000
/** Services, of all clusters, whose last round an isolate remembers. */
const ROUNDS_MAX = 1000

const rounds = new SharedReads<string | null>({
  memo: new Memo({ max: ROUNDS_MAX }),
  goodForMs: SHOWN_FOR_MS,
  staleForMs: SHOWN_FOR_MS,
  timeoutMs: TIMEOUT_MS,
})

/** Its id. `service` null: of all. null: none came in time, or none is to be had now. */
export async function findRound(
  env: Env,
  cluster: string,
  { service, isKnown }: { service: string | null; isKnown: boolean },
): Promise<string | null> {
  const ask = () => env.CLUSTER.getByName(cluster).refresh(service, isKnown)
  const part = service === null ? 'all' : `service ${service}`
  const read = await rounds.read(env, { cluster, part, isKnown, ask })
  return read.ok ? read.value : null
}
