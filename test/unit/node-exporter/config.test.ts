/** The exporter's environment: what stands where nothing is set, and every fault named with what to write instead. */
import { describe, expect, it } from 'vitest'
import { readConfig, type Config } from '../../../node-exporter/config.ts'
import { OTHER_SECRET, PUSH_SECRET } from '../../support/secrets.ts'
import { matching } from '../../support/like.ts'

type Env = Record<string, string | undefined>

const NEEDED = {
  CLUSTER_ID: 'prod-eu',
  WORKER_URL: 'https://pilotlight.example.com',
  PUSH_SECRET,
}

function read(given: Env = {}) {
  return readConfig({ ...NEEDED, ...given })
}

function configOf(given: Env = {}): Config {
  const result = read(given)
  if (!result.ok) throw new Error(result.faults.join('; '))
  return result.config
}

function faultsOf(given: Env = {}): string[] {
  const result = read(given)
  return result.ok ? [] : result.faults
}

describe('an environment with only what is needed', () => {
  it('takes the documented defaults for the rest', () => {
    const config = configOf()

    expect(config).toEqual({
      clusterId: 'prod-eu',
      environment: 'prod-eu',
      workerUrl: new URL('https://pilotlight.example.com'),
      pushSecrets: [PUSH_SECRET],
      namespaces: [],
      homeNamespace: 'default',
      intervalMs: 10_000,
      probeConcurrency: 128,
      probeTimeoutMs: 10_000,
      startingDeadlineMs: 600_000,
      probeVia: 'direct',
      probeAllowCidrs: [],
      nodeSelector: 'app.kubernetes.io/name=pilotlight-node',
      nodeChecks: ['node_ready'],
      operatorSelector: null,
      lease: null,
      podName: undefined,
      kubeconfig: undefined,
      maxAttempts: 2,
      cooldownMs: 1000,
      logLevel: 'info',
    })
  })

  it('counts an empty variable as not set', () => {
    const config = configOf({
      ROLE: '',
      ENVIRONMENT: '',
      NAMESPACES: '',
      HOME_NAMESPACE: '',
      INTERVAL_SECONDS: '',
      PROBE_VIA: '',
      NODE_SELECTOR: ' ',
      NODE_CHECKS: '',
      OPERATOR_SELECTOR: ' ',
      MAX_HEALTHCHECK_ATTEMPTS: '',
      HEALTHCHECK_COOLDOWN: '',
      LEASE_NAME: ' ',
      LEASE_NAMESPACE: '',
      LEASE_DURATION_SECONDS: '',
      LEASE_RENEW_SECONDS: '',
      LEASE_RETRY_SECONDS: '',
      POD_NAME: '',
      KUBECONFIG: '',
      LOG_LEVEL: '',
    })

    expect(config).toEqual(configOf())
  })
})

describe('a Lease', () => {
  const timings = { durationMs: 15_000, renewMs: 10_000, retryMs: 2000 }

  it.each<[string, Env, Config['lease']]>([
    ['by its name alone', {}, { ...timings, name: 'pilotlight', namespace: undefined }],
    [
      'in a namespace, with timings of tests',
      {
        LEASE_NAMESPACE: 'ops',
        LEASE_DURATION_SECONDS: '0.6',
        LEASE_RENEW_SECONDS: '0.4',
        LEASE_RETRY_SECONDS: '0.1',
      },
      { name: 'pilotlight', namespace: 'ops', durationMs: 600, renewMs: 400, retryMs: 100 },
    ],
  ])('is taken %s', (_, given, lease) => {
    expect(configOf({ LEASE_NAME: 'pilotlight', ...given }).lease).toEqual(lease)
  })

  it.each<[string, Env, string[]]>([
    [
      'a duration no longer than renewing',
      { LEASE_DURATION_SECONDS: '10' },
      ['LEASE_DURATION_SECONDS must be above LEASE_RENEW_SECONDS'],
    ],
    [
      'renewing no longer than a retry',
      { LEASE_RENEW_SECONDS: '2' },
      ['LEASE_RENEW_SECONDS must be above LEASE_RETRY_SECONDS'],
    ],
    [
      'both, beside a fault elsewhere',
      { LEASE_DURATION_SECONDS: '1', LEASE_RETRY_SECONDS: '60', PROBE_VIA: 'luck' },
      [
        'PROBE_VIA must be direct or apiserver',
        'LEASE_DURATION_SECONDS must be above LEASE_RENEW_SECONDS',
        'LEASE_RENEW_SECONDS must be above LEASE_RETRY_SECONDS',
      ],
    ],
    [
      'a name that no object has',
      { LEASE_NAME: 'Pilot Light' },
      ['LEASE_NAME must be the name of a Lease, such as pilotlight'],
    ],
  ])('is refused: %s', (_, given, faults) => {
    expect(faultsOf({ LEASE_NAME: 'pilotlight', ...given })).toEqual(faults)
  })
})

