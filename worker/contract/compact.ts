/**
 * A content as it travels: the pods of a service nearly always have the same checks, and many are on one node; both are
 * written once. What is true of everything that is well is left out.
 */
import type { Content, PodCheck, Target, WireContent, WireTarget } from './report.ts'

/** What `contentSchema` reads as the same content. */
export function compactContent(content: Content): WireContent {
  const sets = new CheckSets()
  const nodes = new Map<string, number>()
  const services = content.services?.map((service) => ({
    ...service,
    targets: service.targets?.map((target) => compactTarget(target, { sets, nodes })) ?? null,
  }))
  return {
    ...content,
    services: services ?? null,
    checkSets: sets.all.map((checks) => checks.map(compactCheck)),
    nodeNames: [...nodes.keys()],
  }
}

/** Key by key: to spread thousands of them takes three times as long, and the exporter's loop waits meanwhile. */
function compactTarget(
  { id, node, ready, ok, answered, starting, terminating, reason, checkedAt, checks }: Target,
  { sets, nodes }: { sets: CheckSets; nodes: Map<string, number> },
): WireTarget {
  const wire: WireTarget = { id, checkedAt, checks: sets.indexOf(checks) }
  if (node !== undefined) wire.node = indexIn(nodes, node)
  if (!ready) wire.ready = ready
  if (!ok) wire.ok = ok
  if (!answered) wire.answered = answered
  if (starting === true) wire.starting = starting
  if (terminating === true) wire.terminating = terminating
  if (reason !== undefined) wire.reason = reason
  return wire
}

function compactCheck({ id, name, ok, ...rest }: PodCheck) {
  return { id, ...(name === id ? {} : { name }), ...(ok ? {} : { ok }), ...rest }
}

class CheckSets {
  readonly all: PodCheck[][] = []
  readonly #byText = new Map<string, number>()

  indexOf(checks: PodCheck[]): number {
    const index = indexIn(this.#byText, textOf(checks))
    this.all[index] ??= checks
    return index
  }
}

/** One text for lists that are the same. JSON is needed for those alone that say more than that a check passes. */
function textOf(checks: PodCheck[]): string {
  let text = ''
  for (const check of checks) {
    const isBare = check.ok && Object.keys(check).length <= BARE_KEYS
    const { id, name, severity = '' } = check
    text += isBare ? `${id.length} ${id}${name.length} ${name}${severity}` : JSON.stringify(check)
  }
  return text
}

/** Of a passing check: id, name, ok, severity. */
const BARE_KEYS = 4

function indexIn(known: Map<string, number>, name: string): number {
  const index = known.get(name) ?? known.size
  known.set(name, index)
  return index
}
