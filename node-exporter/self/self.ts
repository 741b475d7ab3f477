/** What every role has to tell of itself by: one of it in a process, whatever its roles. */
import { HealthManager } from './health-manager.ts'
import type { Log } from './log.ts'
import { Metrics } from './metrics.ts'
import { readRelease, type Release } from './release.ts'

export interface Self {
  health: HealthManager
  metrics: Metrics
  release: Release
  /** That this process runs. */
  roles: readonly ('cluster' | 'node')[]
}

/** `cluster`: its id; empty where a role node isn't told. */
export function createSelf(log: Log, roles: Self['roles'], cluster: string): Self {
  const release = readRelease(process.env)
  const metrics = new Metrics(release, cluster)
  return { health: new HealthManager(log), metrics, release, roles }
}
