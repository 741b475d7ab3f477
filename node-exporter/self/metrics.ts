/**
 * `/metrics` of the exporter, in Prometheus' text format 0.0.4: what is counted here, and what is known elsewhere and read
 * when somebody asks. A metric is one entry of FAMILIES; what this process has no part in is left out.
 */
import type { Reading } from './health-manager.ts'
import type { Release } from './release.ts'

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export type PushResult = 'accepted' | 'superseded' | 'failed'
/** `unseen`: the way to the pod was gone, so nothing was learned. */
export type ProbeResult = 'ok' | 'failing' | 'unanswered' | 'unseen'

/** What the roles know, at the moment of the scrape. */
export interface Gauges {
  targets?: number
  /** ms for which the most overdue target has been so. */
  overdueMs?: number
  /** Nodes that are known. */
  nodes?: number
  /** Categories of which something is left out. */
  incomplete?: number
  linkOpen?: boolean
  /** Parameters of questions to the node that mean nothing there. */
  ignoredParameters?: number
}

export interface ProcessFigures {
  startedAtMs: number
  cpuMs: number
  rssBytes: number
}

interface Scrape extends Gauges {
  cluster: string
  release: Release
  reading: Reading
  process: ProcessFigures
  /** null: this process pushes and probes nothing. */
  pushes: Record<PushResult, number> | null
  pushedAtMs: number | null
  probes: Record<ProbeResult, number> | null
}

interface Sample {
  /** Apart from `cluster`, which all have. */
  labels?: Record<string, string>
  value: number
}

interface Family {
  /** Whole, for those of the process are named as everybody's are. */
  name: string
  type: 'gauge' | 'counter'
  /** Without backslash and line break. */
  help: string
  /** A number stands for one sample without labels, undefined for none. */
  sample: (scrape: Scrape) => Sample[] | number | undefined
}

const STATUSES = ['unspecified', 'healthy', 'degraded', 'unhealthy']
const STATUS_METRIC = 'pilotlight_exporter_component_status'

const FAMILIES: Family[] = [
  {
    name: 'pilotlight_exporter_build_info',
    type: 'gauge',
    help: 'Always 1: which exporter this is.',
    sample: ({ release: { version, commit } }) => [{ labels: { version, commit }, value: 1 }],
  },
  {
    name: 'pilotlight_exporter_live',
    type: 'gauge',
    help: 'Whether /healthz says healthy: 1 yes, 0 no.',
    sample: ({ reading }) => Number(reading.liveness.ok),
  },
  {
    name: 'pilotlight_exporter_ready',
    type: 'gauge',
    help: 'Whether /readyz says ready: 1 yes, 0 no.',
    sample: ({ reading }) => Number(reading.readiness.ok),
  },
  {
    name: 'pilotlight_exporter_standby',
    type: 'gauge',
    help: 'Whether it stands by (1) for another that leads.',
    sample: ({ reading }) => Number(reading.isStandby),
  },
  {
    name: STATUS_METRIC,
    type: 'gauge',
    help: 'What a component says of itself: 1 at the status that it has.',
    sample: ({ reading }) =>
      Object.entries(reading.components).flatMap(([component, { status }]) =>
        STATUSES.map((state) => ({
          // The label of a StateSet's states is called as the metric is.
          labels: { component, [STATUS_METRIC]: state },
          value: Number(state === status),
        })),
      ),
  },
  {
    name: 'pilotlight_exporter_check_sources',
    type: 'gauge',
    help: 'Sources of checks that there are to be: collections of the API server, checks of the node.',
    sample: ({ reading }) => reading.sources.total,
  },
  {
    name: 'pilotlight_exporter_check_sources_loaded',
    type: 'gauge',
    help: 'Sources of checks that are loaded.',
    sample: ({ reading }) => reading.sources.loaded,
  },
  {
    name: 'pilotlight_exporter_pushes_total',
    type: 'counter',
    help: 'Tries to hand a report to the Worker, by what came of them.',
    sample: ({ pushes }) => byResult(pushes),
  },
  {
    name: 'pilotlight_exporter_last_push_timestamp_seconds',
    type: 'gauge',
    help: 'When the Worker last took a report, in seconds since 1970.',
    sample: ({ pushedAtMs }) => toSeconds(pushedAtMs),
  },
  {
    name: 'pilotlight_exporter_link_open',
    type: 'gauge',
    help: 'Whether reports go over the live link (1) or over HTTPS.',
    sample: ({ linkOpen }) => (linkOpen === undefined ? undefined : Number(linkOpen)),
  },
  {
    name: 'pilotlight_exporter_probes_total',
    type: 'counter',
    help: 'Questions to pods, by their answer; unseen: the way to them was gone.',
    sample: ({ probes }) => byResult(probes),
  },
  {
    name: 'pilotlight_exporter_targets',
    type: 'gauge',
    help: 'Pods that are probed.',
    sample: ({ targets }) => targets,
  },
  {
    name: 'pilotlight_exporter_prober_overdue_seconds',
    type: 'gauge',
    help: 'For how long the most overdue pod has been so; 0 while none is.',
    sample: ({ overdueMs }) => toSeconds(overdueMs),
  },
  {
    name: 'pilotlight_exporter_nodes',
    type: 'gauge',
    help: 'Nodes that are known.',
    sample: ({ nodes }) => nodes,
  },
  {
    name: 'pilotlight_exporter_incomplete_categories',
    type: 'gauge',
    help: 'Categories of which something is left out, for there is more than the exporter keeps.',
    sample: ({ incomplete }) => incomplete,
  },
  {
    name: 'pilotlight_exporter_ignored_parameters_total',
    type: 'counter',
    help: 'Parameters in questions to the node that mean nothing there.',
    sample: ({ ignoredParameters }) => ignoredParameters,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, in seconds since 1970.',
    sample: ({ process: { startedAtMs } }) => toSeconds(startedAtMs),
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time that the process has used.',
    sample: ({ process: { cpuMs } }) => toSeconds(cpuMs),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory that the process holds (RSS).',
    sample: ({ process: { rssBytes } }) => rssBytes,
  },
]

