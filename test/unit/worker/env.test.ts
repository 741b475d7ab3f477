/** The Worker's configuration: what it takes, that each fault is named at once, and that no secret is ever repeated. */
import * as fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { listCompared, readConfig, settingsOf, type Env } from '../../../worker/env.ts'
import { OTHER_SECRET, PUSH_SECRET } from '../../support/secrets.ts'

const ROTATING = [PUSH_SECRET, OTHER_SECRET]
const TOKEN = { name: 'ci', sha256: 'a'.repeat(64), roles: ['operate', 'read'] }

/** Vars as the runtime gives them: anything, beside bindings that nobody looks at. */
function anEnv(vars: Record<string, unknown> = {}): Env {
  const isEnv = v.custom<Env>((value) => typeof value === 'object')
  return v.parse(isEnv, { PUSH_SECRETS: JSON.stringify({ demo: PUSH_SECRET }), ...vars })
}

function configOf(vars: Record<string, unknown>) {
  const read = readConfig(anEnv(vars))
  if (!read.ok) throw new Error(read.faults.join('; '))
  return read.config
}

function faultsOf(vars: Record<string, unknown>): string[] {
  const read = readConfig(anEnv(vars))
  return read.ok ? [] : read.faults
}

describe('a configuration', () => {
  it('needs nothing but the secrets', () => {
    expect(configOf({})).toEqual({
      PUSH_SECRETS: new Map([['demo', [PUSH_SECRET]]]),
      TOKENS: [],
      CLUSTERS: {},
      DEAD_AFTER_SECONDS: 60,
      ON_SILENCE: 'unhealthy',
      HEALTH_ACCESS: 'public',
      NODES_MIN_READY: { share: 1 },
      BUSINESS_IMPACT: '',
      PANIC_GUIDE: '',
      PATH_PREFIX: '',
      SESSION_SECRET: null,
      METRICS_PREFIX: 'pilotlight',
    })
  })

  it('takes all that there is', () => {
    const vars = {
      PUSH_SECRETS: JSON.stringify({ demo: PUSH_SECRET, other: ROTATING }),
      TOKENS: JSON.stringify([TOKEN]),
      DEFAULT_CLUSTER: 'other',
      DEAD_AFTER_SECONDS: '0.8',
      ON_SILENCE: 'last-known',
      CLUSTERS: JSON.stringify({
        other: {
          title: 'The other',
          witness: 'https://app.example.com/health',
          NODES_MIN_READY: '2',
        },
      }),
      HEALTH_ACCESS: 'token',
      NODES_MIN_READY: ' 90 % ',
      BUSINESS_IMPACT: 'Nobody can buy',
      PANIC_GUIDE: 'Call the shop',
      PUBLIC_URL: 'https://health.example.com/edge',
      PATH_PREFIX: '/__health',
      SESSION_SECRET: 's'.repeat(32),
      METRICS_PREFIX: 'upp_health',
    }

    expect(configOf(vars)).toEqual({
      ...vars,
      PUSH_SECRETS: new Map([
        ['demo', [PUSH_SECRET]],
        ['other', ROTATING],
      ]),
      TOKENS: [{ ...TOKEN, expiresAtMs: null }],
      DEAD_AFTER_SECONDS: 0.8,
      NODES_MIN_READY: { share: 0.9 },
      CLUSTERS: {
        other: {
          title: 'The other',
          witness: 'https://app.example.com/health',
          NODES_MIN_READY: { count: 2 },
        },
      },
    })
  })

  it('takes the time when a token expires', () => {
    const TOKENS = JSON.stringify([{ ...TOKEN, expires: '2028-02-29T23:59:59Z' }])

    const [token] = configOf({ TOKENS }).TOKENS

    expect(token?.expiresAtMs).toBe(Date.UTC(2028, 1, 29, 23, 59, 59))
  })

  it('has settings that are others for one cluster', () => {
    const PUSH_SECRETS = JSON.stringify({ demo: PUSH_SECRET, other: OTHER_SECRET })
    const own = {
      title: 'Production',
      witness: 'https://a.example',
      DEAD_AFTER_SECONDS: 30,
      ON_SILENCE: 'last-known',
    }
    const config = configOf({
      PUSH_SECRETS,
      PANIC_GUIDE: 'call',
      CLUSTERS: JSON.stringify({ demo: own }),
    })

    const common = { NODES_MIN_READY: { share: 1 }, BUSINESS_IMPACT: '', PANIC_GUIDE: 'call' }
    expect(settingsOf(config, 'demo')).toEqual({ ...own, isAlone: false, ...common })
    expect(settingsOf(config, 'other')).toEqual({
      title: 'other',
      witness: null,
      isAlone: false,
      DEAD_AFTER_SECONDS: 60,
      ON_SILENCE: 'unhealthy',
      ...common,
    })
  })

  it('leaves a cluster with silence: alone out of those that are compared', () => {
    const config = configOf({
      PUSH_SECRETS: JSON.stringify({ a: PUSH_SECRET, b: PUSH_SECRET, c: OTHER_SECRET }),
      CLUSTERS: JSON.stringify({ b: { silence: 'alone' }, c: { title: 'C' } }),
    })

    expect(listCompared(config)).toEqual(['a', 'c'])
    expect(['a', 'b', 'c'].map((id) => settingsOf(config, id).isAlone)).toEqual([
      false,
      true,
      false,
    ])
  })

  it.each([
    [
      'silence of another kind',
      { demo: { silence: 'together' } },
      'CLUSTERS.demo.silence: must be',
    ],
    ['no JSON', '{', 'CLUSTERS: must be JSON'],
    ['a list', '[]', 'CLUSTERS: must be JSON'],
    [
      'a cluster without a secret',
      { nowhere: {} },
      'CLUSTERS.nowhere: has no secret in PUSH_SECRETS',
    ],
    [
      'an unknown setting',
      { demo: { TITLE: 'x' } },
      'CLUSTERS.demo.TITLE: is no setting of a cluster',
    ],
    [
      'a witness over http',
      { demo: { witness: 'http://a.example' } },
      'CLUSTERS.demo.witness: must be an https address',
    ],
    [
      'a witness with credentials',
      { demo: { witness: 'https://a:b@c.example' } },
      'CLUSTERS.demo.witness: must be',
    ],
    [
      'a witness that is the Worker',
      { demo: { witness: 'https://health.example.com/__gtg' } },
      'CLUSTERS.demo.witness: must not be the Worker itself',
    ],
    [
      'another word for silence',
      { demo: { ON_SILENCE: 'healthy' } },
      'CLUSTERS.demo.ON_SILENCE: must be',
    ],
    ['no time', { demo: { DEAD_AFTER_SECONDS: 0 } }, 'CLUSTERS.demo.DEAD_AFTER_SECONDS: must be'],
  ])('names what is wrong about a cluster: %s', (_, clusters, expected) => {
    const CLUSTERS = typeof clusters === 'string' ? clusters : JSON.stringify(clusters)

    const faults = faultsOf({ CLUSTERS, PUBLIC_URL: 'https://health.example.com' })

    expect(faults).toEqual([expect.stringContaining(expected)])
  })

  it.each([
    ['100%', { share: 1 }],
    ['66.5%', { share: 0.665 }],
    ['0%', { share: 0 }],
    ['0', { count: 0 }],
    ['3', { count: 3 }],
  ])('takes a share of the nodes, or how many: %s', (given, expected) => {
    expect(configOf({ NODES_MIN_READY: given }).NODES_MIN_READY).toEqual(expected)
  })

  it.each(['', 'all', '-1', '1.5', '101%', '100.1%', '1e1', '%', '1 2'])(
    'refuses another word for how many nodes: %j',
    (given) => {
      const fault = 'NODES_MIN_READY: must be a share such as 90%, or how many nodes, such as 3'

      expect(faultsOf({ NODES_MIN_READY: given })).toEqual([fault])
    },
  )

  it.each([
    ['one in a string', PUSH_SECRET, [PUSH_SECRET]],
    ['one in a list', [PUSH_SECRET], [PUSH_SECRET]],
    ['two in a list', ROTATING, ROTATING],
    ['two in a string', ROTATING.join(' '), ROTATING],
    ['two with more blanks around', `  ${ROTATING.join('\n ')}\n`, ROTATING],
  ])('takes one or two secrets per cluster: %s', (_what, given, expected) => {
    const config = configOf({ PUSH_SECRETS: JSON.stringify({ demo: given }) })

    expect(config.PUSH_SECRETS.get('demo')).toEqual(expected)
  })

  it('keeps every cluster that it names', () => {
    const config = configOf({ PUSH_SECRETS: JSON.stringify({ constructor: PUSH_SECRET }) })

    expect([...config.PUSH_SECRETS]).toEqual([['constructor', [PUSH_SECRET]]])
  })

  it('drops the slash at the end of a path', () => {
    const vars = { PUBLIC_URL: 'https://health.example.com/', PATH_PREFIX: '/edge/' }

    expect(configOf(vars)).toMatchObject({
      PUBLIC_URL: 'https://health.example.com',
      PATH_PREFIX: '/edge',
    })
  })

  it('is read once per isolate', () => {
    const env = anEnv()

    expect(readConfig(env)).toBe(readConfig(env))
  })

  it('ignores vars that it does not know', () => {
    expect(faultsOf({ TOMORROW: 'anything' })).toEqual([])
  })
})

