/** Builders of what readers see: a view that is fresh and well, unless a case says otherwise. */
import type { ClusterView, Gtg } from '../../worker/domain/gtg.ts'
import { DEAD_AFTER_MS, T0 } from './apply.ts'

type CategoryStanding = ClusterView['categories'][number]

export function aView(given: Partial<ClusterView> = {}): ClusterView {
  return {
    lease: {
      freshAtMs: T0,
      validUntilMs: T0 + DEAD_AFTER_MS,
      heldUntilMs: null,
      byHandUntilMs: null,
      ruling: null,
    },
    intervalSeconds: 10,
    categories: [aStanding()],
    ...given,
  }
}

export function aStanding(given: Partial<CategoryStanding> = {}): CategoryStanding {
  return {
    name: 'default',
    passes: true,
    reason: 'healthy',
    severity: null,
    failing: [],
    acked: [],
    missing: [],
    late: [],
    isChecked: true,
    sinceMs: T0,
    ...given,
  }
}

export function aGtg(given: Partial<Gtg> = {}): Gtg {
  return {
    passes: true,
    reason: 'healthy',
    heldBy: null,
    ageSeconds: 3,
    retryAfterSeconds: 10,
    categories: [aStanding()],
    ...given,
  }
}
