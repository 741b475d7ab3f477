/** Which cluster a request means. Only the configured ones are known, so no invented id ever makes an object. */
import type { Context } from 'hono'
import type { AppEnv } from '../env.ts'

export type FindCluster =
  { ok: true; cluster: string } | { ok: false; reason: 'unknown-cluster' | 'ambiguous-cluster' }

/** The path's, else `?cluster=`, else DEFAULT_CLUSTER, else the only one there is. */
export function findCluster(c: Context<AppEnv>): FindCluster {
  const { PUSH_SECRETS, DEFAULT_CLUSTER } = c.var.config
  const named = c.req.param('cluster') ?? c.req.query('cluster') ?? DEFAULT_CLUSTER
  if (named !== undefined) {
    return PUSH_SECRETS.has(named)
      ? { ok: true, cluster: named }
      : { ok: false, reason: 'unknown-cluster' }
  }
  const [only] = PUSH_SECRETS.keys()
  return only !== undefined && PUSH_SECRETS.size === 1
    ? { ok: true, cluster: only }
    : { ok: false, reason: 'ambiguous-cluster' }
}
