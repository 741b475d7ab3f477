/** Builders of what is known of a cluster, spelled out: fresh and well, unless a case says otherwise. */
import type { NodeCheckStatus, NodesStatus, NodeStatus } from '../../worker/domain/node-status.ts'
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
    nodes: null,
    warnings: [],
    exporter: null,
    held: null,
    hold: null,
    ...given,
  }
}

/** What is known of some nodes, all of which must pass. */
export function aNodesStatus(all: NodeStatus[]): NodesStatus {
  const schedulable = all.filter(({ isSchedulable }) => isSchedulable)
  const passing = schedulable.filter(({ passes }) => passes).length
  return { all, schedulable: schedulable.length, passing, least: schedulable.length }
}

export function aNodeStatus(given: Partial<NodeStatus> = {}): NodeStatus {
  return {
    name: 'node-1',
    state: 'ok',
    isSchedulable: true,
    ready: true,
    answered: true,
    passes: true,
    checks: [aNodeCheckStatus()],
    ...given,
  }
}

export function aNodeCheckStatus(given: Partial<NodeCheckStatus> = {}): NodeCheckStatus {
  return { name: 'node_ready', passed: true, reason: undefined, warning: undefined, ...given }
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
    overdueSinceMs: null,
    checkedAtMs: T0,
    sinceMs: T0,
    ack: null,
    isResilient: true,
    isDaemon: false,
    isNodes: false,
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
    late: [],
    isChecked: true,
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
