/** Builders of what is known of a cluster, spelled out: fresh and well, unless a case says otherwise. */
import type {
  AckStatus,
  CategoryStatus,
  ClusterStatus,
  ServiceStatus,
} from '../../worker/domain/status.ts'
import { T0 } from './apply.ts'

export function aClusterStatus(given: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    cluster: 'demo',
    environment: 'demo',
    freshness: 'fresh',
    freshAtMs: T0,
    intervalSeconds: 10,
    word: 'healthy',
    services: [aServiceStatus()],
    categories: [aCategoryStatus()],
    warnings: [],
    exporter: null,
    ...given,
  }
}

export function aServiceStatus(given: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    name: 'web',
    ok: true,
    severity: null,
    word: 'ok',
    healthy: 1,
    total: 1,
    desired: 1,
    output: '1/1 pods available',
    checkedAtMs: T0,
    sinceMs: T0,
    ack: null,
    isResilient: true,
    isDaemon: false,
    businessImpact: undefined,
    panicGuide: undefined,
    targets: [],
    ...given,
  }
}

/** A service whose one pod fails, at severity 2. */
export function aFailingServiceStatus(given: Partial<ServiceStatus> = {}): ServiceStatus {
  return aServiceStatus({
    ok: false,
    severity: 2,
    word: 'warning',
    healthy: 0,
    output: '0/1 pods available (web-1: database)',
    ...given,
  })
}

export function aCategoryStatus(given: Partial<CategoryStatus> = {}): CategoryStatus {
  return {
    name: 'default',
    passes: true,
    reason: 'healthy',
    severity: null,
    sinceMs: T0,
    services: ['web'],
    failing: [],
    acked: [],
    missing: [],
    isSticky: false,
    failureThreshold: 3,
    counts: {},
    override: null,
    ...given,
  }
}

/** An ack given by hand that stands until it is removed. */
export function anAckStatus(given: Partial<AckStatus> = {}): AckStatus {
  return {
    message: 'known',
    given: { by: 'ops', atMs: T0, expiresAtMs: null, until: 'removed', isRestored: false },
    ...given,
  }
}
