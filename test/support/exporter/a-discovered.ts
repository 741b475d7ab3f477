/** Builders of what discovery tells the prober. */
import type { Discovered } from '../../../node-exporter/discovery/discovery.ts'
import type { DiscoveredTarget } from '../../../node-exporter/discovery/targets.ts'

type KnownService = Discovered['services'][number]

export function aKnownService(given: Partial<KnownService> = {}): KnownService {
  return {
    name: 'web',
    namespace: 'default',
    isResilient: true,
    isDaemon: false,
    desired: 1,
    scalingDown: false,
    businessImpact: undefined,
    panicGuide: undefined,
    periodSeconds: undefined,
    targets: [aKnownTarget()],
    ...given,
  }
}

export function aKnownTarget(given: Partial<DiscoveredTarget> = {}): DiscoveredTarget {
  const id = given.id ?? 'web-1'
  return {
    id,
    uid: null,
    namespace: 'default',
    pod: id,
    node: 'node-1',
    ready: true,
    terminating: false,
    scheme: 'http',
    address: '127.0.0.1',
    port: 8080,
    path: '/__health',
    ...given,
  }
}

export function aDiscovered(given: Partial<Discovered> = {}): Discovered {
  const nothing = { categories: [], acks: [], incomplete: [], warnings: [] }
  return { services: [aKnownService()], ...nothing, ...given }
}
