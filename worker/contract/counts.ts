/**
 * How many of each a report may hold: the work that follows from it goes with counts, and not with bytes. Lists are measured
 * before any of their items is read. The exporter keeps within the same bounds.
 */
import {
  ACKS_MAX,
  CATEGORIES_MAX,
  CATEGORY_NAMES_MAX,
  CATEGORY_SERVICES_MAX,
  COMPONENTS_MAX,
  NODE_CHECKS_IN_ALL_MAX,
  NODE_CHECKS_MAX,
  NODES_MAX,
  SERVICES_MAX,
  TARGET_CHECKS_IN_ALL_MAX,
  TARGET_CHECKS_MAX,
  TARGETS_MAX,
  WARNINGS_MAX,
} from './limits.ts'
import type { Content } from './report.ts'

/** Of a list, or of an object by names; `of`: of what its items hold, by key, or of the items, where they are lists. */
interface Bound {
  max: number
  of?: Record<string, Bound> | Bound
}

const checks = { max: TARGET_CHECKS_MAX }

/** By key of a report. */
const REPORT: Record<string, Bound> = {
  streaks: { max: SERVICES_MAX },
}
const EXPORTER: Record<string, Bound> = {
  components: { max: COMPONENTS_MAX },
}
const CONTENT: Record<string, Bound> = {
  categories: { max: CATEGORIES_MAX, of: { services: { max: CATEGORY_SERVICES_MAX } } },
  services: { max: SERVICES_MAX, of: { targets: { max: TARGETS_MAX, of: { checks } } } },
  nodes: { max: NODES_MAX, of: { checks: { max: NODE_CHECKS_MAX } } },
  acks: { max: ACKS_MAX },
  /** Every category, and `default`, which no ConfigMap need name. */
  incomplete: { max: CATEGORIES_MAX + 1 },
  warnings: { max: WARNINGS_MAX },
  checkSets: { max: TARGETS_MAX, of: checks },
  nodeNames: { max: TARGETS_MAX },
}

/** Which list of a report that was not read yet is too long, such as `content.nodes: has more than 5000`. null: none. */
export function findLongList(report: unknown): string | null {
  return (
    findIn(report, REPORT, '') ??
    findIn(get(report, 'exporter'), EXPORTER, 'exporter.') ??
    findIn(get(report, 'content'), CONTENT, 'content.')
  )
}

function findIn(value: unknown, bounds: Record<string, Bound>, path: string): string | null {
  for (const [key, bound] of Object.entries(bounds)) {
    const found = findAt(get(value, key), bound, `${path}${key}`)
    if (found !== null) return found
  }
  return null
}

function findAt(value: unknown, { max, of }: Bound, path: string): string | null {
  if (typeof value !== 'object' || value === null) return null
  const items: unknown[] = Array.isArray(value) ? value : Object.keys(value)
  if (items.length > max) return `${path}: has more than ${max}`
  if (of === undefined) return null
  for (const [i, item] of items.entries()) {
    const at = `${path}.${i}`
    const found = isBound(of) ? findAt(item, of, at) : findIn(item, of, `${at}.`)
    if (found !== null) return found
  }
  return null
}

function isBound(of: Record<string, Bound> | Bound): of is Bound {
  return typeof of['max'] === 'number'
}

function get(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

/** Which of its sums is too large; null: none. Ten thousand targets may share one long list of checks, so each counts it. */
export function findExcess({ services, categories, nodes }: Content): string | null {
  let [targets, checksOfTargets] = [0, 0]
  for (const service of services ?? []) {
    targets += service.targets?.length ?? 0
    for (const target of service.targets ?? []) checksOfTargets += target.checks.length
  }
  const sums: [what: string, count: number, max: number][] = [
    ['targets', targets, TARGETS_MAX],
    ['checks of targets', checksOfTargets, TARGET_CHECKS_IN_ALL_MAX],
    ['names in categories', sum(categories?.map((one) => one.services.length)), CATEGORY_NAMES_MAX],
    ['checks of nodes', sum(nodes?.map((node) => node.checks.length)), NODE_CHECKS_IN_ALL_MAX],
  ]
  const over = sums.find(([, count, max]) => count > max)
  return over === undefined ? null : `content: has more than ${over[2]} ${over[0]}`
}

function sum(counts: number[] = []): number {
  return counts.reduce((all, count) => all + count, 0)
}
