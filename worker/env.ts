/** The Worker's configuration: vars and secrets parsed once per isolate, each fault named, no value ever repeated. */
import * as v from 'valibot'
import { clusterIdSchema } from './contract/report.ts'
import { decodeSecret } from './contract/signature.ts'
import type { Cluster } from './cluster/cluster.ts'

export interface Env {
  STATE: KVNamespace
  CLUSTER: DurableObjectNamespace<Cluster>
}

/** What hono's handlers see: the bindings, and the configuration that the first middleware parsed. */
export interface AppEnv {
  Bindings: Env
  Variables: { config: Config }
}

const secretSchema = v.pipe(
  v.string('must be a whsec_… secret'),
  v.check((text) => decodeSecret(text) !== null, 'must be whsec_ and the base64 of 24 to 64 bytes'),
)

const secretsSchema = v.pipe(
  v.union([v.string(), v.array(v.string())], 'must be one or two whsec_… secrets'),
  v.transform((value) => (typeof value === 'string' ? value.trim().split(/\s+/) : value)),
  v.array(secretSchema),
  v.minLength(1, 'must be one or two whsec_… secrets'),
  v.maxLength(2, 'must be one or two whsec_… secrets'),
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

const configSchema = v.object({
  PUSH_SECRETS: v.pipe(
    v.string('is not set; it must be JSON: {"cluster-id": "whsec_…"}'),
    json('{"cluster-id": "whsec_…"}'),
    v.record(clusterIdSchema, secretsSchema, 'must be JSON: {"cluster-id": "whsec_…"}'),
  ),
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
  BUSINESS_IMPACT: v.optional(v.string(), ''),
  PANIC_GUIDE: v.optional(v.string(), ''),
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
  const result = v.safeParse(configSchema, { PUSH_SECRETS: undefined, ...env })
  if (!result.success) {
    return {
      ok: false,
      faults: result.issues.map((i) => `${v.getDotPath(i) ?? '?'}: ${i.message}`),
    }
  }
  const config = result.output
  const { DEFAULT_CLUSTER } = config
  if (DEFAULT_CLUSTER !== undefined && config.PUSH_SECRETS[DEFAULT_CLUSTER] === undefined) {
    return { ok: false, faults: ['DEFAULT_CLUSTER: must be one of the clusters of PUSH_SECRETS'] }
  }
  return { ok: true, config }
}
