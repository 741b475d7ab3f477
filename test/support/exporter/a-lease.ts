/** Two replicas over one Lease, with timings of tests: what stands in it, what hands do to it, and who is heard at the edge. */
import { writeFileSync } from 'node:fs'
import * as v from 'valibot'
import type { EdgeProxy, Passed } from '../../sandbox/edge-proxy.ts'
import type { KubeObject } from '../../sandbox/api-server/kube-object.ts'
import type { World } from '../../sandbox/world.ts'
import { aFolder } from './a-setup.ts'

export const LEASE = { kind: 'Lease', namespace: 'pilotlight', name: 'pilotlight' }

/** What both replicas are told; a lease of 1 s instead of 15. */
export const LEASE_ENV = {
  LEASE_NAMESPACE: LEASE.namespace,
  LEASE_NAME: LEASE.name,
  LEASE_DURATION_SECONDS: '1',
  LEASE_RENEW_SECONDS: '0.6',
  LEASE_RETRY_SECONDS: '0.1',
}

/** Whatever is in its namespace must have one. */
export function makeLeaseNamespace(world: World): void {
  world.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: LEASE.namespace } })
}

export function leaseOf(world: World): KubeObject | undefined {
  return world.api.get(LEASE)
}

/** Without a Lease: held by nobody, -1. */
export function specOf(world: World): v.InferOutput<typeof specSchema> {
  return v.parse(specSchema, leaseOf(world)?.['spec'])
}

const specSchema = v.optional(
  v.looseObject({
    holderIdentity: v.optional(v.string(), ''),
    leaseTransitions: v.optional(v.number(), 0),
  }),
  { leaseTransitions: -1 },
)

/** By the name of the pod, which is followed by what is the process's own. */
export function holderOf(world: World): string {
  return specOf(world).holderIdentity.split('_')[0] ?? ''
}

/** As `kubectl edit` writes it. */
export function editLease(world: World, spec: Record<string, unknown>): void {
  world.api.patch(LEASE, { spec })
}

/** A kubeconfig with a token of its own, so that its owner alone can be shut out. */
export function aKubeconfigOfItsOwn(world: World, token: string): string {
  const [shared = ''] = world.api.tokens
  const path = `${aFolder()}/kubeconfig`
  writeFileSync(path, world.api.kubeconfig().replaceAll(shared, token))
  world.api.tokens.add(token)
  return path
}

export function acceptedBy(edge: EdgeProxy): Passed[] {
  return edge.passed.filter(({ status }) => status === 202)
}
