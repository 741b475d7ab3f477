/** What happened to a cluster, or to a part of it. Readers without a token share their reads. */
import type { Transition } from '../domain/history.ts'
import type { Env } from '../env.ts'
import type { HistoryOf } from './event-log.ts'
import { Memo } from './memo.ts'
import { SharedReads, type SharedRead } from './shared-reads.ts'

/** ms that a read is good for without a token, and up to which it is shown where no call is allowed. */
const MEMO_MS = 1000
const STALE_MS = 4000
/** ms that the object may take. */
const TIMEOUT_MS = 5000
/** Events that an isolate keeps: a hundred bytes each, up to a few kB with the longest note. */
const EVENTS_MAX = 5000

const histories = new SharedReads<Transition[]>({
  memo: new Memo({ max: EVENTS_MAX, weigh: (events) => 1 + events.length }),
  goodForMs: MEMO_MS,
  staleForMs: STALE_MS,
  timeoutMs: TIMEOUT_MS,
  isSearch: true,
})

/** Newest first, with names of tokens and addresses: `hidePrivateEvents` takes them out for visitors. */
export function findHistory(
  env: Env,
  cluster: string,
  { of, isKnown }: { of: HistoryOf; isKnown: boolean },
): Promise<SharedRead<Transition[]>> {
  const ask = () => env.CLUSTER.getByName(cluster).history(of)
  const part = of === null ? 'all' : `${of.kind} ${of.name}`
  return histories.read(env, { cluster, part, isKnown, ask })
}

export function forgetHistory(cluster: string, nowMs: number): void {
  histories.forget(cluster, nowMs)
}
