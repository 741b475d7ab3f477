/** Which pod a request means: by its service and its name, for another namespace may have one of the same name. */
import type { Context } from 'hono'
import type { Target } from '../contract/report.ts'
import { pickService } from '../domain/pick-service.ts'
import type { ServiceStatus } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import type { Problem } from './answer.ts'
import { findService, missingQuery, UNKNOWN_SERVICE, type ReadCluster } from './read-cluster.ts'

/** Names of its query. */
export const POD = ['pod-name', 'service-name'] as const

type FoundPod =
  | { ok: true; read: ReadCluster; service: ServiceStatus; target: Target }
  | { ok: false; problem: Problem }

export async function findPod(c: Context<AppEnv>): Promise<FoundPod> {
  const pod = c.req.query('pod-name')
  if (!pod) return { ok: false, problem: missingQuery('pod-name') }
  const named = c.req.query('service-name')
  const read = await findService(c, (services) => pickService(services, { pod, named }))
  if (!read.ok) return read
  const { picked } = read
  if (!picked.ok) return { ok: false, problem: PROBLEMS[picked.reason] }
  const target = picked.service.targets.find(({ id }) => id === pod)
  if (target === undefined) return { ok: false, problem: PROBLEMS['unknown-pod'] }
  return { ok: true, read, service: picked.service, target }
}

const PROBLEMS: Record<'unknown-service' | 'unknown-pod' | 'ambiguous-pod', Problem> = {
  'unknown-service': UNKNOWN_SERVICE,
  'unknown-pod': {
    status: 404,
    code: 'unknown-pod',
    message: 'No pod of that name stands behind a service of this cluster.',
  },
  'ambiguous-pod': {
    status: 400,
    code: 'ambiguous-pod',
    message: 'Several namespaces have a pod of that name. Name its service too: service-name=.',
  },
}