describe('a value that is right', () => {
  const table: [string, Env, Partial<Config>][] = [
    ['names the environment', { ENVIRONMENT: 'Production EU' }, { environment: 'Production EU' }],
    ['is an id of 63 characters', { CLUSTER_ID: 'a'.repeat(63) }, { clusterId: 'a'.repeat(63) }],
    [
      'is two secrets while rotating',
      { PUSH_SECRET: ` ${PUSH_SECRET}  ${OTHER_SECRET}\n` },
      { pushSecrets: [PUSH_SECRET, OTHER_SECRET] },
    ],
    ['is one namespace', { NAMESPACES: 'shop' }, { namespaces: ['shop'] }],
    ['is several namespaces', { NAMESPACES: ' a, b\nc,' }, { namespaces: ['a', 'b', 'c'] }],
    ['is another home', { HOME_NAMESPACE: 'upp' }, { homeNamespace: 'upp' }],
    ['is an interval below a second', { INTERVAL_SECONDS: '0.05' }, { intervalMs: 50 }],
    ['is an interval of a day', { INTERVAL_SECONDS: '86400' }, { intervalMs: 86_400_000 }],
    ['is a time limit below a second', { PROBE_TIMEOUT_SECONDS: '0.2' }, { probeTimeoutMs: 200 }],
    ['is a cooldown below a second', { HEALTHCHECK_COOLDOWN: '0.01' }, { cooldownMs: 10 }],
    ['is no cooldown', { HEALTHCHECK_COOLDOWN: '0' }, { cooldownMs: 0 }],
    ['is no second try', { MAX_HEALTHCHECK_ATTEMPTS: '0' }, { maxAttempts: 0 }],
    ['is one probe at a time', { PROBE_CONCURRENCY: '1' }, { probeConcurrency: 1 }],
    ['is the way through the API server', { PROBE_VIA: 'apiserver' }, { probeVia: 'apiserver' }],
    [
      'finds an operator by its labels',
      { OPERATOR_SELECTOR: 'app=node-operator, tier=infra' },
      { operatorSelector: 'app=node-operator,tier=infra' },
    ],
    ['selects by a label', { NODE_SELECTOR: 'app=nodes' }, { nodeSelector: 'app=nodes' }],
    [
      'selects by several labels',
      { NODE_SELECTOR: 'example.com/Team=a_b.c, tier=' },
      { nodeSelector: 'example.com/Team=a_b.c,tier=' },
    ],
    [
      'is checks of nodes, each once',
      { NODE_CHECKS: 'kubelet, network,,kubelet' },
      { nodeChecks: ['kubelet', 'network'] },
    ],
    [
      'is networks that may be asked',
      { PROBE_ALLOW_CIDRS: '127.0.0.0/8, ::1' },
      { probeAllowCidrs: ['127.0.0.0/8', '::1'] },
    ],
    ['names kubeconfig files', { KUBECONFIG: '/a:/b' }, { kubeconfig: '/a:/b' }],
    ['is a log level', { LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
  ]
  it.each(table)('%s', (_, env, expected) => {
    const config = configOf(env)

    expect(config).toMatchObject(expected)
  })
})

describe('a value that is wrong', () => {
  const longLabel = 'a'.repeat(64)
  const table: [string, Env, RegExp][] = [
    ['no id', { CLUSTER_ID: undefined }, /^CLUSTER_ID is not set: write .* such as prod-eu/],
    ['an id in capitals', { CLUSTER_ID: 'Prod' }, /^CLUSTER_ID .*DNS-1123/],
    ['an id over 63 characters', { CLUSTER_ID: longLabel }, /^CLUSTER_ID .*63/],
    ['an id that ends in a dash', { CLUSTER_ID: 'prod-' }, /^CLUSTER_ID .*DNS-1123/],
    ['a long environment', { ENVIRONMENT: 'e'.repeat(254) }, /^ENVIRONMENT must be at most 253/],
    ['no address', { WORKER_URL: undefined }, /^WORKER_URL is not set: write .*https:/],
    ['an address of no host', { WORKER_URL: 'worker' }, /^WORKER_URL must be an http or https/],
    ['an address of a file', { WORKER_URL: 'file:///tmp' }, /^WORKER_URL must be an http or https/],
    ['a user in it', { WORKER_URL: 'https://me@example.com' }, /^WORKER_URL .*without credentials/],
    ['a password', { WORKER_URL: 'https://:pw@example.com' }, /^WORKER_URL .*without credentials/],
    ['no secret', { PUSH_SECRET: undefined }, /^PUSH_SECRET is not set: write .*whsec_/],
    ['a secret of blanks', { PUSH_SECRET: '  ' }, /^PUSH_SECRET is not set/],
    ['a secret without prefix', { PUSH_SECRET: 'abc' }, /^PUSH_SECRET must be whsec_/],
    ['one of 23 bytes', { PUSH_SECRET: secretOf(23) }, /^PUSH_SECRET must be .*24 to 64 bytes/],
    ['one of 65 bytes', { PUSH_SECRET: secretOf(65) }, /^PUSH_SECRET must be .*24 to 64 bytes/],
    ['three secrets', { PUSH_SECRET: `${PUSH_SECRET} `.repeat(3) }, /^PUSH_SECRET must be .* two/],
    ['namespaces in capitals', { NAMESPACES: 'a,B' }, /^NAMESPACES must be namespaces separated/],
    ['a long namespace', { NAMESPACES: longLabel }, /^NAMESPACES must be namespaces separated/],
    ['two homes', { HOME_NAMESPACE: 'a,b' }, /^HOME_NAMESPACE must be a namespace, such as/],
    ['an interval in words', { INTERVAL_SECONDS: '10s' }, /^INTERVAL_SECONDS .* in seconds/],
    ['no interval at all', { INTERVAL_SECONDS: '0' }, /^INTERVAL_SECONDS .* above 0/],
    ['a negative interval', { INTERVAL_SECONDS: '-1' }, /^INTERVAL_SECONDS .* above 0/],
    ['an interval over a day', { INTERVAL_SECONDS: '86401' }, /^INTERVAL_SECONDS .* in seconds/],
    ['an endless interval', { INTERVAL_SECONDS: 'Infinity' }, /^INTERVAL_SECONDS .* in seconds/],
    ['a time limit of zero', { PROBE_TIMEOUT_SECONDS: '0' }, /^PROBE_TIMEOUT_SECONDS .* above 0/],
    ['no probe at a time', { PROBE_CONCURRENCY: '0' }, /^PROBE_CONCURRENCY .* whole number from 1/],
    ['half a probe', { PROBE_CONCURRENCY: '1.5' }, /^PROBE_CONCURRENCY .* whole number from 1/],
    ['a way there is not', { PROBE_VIA: 'proxy' }, /^PROBE_VIA must be direct or apiserver/],
    ['a network there is not', { PROBE_ALLOW_CIDRS: '10.0.0.0/33' }, /^PROBE_ALLOW_CIDRS must be/],
    [
      'a network by name',
      { PROBE_ALLOW_CIDRS: '::1, localhost' },
      /^PROBE_ALLOW_CIDRS must be net/,
    ],
    ['a selector without a value', { NODE_SELECTOR: 'app' }, /^NODE_SELECTOR must be labels with/],
    ['a selector of a set', { NODE_SELECTOR: 'app in (a,b)' }, /^NODE_SELECTOR must be .*such as/],
    ['a label that differs', { NODE_SELECTOR: 'app!=a' }, /^NODE_SELECTOR must be labels with/],
    ['a comma too many', { NODE_SELECTOR: 'app=a,' }, /^NODE_SELECTOR must be labels with/],
    ['a label of 64', { NODE_SELECTOR: `app=${longLabel}` }, /^NODE_SELECTOR must be labels with/],
    ['an operator of a set', { OPERATOR_SELECTOR: 'app' }, /^OPERATOR_SELECTOR must be .*such as/],
    ['a check there is not', { NODE_CHECKS: 'kubelet,kublet' }, /^NODE_CHECKS must be .*kubelet,/],
    ['no check', { NODE_CHECKS: ', ,' }, /^NODE_CHECKS must be names of checks, separated by/],
    ['a negative count', { MAX_HEALTHCHECK_ATTEMPTS: '-1' }, /^MAX_HEALTHCHECK_ATTEMPTS .*from 0/],
    ['less than half of one', { PROBE_CONCURRENCY: '-0.5' }, /^PROBE_CONCURRENCY .*from 1/],
    ['a cooldown in Go words', { HEALTHCHECK_COOLDOWN: '5s' }, /^HEALTHCHECK_COOLDOWN .* from 0/],
    ['a negative cooldown', { HEALTHCHECK_COOLDOWN: '-0.1' }, /^HEALTHCHECK_COOLDOWN .* from 0/],
    ['a log level there is not', { LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be debug, info, warn or/],
  ]
  it.each(table)('is named once with what to write: %s', (_, env, expected) => {
    const faults = faultsOf(env)

    expect(faults).toEqual([matching(expected)])
  })

  it('is named together with all others', () => {
    const faults = faultsOf({
      CLUSTER_ID: '',
      WORKER_URL: 'x',
      PUSH_SECRET: 'y',
      INTERVAL_SECONDS: 'z',
      LOG_LEVEL: 'loud',
    })

    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'CLUSTER_ID',
      'WORKER_URL',
      'PUSH_SECRET',
      'INTERVAL_SECONDS',
      'LOG_LEVEL',
    ])
  })

  it.each([
    ['one that is too short', secretOf(8)],
    ['one without its prefix', 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'],
    ['three that are right', `${PUSH_SECRET} ${OTHER_SECRET} ${PUSH_SECRET}`],
    ['a right one and a wrong one', `${PUSH_SECRET} hunter2hunter2`],
  ])('never repeats a secret: %s', (_, secret) => {
    const faults = faultsOf({ PUSH_SECRET: secret, CLUSTER_ID: '' }).join('\n')

    expect(faults).toContain('PUSH_SECRET')
    for (const word of secret.split(' ')) expect(faults).not.toContain(word.replace('whsec_', ''))
  })

  it('never repeats credentials that stand in the address', () => {
    const faults = faultsOf({ WORKER_URL: 'https://me:hunter2@example.com' }).join('\n')

    expect(faults).toContain('WORKER_URL')
    expect(faults).not.toContain('hunter2')
  })
})

function secretOf(bytes: number): string {
  return `whsec_${Buffer.alloc(bytes, 'k').toString('base64')}`
}
