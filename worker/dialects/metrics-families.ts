/** What `/metrics` tells of a cluster: one entry for each metric. How it is written: metrics.ts. Stale data is left out. */
import type { ClusterFreshness, ClusterStatus } from '../domain/status.ts'
import type { CategoryReason } from '../domain/verdict.ts'

export interface ClusterMetrics {
  cluster: string
  /** null: its object could not be read now. */
  status: ClusterStatus | null
  counters: {
    /** Answers of `__gtg`, by reason. */
    gtg: Record<string, number>
    /** Reports, by `accepted` or the refusal's code. */
    reports: Record<string, number>
    /** Ignored parameters, by the kind of path. */
    ignored?: Record<string, number>
  }
}

export interface Description {
  /** Without the prefix and, of a counter, without `_total`. */
  name: string
  type: 'gauge' | 'counter' | 'stateset'
  unit?: 'seconds'
  /** Without backslash, quote and line break, which the two formats escape differently. */
  help: string
}

export interface Family extends Description {
  sample: (cluster: ClusterMetrics) => Sample[]
}

export interface Sample {
  /** Apart from `cluster` and `environment`, which all have. */
  labels?: Record<string, string>
  /** Of a StateSet: which of its states this is about. */
  state?: string
  value: number
}

/** Of each cluster, after all others: what its bounds left out. */
export const LINES_CUT: Description = {
  name: 'metrics_lines_cut',
  type: 'gauge',
  help: 'There for each metric that has more samples of a cluster than this page may hold: how many were left out.',
}

const CATEGORY_STATES = Object.keys({
  healthy: 0,
  unhealthy: 0,
  disabled: 0,
  empty: 0,
} satisfies Record<CategoryReason, 0>)

const CLUSTER_STATES = Object.keys({
  'no-data': 0,
  fresh: 0,
  late: 0,
  held: 0,
  dead: 0,
} satisfies Record<ClusterFreshness, 0>)

const HEALTH_OF = { healthy: 1, degraded: 0.5, unhealthy: 0 } as const

