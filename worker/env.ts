/** The Worker's configuration: vars and secrets parsed once per isolate, each fault named, no value ever repeated. */
import * as v from 'valibot'
import { clusterIdSchema } from './contract/report.ts'
import { decodeSecret } from './contract/signature.ts'
import type { NotKnown, Viewer } from './auth/viewer.ts'
import type { NodesMinReady } from './domain/nodes.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { Fleet } from './cluster/fleet.ts'

export interface Env {
  STATE: KVNamespace
  CLUSTER: DurableObjectNamespace<Cluster>
  FLEET: DurableObjectNamespace<Fleet>
}

/**
 * What hono's handlers see: the bindings, the parsed configuration, and behind a guard who asks. null: nobody known.
 * `notKnown`: why, where something was sent that was right once. `refreshed`: whether a fresh round came that was asked for; not
 * set: nobody did. `asked`: what the query says under each name that the path knows.
 */
export interface AppEnv {
  Bindings: Env
  Variables: {
    config: Config
    viewer: Viewer | null
    notKnown?: NotKnown
    refused: string
    refreshed?: boolean
    asked?: string[][]
  }
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

const EXPIRES_FORM = 'must be a time in UTC such as 2027-01-31T00:00:00Z'

/** ms. A day that no calendar has is refused: JavaScript would read the 30th of February as the 2nd of March. */
const expiresSchema = v.pipe(
  v.string(EXPIRES_FORM),
  v.check((text) => {
    const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN
    return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text.slice(0, 19))
  }, EXPIRES_FORM),
  v.transform((text) => Date.parse(text)),
)

const TOKEN_FORM = 'must be {name, sha256, roles, expires?} and nothing else'
const TOKEN_KEYS = new Set(['name', 'sha256', 'roles', 'expires'])

/** A key that is not known may be `expires` spelled otherwise, and that token would never expire. It is never told: it may be a secret. */
const tokenSchema = v.pipe(
  v.looseObject({}, TOKEN_FORM),
  v.check((entry) => Object.keys(entry).every((key) => TOKEN_KEYS.has(key)), TOKEN_FORM),
  v.object(
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
      expires: v.optional(expiresSchema),
    },
    TOKEN_FORM,
  ),
  v.transform(({ expires, ...token }) => ({ ...token, expiresAtMs: expires ?? null })),
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

const SECONDS_FORM = 'must be a number of seconds above 0'

/** Settings that may be others for one cluster, in CLUSTERS. */
const perCluster = {
  DEAD_AFTER_SECONDS: v.pipe(
    v.union([v.string(), v.number()], SECONDS_FORM),
    v.transform(Number),
    v.number(SECONDS_FORM),
    v.finite(SECONDS_FORM),
    v.gtValue(0, SECONDS_FORM),
  ),
  ON_SILENCE: v.picklist(['unhealthy', 'last-known'], 'must be "unhealthy" or "last-known"'),
  NODES_MIN_READY: nodesMinReadySchema,
  BUSINESS_IMPACT: v.string('must be a text'),
  PANIC_GUIDE: v.string('must be a text'),
}

const WITNESS_FORM = 'must be an https address such as https://app.example.com/health'

/** Asked whether a silent cluster is there after all. http only on loopback, for trying it out. */
const witnessSchema = v.pipe(
  v.string(WITNESS_FORM),
  v.check((text) => {
    const url = URL.parse(text)
    const isHere = url?.hostname === 'localhost' || url?.hostname === '127.0.0.1'
    return url !== null && !url.username && (url.protocol === 'https:' || isHere)
  }, WITNESS_FORM),
)

const CLUSTERS_FORM = 'must be JSON: {"cluster-id": {"title": "…", "witness": "https://…"}}'
const { DEAD_AFTER_SECONDS, ON_SILENCE, NODES_MIN_READY, BUSINESS_IMPACT, PANIC_GUIDE } = perCluster

