/** Environment to the node role's configuration: every fault named at once, each with what to write instead. */
import * as v from 'valibot'
import { CHECK_NAMES, type CheckSettings } from '../checks/index.ts'
import { LOG_LEVEL, PORT, readVariables, type Read } from '../variables.ts'
import { CHECK_ENTRIES, toCheckSettings } from './check-config.ts'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const NODE_FORM = 'must be the name of a Node, a DNS-1123 subdomain'
const CHECKS_FORM = `must be names of checks, separated by commas: ${[...CHECK_NAMES].join(', ')}`

const envSchema = v.object({
  NODE_NAME: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(253, NODE_FORM),
      v.regex(new RegExp(`^${LABEL}(\\.${LABEL})*$`), NODE_FORM),
    ),
  ),
  LISTEN_PORT: v.optional(PORT, '25001'),
  AGENT_PORT: v.optional(PORT),
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
  LOG_LEVEL,
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

export function readNodeConfig(env: Record<string, string | undefined>): Read<NodeConfig> {
  const read = readVariables(envSchema, env)
  if (!read.ok) return read
  const e = read.config
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
