/**
 * A content as it travels: the pods of a service nearly always have the same checks, and many are on one node; both are
 * written once. What is true of everything that is well is left out.
 */
import type { Content, PodCheck, WireContent } from './report.ts'

/** What `contentSchema` reads as the same content. */
export function compactContent(content: Content): WireContent {
  const sets = new CheckSets()
  const nodes = new Map<string, number>()
  const services = content.services?.map(({ targets, ...service }) => ({
    ...service,
    targets:
      targets?.map(({ node, ready, ok, answered, checks, ...target }) => ({
        ...target,
        ...(node === undefined ? {} : { node: indexIn(nodes, node) }),
        ...(ready ? {} : { ready }),
        ...(ok ? {} : { ok }),
        ...(answered ? {} : { answered }),
        checks: sets.indexOf(checks),
      })) ?? null,
  }))
  return {
    ...content,
    services: services ?? null,
    checkSets: sets.all.map((checks) => checks.map(compactCheck)),
    nodeNames: [...nodes.keys()],
  }
}

function compactCheck({ id, name, ok, ...rest }: PodCheck) {
  return { id, ...(name === id ? {} : { name }), ...(ok ? {} : { ok }), ...rest }
}

class CheckSets {
  readonly all: PodCheck[][] = []
  readonly #byText = new Map<string, number>()

  indexOf(checks: PodCheck[]): number {
    const index = indexIn(this.#byText, JSON.stringify(checks))
    this.all[index] = checks
    return index
  }
}

function indexIn(known: Map<string, number>, name: string): number {
  const index = known.get(name) ?? known.size
  known.set(name, index)
  return index
}
