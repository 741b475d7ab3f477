/** Environment to Config: every fault named at once, each with what to write instead. No value of a secret is repeated. */
import * as v from 'valibot'
import { SUBDOMAIN_MAX_LENGTH } from '../worker/contract/limits.ts'
import { clusterIdSchema } from '../worker/contract/report.ts'
import { decodeSecret } from '../worker/contract/signature.ts'
import { CHECK_NAMES } from './checks/index.ts'
import { readNetwork } from './discovery/never-asked.ts'
import { LOG_LEVEL, readVariables, type Read } from './variables.ts'

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

function seconds(fallback: number, what: string, { mayBe0 = false } = {}) {
  const message = `must be ${what} in seconds, a number ${mayBe0 ? 'from' : 'above'} 0`
  return v.optional(
    v.pipe(
      v.string(),
      v.transform(Number),
      v.number(message),
      v.finite(message),
      mayBe0 ? v.minValue(0, message) : v.gtValue(0, message),
      v.maxValue(86_400, message),
      v.transform((value) => value * 1000),
    ),
    String(fallback),
  )
}

function count(fallback: number, { least, what }: { least: number; what: string }) {
  const message = `must be ${what}, a whole number from ${least}`
  return v.optional(
    v.pipe(
      v.string(),
      v.transform(Number),
      v.number(message),
      v.integer(message),
      v.minValue(least, message),
    ),
    String(fallback),
  )
}

const namespace = v.pipe(v.string(), v.regex(NAMESPACE, 'must be a namespace, such as default'))

/** `key=value`, as often as one likes: a label's key may have a domain before it. */
const SELECTOR_TERM =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z0-9]([-\w.]{0,61}[a-z0-9])?={1,2}([a-z0-9]([-\w.]{0,61}[a-z0-9])?)?$/i

function selectorLike(example: string) {
  return v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((term) => term.trim())),
    v.everyItem(
      (term) => SELECTOR_TERM.test(term),
      `must be labels with their values, such as ${example}, separated by commas`,
    ),
    v.transform((terms) => terms.join(',')),
  )
}

const LEASE_FORM = 'must be the name of a Lease, such as pilotlight'
const POD_FORM = `must be at most ${SUBDOMAIN_MAX_LENGTH} characters`

const CHECKS_FORM = `must be names of checks, separated by commas: ${[...CHECK_NAMES].join(', ')}`

/** Names of checks, for both roles: a slip here would fail every node there is. */
export const checkNames = v.pipe(
  v.string(),
  v.transform((text) => [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))]),
  v.minLength(1, CHECKS_FORM),
  v.everyItem((name) => CHECK_NAMES.has(name), CHECKS_FORM),
)

const variables = v.object({
  CLUSTER_ID: v.pipe(
    v.string("is not set: write the cluster's id, such as prod-eu"),
    clusterIdSchema,
  ),
  ENVIRONMENT: v.optional(v.pipe(v.string(), v.maxLength(253, 'must be at most 253 characters'))),
  WORKER_URL: v.pipe(
    v.string("is not set: write the Worker's address, such as https://pilotlight.example.com"),
    v.check((text) => {
      const url = URL.parse(text)
      return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password
    }, 'must be an http or https address without credentials, such as https://pilotlight.example.com'),
    v.transform((text) => new URL(text)),
  ),
  PUSH_SECRET: v.pipe(
    v.string(
      "is not set: write the cluster's whsec_… secret, two separated by a blank while rotating",
    ),
    v.transform((text) => text.trim().split(/\s+/)),
    v.minLength(1),
    v.maxLength(2, 'must be one whsec_… secret, or two separated by a blank'),
    v.everyItem(
      (secret) => decodeSecret(secret) !== null,
      'must be whsec_ and the base64 of 24 to 64 bytes',
    ),
  ),
  NAMESPACES: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(/[\s,]+/).filter((name) => name !== '')),
      v.array(v.pipe(v.string(), v.regex(NAMESPACE, 'must be namespaces separated by commas'))),
    ),
    '',
  ),
  HOME_NAMESPACE: v.optional(namespace, 'default'),
  INTERVAL_SECONDS: seconds(10, 'the time between two reports'),
  PROBE_CONCURRENCY: count(128, { least: 1, what: 'how many pods are asked at once' }),
  PROBE_TIMEOUT_SECONDS: seconds(10, 'the time a pod has to answer'),
  STARTING_DEADLINE_SECONDS: seconds(
    600,
    'the time for which a pod that was never ready may start',
    {
      mayBe0: true,
    },
  ),
  PROBE_VIA: v.optional(
    v.picklist(['direct', 'apiserver'], 'must be direct or apiserver'),
    'direct',
  ),
  PROBE_ALLOW_CIDRS: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(/[\s,]+/).filter((network) => network !== '')),
      v.everyItem(
        (network) => readNetwork(network) !== null,
        'must be networks, such as 127.0.0.0/8, separated by commas',
      ),
    ),
    '',
  ),
  MAX_HEALTHCHECK_ATTEMPTS: count(2, {
    least: 0,
    what: 'how often a failed connection is tried again',
  }),
  HEALTHCHECK_COOLDOWN: seconds(1, 'the time between two tries', { mayBe0: true }),
  NODE_SELECTOR: v.optional(
    selectorLike('app=pilotlight-node'),
    'app.kubernetes.io/name=pilotlight-node',
  ),
  NODE_CHECKS: v.optional(checkNames, 'node_ready'),
  OPERATOR_SELECTOR: v.optional(selectorLike('app=node-operator')),
  LEASE_NAMESPACE: v.optional(namespace),
  LEASE_NAME: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(SUBDOMAIN_MAX_LENGTH, LEASE_FORM),
      v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, LEASE_FORM),
    ),
  ),
  LEASE_DURATION_SECONDS: seconds(15, "the time after which a silent leader's Lease is taken"),
  LEASE_RENEW_SECONDS: seconds(10, 'the time after which a Lease that nobody can renew is a fault'),
  LEASE_RETRY_SECONDS: seconds(2, 'the time between two renewals'),
  POD_NAME: v.optional(v.pipe(v.string(), v.maxLength(SUBDOMAIN_MAX_LENGTH, POD_FORM))),
  KUBECONFIG: v.optional(v.string()),
  LOG_LEVEL,
})

