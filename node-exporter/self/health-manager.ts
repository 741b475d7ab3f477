/**
 * The exporter's word on itself: what each component says, and whether the process is live and ready, all of it read in
 * one moment. It has no timers and asks nobody; push, probes and Lease tell it, or leave a judge that it asks when read.
 */
import { TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { ComponentStatus, ExporterInfo } from '../../worker/contract/report.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import type { Log } from './log.ts'

export type ComponentName =
  | 'kube_api'
  | 'discovery'
  | 'prober'
  | 'node_collector'
  | 'push'
  | 'leader'
  | 'checks'
  | 'node_operator'

/** JSON, for `/components/{name}` alone: it doesn't travel in reports. */
export type Metadata = Readonly<Record<string, unknown>>

export interface Said {
  status: ComponentStatus
  message?: string
  metadata?: Metadata
  /** Why the process isn't ready, although checks are loaded. Only what no outage brings about. */
  notReady?: string
}

/** `why` it isn't, or is only because that is suppressed. */
export type Probe = { ok: true; why: string | null } | { ok: false; why: string }

/** How many sources of checks are loaded, of how many that there are to be. */
export interface SourceCount {
  loaded: number
  total: number
}

export type ComponentReading = Readonly<ComponentState>

interface ComponentState extends Omit<Said, 'message'> {
  /** Empty: nothing to tell. */
  message: string
  /** It has said something. */
  isInitialized: boolean
  /** ms; null: never. */
  updatedAtMs: number | null
}

/** Everything as it is in one moment. */
export interface Reading {
  /** The worst of the components. */
  status: ComponentStatus
  components: Record<string, ComponentReading>
  liveness: Probe
  readiness: Probe
  isStandby: boolean
  sources: SourceCount
  uptimeSeconds: number
}

export interface Transition {
  component: ComponentName
  from: ComponentStatus
  to: ComponentStatus
  message: string
  atMs: number
}

type Verdict = 'liveness' | 'readiness'

const FROM_BEST: ComponentStatus[] = ['unspecified', 'healthy', 'degraded', 'unhealthy']

/** All that a restart could mend. With any other an outage elsewhere would restart every exporter, and make it worse. */
const MAY_BE_UNHEALTHY = new Set<ComponentName>(['prober', 'checks'])

const NOT_TOLD: ComponentReading = {
  status: 'unspecified',
  message: '',
  isInitialized: false,
  updatedAtMs: null,
}

export class HealthManager {
  readonly #log: Log
  readonly #now: () => number
  readonly #startedAtMs: number
  readonly #components = new Map<ComponentName, ComponentReading>()
  readonly #judges = new Map<ComponentName, () => Said>()
  /** Whose fault is in the log. */
  readonly #brokenJudges = new Set<ComponentName>()
  readonly #sources: (() => SourceCount)[] = []
  readonly #suppressedUntilMs: Record<Verdict, number> = {
    liveness: -Infinity,
    readiness: -Infinity,
  }
  readonly #observers = new Set<(transition: Transition) => void>()
  readonly #untold: Transition[] = []
  #isTelling = false
  #isStandby = false
  #isDraining = false

  /** `now`: ms since 1970; the usual one never jumps, so uptime and suppressions don't either. Transitions are logged. */
  constructor(log: Log, now = () => performance.timeOrigin + performance.now()) {
    this.#log = log
    this.#now = now
    this.#startedAtMs = now()
    this.observe((transition) => {
      logTransition(log, transition)
    })
  }

  /** It is listed from now on. With a `judge` it needs no update: that is asked at each reading, and must not wait. */
  register(name: ComponentName, judge?: () => Said): void {
    if (!this.#components.has(name)) this.#components.set(name, NOT_TOLD)
    if (judge !== undefined) this.#judges.set(name, judge)
  }

  /** It is forgotten. Whoever goes on to update it has it listed again. */
  deregister(name: ComponentName): void {
    this.#components.delete(name)
    this.#judges.delete(name)
  }

  /** `said`: what is wrong or worth knowing. Of those that a restart can't mend, unhealthy is taken for degraded. */
  update(
    name: ComponentName,
    status: ComponentStatus,
    said: string | Omit<Said, 'status'> = {},
  ): void {
    const { message = '', metadata, notReady } = typeof said === 'string' ? { message: said } : said
    const isCapped = status === 'unhealthy' && !MAY_BE_UNHEALTHY.has(name)
    const next: ComponentReading = {
      status: isCapped ? 'degraded' : status,
      message: cutText(message, TEXT_MAX_BYTES),
      ...(metadata === undefined ? {} : { metadata: structuredClone(metadata) }),
      ...(notReady === undefined ? {} : { notReady }),
      isInitialized: true,
      updatedAtMs: this.#now(),
    }
    const from = this.#components.get(name)?.status ?? 'unspecified'
    this.#components.set(name, next)
    if (next.status === from) return
    const { message: cut } = next
    this.#untold.push({ component: name, from, to: next.status, message: cut, atMs: this.#now() })
    this.#tell()
  }

  /** undefined: there is no such component. */
  get(name: string): ComponentReading | undefined {
    return this.read().components[name]
  }

  /** What travels in each report. */
  report(): Pick<ExporterInfo, 'status' | 'components'> {
    const { status, components } = this.read()
    const told: ExporterInfo['components'] = {}
    for (const [name, { status: its, message }] of Object.entries(components)) {
      told[name] = { status: its, ...(message === '' ? {} : { message }) }
    }
    return { status, components: told }
  }

  liveness(): Probe {
    return this.read().liveness
  }

  readiness(): Probe {
    return this.read().readiness
  }

  /** Judges are asked first; then everything is read at once. */
  read(): Reading {
    for (const [name, judge] of this.#judges) {
      const { status, ...said } = this.#ask(name, judge)
      this.update(name, status, said)
    }
    const nowMs = this.#now()
    const components = Object.fromEntries(this.#components) // which are replaced, never changed
    const ranks = Object.values(components).map(({ status }) => FROM_BEST.indexOf(status))
    const sources = this.#countSources()
    return {
      status: FROM_BEST[Math.max(0, ...ranks)] ?? 'unspecified',
      components,
      liveness: this.#suppress('liveness', findLiveness(components), nowMs),
      readiness: this.#isDraining
        ? { ok: false, why: 'draining: the process was told to stop' }
        : this.#suppress('readiness', findReadiness(sources, components), nowMs),
      isStandby: this.#isStandby,
      sources,
      uptimeSeconds: Math.floor((nowMs - this.#startedAtMs) / 1000),
    }
  }

  /** One that throws has a fault of its own, which a restart wouldn't mend: what it last said stands, degraded at the least. */
  #ask(name: ComponentName, judge: () => Said): Said {
    try {
      const said = judge()
      this.#brokenJudges.delete(name)
      return said
    } catch (error) {
      if (!this.#brokenJudges.has(name)) this.#log.error({ err: error }, `${name} can't be judged`)
      this.#brokenJudges.add(name)
      const { status, message, metadata } = this.#components.get(name) ?? NOT_TOLD
      return {
        status: status === 'unhealthy' ? status : 'degraded',
        message: message || 'it can’t be judged: the log says why',
        ...(metadata === undefined ? {} : { metadata }),
      }
    }
  }

  /** Where checks come from; counted at each reading. */
  addSources(count: () => SourceCount): void {
    this.#sources.push(count)
  }

  /** For `forMs` ms, or until cleared, it is ok whatever happens. A process that drains isn't ready even so. */
  suppress(verdict: Verdict, forMs: number): void {
    this.#suppressedUntilMs[verdict] = this.#now() + forMs
  }

  clearSuppression(verdict: Verdict): void {
    this.#suppressedUntilMs[verdict] = -Infinity
  }

  /** It discovers, and neither probes nor pushes: that is told, and is nothing against it. */
  setStandby(isStandby: boolean): void {
    this.#isStandby = isStandby
  }

  /** The process was told to stop: not ready from now on, for good. */
  startDraining(): void {
    this.#isDraining = true
  }

  /** Told of every change of a component's status, after it, one at a time and in order. Gives the way to end that. */
  observe(observer: (transition: Transition) => void): () => void {
    this.#observers.add(observer)
    return () => {
      this.#observers.delete(observer)
    }
  }

  /** An observer may update, too: what comes of that is told once this is. */
  #tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
      for (const observer of this.#observers) this.#tellOne(observer, next)
    }
    this.#isTelling = false
  }

  #tellOne(observer: (transition: Transition) => void, transition: Transition): void {
    try {
      observer(transition)
    } catch (error) {
      // Its own fault: whoever has updated must not pay for it, and the others are told.
      this.#log.error({ err: error }, 'an observer of the health failed')
    }
  }

  #suppress(verdict: Verdict, probe: Probe, nowMs: number): Probe {
    if (probe.ok || nowMs >= this.#suppressedUntilMs[verdict]) return probe
    return { ok: true, why: `suppressed: ${probe.why}` }
  }

  #countSources(): SourceCount {
    const counts = this.#sources.map((count) => count())
    return {
      loaded: counts.reduce((sum, { loaded }) => sum + loaded, 0),
      total: counts.reduce((sum, { total }) => sum + total, 0),
    }
  }
}

function findLiveness(components: Record<string, ComponentReading>): Probe {
  const faults = Object.entries(components)
    .filter(([, { status }]) => status === 'unhealthy')
    .map(([name, { message }]) => `${name}: ${message}`)
  return faults.length === 0 ? { ok: true, why: null } : { ok: false, why: faults.join('; ') }
}

/**
 * Never by traffic: an idle cluster is ready, and so is one that can't push. A standby is ready as a leader is: one that
 * can't see the cluster must not take an old leader's place in a rollout.
 */
function findReadiness(
  { loaded, total }: SourceCount,
  components: Record<string, ComponentReading>,
): Probe {
  if (loaded === 0) return { ok: false, why: `no source of checks is loaded yet, of ${total}` }
  const faults = Object.entries(components).flatMap(([name, { notReady }]) =>
    notReady === undefined ? [] : [`${name}: ${notReady}`],
  )
  return faults.length === 0 ? { ok: true, why: null } : { ok: false, why: faults.join('; ') }
}

function logTransition(log: Log, { component, to, message }: Transition): void {
  const line = { component, status: to }
  if (to === 'healthy' || to === 'unspecified') log.info(line, `${component} ${to}`)
  else log.warn(line, `${component} ${to}: ${message}`)
}
