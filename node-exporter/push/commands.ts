/**
 * What the edge asks for while somebody waits: fresh rounds, and what one pod says now. Whatever comes is read here first;
 * what can't be read, or isn't known, is left alone.
 */
import * as v from 'valibot'
import { cutText } from '../../worker/contract/cut-text.ts'
import { TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { POD_BODY_MAX_BYTES, type PodAnswer } from '../../worker/contract/link.ts'
import { commandSchema, type Command } from '../../worker/contract/report.ts'
import type { Ask, Asked } from '../probing/ask.ts'
import type { Prober } from '../probing/prober.ts'
import type { Log } from '../self/log.ts'

export interface CommandsOptions {
  prober: Pick<Prober, 'askNow' | 'find'>
  ask: Ask
  /** ms that a round may take, or a pod: whoever waits, waits 10 s. */
  roundMs: number
  podMs: number
  /** These rounds are done. */
  onRound: (ids: string[]) => void
  /** Over the live link; nobody waits for it elsewhere. */
  send: (answer: PodAnswer) => void
  log: Log
}

type RoundCommand = Extract<Command, { kind: 'round' }>
type PodCommand = Extract<Command, { kind: 'pod' }>

/** Pods that are asked at once. */
const PODS_MAX = 4

/** Characters of a content type that travel; nobody's is longer. */
const CONTENT_TYPE_MAX_LENGTH = 256

export class Commands {
  readonly #options: CommandsOptions
  /** Ids that wait for a round under way, by its service; undefined: of all services. */
  readonly #rounds = new Map<string | undefined, Set<string>>()
  readonly #pods = new Set<string>()

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  take(given: unknown): void {
    const command = v.safeParse(commandSchema, given)
    if (!command.success) {
      this.#options.log.warn('the edge asks for something that this exporter does not know')
      return
    }
    if (command.output.kind === 'round') void this.#takeRound(command.output)
    else void this.#takePod(command.output)
  }

  /** However many ask for it: one at a time, of all or of a service. */
  async #takeRound({ id, service }: RoundCommand): Promise<void> {
    const { prober, roundMs, onRound, log } = this.#options
    const joined = this.#rounds.get(undefined) ?? this.#rounds.get(service)
    if (joined !== undefined) {
      joined.add(id)
      return
    }
    const ids = new Set([id])
    this.#rounds.set(service, ids)
    const startMs = performance.now()
    await prober.askNow(service, roundMs)
    this.#rounds.delete(service)
    log.debug({ service, tookMs: Math.round(performance.now() - startMs) }, 'asked for a round')
    onRound([...ids])
  }

  async #takePod(command: PodCommand): Promise<void> {
    const { send } = this.#options
    const { id } = command
    if (this.#pods.has(id)) return // it came twice
    if (this.#pods.size >= PODS_MAX) {
      send({ kind: 'pod', id, answer: { ok: false, reason: 'busy: ask again in a moment' } })
      return
    }
    this.#pods.add(id)
    const answer = await this.#askPod(command)
    this.#pods.delete(id)
    send({ kind: 'pod', id, answer })
  }

  async #askPod({ service, pod }: PodCommand): Promise<PodAnswer['answer']> {
    const { prober, ask, podMs } = this.#options
    const place = prober.find(service, pod)
    if (place === null) return { ok: false, reason: `${service} has no pod of this name now` }
    return readAnswer(await ask(place, podMs))
  }
}

function readAnswer(asked: Asked): PodAnswer['answer'] {
  if (asked === null) return { ok: false, reason: 'the way to the pod is gone' }
  if (!asked.isAnswer) return { ok: false, reason: cutText(asked.reason, TEXT_MAX_BYTES) }
  const { status, contentType, text: body } = asked
  if (status < 100 || status > 599) return { ok: false, reason: `it answers HTTP ${status}` }
  // Bytes that are no UTF-8 have become longer on the way here.
  if (Buffer.byteLength(body) > POD_BODY_MAX_BYTES) {
    return { ok: false, reason: `the answer is over ${POD_BODY_MAX_BYTES} bytes` }
  }
  return { ok: true, status, contentType: contentType.slice(0, CONTENT_TYPE_MAX_LENGTH), body }
}
