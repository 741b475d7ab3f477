/** The content of a snapshot: what discovery, the prober and the collector know, and what is left of it where it would be too large. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { compactContent } from '../../worker/contract/compact.ts'
import { findExcess } from '../../worker/contract/counts.ts'
import {
  REPORT_MAX_BYTES,
  REPORT_WIRE_MAX_BYTES,
  TEXT_MAX_BYTES,
  WARNINGS_MAX,
} from '../../worker/contract/limits.ts'
import type {
  Content,
  Node,
  PodCheck,
  Report,
  Snapshot,
  Target,
  Warning,
} from '../../worker/contract/report.ts'
import { NODES_SERVICE } from '../../worker/domain/nodes.ts'
import type { Discovered } from '../discovery/discovery.ts'
import type { NodeCollector } from '../probing/node-collector.ts'
import type { Prober } from '../probing/prober.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import { shareReport } from './share-report.ts'

const pack = promisify(gzip)

/** What is known of the cluster, from whom. `moreWarnings`: of nodes, and of pods that can't be read. */
export interface Sources {
  environment: string
  discovered: Discovered
  prober: Pick<Prober, 'describe' | 'warnings'>
  collector: Pick<NodeCollector, 'describe'>
  moreWarnings: Warning[]
  /** There are more nodes than are kept. */
  areNodesCut: boolean
}

export function buildContent(sources: Sources): Content {
  const { environment, discovered, prober, collector, moreWarnings } = sources
  const incomplete = findIncomplete(sources)
  return {
    environment,
    categories: discovered.categories,
    services: discovered.services.map((service) => prober.describe(service)),
    nodes: collector.describe(),
    acks: discovered.acks,
    ...(incomplete.length === 0 ? {} : { incomplete }),
    warnings: limitWarnings([...discovered.warnings, ...moreWarnings, ...prober.warnings()]).map(
      ({ subject, message }) => ({ subject: cut(subject), message: cut(message) }),
    ),
  }
}

/** Of those that discovery knows of, and where nodes were left out, of those that hold the built-in service. */
function findIncomplete({ discovered, areNodesCut }: Sources): string[] {
  const ofNodes = discovered.categories?.filter(
    ({ services }) => areNodesCut && services.includes(NODES_SERVICE),
  )
  return [...new Set([...discovered.incomplete, ...(ofNodes ?? []).map(({ name }) => name)])]
}

/** What was left out is said, too. */
function limitWarnings(warnings: Warning[]): Warning[] {
  if (warnings.length <= WARNINGS_MAX) return warnings
  const more = warnings.length - WARNINGS_MAX + 1
  const message = `${more} more warnings: the exporter's log has them`
  return [...warnings.slice(0, WARNINGS_MAX - 1), { subject: 'warnings', message }]
}

function cut(text: string): string {
  return cutText(text, TEXT_MAX_BYTES)
}

/**
 * The bytes to send, gzipped. Where they would be too many, detail goes before verdicts ever do: first the texts,
 * then the checks that pass and all warnings, then all but the worst failing check of each target, and its name, then the
 * nodes and which check fails. Where that won't do, names are shared out (share-report.ts), until it fits.
 */
export async function packReport(report: Report): Promise<Uint8Array> {
  for (const shed of report.kind === 'snapshot' ? SHEDDING : []) {
    if (report.kind !== 'snapshot') break
    // Each attempt is only made when the one before was too large.
    // oxlint-disable-next-line no-await-in-loop
    const { bytes, isFitting } = await packOnce(shed(report))
    if (isFitting) return bytes
  }
  const least = report.kind === 'snapshot' ? mapTargets(withLeast(report), alike) : report
  for (let share = 1; ;) {
    // oxlint-disable-next-line no-await-in-loop
    const { bytes, isFitting, excess } = await packOnce(shareReport(least, share))
    if (isFitting) return bytes
    if (share === 0) throw new Error('a report of nothing is too large')
    share = share < SHARE_LEAST ? 0 : (share * SHARE_STEP) / excess
  }
}

/** What is tried is a little less than what would fit, were all names alike. */
const SHARE_STEP = 0.9
const SHARE_LEAST = 0.0001

/** Too large before it is packed. */
const UNFIT = { bytes: new Uint8Array(), isFitting: false, excess: 1 }

