/**
 * Sticky categories: failed checks counted from streaks, per category and service, until one reaches the threshold
 * and the category trips. Reads never count, and neither does the same failed check told twice (behaviour, section 3).
 */
import type { CategoryFacts } from './verdict.ts'

/** Failed checks of one service that counted against one category. */
export interface Count {
  category: string
  service: string
  failed: number
}

/** The streaks of one exporter's process: a level that only that epoch goes on with. */
export interface Streaks {
  /** null: what was counted before is not known any more, so the next report is where counting begins. */
  epoch: number | null
  /** By failing service: its own failed checks in a row. */
  byService: Record<string, number>
}

interface Counted {
  held: Streaks
  reported: Streaks
  /** Whether a failing service counts against a category now: it is not acked. */
  isCounted: (category: string, service: string) => boolean
}

/** Of enabled sticky categories. A service that is well is dropped; one that nobody asked again keeps its count. */
export function countFailures(
  counts: Count[],
  enabled: CategoryFacts[],
  { held, reported, isCounted }: Counted,
): Count[] {
  const before = new Map(
    [...Map.groupBy(counts, ({ category }) => category)].map(([category, own]) => [
      category,
      new Map(own.map(({ service, failed }) => [service, failed])),
    ]),
  )
  return enabled
    .filter((category) => category.isSticky)
    .flatMap(({ name, failures }) =>
      failures.flatMap(({ service }) => {
        const counted = before.get(name)?.get(service) ?? 0
        const { isReset, increase } = compareStreaks(held, reported, service)
        const failed = (isReset ? 0 : counted) + (isCounted(name, service) ? increase : 0)
        return failed === 0 ? [] : [{ category: name, service, failed }]
      }),
    )
}

/** Those of a category's counts that reached its threshold. */
export function findReached(
  counts: Count[],
  { failureThreshold }: Pick<CategoryFacts, 'failureThreshold'>,
): Count[] {
  return counts.filter(({ failed }) => failed >= failureThreshold)
}

function compareStreaks(held: Streaks, reported: Streaks, service: string) {
  const now = streakOf(reported, service)
  if (now === 0 || held.epoch === null) return { isReset: false, increase: 0 }
  // A process that starts anew counts from one: what it saw comes on top.
  if (reported.epoch !== held.epoch) return { isReset: false, increase: now }
  const before = streakOf(held, service)
  return now < before
    ? { isReset: true, increase: now }
    : { isReset: false, increase: now - before }
}

/**
 * What the next report is compared with. A service that fails and has no streak was not asked again yet, as while all of
 * its pods are replaced: its exporter goes on from where it was.
 */
export function keepStreaks(
  held: Streaks,
  reported: Streaks,
  failing: string[],
): Streaks['byService'] {
  if (held.epoch !== reported.epoch) return reported.byService
  const kept = failing.flatMap((service): [string, number][] =>
    streakOf(reported, service) === 0 && streakOf(held, service) > 0
      ? [[service, streakOf(held, service)]]
      : [],
  )
  return kept.length === 0
    ? reported.byService
    : Object.fromEntries([...Object.entries(reported.byService), ...kept])
}

function streakOf({ byService }: Streaks, service: string): number {
  return Object.hasOwn(byService, service) ? (byService[service] ?? 0) : 0
}
