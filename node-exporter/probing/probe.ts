/** One question to one pod, and what its answer says of it. */
import type { DiscoveredTarget } from '../discovery/targets.ts'
import type { Ask } from './ask.ts'
import { judgeAnswer, type Judged, notAnswered } from './health-answer.ts'

/** `mayRetry`, and null, as in Asked. `starting`: it fails, and its pod has never been ready. */
export type Probed = (Judged & { mayRetry: boolean; starting?: true }) | null

export type Probe = (target: DiscoveredTarget, timeoutMs: number) => Promise<Probed>

export function probeBy(ask: Ask): Probe {
  return async (target, timeoutMs) => {
    const asked = await ask(target, timeoutMs)
    if (asked === null) return null
    if (!asked.isAnswer) return { ...notAnswered(asked.reason), mayRetry: asked.mayRetry }
    return { ...judgeAnswer(asked.status, asked.text), mayRetry: false }
  }
}
