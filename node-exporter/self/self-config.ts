/** Environment to what the process needs whatever its role; every fault named at once. */
import * as v from 'valibot'
import { clusterIdSchema } from '../../worker/contract/report.ts'
import { LOG_LEVEL, PORT, readVariables, type Read } from '../variables.ts'

/** s; past it the kubelet's SIGKILL comes first, unless somebody has set a longer grace period. */
const DRAIN_MAX_SECONDS = 3600
const DRAIN_FORM = `must be the time in which the process still answers when it was told to stop, in seconds, 0 to ${DRAIN_MAX_SECONDS}`

const envSchema = v.object({
  // Of the role cluster, config.ts demands it.
  CLUSTER_ID: v.optional(clusterIdSchema),
  HEALTH_PORT: v.optional(PORT, '9090'),
  DRAIN_SECONDS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d+(\.\d+)?$/, DRAIN_FORM),
      v.transform(Number),
      v.maxValue(DRAIN_MAX_SECONDS, DRAIN_FORM),
    ),
    '5',
  ),
  LOG_LEVEL,
})

export interface SelfConfig {
  /** Empty where a role node isn't told. */
  clusterId: string
  healthPort: number
  drainMs: number
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export function readSelfConfig(env: Record<string, string | undefined>): Read<SelfConfig> {
  const read = readVariables(envSchema, env)
  if (!read.ok) return read
  const { CLUSTER_ID: clusterId = '', HEALTH_PORT: healthPort, LOG_LEVEL: logLevel } = read.config
  const drainMs = read.config.DRAIN_SECONDS * 1000
  return { ok: true, config: { clusterId, healthPort, drainMs, logLevel } }
}
