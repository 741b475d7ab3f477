/** The formats of the field, each as it is documented: which checks they hold, and which of them fail. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { judgeAnswer } from '../../../../node-exporter/probing/health-answer.ts'
import { isStateKey, normalise, readState } from '../../../../node-exporter/probing/vocabulary.ts'

const MANUAL = readFileSync(new URL('../../../../docs/migrating.md', import.meta.url), 'utf8')

function judge(document: unknown) {
  return judgeAnswer(200, JSON.stringify(document))
}

/** `id`, or `!id` where it fails. */
function marksOf(document: unknown): string[] {
  return judge(document).checks.map(({ id, ok }) => (ok ? id : `!${id}`))
}

describe('a word', () => {
  it.each([
    ['bad', 'err CRIT unsuccessful Exception panic'],
    ['good', 'ok UP Pass passing Healthy green success AVAILABLE alive ready running SERVING true'],
    ['degraded', 'warn WARNING Degraded yellow UNKNOWN Partially_Available'],
    ['bad', 'fail Failed error DOWN OUT_OF_SERVICE out-of-service Unhealthy red critical FATAL'],
    ['bad', 'NotReady NOT_SERVING not-ok dead unavailable offline shutting_down maintenance false'],
    ['unknown', 'brewing notorious constructor __proto__ toString 200'],
  ])('is %s: %s', (state, words) => {
    const states = words.split(' ').map((word) => [word, readState(word)])

    expect(states).toEqual(words.split(' ').map((word) => [word, state]))
  })

  it.each(['good', 'degraded', 'bad'])('is %s where the manual says so', (state) => {
    const [, words = ''] = new RegExp(`^\\| ${state} +\\|([^|;]+)`, 'm').exec(MANUAL) ?? []

    const states = words.split(',').map((word) => [word.trim(), readState(word)])

    expect(states.length).toBeGreaterThan(5)
    expect(states.filter(([, read]) => read !== state)).toEqual([])
  })

  it('counts under the keys that the manual lists', () => {
    const [, said = ''] = /say how they are under ([^]+?), each also/.exec(MANUAL) ?? []
    const keys = [...said.matchAll(/`(\w+)`/g)].map(([, key = '']) => normalise(key))

    expect(keys.length).toBeGreaterThan(10)
    expect(keys.filter((key) => !isStateKey(key) || !isStateKey(`is${key}`))).toEqual([])
  })

  it.each([[''], [' '], [200], [0], [null], [undefined], [{}], [[]]])('is none: %j', (value) => {
    expect(readState(value)).toBeNull()
  })

  it('may have spaces in it and around it', () => {
    expect(readState(' Partially Available ')).toBe('degraded')
    expect(readState('Service Unavailable')).toBe('bad')
  })
})

describe('the whole', () => {
  it.each<unknown>([
    { status: 'Unhealthy' },
    { status: 'FATAL' },
    { Status: 'DOWN' },
    { STATE: 'failed' },
    { status: 'red', cluster_name: 'es', timed_out: false },
    { health: 'false', reason: 'RAFT NO LEADER' },
    { OK: false },
    { healthy: false },
    { isHealthy: false },
    { is_alive: false },
    { passing: false },
    { success: false },
    { up: false },
    { available: false },
    { ready: false },
    { ready: 'no' },
    { is_healthy: 'No' },
    { state: 'critical' },
    { status: 200, available: false },
    { ready: true, live: false },
    { status: false },
    { ok: true, status: 'DOWN' },
    { status: 'UP', healthy: false },
    'Unhealthy',
    false,
  ])('says that it is bad: %j', (document) => {
    expect(judge(document)).toEqual({
      ok: false,
      answered: true,
      checks: [],
      reason: 'it says so itself',
    })
  })

  it.each<unknown>([
    { status: 'Degraded' },
    { status: 'ok', ready: false },
    { status: 'UP', live: false },
    { status: 'ok', available: false },
    { ok: true, state: 'critical' },
    { healthy: true, success: false, passed: false },
    { outcome: 'UP', is_alive: 'no' },
    { status: 'yellow' },
    { status: 'warn' },
    { status: 'Partially Available', failures: { mail: 'refused' } },
    { status: 'UP', lastJob: { status: 'FAILED' }, history: ['DOWN'], role: 'down' },
    { status: 'UP', data: { checks: [{ ok: false }] } },
    { status: 'UP', details: { exists: false, error: 'none', version: '1.2' } },
    { status: 'UP', results: { rows: { count: 3 }, last: { status: 'FAILED' } } },
    { status: 'UP', dependencies: { mail: { status: 'DOWN' } } },
    { ok: true, constructor: { status: 'DOWN' }, toString: 'down' },
  ])('is available: %j', (document) => {
    expect(judge(document)).toEqual({ ok: true, answered: true, checks: [] })
  })
})

