/** Environment to what the process needs whatever its role; every fault named at once. */
import * as v from 'valibot'

const PORT_FORM = 'must be a port, 0 to 65535 (0: any free one)'
/** s; past it the kubelet's SIGKILL comes first, unless somebody has set a longer grace period. */
const DRAIN_MAX_SECONDS = 3600
const DRAIN_FORM = `must be the time in which the process still answers when it was told to stop, in seconds, 0 to ${DRAIN_MAX_SECONDS}`

const envSchema = v.object({
  HEALTH_PORT: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d+$/, PORT_FORM), // Number alone takes 0x6000 and 1e3, too
      v.transform(Number),
      v.maxValue(65_535, PORT_FORM),
    ),
    '9090',
  ),
  DRAIN_SECONDS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d+(\.\d+)?$/, DRAIN_FORM),
      v.transform(Number),
      v.maxValue(DRAIN_MAX_SECONDS, DRAIN_FORM),
    ),
    '5',
  ),
  LOG_LEVEL: v.optional(
    v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    'info',
  ),
})

export interface SelfConfig {
  healthPort: number
  drainMs: number
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export type ReadSelfConfig = { ok: true; config: SelfConfig } | { ok: false; faults: string[] }

/** An empty or blank variable counts as not set: that is what templates leave behind. */
export function readSelfConfig(env: Record<string, string | undefined>): ReadSelfConfig {
  const names = Object.keys(envSchema.entries)
  const set = Object.fromEntries(names.map((name) => [name, env[name]?.trim() || undefined]))
  const result = v.safeParse(envSchema, set)
  if (!result.success) {
    const faults = result.issues.map((issue) => `${String(issue.path?.[0].key)} ${issue.message}`)
    return { ok: false, faults: [...new Set(faults)] }
  }
  const { HEALTH_PORT, DRAIN_SECONDS, LOG_LEVEL } = result.output
  return {
    ok: true,
    config: { healthPort: HEALTH_PORT, drainMs: DRAIN_SECONDS * 1000, logLevel: LOG_LEVEL },
  }
}
