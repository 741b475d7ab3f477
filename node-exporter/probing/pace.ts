/**
 * How often each service's targets are asked. What the exporter can ask in a second is bounded, and shared fairly: a tenant
 * with more targets than its share has them asked more rarely, in rotation, and no other tenant notices.
 */
import type { KnownService } from './entry.ts'

export interface Pace {
  periodMs: number
  /** It is asked more rarely than it should be. null: it isn't. */
  warning: string | null
}

/** Probes a second of one service: 1,000 targets every 10 s. */
export const SERVICE_RATE_MAX = 100
/** Probes a second in all: 5,000 pods every 10 s, the largest cluster that was measured. */
export const RATE_MAX = 500

/** Steps of a period's stretch: a quarter of the period each. */
const STEPS = 4

type Paced = Pick<KnownService, 'name' | 'namespace' | 'periodSeconds' | 'targets'>

interface Wanted {
  service: Paced
  periodMs: number
  /** Probes a second. */
  rate: number
}

/** By service. `defaultMs`: the period where no category names one. */
export function findPaces(services: Paced[], defaultMs: number): Map<string, Pace> {
  const wanted = services.map((service): Wanted => {
    const periodMs = service.periodSeconds ? service.periodSeconds * 1000 : defaultMs
    return { service, periodMs, rate: (service.targets.length / periodMs) * 1000 }
  })
  const namespaces = Map.groupBy(wanted, ({ service }) => service.namespace)
  const rates = [...namespaces.values()].map((own) => sum(own.map(boundedRate)))
  const namespaceMax = findShare(rates, RATE_MAX)
  const paces = new Map<string, Pace>()
  for (const own of namespaces.values()) {
    const serviceMax = findShare(own.map(boundedRate), namespaceMax)
    for (const one of own) paces.set(one.service.name, findPace(one, serviceMax))
  }
  return paces
}

function boundedRate({ rate }: Wanted): number {
  return Math.min(rate, SERVICE_RATE_MAX)
}

/** In steps, so that one pod more or less changes no rhythm. */
function findPace({ service, periodMs, rate }: Wanted, shareMax: number): Pace {
  const max = Math.min(SERVICE_RATE_MAX, shareMax)
  if (rate <= max) return { periodMs, warning: null }
  const times = Math.ceil((rate / max) * STEPS) / STEPS
  const why =
    shareMax < SERVICE_RATE_MAX
      ? `namespace ${service.namespace} has more than its share of ${RATE_MAX} probes a second`
      : `a Service has ${SERVICE_RATE_MAX} probes a second at most`
  const [wasS, isS] = [periodMs / 1000, (times * periodMs) / 1000]
  const warning = `its ${service.targets.length} pods are probed every ${isS} s instead of every ${wasS} s: ${why}`
  return { periodMs: times * periodMs, warning }
}

/** The most that each may have, so that all together have no more than `total`: who wants less leaves the rest to others. */
export function findShare(wants: number[], total: number): number {
  let left = total
  for (const [i, want] of wants.toSorted((a, b) => a - b).entries()) {
    const share = left / (wants.length - i)
    if (want > share) return share
    left -= want
  }
  return Infinity
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
