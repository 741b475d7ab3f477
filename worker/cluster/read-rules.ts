/** What the configuration tells a cluster's object. Read anew each time: a deploy may change it under a living object. */
import type { Rules } from '../domain/cluster.ts'
import { listCompared, readConfig, settingsOf, type ClusterSettings, type Env } from '../env.ts'
import type { WireRules } from './parse-report.ts'

/** `hasOthers`: its silence is compared with that of other clusters. */
export type ObjectSettings = ClusterSettings & { hasOthers: boolean }

/** Throws when the configuration is wrong. */
export function readSettings(env: Env, cluster: string): ObjectSettings {
  const read = readConfig(env)
  if (!read.ok) throw new Error('misconfigured')
  const compared = listCompared(read.config)
  const hasOthers = compared.length > 1 && compared.includes(cluster)
  return { hasOthers, ...settingsOf(read.config, cluster) }
}

export function readWireRules(env: Env, cluster: string): WireRules {
  const { DEAD_AFTER_SECONDS: deadAfterSeconds } = readSettings(env, cluster)
  return { cluster, deadAfterSeconds }
}

export function readRules(env: Env, cluster: string): Omit<Rules, 'nowMs'> {
  const { DEAD_AFTER_SECONDS, NODES_MIN_READY } = readSettings(env, cluster)
  return { deadAfterMs: DEAD_AFTER_SECONDS * 1000, nodesMinReady: NODES_MIN_READY }
}