describe('a fault', () => {
  const secrets = (value: unknown) => ({ PUSH_SECRETS: JSON.stringify(value) })
  const tokens = (value: unknown) => ({ TOKENS: JSON.stringify(value) })
  const table: [string, Record<string, unknown>, string][] = [
    ['no secrets', { PUSH_SECRETS: undefined }, 'PUSH_SECRETS: is not set'],
    ['secrets that are not JSON', { PUSH_SECRETS: PUSH_SECRET }, 'PUSH_SECRETS: must be JSON'],
    ['a list of secrets', secrets([PUSH_SECRET]), 'PUSH_SECRETS'],
    [
      'a cluster in capitals',
      secrets({ Demo: PUSH_SECRET }),
      'PUSH_SECRETS: a cluster is named by a DNS',
    ],
    ['a short secret', secrets({ demo: 'whsec_YQ==' }), 'PUSH_SECRETS.demo.0: must be whsec_'],
    ['no secret in a string', secrets({ demo: '' }), 'PUSH_SECRETS.demo.0: must be whsec_'],
    ['no secret in a list', secrets({ demo: [] }), 'PUSH_SECRETS.demo: must be one or two'],
    ['three', secrets({ demo: [...ROTATING, OTHER_SECRET] }), 'PUSH_SECRETS.demo: must be one or'],
    ['a number as secret', secrets({ demo: 7 }), 'PUSH_SECRETS.demo: must be one or two'],
    ['tokens that are not JSON', { TOKENS: '[' }, 'TOKENS: must be JSON'],
    ['a token alone', tokens(TOKEN), 'TOKENS: must be a list'],
    ['a token without a name', tokens([{ ...TOKEN, name: '' }]), 'TOKENS.0.name: must not be'],
    ['a token in clear', tokens([{ ...TOKEN, sha256: 'secret' }]), 'TOKENS.0.sha256: must be the'],
    ['63 digits', tokens([{ ...TOKEN, sha256: 'a'.repeat(63) }]), 'TOKENS.0.sha256: must be the'],
    ['65 digits', tokens([{ ...TOKEN, sha256: 'a'.repeat(65) }]), 'TOKENS.0.sha256: must be the'],
    ['a role to come', tokens([{ ...TOKEN, roles: ['root'] }]), 'TOKENS.0.roles.0: must be "op'],
    [
      'an expiry in words',
      tokens([{ ...TOKEN, expires: 'soon' }]),
      'TOKENS.0.expires: must be a t',
    ],
    ['an expiry in ms', tokens([{ ...TOKEN, expires: 1 }]), 'TOKENS.0.expires: must be a time'],
    ['a day alone', tokens([{ ...TOKEN, expires: '2027-01-31' }]), 'TOKENS.0.expires: must be a'],
    ['no zone', tokens([{ ...TOKEN, expires: '2027-01-31T00:00:00' }]), 'TOKENS.0.expires: must'],
    [
      'the 30th of February',
      tokens([{ ...TOKEN, expires: '2027-02-30T00:00:00Z' }]),
      'TOKENS.0.expires: must be a time in UTC',
    ],
    [
      'the 24th hour',
      tokens([{ ...TOKEN, expires: '2027-01-31T24:00:00Z' }]),
      'TOKENS.0.expires: must be a time in UTC',
    ],
    [
      'an expiry by another name',
      tokens([{ ...TOKEN, expiry: '2027-01-31T00:00:00Z' }]),
      'TOKENS.0: must be {name, sha256, roles, expires?} and nothing else',
    ],
    ['zero seconds', { DEAD_AFTER_SECONDS: '0' }, 'DEAD_AFTER_SECONDS: must be a number'],
    ['no seconds', { DEAD_AFTER_SECONDS: '' }, 'DEAD_AFTER_SECONDS: must be a number'],
    ['seconds in words', { DEAD_AFTER_SECONDS: '1m' }, 'DEAD_AFTER_SECONDS: must be a number'],
    ['seconds for ever', { DEAD_AFTER_SECONDS: 'Infinity' }, 'DEAD_AFTER_SECONDS: must be a num'],
    ['another access', { HEALTH_ACCESS: 'all' }, 'HEALTH_ACCESS: must be "public" or "token"'],
    ['a default cluster in capitals', { DEFAULT_CLUSTER: 'Demo' }, 'DEFAULT_CLUSTER: is not a'],
    ['a default cluster of nobody', { DEFAULT_CLUSTER: 'who' }, 'DEFAULT_CLUSTER: must be one of'],
    ['a public URL without a scheme', { PUBLIC_URL: 'health.example.com' }, 'PUBLIC_URL: must be'],
    ['a public URL of a script', { PUBLIC_URL: 'javascript:x' }, 'PUBLIC_URL: must be a URL'],
    ['a public URL with a query', { PUBLIC_URL: 'https://a.b/?c' }, 'PUBLIC_URL: must be a URL'],
    ['a prefix without a slash', { PATH_PREFIX: 'health' }, 'PATH_PREFIX: must be a path'],
    ['a prefix of the Worker’s own', { PATH_PREFIX: '/clusters' }, 'PATH_PREFIX: must be a path'],
    ['a prefix with a query', { PATH_PREFIX: '/a?b' }, 'PATH_PREFIX: must be a path'],
    ['a short session secret', { SESSION_SECRET: 's'.repeat(31) }, 'SESSION_SECRET: must be 32'],
    ['a prefix that no metric has', { METRICS_PREFIX: 'upp-health' }, 'METRICS_PREFIX: must be'],
    [
      'a default cluster called as an object’s own',
      { DEFAULT_CLUSTER: 'constructor' },
      'DEFAULT_CLUSTER: must be one of',
    ],
  ]

  it.each(table)('is named with what to write instead: %s', (_what, vars, expected) => {
    const faults = faultsOf(vars)

    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(expected)
  })

  const several: [string, Record<string, unknown>, string[]][] = [
    [
      'of one each',
      { ...secrets({ demo: 'x', Other: PUSH_SECRET }), HEALTH_ACCESS: 'all', TOKENS: '{}' },
      ['HEALTH_ACCESS', 'PUSH_SECRETS', 'PUSH_SECRETS.demo.0', 'TOKENS'],
    ],
    [
      'of two in one secret',
      secrets({ demo: ['x', 'y'] }),
      ['PUSH_SECRETS.demo.0', 'PUSH_SECRETS.demo.1'],
    ],
    [
      'of a default cluster that nobody knows, beside another',
      { DEFAULT_CLUSTER: 'who', HEALTH_ACCESS: 'all' },
      ['DEFAULT_CLUSTER', 'HEALTH_ACCESS'],
    ],
  ]

  it.each(several)('comes with all others at once: %s', (_what, vars, expected) => {
    const places = faultsOf(vars).map((fault) => fault.split(':')[0])

    expect(new Set(places)).toEqual(new Set(expected))
  })
})

