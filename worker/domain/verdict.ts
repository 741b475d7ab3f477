/**
 * From the health of services to the verdict of each category, in two steps (behaviour, section 3): the facts, which only
 * a snapshot changes, and the judgement over them, which people's decisions and the passing of time change too.
 */
import { DEFAULT_CATEGORY, type Category, type Content, type Severity } from '../contract/report.ts'
import { isEnabled, isSameText, type DecisionsNow } from './decisions.ts'
import { isNodesService, NODES_SERVICE } from './nodes.ts'
import { judgeService, worst, type ServiceHealth } from './service-health.ts'
import { findPast, type ServiceMemory } from './service-memory.ts'

/** `empty`: enabled, but not one of its services is in the cluster. */
export type CategoryReason = 'healthy' | 'unhealthy' | 'disabled' | 'empty'

/** What the cluster says of a category; what anybody decided about it is not in here. */
export interface CategoryFacts {
  name: string
  /** As its ConfigMap names them; none for `default`, which holds all there are. */
  services: string[]
  refreshSeconds: number | null
  isSticky: boolean
  failureThreshold: number
  onMissing: Category['onMissing']
  /** What its ConfigMap says of `category.enabled`. null: nothing. */
  said: boolean | null
  /** At least one of its services is in the cluster. */
  isKnown: boolean
  /** At least one of its services counts: it was checked, and is not new and starting. */
  isChecked: boolean
  /** Acked or not. `honoured`: the text of the ConfigMap's ack, where it has one. */
  failures: { service: string; severity: Severity; honoured: string | null }[]
  /** Named by the category, not in the cluster. */
  missing: string[]
  /** Not failing by old results, for new ones are overdue. */
  late: string[]
  /** The exporter left out something that it holds. */
  isIncomplete?: boolean | undefined
}

export interface AckedFailure {
  service: string
  severity: Severity
  /** ms; from then on it counts. null: the ack doesn't run out. */
  expiresAtMs: number | null
}

export interface CategoryVerdict {
  name: string
  passes: boolean
  reason: CategoryReason
  /** The worst of the failing, unacked services; null when there is none. */
  severity: Severity | null
  /** Failing and not acked. */
  failing: string[]
  /** Failing and acked. */
  acked: AckedFailure[]
  missing: string[]
  /** Not failing, and overdue. */
  late: string[]
  /** At least one of its services counts. */
  isChecked: boolean
  /** The exporter left out something that it holds: it may pass, but never as whole. */
  isIncomplete?: boolean | undefined
}

/** The rules for `default` where no ConfigMap sets them. */
const DEFAULTS: Category = {
  name: DEFAULT_CATEGORY,
  services: [],
  isSticky: false,
  failureThreshold: 3,
  onMissing: 'degrade',
}

/** The health of every service by name; null where it doesn't count. */
export function judgeServices(
  content: Content,
  memory: ServiceMemory | null,
): Map<string, ServiceHealth | null> {
  return new Map(
    (content.services ?? []).map((service) => [
      service.name,
      judgeService(service, findPast(memory, service.name)),
    ]),
  )
}

/**
 * The services of a category, as it names them; for `default` all that the cluster has. The built-in `nodes` must be
 * named there, too: one node of many that fails is no outage, unless somebody says so.
 */
export function listServices(
  category: Pick<Category, 'name' | 'services'>,
  content: Pick<Content, 'services'> | null,
): string[] {
  if (category.name !== DEFAULT_CATEGORY) return [...new Set(category.services)]
  const isNamed = category.services.includes(NODES_SERVICE)
  const held = content?.services?.filter((service) => isNamed || !isNodesService(service))
  return held?.map(({ name }) => name) ?? []
}

