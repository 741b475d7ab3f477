/** Environment to the node role's configuration: every fault named at once, each with what to write instead. */
import * as v from 'valibot'

const PORT_FORM = 'must be a port, 0 to 65535 (0: any free one)'

const port = v.pipe(
  v.string(),
  v.transform(Number),
  v.integer(PORT_FORM),
  v.minValue(0, PORT_FORM),
  v.maxValue(65_535, PORT_FORM),
)

const envSchema = v.object({
  NODE_NAME: v.optional(v.pipe(v.string(), v.maxLength(253, 'must be the name of a Node'))),
  LISTEN_PORT: v.optional(port, '25001'),
  AGENT_PORT: v.optional(port),
  HOST_ROOT: v.optional(
    v.pipe(
      v.string(),
      v.startsWith('/', "must be the path that the host's / is mounted at"),
      v.transform((path) => path.replace(/\/+$/, '')),
    ),
    '/',
  ),
  NODE_CHECKS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(/[\s,]+/).filter((name) => name !== '')),
      v.minLength(1, 'must be names of checks, separated by commas'),
    ),
    'node_ready',
  ),
  LOG_LEVEL: v.optional(
    v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    'info',
  ),
})

export interface NodeConfig {
  /** undefined: the endpoint answers 500 and says what to set. */
  nodeName: string | undefined
  listenPort: number
  /** undefined: no agent-check. */
  agentPort: number | undefined
  /** Without a slash at the end; '' for `/`. */
  hostRoot: string
  /** What the agent-check answers for. */
  checks: string[]
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export type ReadNodeConfig = { ok: true; config: NodeConfig } | { ok: false; faults: string[] }

/** An empty or blank variable counts as not set: that is what templates leave behind. */
export function readNodeConfig(env: Record<string, string | undefined>): ReadNodeConfig {
  const names = Object.keys(envSchema.entries)
  const set = Object.fromEntries(names.map((name) => [name, env[name]?.trim() || undefined]))
  const result = v.safeParse(envSchema, set)
  if (!result.success) {
    return {
      ok: false,
      faults: [...new Set(result.issues.map((i) => `${String(i.path?.[0].key)} ${i.message}`))],
    }
  }
  const e = result.output
  return {
    ok: true,
    config: {
      nodeName: e.NODE_NAME,
      listenPort: e.LISTEN_PORT,
      agentPort: e.AGENT_PORT,
      hostRoot: e.HOST_ROOT,
      checks: e.NODE_CHECKS,
      logLevel: e.LOG_LEVEL,
    },
  }
}
