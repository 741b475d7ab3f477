/** The exporter as a process of its own, the way it runs in a pod: one that can be killed, frozen and thawed. */
import { onTestFinished } from 'vitest'
import type { EdgeProxy } from '../../sandbox/edge-proxy.ts'
import { startProcess, type RunningProcess } from '../../sandbox/process.ts'
import type { World } from '../../sandbox/world.ts'
import { PUSH_SECRET, VARS } from '../secrets.ts'
import { aKubeconfig, anEdge, aWorld, CLUSTER } from './a-setup.ts'
import { LEASE_ENV, makeLeaseNamespace } from './a-lease.ts'
import { aProber, type ProberOptions } from './a-prober.ts'

/** The vars of a Worker that knows one cluster: nobody else has a say while that one is silent. */
export const ALONE = {
  ...VARS,
  PUSH_SECRETS: JSON.stringify({ [CLUSTER]: PUSH_SECRET }),
  CLUSTERS: '{}',
}

/** Leave those out that production leaves out. */
export const DEFAULT_LEASE = {
  ...LEASE_ENV,
  LEASE_DURATION_SECONDS: '',
  LEASE_RENEW_SECONDS: '',
  LEASE_RETRY_SECONDS: '',
}

export function aReplica(
  world: World,
  edgeUrl: string,
  env: Record<string, string> = {},
): RunningProcess {
  const replica = startProcess('node-exporter/main.ts', {
    CLUSTER_ID: CLUSTER,
    WORKER_URL: edgeUrl,
    PUSH_SECRET,
    KUBECONFIG: aKubeconfig(world),
    HEALTHCHECK_COOLDOWN: '0.05',
    ...env,
  })
  onTestFinished(() => {
    replica.kill('SIGCONT')
    return replica.stop()
  })
  return replica
}

/** A world with one service, an edge that is told of it, and a prober; `pod` answers a little late, as pods do. */
export async function aProbedTown(vars: Record<string, string> = {}, options: ProberOptions = {}) {
  const world = await aWorld()
  makeLeaseNamespace(world)
  const [pod = ''] = await world.addService({ name: 'web', behaviour: { kind: 'slow', ms: 400 } })
  const edge = await anEdge({ ...ALONE, ...vars })
  return { world, pod, edge, prober: aProber(edge.worker, options) }
}

/** The same with two replicas: `a` leads and is believed, `b` stands by. */
export async function aTownOfTwo(
  { env = {}, vars = {} }: { env?: Record<string, string>; vars?: Record<string, string> },
  options: ProberOptions = {},
) {
  const town = await aProbedTown(vars, options)
  const { world, edge, prober } = town
  const a = aReplica(world, edge.url, { ...LEASE_ENV, ...env, POD_NAME: 'a' })
  await prober.until('200 healthy')
  const b = aReplica(world, edge.url, { ...LEASE_ENV, ...env, POD_NAME: 'b' })
  await b.waitFor(/leader healthy/)
  return { ...town, a, b }
}

/** ms since 1970; of the last report that moved freshness: by it every reader knows when the cluster is late and dead. */
export function lastFreshMs(edge: EdgeProxy): number {
  const last = edge.passed.findLast(({ report, status }) => {
    return report.kind !== 'blind' && status === 202
  })
  return Math.min(last?.report.observedAt ?? 0, last?.atMs ?? 0)
}
