/** The Worker's configuration: vars and secrets parsed once per isolate, each fault named, no value ever repeated. */
import * as v from 'valibot'
import { clusterIdSchema } from './contract/report.ts'
import { decodeSecret } from './contract/signature.ts'
import type { Viewer } from './auth/viewer.ts'
import type { NodesMinReady } from './domain/nodes.ts'
import type { Cluster } from './cluster/cluster.ts'

export interface Env {
  STATE: KVNamespace
  CLUSTER: DurableObjectNamespace<Cluster>
}

/** What hono's handlers see: the bindings, the parsed configuration, and behind a guard who asks. null: nobody known. */
export interface AppEnv {
  Bindings: Env
  Variables: { config: Config; viewer: Viewer | null; refused: string }
}

const secretSchema = v.pipe(
  v.string('must be a whsec_… secret'),
  v.check((text) => decodeSecret(text) !== null, 'must be whsec_ and the base64 of 24 to 64 bytes'),
)

const secretsSchema = v.pipe(
  v.union([v.string(), v.array(v.string())], 'must be one or two whsec_… secrets'),
  v.transform((value) => (typeof value === 'string' ? value.trim().split(/\s+/) : value)),
  v.minLength(1, 'must be one or two whsec_… secrets'),
  v.maxLength(2, 'must be one or two whsec_… secrets'),
  v.array(secretSchema),
)

const PUSH_SECRETS_FORM = '{"cluster-id": "whsec_…"}'

/** A map, for any id may be asked for, also `constructor`. A key that is no id may be a secret: it is never told. */
const pushSecretsSchema = v.pipe(
  v.string(`is not set; it must be JSON: ${PUSH_SECRETS_FORM}`),
  json(PUSH_SECRETS_FORM),
  v.custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    `must be JSON: ${PUSH_SECRETS_FORM}`,
  ),
  v.rawTransform(({ dataset: { value: input }, addIssue }) => {
    const clusters = new Map<string, string[]>()
    for (const [key, value] of Object.entries(input)) {
      const secrets = v.safeParse(secretsSchema, value)
      const place = { type: 'object', origin: 'value', input, key, value } as const
      if (!v.is(clusterIdSchema, key)) {
        addIssue({ message: 'a cluster is named by a DNS-1123 label (a-z, 0-9 and -)' })
      } else if (secrets.success) clusters.set(key, secrets.output)
      else
        for (const { message, path } of secrets.issues) {
          addIssue({ message, path: [place, ...(path ?? [])] })
        }
    }
    return clusters
  }),
)

const tokenSchema = v.object(
  {
    name: v.pipe(v.string('must be a string'), v.nonEmpty('must not be empty')),
    sha256: v.pipe(
      v.string('must be a string'),
      v.regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the token, 64 hex digits'),
    ),
    roles: v.array(
      v.picklist(['operate', 'read'], 'must be "operate" or "read"'),
      'must be a list of "operate" and "read"',
    ),
  },
  'must be {name, sha256, roles}',
)

function json(what: string) {
  return v.parseJson(undefined, `must be JSON: ${what}`)
}

const NODES_FORM = 'must be a share such as 90%, or how many nodes, such as 3'

/** A share of the schedulable nodes, or how many of them. */
const nodesMinReadySchema = v.pipe(
  v.string(),
  v.trim(),
  v.regex(/^(\d{1,6}|(100(\.0+)?|\d{1,2}(\.\d+)?)\s?%)$/, NODES_FORM),
  v.transform((text): NodesMinReady => {
    const n = Number.parseFloat(text)
    return text.endsWith('%') ? { share: n / 100 } : { count: n }
  }),
)

const PUBLIC_URL_FORM = 'must be a URL such as https://health.example.com'
const PATH_PREFIX_FORM = 'must be a path such as /__health, and none that the Worker itself uses'
/** First segments of paths that never carry the prefix. */
const RESERVED = new Set([
  '__gtg',
  'assets',
  'clusters',
  'metrics',
  'nodes',
  'sign-in',
  'sign-out',
  'v1',
])

const configSchema = v.object({
  PUSH_SECRETS: pushSecretsSchema,
  TOKENS: v.optional(
    v.pipe(v.string(), json('[{name, sha256, roles}]'), v.array(tokenSchema, 'must be a list')),
    '[]',
  ),
  DEFAULT_CLUSTER: v.optional(clusterIdSchema),
  DEAD_AFTER_SECONDS: v.optional(
    v.pipe(
      v.string(),
      v.transform(Number),
      v.number('must be a number of seconds above 0'),
      v.finite('must be a number of seconds above 0'),
      v.gtValue(0, 'must be a number of seconds above 0'),
    ),
    '60',
  ),
  HEALTH_ACCESS: v.optional(
    v.picklist(['public', 'token'], 'must be "public" or "token"'),
    'public',
  ),
  NODES_MIN_READY: v.optional(nodesMinReadySchema, '100%'),
  BUSINESS_IMPACT: v.optional(v.string(), ''),
  PANIC_GUIDE: v.optional(v.string(), ''),
  /** Where people reach the Worker, without a slash at the end; where it isn't set, links are the request's own. */
  PUBLIC_URL: v.optional(
    v.pipe(
      v.string(),
      v.check((url) => /^https?:\/\/[^?#]+$/.test(url) && URL.canParse(url), PUBLIC_URL_FORM),
      v.transform((url) => url.replace(/\/+$/, '')),
    ),
  ),
  PATH_PREFIX: v.optional(
    v.pipe(
      v.string(),
      v.transform((prefix) => prefix.replace(/\/+$/, '')),
      v.regex(/^(\/[\w.~-]+)*$/, PATH_PREFIX_FORM),
      v.check((prefix) => !RESERVED.has(prefix.split('/')[1] ?? ''), PATH_PREFIX_FORM),
    ),
    '',
  ),
  /** null: nobody signs in, only Bearer tokens count. */
  SESSION_SECRET: v.optional(
    v.nullable(v.pipe(v.string(), v.minLength(32, 'must be 32 characters or more'))),
    null,
  ),
  METRICS_PREFIX: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'must be letters, digits and _, as metrics are named'),
    ),
    'pilotlight',
  ),
})
export type Config = v.InferOutput<typeof configSchema>
export type Token = Config['TOKENS'][number]

export type ReadConfig = { ok: true; config: Config } | { ok: false; faults: string[] }

const parsed = new WeakMap<object, ReadConfig>()

/** All faults at once, as `NAME.path: what to write instead`. Never throws. */
export function readConfig(env: Env): ReadConfig {
  const known = parsed.get(env)
  if (known !== undefined) return known
  const result = parseConfig(env)
  parsed.set(env, result)
  return result
}

function parseConfig(env: Env): ReadConfig {
  const vars = { PUSH_SECRETS: undefined, ...env }
  const result = v.safeParse(configSchema, vars)
  const faults = (result.issues ?? []).map((i) => `${v.getDotPath(i) ?? 'env'}: ${i.message}`)
  const { PUSH_SECRETS, DEFAULT_CLUSTER } = configSchema.entries
  const secrets = v.safeParse(PUSH_SECRETS, vars.PUSH_SECRETS)
  const named = v.safeParse(DEFAULT_CLUSTER, Reflect.get(vars, 'DEFAULT_CLUSTER'))
  const isNamed = named.success && named.output !== undefined
  if (secrets.success && isNamed && !secrets.output.has(named.output)) {
    faults.push('DEFAULT_CLUSTER: must be one of the clusters of PUSH_SECRETS')
  }
  return result.success && faults.length === 0
    ? { ok: true, config: result.output }
    : { ok: false, faults }
}