export const FAMILIES: Family[] = [
  {
    name: 'pilotlight',
    type: 'gauge',
    help: 'Burns (1) while the environment is known and not dead; else it is out, which is to say absent.',
    sample: whileAlive(() => [{ value: 1 }]),
  },
  {
    name: 'servicestatus',
    type: 'gauge',
    help: 'Health of a service: 0 ok, 1 not, whether acked or not.',
    sample: whileAlive(({ services }) =>
      services
        .filter(({ ok }) => ok !== null)
        .map(({ name, ok }) => ({ labels: { service: name }, value: ok === true ? 0 : 1 })),
    ),
  },
  {
    name: 'service_acked',
    type: 'gauge',
    help: 'There (1) for a service that is acked, whether it fails or not.',
    sample: whileAlive(({ services }) =>
      services
        .filter(({ ack }) => ack !== null)
        .map(({ name }) => ({ labels: { service: name }, value: 1 })),
    ),
  },
  {
    name: 'acks',
    type: 'gauge',
    help: 'Services that are acked.',
    sample: whileAlive(({ services }) => [
      { value: services.filter(({ ack }) => ack !== null).length },
    ]),
  },
  {
    name: 'category_passes',
    type: 'gauge',
    help: 'Whether a category passes: 1 yes, 0 no.',
    sample: whileAlive(({ categories }) =>
      categories.map(({ name, passes }) => ({ labels: { category: name }, value: Number(passes) })),
    ),
  },
  {
    name: 'category_state',
    type: 'stateset',
    help: 'Why a category passes or fails: 1 at the state that it is in.',
    sample: whileAlive(({ categories }) =>
      categories.flatMap(({ name, reason }) => oneOf(CATEGORY_STATES, reason, { category: name })),
    ),
  },
  {
    name: 'category_missing_services',
    type: 'gauge',
    help: 'Services that a category names and the cluster does not have.',
    sample: whileAlive(({ categories }) =>
      categories.map(({ name, missing }) => ({
        labels: { category: name },
        value: missing.length,
      })),
    ),
  },
  {
    name: 'category_incomplete',
    type: 'gauge',
    help: 'Whether the exporter left out something that a category holds: 1 yes, 0 no.',
    sample: whileAlive(({ categories }) =>
      categories.map(({ name, isIncomplete }) => ({
        labels: { category: name },
        value: Number(isIncomplete === true),
      })),
    ),
  },
  {
    name: 'node_passes',
    type: 'gauge',
    help: 'Whether a node passes, by its Ready condition and all its checks: 1 yes, 0 no.',
    sample: whileAlive(({ nodes }) =>
      (nodes?.all ?? []).map(({ name, passes }) => ({
        labels: { node: name },
        value: Number(passes),
      })),
    ),
  },
  {
    name: 'node_answered',
    type: 'gauge',
    help: 'Whether the exporter on a node answers: 1 yes, 0 no.',
    sample: whileAlive(({ nodes }) =>
      (nodes?.all ?? []).map(({ name, answered }) => ({
        labels: { node: name },
        value: Number(answered),
      })),
    ),
  },
  {
    name: 'node_schedulable',
    type: 'gauge',
    help: 'Whether a node takes pods: 1 yes, 0 cordoned.',
    sample: whileAlive(({ nodes }) =>
      (nodes?.all ?? []).map(({ name, isSchedulable }) => ({
        labels: { node: name },
        value: Number(isSchedulable),
      })),
    ),
  },
  {
    name: 'node_check_failing',
    type: 'gauge',
    help: 'There (1) for each check of a node that fails.',
    sample: whileAlive(({ nodes }) =>
      (nodes?.all ?? []).flatMap((node) =>
        node.checks
          .filter(({ passed }) => passed === false)
          .map(({ name }) => ({ labels: { node: node.name, check: name }, value: 1 })),
      ),
    ),
  },
  {
    name: 'cluster_state',
    type: 'stateset',
    help: 'How fresh the verdict is: 1 at the state that the cluster is in.',
    sample: ({ status }) => (status === null ? [] : oneOf(CLUSTER_STATES, status.freshness)),
  },
  {
    name: 'cluster_held',
    type: 'gauge',
    help: 'There (1) while the last verdict is held, with who holds it.',
    sample: ({ status }) =>
      status === null || status.held === null ? [] : [{ labels: { by: status.held.by }, value: 1 }],
  },
  {
    name: 'exporter_component_healthy',
    type: 'gauge',
    help: 'How a part of the exporter says that it is: 1 healthy, 0.5 degraded, 0 unhealthy.',
    sample: whileAlive(({ exporter }) =>
      Object.entries(exporter?.components ?? {}).flatMap(([component, { status }]) =>
        status === 'unspecified' ? [] : [{ labels: { component }, value: HEALTH_OF[status] }],
      ),
    ),
  },
  {
    name: 'exporter_start_time_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the exporter started, in seconds since 1970, with its version.',
    sample: whileAlive(({ exporter }) =>
      exporter === null
        ? []
        : [
            {
              labels: { version: exporter.version, commit: exporter.commit },
              value: exporter.startedAt / 1000,
            },
          ],
    ),
  },
  {
    name: 'cluster_readable',
    type: 'gauge',
    help: 'Whether the state of the cluster could be read for this scrape: 1 yes, 0 no.',
    sample: ({ status }) => [{ value: status === null ? 0 : 1 }],
  },
  {
    name: 'last_report_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'When the verdict was last fresh, in seconds since 1970.',
    sample: ({ status }) =>
      status === null || status.freshAtMs === null ? [] : [{ value: status.freshAtMs / 1000 }],
  },
  {
    name: 'reports',
    type: 'counter',
    help: 'Reports that came in, by what became of them: accepted, or the code of the refusal.',
    sample: ({ counters }) => byResult(counters.reports),
  },
  {
    name: 'gtg_answers',
    type: 'counter',
    help: 'Answers of __gtg, by reason.',
    sample: ({ counters }) => byResult(counters.gtg),
  },
  {
    name: 'ignored_parameters',
    type: 'counter',
    help: 'Parameters of requests that mean nothing there, by what was asked: gtg, page or act.',
    sample: ({ counters }) =>
      Object.entries(counters.ignored ?? {}).map(([of, value]) => ({ labels: { of }, value })),
  },
]

function whileAlive(sample: (status: ClusterStatus) => Sample[]): Family['sample'] {
  return ({ status }) =>
    status === null || status.freshness === 'no-data' || status.freshness === 'dead'
      ? []
      : sample(status)
}

function oneOf(states: string[], current: string, labels?: Record<string, string>): Sample[] {
  const given = labels === undefined ? {} : { labels }
  return states.map((state) => ({ ...given, state, value: state === current ? 1 : 0 }))
}

function byResult(counts: Record<string, number>): Sample[] {
  return Object.entries(counts).map(([result, value]) => ({ labels: { result }, value }))
}