export class Metrics {
  readonly #release: Release
  readonly #cluster: string
  readonly #now: () => number
  #isCounting = false
  readonly #pushes: Record<PushResult, number> = { accepted: 0, superseded: 0, failed: 0 }
  #pushedAtMs: number | null = null
  readonly #probes: Record<ProbeResult, number> = { ok: 0, failing: 0, unanswered: 0, unseen: 0 }
  readonly #gauges: (() => Gauges)[] = []

  /** `cluster`: its id; empty where a role node isn't told. */
  constructor(release: Release, cluster: string, now = Date.now) {
    this.#release = release
    this.#cluster = cluster
    this.#now = now
  }

  /** Counters are told from now on, also those that are at 0; who neither pushes nor probes has none. */
  startCounting(): void {
    this.#isCounting = true
  }

  countPush(result: PushResult): void {
    this.#pushes[result] += 1
    if (result === 'accepted') this.#pushedAtMs = this.#now()
  }

  countProbe(result: ProbeResult): void {
    this.#probes[result] += 1
  }

  /** Read at each scrape. */
  addGauges(read: () => Gauges): void {
    this.#gauges.push(read)
  }

  /** The whole page; ends with a line break. */
  write(reading: Reading, figures = readProcess()): string {
    const scrape: Scrape = {
      ...this.#gauges.reduce<Gauges>((all, read) => ({ ...all, ...read() }), {}),
      cluster: this.#cluster,
      release: this.#release,
      reading,
      process: figures,
      pushes: this.#isCounting ? this.#pushes : null,
      pushedAtMs: this.#pushedAtMs,
      probes: this.#isCounting ? this.#probes : null,
    }
    return FAMILIES.map((family) => writeFamily(family, scrape)).join('')
  }
}

function readProcess(): ProcessFigures {
  const { user, system } = process.cpuUsage()
  return {
    startedAtMs: performance.timeOrigin,
    cpuMs: (user + system) / 1000,
    rssBytes: process.memoryUsage.rss(),
  }
}

function byResult(counts: Record<string, number> | null): Sample[] {
  return Object.entries(counts ?? {}).map(([result, value]) => ({ labels: { result }, value }))
}

function toSeconds(ms: number | null | undefined): number | undefined {
  return ms === null || ms === undefined ? undefined : Math.round(ms) / 1000
}

function writeFamily({ name, type, help, sample }: Family, scrape: Scrape): string {
  const told = sample(scrape)
  const samples = typeof told === 'number' ? [{ value: told }] : (told ?? [])
  if (samples.length === 0) return ''
  const { cluster } = scrape
  const lines = samples.map(
    ({ labels, value }) => `${name}{${writeLabels({ cluster, ...labels })}} ${value}\n`,
  )
  return [`# HELP ${name} ${help}\n`, `# TYPE ${name} ${type}\n`, ...lines].join('')
}

function writeLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
