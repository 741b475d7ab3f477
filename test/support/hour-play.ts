/** An hour of rounds in fast time: faults befall exporters, edge and model alike, and all that is answered is compared. */
import type { PlayedAct } from './hour-model-verdicts.ts'
import { T0 } from './apply.ts'
import { HourEdge } from './hour-edge.ts'
import { HourExporter } from './hour-exporter.ts'
import { CLUSTERS, ROUND_MS, ROUNDS, type Fault } from './hour-faults.ts'
import { HourModel } from './hour-model.ts'
import { CATEGORIES, makeReport, type Sighting } from './hour-report.ts'

/** ms within a round: when the clusters' exporters push, and when somebody looks although nothing happens. */
const PUSH_AT_MS = [200, 1311, 2477]
const LOOK_AT_MS = 7321
const LEASE_MS = 60_000
const QUESTIONS = [
  ...['default', ...CATEGORIES.map(({ name }) => name)].map((one) => [one]),
  ['read', 'pay'],
]

export interface Played {
  /** The first answer that isn't the model's, or breaks a rule; null: none. */
  wrong: string | null
  answers: number
  /** How often each was given. */
  words: Record<string, number>
  edge: HourEdge
  turns: Turn[]
  /** bytes of all states, by round. */
  sizes: number[]
}

/** A word that was another one when somebody last looked. */
export interface Turn {
  cluster: string
  category: string
  fromMs: number
  toMs: number
  words: string
}

interface Happening {
  atMs: number
  run: (nowMs: number) => void
}

/** `hasAlarms` false: none ever fires by itself. Else all do once a round, up to 10 s late. */
export function playHour(faults: Fault[], { hasAlarms }: { hasAlarms: boolean }): Played {
  const hour = new Hour()
  return hour.play(faults, hasAlarms)
}

