/**
 * What the exporter is asked for a reader who waits: a fresh round, and what a pod says now. Token holders have one round each
 * five seconds however many want it; all visitors together have one each half a minute, so that they can't multiply the
 * probes of pods. Nothing of it is stored: the reader who waits keeps the object in memory.
 */
import type { PodAnswer } from '../contract/link.ts'
import type { Command } from '../contract/report.ts'
import { within } from './within.ts'

/** ms between two rounds for token holders, and for visitors (behaviour, section 5). */
const ROUND_EVERY_MS = 5000
const VISITOR_ROUND_EVERY_MS = 30_000
/** ms that whoever asks for a round waits. */
const ROUND_TIMEOUT_MS = 10_000
/** ms that a pod has to answer, the way there and back included. */
const POD_TIMEOUT_MS = 9000
/** ms for which a pod's answer is shown to whoever asks for the same; and pods asked in any such time. */
const POD_EVERY_MS = 2000
const PODS_MAX = 10

type LiveAnswer = PodAnswer['answer']

/** null: of all services. */
type Service = string | null

interface Round {
  id: string
  service: Service
  /** A token holder asked for it. */
  isKnown: boolean
  startMs: number
  isDone: boolean
  /** A report came that has it. */
  done: Promise<true>
  end: () => void
}

interface AskedPod {
  id: string
  startMs: number
  answer: Promise<LiveAnswer | null>
  end: (answer: LiveAnswer | null) => void
}

export class Commands {
  /** False where there is no live link. */
  readonly #send: (command: Command) => boolean
  /** Those that were begun, the newest last, and the one for token holders that waits for its turn. */
  #rounds: Round[] = []
  #next: Round | null = null
  /** ms; when visitors last had a round of theirs. */
  #visitorRoundMs = -Infinity
  /** By pod and service. */
  readonly #pods = new Map<string, AskedPod>()
  /** For the answer to the next report, where there is no live link. */
  #waiting: { command: Command; untilMs: number }[] = []

  constructor(send: (command: Command) => boolean) {
    this.#send = send
  }

  /**
   * Resolves when a report has come that this round is in, with its id; or with null: it took too long, or visitors have had
   * theirs. `isKnown`: for a token holder.
   */
  async round(service: Service, { isKnown }: { isKnown: boolean }): Promise<string | null> {
    const nowMs = Date.now()
    const round =
      this.#findRunning(service, nowMs) ??
      (isKnown ? this.#beginOrPlan(service, nowMs) : this.#beginForVisitor(service, nowMs))
    if (round === null) return null
    return (await within(ROUND_TIMEOUT_MS, round.done)) === null ? null : round.id
  }

  /** null: nothing came in time, or too many ask. Only over a live link. */
  async askPod(service: string, pod: string): Promise<LiveAnswer | null> {
    const nowMs = Date.now()
    for (const [key, { startMs }] of this.#pods) {
      if (nowMs - startMs >= POD_TIMEOUT_MS) this.#pods.delete(key)
    }
    const key = JSON.stringify([service, pod])
    const known = this.#pods.get(key)
    const asked =
      known !== undefined && nowMs - known.startMs < POD_EVERY_MS
        ? known
        : this.#sendPod(key, { service, pod, nowMs })
    return asked === null ? null : within(POD_TIMEOUT_MS, asked.answer)
  }

  /** Commands that nobody was there to hear; they are told once. */
  take(): Command[] {
    const nowMs = Date.now()
    const due = this.#waiting.filter(({ untilMs }) => nowMs <= untilMs)
    this.#waiting = []
    return due.map(({ command }) => command)
  }

  /** A report came that these rounds are in. */
  finish(ids: string[]): void {
    for (const round of this.#rounds) {
      if (!ids.includes(round.id)) continue
      round.isDone = true
      round.end()
    }
  }

  /** What a pod said has come. */
  hear({ id, answer }: PodAnswer): void {
    for (const asked of this.#pods.values()) if (asked.id === id) asked.end(answer)
  }

  /** One that has what is wanted, begun for either, and young enough to be shown. */
  #findRunning(service: Service, nowMs: number): Round | null {
    const has = (round: Round) => round.service === null || round.service === service
    const running = this.#rounds.findLast((round) => has(round) && !this.#isOver(round, nowMs))
    return running ?? (this.#next !== null && has(this.#next) ? this.#next : null)
  }

  #beginForVisitor(service: Service, nowMs: number): Round | null {
    const nextMs = this.#visitorRoundMs + VISITOR_ROUND_EVERY_MS
    if (nowMs < nextMs) return null
    this.#visitorRoundMs = nowMs
    return this.#begin(makeRound(service, { isKnown: false }), nowMs)
  }

  #beginOrPlan(service: Service, nowMs: number): Round {
    const last = this.#rounds.findLast(({ isKnown }) => isKnown)
    if (last === undefined || this.#isOver(last, nowMs)) {
      return this.#next ?? this.#begin(makeRound(service, { isKnown: true }), nowMs)
    }
    // Its turn comes; what is wanted meanwhile is asked together.
    if (this.#next === null) this.#next = this.#plan(service, last.startMs + ROUND_EVERY_MS)
    else if (this.#next.service !== service) this.#next.service = null
    return this.#next
  }

  /** Readers who ask from then on are owed another one. */
  #isOver({ startMs, isDone }: Round, nowMs: number): boolean {
    return nowMs - startMs >= (isDone ? ROUND_EVERY_MS : ROUND_TIMEOUT_MS)
  }

  #plan(service: Service, atMs: number): Round {
    const round = makeRound(service, { isKnown: true })
    setTimeout(
      () => {
        this.#next = null
        this.#begin(round, Date.now())
      },
      Math.max(0, atMs - Date.now()),
    )
    return round
  }

  #begin(round: Round, nowMs: number): Round {
    round.startMs = nowMs
    this.#rounds = [...this.#rounds.filter((one) => nowMs - one.startMs < ROUND_TIMEOUT_MS), round]
    const { id, service } = round
    const command = { kind: 'round', id, ...(service === null ? {} : { service }) } as const
    if (!this.#send(command)) {
      const others = this.#waiting.filter(({ untilMs }) => nowMs < untilMs)
      this.#waiting = [...others, { command, untilMs: nowMs + ROUND_TIMEOUT_MS }]
    }
    return round
  }

  #sendPod(
    key: string,
    { service, pod, nowMs }: { service: string; pod: string; nowMs: number },
  ): AskedPod | null {
    const recent = [...this.#pods.values()].filter(({ startMs }) => nowMs - startMs < POD_EVERY_MS)
    if (recent.length >= PODS_MAX) return null
    const { promise: answer, resolve: end } = Promise.withResolvers<LiveAnswer | null>()
    const asked = { id: crypto.randomUUID(), startMs: nowMs, answer, end }
    if (!this.#send({ kind: 'pod', id: asked.id, service, pod })) return null
    this.#pods.set(key, asked)
    return asked
  }
}

function makeRound(service: Service, { isKnown }: { isKnown: boolean }): Round {
  const { promise: done, resolve } = Promise.withResolvers<true>()
  const end = () => {
    resolve(true)
  }
  return { id: crypto.randomUUID(), service, isKnown, startMs: 0, isDone: false, done, end }
}