describe('a secret', () => {
  const MARK = 'hunter2hunter2'
  const json = (value: unknown) => JSON.stringify(value)

  /** Every way to put a secret where it should stand, or nearly. */
  const positions: [string, Record<string, unknown>][] = [
    ['PUSH_SECRETS itself', { PUSH_SECRETS: MARK }],
    ['JSON that breaks off', { PUSH_SECRETS: `{"demo": "${MARK}` }],
    ['a key of a token', { TOKENS: json([{ ...TOKEN, [MARK]: 'x' }]) }],
    ['a text in JSON', { PUSH_SECRETS: json(MARK) }],
    ['the secret of a cluster', { PUSH_SECRETS: json({ demo: MARK }) }],
    ['behind the prefix', { PUSH_SECRETS: json({ demo: `whsec_${MARK}` }) }],
    ['two of a cluster', { PUSH_SECRETS: json({ demo: [MARK, `whsec_${MARK}`] }) }],
    ['three of a cluster', { PUSH_SECRETS: json({ demo: `${MARK} ${MARK} ${MARK}` }) }],
    ['deeper than it may', { PUSH_SECRETS: json({ demo: [[MARK], { secret: MARK }] }) }],
    ['cluster and secret swapped', { PUSH_SECRETS: json({ [`whsec_${MARK}`]: 'demo' }) }],
    ['an object in place of text', { PUSH_SECRETS: { demo: MARK } }],
    ['TOKENS itself', { TOKENS: MARK }],
    ['a token alone', { TOKENS: json(MARK) }],
    ['a list of tokens in clear', { TOKENS: json([MARK]) }],
    ['a token by its name', { TOKENS: json({ ci: MARK }) }],
    ['a token in clear', { TOKENS: json([{ ...TOKEN, sha256: MARK }]) }],
    ['a token as role', { TOKENS: json([{ ...TOKEN, roles: [MARK] }]) }],
    ['a token as roles', { TOKENS: json([{ ...TOKEN, roles: MARK }]) }],
    ['the key of a token', { TOKENS: json([{ [MARK]: TOKEN }]) }],
    ['DEFAULT_CLUSTER', { DEFAULT_CLUSTER: `whsec_${MARK}` }],
    ['HEALTH_ACCESS', { HEALTH_ACCESS: MARK }],
    ['DEAD_AFTER_SECONDS', { DEAD_AFTER_SECONDS: MARK }],
    ['SESSION_SECRET', { SESSION_SECRET: MARK }],
    ['PUBLIC_URL', { PUBLIC_URL: MARK }],
    ['PATH_PREFIX', { PATH_PREFIX: MARK }],
    ['METRICS_PREFIX', { METRICS_PREFIX: `-${MARK}` }],
  ]

  it.each(positions)('is never repeated in a fault: %s', (_what, vars) => {
    const faults = faultsOf(vars)

    expect(faults).not.toEqual([])
    expect(faults.join('\n')).not.toContain(MARK)
  })

  it('is never repeated, whatever stands in its place', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constant(MARK),
        fc.constant(`whsec_${MARK}`),
        fc.constantFrom(7, true, null, ''),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('demo', 'sha256', 'name', 'roles'), tie('any')),
      ),
    })).any
    const text = fc.oneof(
      value,
      value.map(json),
      value.map(json).map((cut) => cut.slice(0, -1)),
    )

    fc.assert(
      fc.property(text, text, (secrets, tokens) => {
        const faults = faultsOf({ PUSH_SECRETS: secrets, TOKENS: tokens })

        expect(faults.join('\n')).not.toContain(MARK)
      }),
      { numRuns: 500 },
    )
  })
})