class Hour {
  readonly #model = new HourModel()
  readonly #edge = new HourEdge()
  readonly #exporters = new Map(CLUSTERS.map((cluster) => [cluster, new HourExporter()]))
  #queue: Happening[] = []
  #lookedAtMs = T0
  readonly #lastWords = new Map<string, { atMs: number; word: string }>()
  /** By cluster: the end of the lease that its reports gave. */
  readonly #leaseEndsMs = new Map<string, number>()
  /** By cluster and category: disabled by hand, and nothing came since that could end it. */
  readonly #disabled = new Set<string>()
  readonly #played: Played = {
    wrong: null,
    answers: 0,
    words: {},
    edge: this.#edge,
    turns: [],
    sizes: [],
  }

  play(faults: Fault[], hasAlarms: boolean): Played {
    let next = 0
    for (let round = 0; round < ROUNDS && this.#played.wrong === null; round += 1) {
      const startMs = T0 + round * ROUND_MS
      for (const [i, cluster] of CLUSTERS.entries()) {
        this.#plan(startMs + (PUSH_AT_MS[i] ?? 0), (nowMs) => this.#round(cluster, nowMs))
      }
      this.#plan(startMs + LOOK_AT_MS, (nowMs) => {
        for (const cluster of hasAlarms ? CLUSTERS : []) this.#edge.alarm(cluster, nowMs)
      })
      for (; (faults[next]?.atMs ?? Infinity) < startMs + ROUND_MS; next += 1) {
        const fault = faults[next]
        if (fault !== undefined) this.#plan(fault.atMs, (nowMs) => this.#befall(fault, nowMs))
      }
      this.#run(startMs + ROUND_MS)
      this.#played.sizes.push(this.#edge.size())
    }
    return this.#played
  }

  #plan(atMs: number, run: Happening['run']): void {
    this.#queue.push({ atMs, run })
  }

  #run(untilMs: number): void {
    for (;;) {
      this.#queue.sort((a, b) => a.atMs - b.atMs)
      const [happening] = this.#queue
      if (happening === undefined || happening.atMs >= untilMs || this.#played.wrong !== null)
        return
      this.#queue.shift()
      this.#lookThrough(happening.atMs)
      // Before and after: what time alone has turned is not blamed on what happens now.
      this.#look(happening.atMs)
      happening.run(happening.atMs)
      this.#look(happening.atMs)
    }
  }

  /** At each end of something: what nobody looks at when it ends is judged by what is known only later. */
  #lookThrough(untilMs: number): void {
    for (;;) {
      const endMs = this.#model.findNextEnd(this.#lookedAtMs)
      if (endMs + 1 >= untilMs) return
      this.#look(endMs + 1)
    }
  }

  #round(cluster: string, nowMs: number): void {
    const exporter = this.#exporterOf(cluster)
    const sighting = exporter.round(nowMs)
    if (sighting !== null) this.#send(cluster, sighting, nowMs)
  }

  #send(cluster: string, sighting: Sighting, nowMs: number): void {
    const exporter = this.#exporterOf(cluster)
    const { travel } = exporter
    exporter.travel = null
    const arrive = (laterMs: number) => {
      this.#arrive(cluster, sighting, laterMs)
    }
    if (travel?.kind === 'lose') return
    if (travel?.kind === 'refuse') return exporter.learn('refused')
    if (travel?.kind === 'delay') return this.#plan(nowMs + travel.byMs, arrive)
    if (travel?.kind === 'double') this.#plan(nowMs + 1, arrive)
    const answer = this.#arrive(cluster, sighting, nowMs)
    exporter.learn(answer)
  }

  #arrive(cluster: string, sighting: Sighting, nowMs: number) {
    const applied = this.#edge.hear(cluster, makeReport(cluster, sighting), nowMs)
    const isAccepted = this.#model.hear(cluster, sighting, nowMs)
    this.#expectSame(`${cluster} #${sighting.epoch}/${sighting.sequence}`, nowMs, [
      applied.ok,
      isAccepted,
    ])
    if (isAccepted && sighting.kind !== 'blind') {
      const endMs = Math.min(sighting.observedAtMs, nowMs) + LEASE_MS
      this.#leaseEndsMs.set(cluster, Math.max(this.#leaseEndsMs.get(cluster) ?? 0, endMs))
    }
    return applied
  }

  #befall(fault: Fault, nowMs: number): void {
    const { cluster } = fault
    const exporter = this.#exporterOf(cluster)
    exporter.befall(fault)
    const act = readAct(fault)
    if (act !== null) {
      const did = [this.#edge.act(cluster, act, nowMs), this.#model.act(cluster, act, nowMs)]
      this.#expectSame(`${cluster} ${JSON.stringify(act)}`, nowMs, did)
    }
    this.#noteSwitch(fault)
    const pushed = fault.kind === 'push' ? exporter.push(nowMs) : null
    if (pushed !== null) this.#send(cluster, pushed, nowMs)
    if (fault.kind === 'deposed') this.#arrive(cluster, exporter.deposed(nowMs), nowMs)
    if (fault.kind === 'alarm') this.#edge.alarm(cluster, nowMs)
    if (fault.kind === 'evict') this.#edge.evict(cluster)
    if (fault.kind !== 'lose storage') return
    this.#edge.loseStorage(cluster, nowMs)
    this.#model.loseStorage(cluster, nowMs)
  }

  #noteSwitch(fault: Fault): void {
    if (fault.kind === 'disable') this.#disabled.add(`${fault.cluster} ${fault.category}`)
    if (fault.kind === 'enable' || fault.kind === 'configmap') {
      this.#disabled.delete(`${fault.cluster} ${fault.category}`)
    }
  }

  #look(nowMs: number): void {
    this.#lookedAtMs = nowMs
    this.#edge.look(nowMs)
    this.#model.pass(nowMs)
    for (const cluster of this.#edge.takePublished()) this.#model.publish(cluster)
    for (const cluster of CLUSTERS) {
      for (const categories of QUESTIONS) this.#ask(cluster, categories, nowMs)
    }
  }

  #ask(cluster: string, categories: string[], nowMs: number): void {
    const { passes, reason } = this.#edge.ask(cluster, categories, nowMs)
    const word = `${passes ? 200 : 503} ${reason}`
    const asked = `${cluster} ${categories.join(',')}`
    this.#expectSame(asked, nowMs, [word, this.#model.ask(cluster, categories, nowMs)])
    const isPastLease = nowMs > (this.#leaseEndsMs.get(cluster) ?? 0)
    if (passes && isPastLease && reason !== 'held') {
      this.#tell(asked, nowMs, `says ${word} past the end of its lease`)
    }
    if (passes && this.#disabled.has(asked))
      this.#tell(asked, nowMs, `says ${word} though disabled`)
    this.#played.answers += 1
    this.#played.words[word] = (this.#played.words[word] ?? 0) + 1
    const last = this.#lastWords.get(asked)
    const [category = '', ...others] = categories
    if (last !== undefined && last.word !== word && others.length === 0) {
      const words = `${last.word} → ${word}`
      this.#played.turns.push({ cluster, category, fromMs: last.atMs, toMs: nowMs, words })
    }
    this.#lastWords.set(asked, { atMs: nowMs, word })
  }

  #expectSame(what: string, nowMs: number, [product, model]: unknown[]): void {
    if (product !== model) {
      this.#tell(what, nowMs, `product ${String(product)}, model ${String(model)}`)
    }
  }

  #tell(what: string, nowMs: number, words: string): void {
    this.#played.wrong ??= `${tellMs(nowMs)} ${what}: ${words}`
  }

  #exporterOf(cluster: string): HourExporter {
    const exporter = this.#exporters.get(cluster)
    if (exporter === undefined) throw new Error(`no such cluster: ${cluster}`)
    return exporter
  }
}

/** null: nobody does anything. */
function readAct(fault: Fault): PlayedAct | null {
  const momentIn = (ms: number | null) => (ms === null ? null : fault.atMs + ms)
  if (fault.kind === 'ack') {
    const { service, until, expiresInMs } = fault
    const expiresAtMs = momentIn(expiresInMs)
    return { kind: 'add-ack', service, message: 'known', until, expiresAtMs }
  }
  if (fault.kind === 'rem-ack') return { kind: 'remove-ack', service: fault.service }
  if (fault.kind === 'disable') {
    return { kind: 'disable-category', category: fault.category, why: 'drill' }
  }
  if (fault.kind === 'enable') return { kind: 'enable-category', category: fault.category }
  if (fault.kind !== 'hold') return null
  return { kind: 'hold', untilMs: momentIn(fault.forMs), why: 'drill' }
}

/** `1234.567s` since the hour began. */
export function tellMs(atMs: number): string {
  return `${((atMs - T0) / 1000).toFixed(3)}s`
}

export function tellFaults(faults: Fault[]): string {
  return faults
    .map(({ atMs, cluster, ...what }) => `${tellMs(atMs)} ${cluster} ${JSON.stringify(what)}`)
    .join('\n')
}
