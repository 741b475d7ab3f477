/** The service that a pod is asked for with. */
import type { ServiceStatus } from './status.ts'

export type PickedService =
  | { ok: true; service: ServiceStatus }
  | { ok: false; reason: 'unknown-service' | 'unknown-pod' | 'ambiguous-pod' }

/**
 * By its name, where one is given. A pod's name alone is enough while one namespace has it: several Services of a namespace
 * may select the same pod, and then the first of them by name is taken. Nodes are no pods.
 */
export function pickService(
  services: ServiceStatus[],
  { pod, named }: { pod: string; named: string | undefined },
): PickedService {
  if (named !== undefined) {
    const service = services.find(({ name, isNodes }) => name === named && !isNodes)
    return service === undefined ? { ok: false, reason: 'unknown-service' } : { ok: true, service }
  }
  const having = services.filter(
    ({ isNodes, targets }) => !isNodes && targets.some(({ id }) => id === pod),
  )
  const [service] = having
  if (service === undefined) return { ok: false, reason: 'unknown-pod' }
  const namespaces = new Set(having.map(({ name }) => namespaceOf(name)))
  return namespaces.size === 1 ? { ok: true, service } : { ok: false, reason: 'ambiguous-pod' }
}

/** `name.namespace`; of the home namespace the name alone (behaviour, section 1). A Service's name holds no dot. */
function namespaceOf(service: string): string {
  return service.split('.').slice(1).join('.')
}
