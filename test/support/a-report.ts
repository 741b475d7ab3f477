/** Builders of reports: everything has a default, a case names only what matters to it. */
import type {
  Category,
  Content,
  Heartbeat,
  PodCheck,
  Report,
  Service,
  Snapshot,
  Target,
} from '../../worker/contract/report.ts'

type NodeFacts = NonNullable<Content['nodes']>[number]

const ENVELOPE = {
  cluster: 'demo',
  epoch: 1,
  sequence: 1,
  observedAt: 1_700_000_000_000,
  intervalSeconds: 10,
  digest: 'digest-1',
  streaks: {},
  exporter: {
    type: 'pilotlight',
    version: '0.1.0',
    commit: '',
    startedAt: 1_700_000_000_000,
    status: 'healthy' as const,
    components: {},
  },
}

export function aSnapshot(given: Partial<Snapshot> = {}): Snapshot {
  return { kind: 'snapshot', ...ENVELOPE, content: aContent(), ...given }
}

export function aHeartbeat(given: Partial<Heartbeat> = {}): Heartbeat {
  return { kind: 'heartbeat', ...ENVELOPE, ...given }
}

export function aBlind(
  given: Partial<Extract<Report, { kind: 'blind' }>> = {},
): Extract<Report, { kind: 'blind' }> {
  return { kind: 'blind', ...ENVELOPE, ...given }
}

export function aContent(given: Partial<Content> = {}): Content {
  return {
    environment: 'demo',
    categories: [],
    services: [aService()],
    nodes: null,
    acks: [],
    warnings: [],
    ...given,
  }
}

export function aService(given: Partial<Service> = {}): Service {
  return {
    name: 'web',
    isResilient: true,
    isDaemon: false,
    desired: 1,
    targets: [aTarget()],
    ...given,
  }
}

export function aCategory(given: Partial<Category> = {}): Category {
  return {
    name: 'read',
    services: ['web'],
    isSticky: false,
    failureThreshold: 3,
    onMissing: 'degrade',
    ...given,
  }
}

export function aTarget(given: Partial<Target> = {}): Target {
  return {
    id: 'web-1',
    ready: true,
    ok: true,
    answered: true,
    checkedAt: 1_700_000_000_000,
    checks: [],
    ...given,
  }
}

export function aNode(given: Partial<NodeFacts> = {}): NodeFacts {
  return { name: 'node-1', schedulable: true, ready: true, answered: true, checks: [], ...given }
}

/** A target whose one check fails. */
export function aFailingTarget(check: Partial<PodCheck> = {}, given: Partial<Target> = {}): Target {
  const checks = [{ id: 'database', name: 'database', ok: false, ...check }]
  return aTarget({ id: 'web-2', ok: false, checks, ...given })
}

/** A target that gave no answer at all. */
export function anUnreachableTarget(given: Partial<Target> = {}): Target {
  return aTarget({ id: 'web-3', ok: false, answered: false, reason: 'refused', ...given })
}
