/**
 * `/metrics` as text: Prometheus' text format 0.0.4 or OpenMetrics 1.0.0. The samples of a cluster are written apart from
 * all others, each with its label `cluster`, so that no name in one cluster can change a line of another. Which metrics
 * there are: metrics-families.ts.
 */
import { parseAccept } from 'hono/utils/accept'
import {
  FAMILIES,
  LINES_CUT,
  type ClusterMetrics,
  type Description,
  type Sample,
} from './metrics-families.ts'

export const PROMETHEUS_TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Samples of one metric of one cluster: as many as it may have services or nodes (contract/limits.ts). */
export const SAMPLES_MAX = 5000

interface Page {
  /** What every name begins with: letters, digits and `_`, because it stands in names of labels too. */
  prefix: string
  isOpenMetrics: boolean
}

/** The sample lines of one cluster, by metric. They are the same in both formats. */
export type ClusterText = Record<string, string>

export interface ClusterFormat {
  prefix: string
  /** Characters of all lines together; only the lines that tell what was cut come on top. */
  maxLength: number
}

/** Whether the Accept header names OpenMetrics 1.0.0 and doesn't like plain text better. */
export function isOpenMetricsAsked(accept: string | undefined): boolean {
  const ranges = parseAccept(accept ?? '').map((range) => ({
    ...range,
    type: range.type.toLowerCase(),
  }))
  const open = ranges.filter(
    ({ type, params }) =>
      type === 'application/openmetrics-text' && (params['version'] ?? '1.0.0') === '1.0.0',
  )
  const text = ranges.filter(({ type }) => type === 'text/plain')
  const weight = Math.max(0, ...open.map(({ q }) => q))
  return weight > 0 && text.every(({ q }) => q <= weight)
}

/** At most `maxLength` characters: the largest metrics are cut first, and LINES_CUT counts what is left out. */
export function writeCluster(metrics: ClusterMetrics, format: ClusterFormat): ClusterText {
  const { cluster } = metrics
  const common = writeLabels({ cluster, environment: findEnvironment(metrics) })
  const families = FAMILIES.map((family) => {
    const name = nameSamples(family, format.prefix)
    const samples = family.sample(metrics)
    const lines = writeSamples(name, samples.slice(0, SAMPLES_MAX), common)
    return { family, name, lines, cut: Math.max(0, samples.length - SAMPLES_MAX) }
  })
  const lengths = families.map(({ lines }) => sum(lines.map(({ length }) => length)))
  const allowed = shareOut(lengths, format.maxLength)
  const text: ClusterText = {}
  const told: Sample[] = []
  for (const [i, { family, name, lines, cut }] of families.entries()) {
    const kept = takeWhole(lines, allowed[i] ?? 0)
    text[family.name] = kept.join('')
    const value = cut + lines.length - kept.length
    if (value > 0) told.push({ labels: { metric: name }, value })
  }
  const cutName = nameSamples(LINES_CUT, format.prefix)
  return { ...text, [LINES_CUT.name]: writeSamples(cutName, told, common).join('') }
}

/** The whole page, piece by piece; it ends with a line break. The text of each cluster was written with the same prefix. */
export function* writePage(clusters: ClusterText[], page: Page): Generator<string, void> {
  for (const family of [...FAMILIES, LINES_CUT]) {
    const texts = clusters.map((text) => text[family.name] ?? '').filter((text) => text !== '')
    if (texts.length > 0) yield describeFamily(family, page)
    yield* texts
  }
  if (page.isOpenMetrics) yield '# EOF\n'
}

function findEnvironment({ status, cluster }: ClusterMetrics): string {
  // Prometheus takes an empty label for a missing one.
  return status?.environment || cluster
}

function nameSamples({ name, type }: Description, prefix: string): string {
  return `${prefix}_${name}${type === 'counter' ? '_total' : ''}`
}

/**
 * Sorted by their labels, each set of labels once: a report may name a service twice, and a sample that repeats costs the
 * whole scrape. The last one counts, as in the domain.
 */
function writeSamples(name: string, samples: Sample[], common: string): string[] {
  const values = new Map(
    samples.map(({ labels, state, value }) => {
      const own = labels === undefined ? '' : `,${writeLabels(labels)}`
      // OpenMetrics: the label of a StateSet's states is called as the metric is.
      return [state === undefined ? own : `${own},${name}="${state}"`, value] as const
    }),
  )
  return [...values.keys()]
    .toSorted()
    .map((own) => `${name}{${common}${own}} ${values.get(own) ?? 0}\n`)
}

/** What each gets of `total`: the small ones all that they want, the rest in equal parts. */
function shareOut(wanted: number[], total: number): number[] {
  const shares = wanted.map(() => 0)
  let left = total
  let waiting = wanted.length
  for (const [i, want] of [...wanted.entries()].toSorted(([, a], [, b]) => a - b)) {
    const share = Math.min(want, Math.floor(left / waiting))
    shares[i] = share
    left -= share
    waiting -= 1
  }
  return shares
}

function takeWhole(lines: string[], maxLength: number): string[] {
  let length = 0
  const end = lines.findIndex((line) => (length += line.length) > maxLength)
  return end === -1 ? lines : lines.slice(0, end)
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function describeFamily(family: Description, { prefix, isOpenMetrics }: Page): string {
  const { type, unit, help } = family
  if (!isOpenMetrics) {
    // 0.0.4 calls a counter as its samples are called, and knows no StateSet.
    const name = nameSamples(family, prefix)
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type === 'stateset' ? 'gauge' : type}\n`
  }
  const name = `${prefix}_${family.name}`
  const ofUnit = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${ofUnit}`
}

function writeLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value.toWellFormed())}"`)
    .join(',')
}

function escapeLabel(value: string): string {
  // Nearly all names are plain, and a page has tens of thousands of them.
  if (!/[\\"\n]/.test(value)) return value
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
