/** What an exporter of the hour saw, in the few words that matter there, and the same as it goes over the wire. */
import type { Report, Service } from '../../worker/contract/report.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
} from './a-report.ts'

/** How a service fails; null in a sighting: it is well. */
export interface Failing {
  checks: string[]
  severity: 1 | 2 | 3
}

export interface Sighting {
  kind: Report['kind']
  epoch: number
  sequence: number
  observedAtMs: number
  digest: string
  /** By service. */
  streaks: Record<string, number>
  /** By service. */
  services: Record<string, Failing | null>
  /** By category: what its ConfigMap says of `category.enabled`. null: nothing. */
  said: Record<string, boolean | null>
}

export interface HourCategory {
  name: string
  services: string[]
  isSticky: boolean
}

export const INTERVAL_SECONDS = 10
export const SERVICES = ['web', 'api', 'bank']
export const FAILURE_THRESHOLD = 3
/** `ghost` is in no cluster. `default` holds every service without a ConfigMap. */
export const CATEGORIES: HourCategory[] = [
  { name: 'read', services: ['web', 'api'], isSticky: false },
  { name: 'pay', services: ['bank'], isSticky: true },
  { name: 'ops', services: ['api', 'ghost'], isSticky: true },
]

/** The digest of what verdicts read of a sighting. */
export function digestOf({ services, said }: Pick<Sighting, 'services' | 'said'>): string {
  return JSON.stringify([services, said])
}

export function makeReport(cluster: string, sighting: Sighting): Report {
  const { kind, epoch, sequence, observedAtMs: observedAt, digest, streaks } = sighting
  const envelope = { cluster, epoch, sequence, observedAt, intervalSeconds: INTERVAL_SECONDS }
  switch (kind) {
    case 'blind':
      return aBlind(envelope)
    case 'heartbeat':
      return aHeartbeat({ ...envelope, digest, streaks })
    case 'snapshot':
      return aSnapshot({ ...envelope, digest, streaks, content: describe(sighting) })
  }
}

function describe({ services, said }: Sighting) {
  return aContent({
    services: Object.entries(services).map(([name, failing]) => describeService(name, failing)),
    categories: CATEGORIES.map(({ name, ...given }) => {
      const enabled = said[name] ?? null
      const failureThreshold = FAILURE_THRESHOLD
      return aCategory({
        name,
        ...given,
        failureThreshold,
        ...(enabled === null ? {} : { enabled }),
      })
    }),
  })
}

function describeService(name: string, failing: Failing | null): Service {
  const id = `${name}-1`
  if (failing === null) return aService({ name, targets: [aTarget({ id })] })
  const { severity } = failing
  const checks = failing.checks.map((check) => ({ id: check, name: check, ok: false, severity }))
  return aService({ name, targets: [aTarget({ id, ok: false, checks })] })
}
