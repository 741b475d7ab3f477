/** One question to one pod, and what its answer says of it. */
import type { DiscoveredTarget } from '../discovery/targets.ts'
import type { Ask } from './ask.ts'
import { judgeAnswer, type Judged, notAnswered } from './health-answer.ts'

/** What is found out about the pod of a target that fails. */
interface OfPod {
  /** It has never been ready, and hasn't been trying for too long. */
  starting?: true
  /** It had not been ready when it was asked, as far as is known. */
  wasReady?: false
  /** Whether it has ever been ready could not be read. */
  isUnread?: true
}

/** `mayRetry`, and null, as in Asked. */
export type Probed = (Judged & { mayRetry: boolean } & OfPod) | null

export type Probe = (target: DiscoveredTarget, timeoutMs: number) => Promise<Probed>

export function probeBy(ask: Ask): Probe {
  return async (target, timeoutMs) => {
    const asked = await ask(target, timeoutMs)
    if (asked === null) return null
    if (!asked.isAnswer) return { ...notAnswered(asked.reason), mayRetry: asked.mayRetry }
    return { ...judgeAnswer(asked.status, asked.text), mayRetry: false }
  }
}
