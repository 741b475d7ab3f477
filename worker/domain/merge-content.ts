/** A snapshot's content over the one that is held: what it doesn't tell stays as it was. */
import type { Content, Service, Snapshot, Warning } from '../contract/report.ts'
import type { ClusterState, Rules } from './cluster.ts'
import { isNodesService, makeNodesService, mergeNodes, NODES_SERVICE } from './nodes.ts'
import { isUntoldTooLong } from './nodes-pulse.ts'
import { rebuildAcks, rebuildCategories } from './verdict.ts'

/** Section by section: what could not be read stays as it is held, and where the content was lost, as the facts tell it. */
export function mergeContent(
  { content: held, standing }: Pick<ClusterState, 'content' | 'standing'>,
  { content: reported, observedAt }: Snapshot,
  { nodesMinReady: minReady, nowMs, untoldSinceMs }: Rules & { untoldSinceMs: number | null },
): Content {
  const { facts } = standing
  const isLost = held === null && facts.length > 0
  const known = isUntoldTooLong(untoldSinceMs, nowMs)
    ? { content: null, facts: null }
    : { content: held?.nodes, facts: standing.nodes }
  const nodes = mergeNodes(known, reported.nodes, nowMs)
  const services = mergeServices(held?.services ?? null, reported.services)
  // A Service of the cluster that is called so was there first: it stays what it is.
  const isTaken = services?.some(({ name }) => name === NODES_SERVICE) === true
  const builtIn = makeNodesService(nodes, { minReady, checkedAtMs: observedAt })
  return {
    environment: reported.environment,
    categories:
      reported.categories ?? held?.categories ?? (isLost ? rebuildCategories(facts) : null),
    services: isTaken || builtIn === null ? services : [...(services ?? []), builtIn],
    nodes,
    ...(reported.incomplete === undefined ? {} : { incomplete: reported.incomplete }),
    acks: reported.acks ?? held?.acks ?? (isLost ? rebuildAcks(facts) : null),
    warnings: isTaken && builtIn !== null ? [...reported.warnings, TAKEN] : reported.warnings,
  }
}

const TAKEN: Warning = {
  subject: NODES_SERVICE,
  message: 'a Service of this name stands in the place of the built-in one that judges the nodes',
}

/** Some of its services are told only in part: what is held of them goes on standing. */
export function leansOnHeld({ services }: Pick<Content, 'services'>): boolean {
  return (
    services === null ||
    services.some(({ targets, desired }) => targets === null || desired === undefined)
  )
}

function mergeServices(held: Service[] | null, reported: Service[] | null): Service[] | null {
  if (reported === null || !leansOnHeld({ services: reported })) return reported ?? held
  const own = held?.filter((service) => !isNodesService(service))
  const before = new Map(own?.map((service) => [service.name, service]))
  return reported.map((service) => {
    const known = before.get(service.name)
    const desired = service.desired === undefined ? known?.desired : service.desired
    // Whether it may be without targets is part of what is held of them.
    const { targets = null, starting = false } = service.targets === null ? (known ?? {}) : service
    return { ...service, desired: desired ?? null, targets, starting }
  })
}
