/** Which cluster a request means. Only the configured ones are known, so no invented id ever makes an object. */
import type { Context } from 'hono'
import type { AppEnv, Config } from '../env.ts'

export type FindCluster =
  { ok: true; cluster: string } | { ok: false; reason: 'unknown-cluster' | 'ambiguous-cluster' }

/** The path's, else `?cluster=`, else DEFAULT_CLUSTER, else the only one there is. */
export function findCluster(c: Context<AppEnv>): FindCluster {
  return pickCluster(c.var.config, c.req.param('cluster') ?? c.req.query('cluster'))
}

/** `named`: by whoever asks. */
export function pickCluster(
  { PUSH_SECRETS, DEFAULT_CLUSTER }: Pick<Config, 'PUSH_SECRETS' | 'DEFAULT_CLUSTER'>,
  named: string | undefined,
): FindCluster {
  const cluster = named ?? DEFAULT_CLUSTER
  if (cluster !== undefined) {
    return PUSH_SECRETS.has(cluster)
      ? { ok: true, cluster }
      : { ok: false, reason: 'unknown-cluster' }
  }
  const [only] = PUSH_SECRETS.keys()
  return only !== undefined && PUSH_SECRETS.size === 1
    ? { ok: true, cluster: only }
    : { ok: false, reason: 'ambiguous-cluster' }
}
