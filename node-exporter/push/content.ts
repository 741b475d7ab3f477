/** The content of a snapshot: what discovery, the prober and the collector know, and what is left of it where it would be too large. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { compactContent } from '../../worker/contract/compact.ts'
import {
  REPORT_MAX_BYTES,
  REPORT_WIRE_MAX_BYTES,
  TEXT_MAX_BYTES,
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
import type { Discovered } from '../discovery/discovery.ts'
import type { NodeCollector } from '../probing/node-collector.ts'
import type { Prober } from '../probing/prober.ts'
import { cutText } from '../../worker/contract/cut-text.ts'

const pack = promisify(gzip)

/** What is known of the cluster, from whom. `moreWarnings`: of nodes, and of pods that can't be read. */
export interface Sources {
  environment: string
  discovered: Discovered
  prober: Pick<Prober, 'describe' | 'warnings'>
  collector: Pick<NodeCollector, 'describe'>
  moreWarnings: Warning[]
}

export function buildContent(sources: Sources): Content {
  const { environment, discovered, prober, collector, moreWarnings } = sources
  return {
    environment,
    categories: discovered.categories,
    services: discovered.services.map((service) => prober.describe(service)),
    nodes: collector.describe(),
    acks: discovered.acks,
    warnings: [...discovered.warnings, ...moreWarnings, ...prober.warnings()]
      .slice(0, WARNINGS_MAX)
      .map(({ subject, message }) => ({ subject: cut(subject), message: cut(message) })),
  }
}

function cut(text: string): string {
  return cutText(text, TEXT_MAX_BYTES)
}

/** Warnings told in one report: whoever has more has one cause for most of them. */
const WARNINGS_MAX = 200

/**
 * The bytes to send, gzipped. Where they would be too many, detail goes before verdicts ever do: first the texts,
 * then the checks that pass and all warnings, then all but the worst failing check of each target, and its name.
 */
export async function packReport(report: Report): Promise<Uint8Array> {
  for (const shed of SHEDDING) {
    const text = JSON.stringify(report.kind === 'snapshot' ? compact(shed(report)) : report)
    if (Buffer.byteLength(text) > REPORT_MAX_BYTES) continue
    // Each attempt is only made when the one before was too large.
    // oxlint-disable-next-line no-await-in-loop
    const bytes = await pack(text)
    if (bytes.length <= REPORT_WIRE_MAX_BYTES) return bytes
  }
  throw new Error(
    'the report is too large even without any detail: split the cluster by NAMESPACES',
  )
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
  (snapshot) => mapTargets({ ...snapshot, content: withoutNodes(snapshot.content) }, anonymous),
]

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
