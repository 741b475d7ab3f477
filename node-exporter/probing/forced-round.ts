/** One round besides the rhythm, for somebody who waits for it: in batches, in half of the places, and for a bounded time. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LimitFunction } from 'p-limit'

/** Questions that leave together, and ms until the next: 5,000 take three seconds, and the loop stays free. */
const FORCED_BATCH = 16
const BATCH_EVERY_MS = 8

interface ForcedRound {
  questions: (() => Promise<void>)[]
  limit: LimitFunction
  /** ms; who wasn't asked by then isn't any more. */
  forMs: number
}

/** Resolves when each question has its answer, or after `forMs`. */
export async function runForcedRound({ questions, limit, forMs }: ForcedRound): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  const timeUp = sleep(forMs, undefined, { signal }).catch(() => undefined) // ended below
  await Promise.race([askAll(questions, limit, signal), timeUp])
  over.abort()
}

async function askAll(
  questions: (() => Promise<void>)[],
  limit: LimitFunction,
  signal: AbortSignal,
): Promise<void> {
  const asking: Promise<void>[] = []
  for (const [i, ask] of questions.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- in batches, as new ones
    if (i > 0 && i % FORCED_BATCH === 0) await sleep(BATCH_EVERY_MS)
    if (signal.aborted) return
    asking.push(
      limit(async () => {
        if (!signal.aborted) await ask()
      }),
    )
  }
  await Promise.all(asking)
}
