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
      { status: 'Healthy', results: { db: { status: 'Unhealthy' } } },
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
        status: 'UP',
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
        status: 'warn',
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
        status: 'ok',
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
      { status: 'green', indicators: { shards: { status: 'red', symptom: 'lost' } } },
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
    ['heptiolabs/healthcheck', { db: 'OK', goroutines: 'OK' }, ['db', 'goroutines']],
    ['Django', { Cache: 'working', Db: 'unavailable' }, ['Cache', '!Db']],
    ['a check by status alone', { checks: [{ id: 'db', status: 'DOWN' }] }, ['!db']],
    ['a check with ok and status', { checks: [{ id: 'db', ok: true, status: 'DOWN' }] }, ['!db']],
    ['a map of words', { status: 'ok', checks: { db: 'ok', mq: 'failed', n: 5 } }, ['db', '!mq']],
    ['a map of booleans', { checks: { db: true, mq: false } }, ['db', '!mq']],
    ['a map of FT checks', { checks: { db: { name: 'Database', ok: false } } }, ['!db']],
    ['an empty map', { checks: {} }, []],
  ])('are read as in %s', (_, document, marks) => {
    expect(marksOf(document)).toEqual(marks)
    expect(judge(document).ok).toBe(marks.every((mark) => !mark.startsWith('!')))
  })

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
        `${'{"status":"UP","components":{"c":'.repeat(levels)}{"status":"DOWN"}${'}}'.repeat(levels)}`,
      )

    const [near, far] = [nest(5), nest(5000)]

    expect(near.checks).toMatchObject([{ id: 'c/c/c/c/c', ok: false }])
    expect(far.checks).toMatchObject([{ id: 'c/c/c/c/c/c', ok: true }])
  })
})