/** `excess`: how many times too large it is. */
async function packOnce(report: Report) {
  if (report.kind === 'snapshot' && findExcess(report.content) !== null) return UNFIT
  const text = JSON.stringify(report.kind === 'snapshot' ? compact(report) : report)
  const excessOfText = Buffer.byteLength(text) / REPORT_MAX_BYTES
  if (excessOfText > 1) return { ...UNFIT, excess: excessOfText }
  const bytes = await pack(text)
  const excess = bytes.length / REPORT_WIRE_MAX_BYTES
  return { bytes, isFitting: excess <= 1, excess }
}

function compact(snapshot: Snapshot) {
  return { ...snapshot, content: compactContent(snapshot.content) }
}

const SHEDDING: ((snapshot: Snapshot) => Snapshot)[] = [
  (snapshot) => snapshot,
  (snapshot) => mapTargets(snapshot, withoutTexts),
  (snapshot) =>
    mapTargets({ ...snapshot, content: withoutWarnings(snapshot.content) }, onlyFailing),
  (snapshot) => mapTargets({ ...snapshot, content: withoutWarnings(snapshot.content) }, anonymous),
  // Services decide whether a cluster is good to go; what the edge knows of nodes is held for a while.
  (snapshot) => mapTargets(withLeast(snapshot), anonymous),
]

function withLeast(snapshot: Snapshot): Snapshot {
  return { ...snapshot, content: withoutNodes(snapshot.content) }
}

/** Also without the texts of services and nodes. */
function mapTargets(snapshot: Snapshot, shed: (target: Target, index: number) => Target): Snapshot {
  const services = snapshot.content.services?.map(({ name, isResilient, isDaemon, ...rest }) => ({
    name,
    isResilient,
    isDaemon,
    ...(rest.starting === true ? { starting: true } : {}),
    ...(rest.scalingDown === true ? { scalingDown: true } : {}),
    ...(rest.overdueSince === undefined ? {} : { overdueSince: rest.overdueSince }),
    ...(rest.periodSeconds === undefined ? {} : { periodSeconds: rest.periodSeconds }),
    ...(rest.desired === undefined ? {} : { desired: rest.desired }),
    targets: rest.targets?.map(shed) ?? null,
  }))
  const nodes = snapshot.content.nodes?.map(withoutNodeTexts) ?? null
  return { ...snapshot, content: { ...snapshot.content, services: services ?? null, nodes } }
}

/** Which checks a node has, and whether they pass, is read by verdicts: it is never left out. */
function withoutNodeTexts(node: Node): Node {
  return { ...node, checks: node.checks.map(({ name, passed }) => ({ name, passed })) }
}

function withoutTexts(target: Target): Target {
  return { ...target, checks: target.checks.map(bare) }
}

function onlyFailing(target: Target): Target {
  return { ...target, checks: target.checks.filter((check) => !check.ok).map(bare) }
}

/** Bounded by construction: whether it is ok, and how bad; one failing check, the worst, stands for all. */
function anonymous(target: Target, index: number): Target {
  const { ok, answered, ready, starting, terminating, checkedAt } = target
  const failing = target.checks.filter((check) => !check.ok)
  const [worst] = failing.toSorted((a, b) => (a.severity ?? 2) - (b.severity ?? 2))
  const checks =
    worst === undefined ? [] : [bare({ ...worst, id: cutId(worst), name: cutId(worst) })]
  return {
    id: String(index),
    ready,
    ok,
    answered,
    ...(starting === true ? { starting } : {}),
    ...(terminating === true ? { terminating } : {}),
    checkedAt,
    checks,
  }
}

/** As many as there may be need hardly anything then: they differ in what verdicts read, and in nothing else. */
function alike(target: Target, index: number): Target {
  const { checks, ...rest } = anonymous(target, index)
  const [worst] = checks
  return {
    ...rest,
    checkedAt: Math.floor(rest.checkedAt / MINUTE_MS) * MINUTE_MS,
    checks: worst === undefined ? [] : [bare({ ...worst, id: 'left-out', name: 'left-out' })],
  }
}

const MINUTE_MS = 60_000

function cutId({ id }: PodCheck): string {
  return id.slice(0, 32)
}

function bare({ id, name, ok, severity }: PodCheck): PodCheck {
  return { id, name, ok, ...(severity === undefined ? {} : { severity }) }
}

function withoutWarnings(content: Content): Content {
  const told: Warning = {
    subject: 'report',
    message: 'details were left out: the report is too large',
  }
  return { ...content, warnings: [told] }
}

function withoutNodes(content: Content): Content {
  return { ...withoutWarnings(content), nodes: null }
}