/** Otherwise a leader that is well would lose its Lease between two renewals. */
const envSchema = v.pipe(
  variables,
  v.forward(
    v.partialCheck(
      [['LEASE_DURATION_SECONDS'], ['LEASE_RENEW_SECONDS']],
      (given) => given.LEASE_DURATION_SECONDS > given.LEASE_RENEW_SECONDS,
      'must be above LEASE_RENEW_SECONDS',
    ),
    ['LEASE_DURATION_SECONDS'],
  ),
  v.forward(
    v.partialCheck(
      [['LEASE_RENEW_SECONDS'], ['LEASE_RETRY_SECONDS']],
      (given) => given.LEASE_RENEW_SECONDS > given.LEASE_RETRY_SECONDS,
      'must be above LEASE_RETRY_SECONDS',
    ),
    ['LEASE_RENEW_SECONDS'],
  ),
)

/** How the leader is found among several replicas. */
export interface LeaseConfig {
  name: string
  /** undefined: the pod's own. */
  namespace: string | undefined
  durationMs: number
  renewMs: number
  retryMs: number
}

export interface Config {
  clusterId: string
  environment: string
  workerUrl: URL
  pushSecrets: string[]
  /** Empty: all. */
  namespaces: string[]
  homeNamespace: string
  intervalMs: number
  probeConcurrency: number
  probeTimeoutMs: number
  /** ms for which a failing pod that has never been ready doesn't count. */
  startingDeadlineMs: number
  probeVia: 'direct' | 'apiserver'
  /** Networks that are asked although the exporter asks none of their kind (discovery/never-asked.ts). */
  probeAllowCidrs: string[]
  /** Labels of the node role's pods, as the API server takes them. */
  nodeSelector: string
  /** What each node is asked for. */
  nodeChecks: string[]
  /** Labels of the Deployment that is told of as `node_operator`; null: of none. */
  operatorSelector: string | null
  /** null: there is none, and this is the only replica. */
  lease: LeaseConfig | null
  podName: string | undefined
  /** Paths of kubeconfig files, used outside a pod. */
  kubeconfig: string | undefined
  maxAttempts: number
  cooldownMs: number
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export function readConfig(env: Record<string, string | undefined>): Read<Config> {
  const read = readVariables(envSchema, env)
  if (!read.ok) return read
  const e = read.config
  return {
    ok: true,
    config: {
      clusterId: e.CLUSTER_ID,
      environment: e.ENVIRONMENT ?? e.CLUSTER_ID,
      workerUrl: e.WORKER_URL,
      pushSecrets: e.PUSH_SECRET,
      namespaces: e.NAMESPACES,
      homeNamespace: e.HOME_NAMESPACE,
      intervalMs: e.INTERVAL_SECONDS,
      probeConcurrency: e.PROBE_CONCURRENCY,
      probeTimeoutMs: e.PROBE_TIMEOUT_SECONDS,
      startingDeadlineMs: e.STARTING_DEADLINE_SECONDS,
      probeVia: e.PROBE_VIA,
      probeAllowCidrs: e.PROBE_ALLOW_CIDRS,
      nodeSelector: e.NODE_SELECTOR,
      nodeChecks: e.NODE_CHECKS,
      operatorSelector: e.OPERATOR_SELECTOR ?? null,
      lease:
        e.LEASE_NAME === undefined
          ? null
          : {
              name: e.LEASE_NAME,
              namespace: e.LEASE_NAMESPACE,
              durationMs: e.LEASE_DURATION_SECONDS,
              renewMs: e.LEASE_RENEW_SECONDS,
              retryMs: e.LEASE_RETRY_SECONDS,
            },
      podName: e.POD_NAME,
      kubeconfig: e.KUBECONFIG,
      maxAttempts: e.MAX_HEALTHCHECK_ATTEMPTS,
      cooldownMs: e.HEALTHCHECK_COOLDOWN,
      logLevel: e.LOG_LEVEL,
    },
  }
}
