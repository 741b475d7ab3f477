/** From the health of services to the verdict of each category (behaviour, section 3). */
import { DEFAULT_CATEGORY, type Category, type Content, type Severity } from '../contract/report.ts'
import { judgeService, worst, type ServiceHealth } from './service-health.ts'

/** `empty`: enabled, but of not one of its services anything is known. */
export type CategoryReason = 'healthy' | 'unhealthy' | 'disabled' | 'empty'

export interface CategoryVerdict {
  name: string
  passes: boolean
  reason: CategoryReason
  /** The worst of the failing, unacked services; null when there is none. */
  severity: Severity | null
  /** Failing and not acked. */
  failing: string[]
  /** Named by the category, not in the cluster. */
  missing: string[]
}

/** The rules for `default` where no ConfigMap sets them. */
const DEFAULTS: Category = {
  name: DEFAULT_CATEGORY,
  services: [],
  isSticky: false,
  failureThreshold: 3,
  onMissing: 'degrade',
}

/** The health of every service that was checked, by name. */
export function judgeServices(content: Content): Map<string, ServiceHealth | null> {
  return new Map((content.services ?? []).map((service) => [service.name, judgeService(service)]))
}

/** One verdict per category, sorted by name; `default` is always among them. */
export function judgeCategories(
  content: Content,
  services: Map<string, ServiceHealth | null>,
): CategoryVerdict[] {
  const acked = new Set(content.acks?.map((ack) => ack.service))
  const named = content.categories ?? []
  const all = named.some(isDefault) ? named : [DEFAULTS, ...named]
  return all
    .map((category) => judgeCategory(category, services, acked))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function judgeCategory(
  category: Category,
  services: Map<string, ServiceHealth | null>,
  acked: Set<string>,
): CategoryVerdict {
  const names = isDefault(category) ? [...services.keys()] : [...new Set(category.services)]
  const known = names.filter((name) => services.has(name))
  const missing = names.filter((name) => !services.has(name))
  const failing = known.filter((name) => services.get(name)?.ok === false && !acked.has(name))
  const severities = failing.map((name) => services.get(name)?.severity ?? null)
  // A service that was never checked doesn't count, not even towards there being one.
  const checked = known.filter((name) => services.get(name) !== null)
  const reason = findReason(category, { checked, failing, missing })
  return {
    name: category.name,
    passes: reason === 'healthy',
    reason,
    severity: worst(severities.filter((severity) => severity !== null)),
    failing,
    missing,
  }
}

function findReason(
  category: Category,
  { checked, failing, missing }: Record<'checked' | 'failing' | 'missing', string[]>,
): CategoryReason {
  if (category.enabled === false) return 'disabled'
  if (checked.length === 0) return 'empty'
  if (failing.length > 0) return 'unhealthy'
  return missing.length > 0 && category.onMissing === 'fail' ? 'unhealthy' : 'healthy'
}

function isDefault(category: Category): boolean {
  return category.name === DEFAULT_CATEGORY
}
