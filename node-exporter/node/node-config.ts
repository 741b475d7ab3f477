/** Environment to the node role's configuration: every fault named at once, each with what to write instead. */
import * as v from 'valibot'
import { CHECK_NAMES, type CheckSettings } from '../checks/index.ts'
import { CHECK_ENTRIES, toCheckSettings } from './check-config.ts'

const PORT_FORM = 'must be a port, 0 to 65535 (0: any free one)'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const NODE_FORM = 'must be the name of a Node, a DNS-1123 subdomain'
const CHECKS_FORM = `must be names of checks, separated by commas: ${[...CHECK_NAMES].join(', ')}`

const port = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, PORT_FORM), // Number() would also take 0x6000 and 1e3
  v.transform(Number),
  v.maxValue(65_535, PORT_FORM),
)

const envSchema = v.object({
  NODE_NAME: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(253, NODE_FORM),
      v.regex(new RegExp(`^${LABEL}(\\.${LABEL})*$`), NODE_FORM),
    ),
  ),
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
      v.minLength(1, CHECKS_FORM),
      v.everyItem((name) => CHECK_NAMES.has(name), CHECKS_FORM),
      v.transform((list) => [...new Set(list)]),
    ),
    'node_ready',
  ),
  LOG_LEVEL: v.optional(
    v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    'info',
  ),
  ...CHECK_ENTRIES,
})

export interface NodeConfig {
  /** undefined: the endpoint answers 500 and says what to set. */
  nodeName: string | undefined
  listenPort: number
  /** undefined: no agent-check. */
  agentPort: number | undefined
  /** Without a slash at the end; '' for `/`. */
  hostRoot: string
  /** What the agent-check answers for and the cluster role asks: sampled from the start. */
  checks: string[]
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  checkSettings?: CheckSettings
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
      checkSettings: toCheckSettings(e),
    },
  }
}