describe('the checks of a document', () => {
  it.each<[string, unknown, string[]]>([
    [
      'ASP.NET',
      {
        status: 'Unhealthy',
        totalDuration: '00:00:01',
        entries: { db: { status: 'Unhealthy', data: {} }, mq: { status: 'Degraded', data: {} } },
      },
      ['!db', 'mq'],
    ],
    [
      'ASP.NET with results',
      { status: 'Unhealthy', results: { db: { status: 'Unhealthy' } } },
      ['!db'],
    ],
    [
      'Spring Boot, nested',
      {
        status: 'DOWN',
        components: {
          db: {
            status: 'DOWN',
            components: { primary: { status: 'UP' }, replica: { status: 'DOWN' } },
          },
          diskSpace: { status: 'UP', details: { exists: false } },
        },
        groups: ['liveness'],
      },
      ['db/primary', '!db/replica', 'diskSpace'],
    ],
    [
      'Spring Boot, a composite that fails by itself',
      {
        status: 'DOWN',
        components: { db: { status: 'FATAL', components: { a: { status: 'UP' } } } },
      },
      ['db/a', '!db'],
    ],
    [
      'Spring Boot 2.1, nested',
      {
        status: 'DOWN',
        details: {
          db: { status: 'DOWN', details: { a: { status: 'DOWN', details: { database: 'H2' } } } },
          disk: { status: 'UP', details: { free: 1, exists: false } },
        },
      },
      ['!db/a', 'disk'],
    ],
    [
      'Spring Boot 1',
      { status: 'DOWN', diskSpace: { status: 'UP', free: 1 }, db: { status: 'DOWN' } },
      ['!db'],
    ],
    ['MicroProfile', { status: 'UP', checks: [{ name: 'db', status: 'DOWN' }] }, ['!db']],
    [
      'health+json',
      {
        status: 'pass',
        checks: {
          'db:time': [{ status: 'fail', componentId: 'x' }],
          cpu: [
            { componentId: 'a', status: 'pass' },
            { componentId: 'b', status: 'warn' },
            { status: 'fail' },
          ],
        },
      },
      ['!db:time', 'cpu/a', 'cpu/b', '!cpu/check 3'],
    ],
    [
      'Terminus',
      {
        status: 'error',
        info: { db: { status: 'up' } },
        error: {},
        details: { db: { status: 'up' }, api: { status: 'down', statusCode: 500 } },
      },
      ['db', '!api'],
    ],
    [
      'alexliesenfeld/health',
      { status: 'down', details: { db: { status: 'down', timestamp: 'T', error: 'refused' } } },
      ['!db'],
    ],
    [
      'health-go',
      { status: 'Unavailable', failures: { rabbitmq: 'timed out', mongo: 'refused' } },
      ['!rabbitmq', '!mongo'],
    ],
    ['dropwizard', { deadlocks: { healthy: true }, db: { healthy: false } }, ['deadlocks', '!db']],
    [
      'Consul, agent checks',
      { 'service:web': { CheckID: 'service:web', Name: 'Web', Status: 'critical' } },
      ['!service:web'],
    ],
    [
      'Consul, checks of a service',
      [
        { CheckID: 'mem', Status: 'warning' },
        { CheckID: 'serf', Status: 'critical' },
      ],
      ['mem', '!serf'],
    ],
    [
      'Elasticsearch, health report',
      { status: 'red', indicators: { shards: { status: 'red', symptom: 'lost' } } },
      ['!shards'],
    ],
    [
      'Apache James',
      { status: 'unhealthy', checks: [{ componentName: 'Cassandra', status: 'unhealthy' }] },
      ['!Cassandra'],
    ],
    [
      'Go without tags',
      {
        Checks: [
          { Name: 'db', OK: false },
          { ID: 'mq', Ok: true },
        ],
      },
      ['!db', 'mq'],
    ],
    ['MicroProfile 1', { outcome: 'UP', checks: [{ name: 'db', state: 'DOWN' }] }, ['!db']],
    [
      'py-healthcheck',
      { status: 'failure', results: [{ checker: 'redis', output: 'refused', passed: false }] },
      ['!redis'],
    ],
    [
      'Laravel',
      {
        finishedAt: 1,
        checkResults: [
          { name: 'Db', status: 'failed' },
          { name: 'Q', status: 'skipped' },
        ],
      },
      ['!Db', 'Q'],
    ],
    [
      'http4k',
      { name: 'overall', success: false, children: [{ name: 'db', success: false }] },
      ['!db'],
    ],
    [
      'OkComputer',
      { default: { success: true }, db: { success: false, message: 'x' } },
      ['default', '!db'],
    ],
    [
      'Nomad',
      { client: { ok: true, message: 'ok' }, server: { ok: false } },
      ['client', '!server'],
    ],
    [
      'GitLab',
      { status: 'failed', master_check: [{ status: 'ok' }], db_check: [{ status: 'failed' }] },
      ['!db_check'],
    ],
    [
      'LiipMonitor',
      { globalStatus: 'KO', checks: [{ checkName: 'db', status: 'check_result', ok: false }] },
      ['!db'],
    ],
    [
      'an own format that says that it is bad',
      { status: 'error', dependencies: { db: { status: 'down' }, mq: { status: 'up' } } },
      ['!db'],
    ],
    [
      'Airflow',
      {
        metadatabase: { status: 'healthy' },
        scheduler: { status: 'unhealthy', latest_scheduler_heartbeat: '2026-01-01' },
        triggerer: { status: null, latest_triggerer_heartbeat: null },
        dag_processor: null,
      },
      ['metadatabase', '!scheduler'],
    ],
    ['entries of which one is empty', { entries: { a: { status: 'Unhealthy' }, b: {} } }, ['!a']],
    ['details of which one is null', { details: { a: { status: 'down' }, b: null } }, ['!a']],
    ['heptiolabs/healthcheck', { db: 'OK', goroutines: 'OK' }, ['db', 'goroutines']],
    ['Django', { Cache: 'working', Db: 'unavailable' }, ['Cache', '!Db']],
    ['a check by status alone', { checks: [{ id: 'db', status: 'DOWN' }] }, ['!db']],
    ['a check with ok and status', { checks: [{ id: 'db', ok: true, status: 'DOWN' }] }, ['!db']],
    ['a map of words', { status: 'ok', checks: { db: 'ok', mq: 'failed', n: 5 } }, ['db', '!mq']],
    ['a map of booleans', { checks: { db: true, mq: false } }, ['db', '!mq']],
    ['a map of booleans as texts', { checks: { db: 'yes', mq: 'no' } }, ['db', '!mq']],
    ['a map of a word and a boolean', { checks: { db: 'ok', mq: false } }, ['db', '!mq']],
    ['a map of checks and a boolean', { checks: { a: { ok: true }, mq: false } }, ['a', '!mq']],
    ['a map of booleans, one of a bad thing', { checks: { db: true, maintenance: false } }, ['db']],
    ['a map of booleans, one of a weak thing', { checks: { db: true, degraded: false } }, ['db']],
    [
      'a map of booleans, some of bad things',
      { checks: { db: true, isDown: false, hasErrors: false, in_maintenance: false } },
      ['db'],
    ],
    ['a map of booleans of a bad whole', { status: 'DOWN', checks: { db: false } }, ['!db']],
    ['a map of booleans without a true one', { checks: { db: false, mq: false } }, ['!db', '!mq']],
    ['a map of FT checks', { checks: { db: { name: 'Database', ok: false } } }, ['!db']],
    ['an empty map', { checks: {} }, []],
  ])('are read as in %s', (_, document, marks) => {
    expect(marksOf(document)).toEqual(marks)
    expect(judge(document).ok).toBe(marks.every((mark) => !mark.startsWith('!')))
  })

  const FT = { id: 'db', ok: false }
  it.each<[string, unknown, string[]]>([
    [
      'Tyk',
      { status: 'warn', details: { dashboard: { status: 'fail' }, redis: { status: 'pass' } } },
      ['!dashboard', 'redis'],
    ],
    ['go-health', { status: 'ok', details: { x: { status: 'failed' } } }, ['!x']],
    ['Spring with an aggregator', { status: 'UP', components: { a: { status: 'DOWN' } } }, ['!a']],
    [
      'Spring, below a component that is bad',
      { status: 'UP', components: { a: { status: 'DOWN', components: { b: false, c: true } } } },
      ['!a/b', 'a/c'],
    ],
    [
      'a component that is up',
      { components: { a: { status: 'UP', components: { b: { status: 'DOWN' } } } } },
      ['!a/b'],
    ],
    ['ASP.NET', { status: 'Healthy', results: { db: { status: 'Unhealthy' } } }, ['!db']],
    ['ASP.NET, degraded', { status: 'Degraded', entries: { a: { status: 'Unhealthy' } } }, ['!a']],
    ['Terminus', { status: 'ok', details: { api: { status: 'down' } } }, ['!api']],
    ['Elasticsearch', { status: 'green', indicators: { a: { status: 'red' } } }, ['!a']],
    ['http4k', { success: true, children: [{ name: 'db', success: false }] }, ['!db']],
    ['health+json', { status: 'warn', checks: { cpu: [{ status: 'fail' }] } }, ['!cpu']],
    ['a degraded map of booleans', { status: 'warn', checks: { a: true, b: false } }, ['a', '!b']],
    ['a list of data', { status: 'ok', results: [{ id: 1, status: 'failed' }] }, ['!1']],
    [
      'dropwizard',
      { db: { healthy: false, critical: false }, mq: { healthy: true } },
      ['!db', 'mq'],
    ],
    ['fatal false', { checks: [{ ...FT, fatal: false }] }, ['!db']],
    ['required false', { checks: [{ ...FT, required: 'false' }] }, ['!db']],
    ['optional true', { ok: true, checks: [{ ...FT, optional: true }] }, ['!db']],
    [
      'below what is optional',
      { components: { a: { status: 'DOWN', optional: true, components: { b: false, c: true } } } },
      ['!a/b', 'a/c'],
    ],
  ])('fail without deciding where the whole serves: %s', (_, document, marks) => {
    expect(marksOf(document)).toEqual(marks)
    expect(judge(document)).toMatchObject({
      ok: true,
      warning: 'list failing checks that do not decide',
    })
  })

  it.each<[string, unknown]>([
    ['FT’s in a good whole', { ok: true, checks: [FT] }],
    ['FT’s in a degraded whole', { status: 'warn', checks: [FT] }],
    ['health+json’s in a good whole', { status: 'pass', checks: { cpu: [{ status: 'fail' }] } }],
    ['MicroProfile’s in a good whole', { status: 'UP', checks: [{ name: 'a', status: 'DOWN' }] }],
    ['any without a whole', { components: { a: { status: 'DOWN' } } }],
    ['any in a whole of an unknown word', { status: 'x', details: { a: { status: 'down' } } }],
    [
      'one that needs an optional one',
      {
        checks: [{ ok: false, checks: [{ ok: false, critical: false }] }],
      },
    ],
    ['one of several', { components: { a: { ok: false, critical: false }, b: { ok: false } } }],
  ])('decide: %s', (_, document) => {
    expect(judge(document)).toMatchObject({ ok: false })
    expect(judge(document).reason).toBeUndefined()
  })

  it('are told by a map of nothing but booleans, though all are false', () => {
    const { ok, checks } = judge({ checks: { db: false, mq: false } })

    expect([ok, checks.map(({ id }) => id)]).toEqual([false, ['db', 'mq']])
  })

  it('are not told by false among other data', () => {
    const warning = 'say false among other data in a map of checks, which is no known state'

    expect(judge({ checks: { enabled: false, items: [] } })).toMatchObject({ ok: true, warning })
    expect(judge({ checks: { maintenance: false } }).warning).toBeUndefined()
  })

  it('leave the blame to the whole where they do not decide', () => {
    const document = { status: 'DOWN', components: { a: { status: 'DOWN', critical: false } } }

    expect(judge(document)).toMatchObject({ ok: false, reason: 'it says so itself' })
  })

  it.each<unknown>([
    { mode: 'normal', maintenance: 'false' },
    { readOnly: 'false' },
    { mode: 'active', peer: 'offline' },
    { env: 'live', build: 'failed' },
    { a: 'OK', maintenance: 'false' },
    { a: 'OK', version: '1.2' },
    { a: 'failed' },
    ['OK', 'failed'],
  ])('are no settings: %j', (document) => {
    const warning = 'answer JSON without checks'

    expect(judge(document)).toEqual({ ok: true, answered: true, checks: [], warning })
  })

  it.each<[string, unknown, string | undefined]>([
    ['a size', { available: '12GB' }, 'answer JSON without checks'],
    ['a time', { up: '3 days', state: '10:00' }, 'answer JSON without checks'],
    ['beside a state', { status: 'ok', health: 'https://a', up: '3 days' }, undefined],
    [
      'the status',
      { status: 'running 17 s' },
      'say a text with data in it, which is no known state',
    ],
  ])('and states are no data: %s', (_, document, warning) => {
    expect(judge(document)).toMatchObject({ ok: true, checks: [] })
    expect(judge(document).warning).toBe(warning)
  })

  it.each<[string, (i: number) => unknown]>([
    ['a list', (count) => ({ checks: Array.from({ length: count }, () => ({ ok: true })) })],
    ['a map', (count) => Object.fromEntries(keys(count).map((key) => [key, { healthy: true }]))],
    ['keys of an object', (count) => ({ ok: true, ...Object.fromEntries(keys(count).entries()) })],
    [
      'several lists',
      (count) => ({
        ok: true,
        components: {
          a: Array.from({ length: count / 2 }, () => ({})),
          b: Array.from({ length: count / 2 }, () => ({})),
        },
      }),
    ],
  ])('are read up to 5,000 entries of a document: %s', (_, make) => {
    const warning = 'answer more than 5000 entries, of which the rest is not read'

    expect(judge(make(4990)).warning).toBeUndefined()
    expect(judge(make(6000))).toMatchObject({ ok: true, warning })
  })

  function keys(count: number): string[] {
    return Array.from({ length: count }, (_, i) => `k${i}`)
  }

  it('may have names that every object has', () => {
    const checks =
      '{"constructor":{"status":"DOWN"},"__proto__":{"status":"DOWN"},"toString":"DOWN"}'

    const outcome = judgeAnswer(200, `{"checks":${checks}}`)

    expect(outcome.checks.map(({ id, ok }) => [id, ok])).toEqual([
      ['constructor', false],
      ['__proto__', false],
      ['toString', false],
    ])
  })

  it.each<[string, unknown, string]>([
    ['health+json', { checks: { a: [{ status: 'fail', output: 'full' }] } }, 'full'],
    ['ASP.NET', { entries: { a: { status: 'Unhealthy', description: 'slow' } } }, 'slow'],
    ['Spring', { components: { a: { status: 'DOWN', details: { error: 'refused' } } } }, 'refused'],
    [
      'Spring 2.1',
      { details: { a: { status: 'DOWN', details: { error: 'refused' } } } },
      'refused',
    ],
    ['Terminus', { details: { a: { status: 'down', message: 'gone' } } }, 'gone'],
    ['dropwizard', { a: { healthy: false, message: 'gone' } }, 'gone'],
    ['health-go', { status: 'Unavailable', failures: { a: 'timed out' } }, 'timed out'],
    [
      'the word where there is no text',
      { checks: { a: { status: 'OUT_OF_SERVICE' } } },
      'OUT_OF_SERVICE',
    ],
    ['a bare word', { checks: { a: 'down' } }, 'down'],
  ])('say why they fail: %s', (_, document, checkOutput) => {
    expect(judge(document).checks).toEqual([{ id: 'a', name: 'a', ok: false, checkOutput }])
  })

  it.each<[string, unknown]>([
    ['in a list', { checks: [{ id: 'a', status: 'brewing' }] }],
    ['in a map', { components: { a: { status: 'brewing' } } }],
    ['in a loose map', { entries: { a: { status: 'brewing' }, b: { status: 'Healthy' } } }],
    ['as a bare word', { checks: { a: 'brewing' } }],
    ['below another', { components: { a: { components: { b: { status: 'brewing' } } } } }],
  ])('are ok with a warning where their word is unknown: %s', (_, document) => {
    const outcome = judge(document)

    expect(outcome).toMatchObject({ ok: true, warning: 'say "brewing", which is no known state' })
    expect(outcome.checks.length).toBeGreaterThan(0)
  })

  it('are kept up to 200, failing ones first', () => {
    const components = Object.fromEntries(
      Array.from({ length: 5000 }, (_, i) => [`c${i}`, { status: i === 4999 ? 'DOWN' : 'UP' }]),
    )

    const { checks } = judge({ components })

    expect(checks).toHaveLength(200)
    expect(checks[0]).toMatchObject({ id: 'c4999', ok: false })
  })

  it('are read some levels deep, and what is deeper counts by what is above it', () => {
    const nest = (levels: number) =>
      judgeAnswer(
        200,
        `${'{"status":"UP","checks":{"c":'.repeat(levels)}{"status":"DOWN"}${'}}'.repeat(levels)}`,
      )

    const [near, far] = [nest(5), nest(5000)]

    expect(near.checks).toMatchObject([{ id: 'c/c/c/c/c', ok: false }])
    expect(far.checks).toMatchObject([{ id: 'c/c/c/c/c/c', ok: true }])
  })
})