const clustersSchema = v.pipe(
  v.string(),
  v.parseJson(undefined, CLUSTERS_FORM),
  v.check((value) => !Array.isArray(value), CLUSTERS_FORM),
  v.record(
    clusterIdSchema,
    v.strictObject(
      {
        title: v.optional(v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'))),
        witness: v.optional(witnessSchema),
        silence: v.optional(v.literal('alone', 'must be "alone", or left out')),
        DEAD_AFTER_SECONDS: v.optional(DEAD_AFTER_SECONDS),
        ON_SILENCE: v.optional(ON_SILENCE),
        NODES_MIN_READY: v.optional(NODES_MIN_READY),
        BUSINESS_IMPACT: v.optional(BUSINESS_IMPACT),
        PANIC_GUIDE: v.optional(PANIC_GUIDE),
      },
      'is no setting of a cluster: title, witness, silence, DEAD_AFTER_SECONDS, ON_SILENCE, NODES_MIN_READY, BUSINESS_IMPACT, PANIC_GUIDE',
    ),
    CLUSTERS_FORM,
  ),
)

const configSchema = v.object({
  PUSH_SECRETS: pushSecretsSchema,
  TOKENS: v.optional(
    v.pipe(
      v.string(),
      json('[{name, sha256, roles, expires?}]'),
      v.array(tokenSchema, 'must be a list'),
    ),
    '[]',
  ),
  DEFAULT_CLUSTER: v.optional(clusterIdSchema),
  CLUSTERS: v.optional(clustersSchema, '{}'),
  DEAD_AFTER_SECONDS: v.optional(DEAD_AFTER_SECONDS, '60'),
  ON_SILENCE: v.optional(ON_SILENCE, 'unhealthy'),
  HEALTH_ACCESS: v.optional(
    v.picklist(['public', 'token'], 'must be "public" or "token"'),
    'public',
  ),
  NODES_MIN_READY: v.optional(NODES_MIN_READY, '100%'),
  BUSINESS_IMPACT: v.optional(BUSINESS_IMPACT, ''),
  PANIC_GUIDE: v.optional(PANIC_GUIDE, ''),
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

/** What holds for one cluster: the Worker's settings, and what CLUSTERS says instead. */
export type ClusterSettings = Pick<Config, keyof typeof perCluster> & {
  /** As people know it. */
  title: string
  /** null: none. */
  witness: string | null
  /** The silence of other clusters never holds it, and its own holds none of them (docs/behaviour.md, section 6). */
  isAlone: boolean
}

export function settingsOf(config: Config, cluster: string): ClusterSettings {
  const own = Object.hasOwn(config.CLUSTERS, cluster) ? config.CLUSTERS[cluster] : undefined
  return {
    title: own?.title ?? cluster,
    witness: own?.witness ?? null,
    isAlone: own?.silence === 'alone',
    DEAD_AFTER_SECONDS: own?.DEAD_AFTER_SECONDS ?? config.DEAD_AFTER_SECONDS,
    ON_SILENCE: own?.ON_SILENCE ?? config.ON_SILENCE,
    NODES_MIN_READY: own?.NODES_MIN_READY ?? config.NODES_MIN_READY,
    BUSINESS_IMPACT: own?.BUSINESS_IMPACT ?? config.BUSINESS_IMPACT,
    PANIC_GUIDE: own?.PANIC_GUIDE ?? config.PANIC_GUIDE,
  }
}

/** The clusters whose silences are compared with each other. */
export function listCompared(config: Config): string[] {
  return [...config.PUSH_SECRETS.keys()].filter((id) => !settingsOf(config, id).isAlone)
}

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
  const clusters = v.safeParse(configSchema.entries.CLUSTERS, Reflect.get(vars, 'CLUSTERS'))
  if (secrets.success && clusters.success) {
    const unknown = Object.keys(clusters.output).filter((id) => !secrets.output.has(id))
    faults.push(...unknown.map((id) => `CLUSTERS.${id}: has no secret in PUSH_SECRETS`))
    const host = URL.parse(String(Reflect.get(vars, 'PUBLIC_URL') ?? ''))?.host
    const own = Object.entries(clusters.output).filter(
      ([, { witness }]) => witness !== undefined && new URL(witness).host === host,
    )
    faults.push(...own.map(([id]) => `CLUSTERS.${id}.witness: must not be the Worker itself`))
  }
  return result.success && faults.length === 0
    ? { ok: true, config: result.output }
    : { ok: false, faults }
}
