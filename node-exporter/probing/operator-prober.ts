/** Asks one pod what its kubelet asks: its own httpGet probes, every period. What can't be asked is unknown, never a fault. */
import { isDeepStrictEqual } from 'node:util'
import type { OperatorPod, ProbeKind, ProbePlaces } from '../discovery/node-operator-objects.ts'
import type { Ask } from './ask.ts'

export type ProbeAnswer = 'ok' | 'not ok' | 'unknown'
export type ProbeAnswers = Record<ProbeKind, ProbeAnswer>

const UNKNOWN: ProbeAnswers = { liveness: 'unknown', readiness: 'unknown' }

type Asked = Pick<OperatorPod, 'namespace' | 'name' | 'probes'>

export class OperatorProber {
  readonly #options: { ask: Ask; periodMs: number; timeoutMs: number }
  #pod: Asked | null = null
  #answers = UNKNOWN
  #timer: NodeJS.Timeout | undefined

  constructor(options: { ask: Ask; periodMs: number; timeoutMs: number }) {
    this.#options = options
  }

  /** Of the pod that is followed; unknown until it was asked. */
  get answers(): ProbeAnswers {
    return this.#answers
  }

  /** From now on this one is asked, at once if it is another; null: none. */
  follow(pod: OperatorPod | null): void {
    const next = pod && { namespace: pod.namespace, name: pod.name, probes: pod.probes }
    if (isDeepStrictEqual(next, this.#pod)) return
    clearTimeout(this.#timer)
    this.#pod = next
    this.#answers = UNKNOWN
    if (next !== null) void this.#ask(next)
  }

  stop(): void {
    this.follow(null)
  }

  /** Never rejects, for no `Ask` does. Whoever is no longer followed is not heard. */
  async #ask(pod: Asked): Promise<void> {
    const [liveness, readiness] = await Promise.all([
      this.#askEach(pod.probes.liveness),
      this.#askEach(pod.probes.readiness),
    ])
    if (pod !== this.#pod) return
    this.#answers = { liveness, readiness }
    this.#timer = setTimeout(() => {
      void this.#ask(pod)
    }, this.#options.periodMs)
  }

  async #askEach(places: ProbePlaces[ProbeKind]): Promise<ProbeAnswer> {
    const { ask, timeoutMs } = this.#options
    const answers = await Promise.all(
      places.map(async (place): Promise<ProbeAnswer> => {
        const asked = place && (await ask(place, timeoutMs))
        return asked?.isAnswer ? judgeStatus(asked.status) : 'unknown'
      }),
    )
    return combineAnswers(answers)
  }
}

/** As the kubelet takes it, but that a redirect counts without being followed. */
function judgeStatus(status: number): ProbeAnswer {
  return status >= 200 && status < 400 ? 'ok' : 'not ok'
}

/** Of several containers one that isn't ok is enough, and ok takes all of them. */
export function combineAnswers(answers: ProbeAnswer[]): ProbeAnswer {
  if (answers.includes('not ok')) return 'not ok'
  return answers.length === 0 || answers.includes('unknown') ? 'unknown' : 'ok'
}
