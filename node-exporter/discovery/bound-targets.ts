/**
 * The addresses of all services within the bounds, per namespace and in all. Where there are more, the namespaces with the most
 * are cut, and of their services those with the most. Pure.
 */
import { TARGETS_MAX } from '../../worker/contract/limits.ts'
import type { Warning } from '../../worker/contract/report.ts'
import { TARGETS_OF_NAMESPACE_MAX } from './bounds.ts'
import { findLevel } from './share-out.ts'
import type { DiscoveredService } from './targets.ts'

export function shareTargets(services: DiscoveredService[]) {
  const counts = new Map<string, number[]>()
  for (const { namespace, targets } of services) {
    const known = counts.get(namespace)
    if (known === undefined) counts.set(namespace, [targets.length])
    else known.push(targets.length)
  }
  const sums = [...counts.values()].map((each) => Math.min(sum(each), TARGETS_OF_NAMESPACE_MAX))
  const most = Math.min(TARGETS_OF_NAMESPACE_MAX, findLevel(sums, TARGETS_MAX))
  const levels = new Map([...counts].map(([namespace, each]) => [namespace, findLevel(each, most)]))
  return cutServices(services, levels)
}

function cutServices(services: DiscoveredService[], levels: Map<string, number>) {
  const warnings: Warning[] = []
  const cut = new Set<string>()
  const bounded = services.map((service) => {
    const { name, namespace, targets } = service
    const level = levels.get(namespace) ?? Infinity
    if (targets.length <= level) return service
    cut.add(name)
    warnings.push({
      subject: `Service ${name}`,
      message: `has more addresses than its namespace may have: the first ${level} are probed, by name`,
    })
    return { ...service, targets: targets.slice(0, level) }
  })
  return { services: bounded, warnings, cut }
}

function sum(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