/** The facts of each category, sorted by name; `default` is always among them. */
export function observeCategories(
  content: Content,
  services: Map<string, ServiceHealth | null>,
): CategoryFacts[] {
  // Of two with one name the first counts, as the exporter has it.
  const byName = new Map(
    [...(content.categories ?? []), DEFAULTS].toReversed().map((one) => [one.name, one]),
  )
  const honoured = new Map(content.acks?.map((ack) => [ack.service, ack.message]))
  const overdue = content.services?.filter(({ overdueSince }) => overdueSince !== undefined) ?? []
  const late = new Set(overdue.map(({ name }) => name))
  const incomplete = new Set(content.incomplete)
  return [...byName.values()]
    .map((category) => ({
      ...observeCategory(category, listServices(category, content), { services, honoured, late }),
      ...(incomplete.has(category.name) ? { isIncomplete: true } : {}),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function observeCategory(
  category: Category,
  names: string[],
  {
    services,
    honoured,
    late,
  }: {
    services: Map<string, ServiceHealth | null>
    honoured: Map<string, string>
    late: Set<string>
  },
): CategoryFacts {
  const known = names.filter((name) => services.has(name))
  return {
    name: category.name,
    services: category.services,
    refreshSeconds: category.refreshSeconds ?? null,
    isSticky: category.isSticky,
    failureThreshold: category.failureThreshold,
    onMissing: category.onMissing,
    said: category.enabled ?? null,
    isKnown: known.length > 0,
    isChecked: known.some((name) => services.get(name) !== null),
    failures: known.flatMap((service) => {
      const severity = services.get(service)?.severity ?? null
      if (severity === null) return []
      return [{ service, severity, honoured: honoured.get(service) ?? null }]
    }),
    missing: names.filter((name) => !services.has(name)),
    late: known.filter((name) => late.has(name) && services.get(name)?.ok !== false),
  }
}

/** The categories that facts were made of: what is left of them where the content is lost. */
export function rebuildCategories(facts: CategoryFacts[]): Category[] {
  return facts.map(({ said, refreshSeconds, ...rule }) => ({
    name: rule.name,
    services: rule.services,
    isSticky: rule.isSticky,
    failureThreshold: rule.failureThreshold,
    onMissing: rule.onMissing,
    ...(refreshSeconds === null ? {} : { refreshSeconds }),
    ...(said === null ? {} : { enabled: said }),
  }))
}

/** The ConfigMap's acks that facts know of: those of failing services, the only ones that count. */
export function rebuildAcks(facts: CategoryFacts[]): NonNullable<Content['acks']> {
  const known = facts.flatMap(({ failures }) => failures)
  const texts = new Map(known.map(({ service, honoured }) => [service, honoured]))
  return [...texts].flatMap(([service, message]) =>
    message === null ? [] : [{ service, message }],
  )
}

/** The verdict at the moment of these decisions: an ack that has run out by then doesn't count. */
export function judgeCategory(facts: CategoryFacts, decisions: DecisionsNow): CategoryVerdict {
  const { given, hidden } = decisions
  const judged = facts.failures.map(({ service, severity, honoured }) => {
    const hiddenText = hidden.get(service)
    const isHidden = hiddenText !== undefined && isSameText(hiddenText, honoured ?? '')
    const isHonoured = honoured !== null && !isHidden
    const ack = given.get(service)
    // Of two acks the one that stays longer decides.
    const expiresAtMs = isHonoured ? null : (ack?.expiresAtMs ?? null)
    return { service, severity, expiresAtMs, isAcked: isHonoured || ack !== undefined }
  })
  const failing = judged.filter(({ isAcked }) => !isAcked)
  const reason = findReason(facts, { isEnabled: isEnabled(facts, decisions), failing })
  return {
    name: facts.name,
    passes: reason === 'healthy',
    reason,
    severity: worst(failing.map(({ severity }) => severity)),
    failing: failing.map(({ service }) => service),
    acked: judged
      .filter(({ isAcked }) => isAcked)
      .map(({ service, severity, expiresAtMs }) => ({ service, severity, expiresAtMs })),
    missing: facts.missing,
    late: facts.late,
    isChecked: facts.isChecked,
    ...(facts.isIncomplete === true ? { isIncomplete: true } : {}),
  }
}

function findReason(
  { isKnown, missing, onMissing, isIncomplete }: CategoryFacts,
  { isEnabled: enabled, failing }: { isEnabled: boolean; failing: unknown[] },
): CategoryReason {
  if (!enabled) return 'disabled'
  // What it holds may be among what was left out: nothing is known against it, and it passes as degraded.
  if (!isKnown && isIncomplete !== true) return 'empty'
  if (failing.length > 0) return 'unhealthy'
  return missing.length > 0 && onMissing === 'fail' ? 'unhealthy' : 'healthy'
}

/**
 * The same verdict, read later: acks that ran out since count no more. Whoever reads judges by its own clock, for the
 * next report or alarm may be late.
 */
export function expireAcks<T extends CategoryVerdict & { sinceMs: number }>(
  verdict: T,
  nowMs: number,
): T {
  const hasEnded = ({ expiresAtMs }: AckedFailure) => (expiresAtMs ?? Infinity) <= nowMs
  const ended = verdict.acked.filter(hasEnded)
  if (ended.length === 0) return verdict
  const turns = verdict.reason === 'healthy'
  const severities = [verdict.severity, ...ended.map(({ severity }) => severity)]
  return {
    ...verdict,
    passes: false,
    reason: turns ? 'unhealthy' : verdict.reason,
    sinceMs: turns ? Math.min(...ended.map((ack) => ack.expiresAtMs ?? nowMs)) : verdict.sinceMs,
    severity: worst(severities.filter((severity) => severity !== null)),
    failing: [...verdict.failing, ...ended.map(({ service }) => service)],
    acked: verdict.acked.filter((ack) => !hasEnded(ack)),
  }
}
