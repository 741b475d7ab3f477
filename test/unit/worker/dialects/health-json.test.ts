/** health+json: its word, the HTTP status that follows from it, and what stands behind both (behaviour, section 5). */
import { describe, expect, it } from 'vitest'
import { makeHealthJson } from '../../../../worker/dialects/health-json.ts'
import type { CategoryStatus, ClusterStatus } from '../../../../worker/domain/status.ts'
import {
  aCategoryStatus,
  aClusterStatus,
  aFailingServiceStatus,
  anAckStatus,
  aServiceStatus,
} from '../../../support/a-status.ts'
import { T0 } from '../../../support/apply.ts'

const SINCE = '2023-11-14T22:13:20.000Z'

function healthOf(status: Partial<ClusterStatus>) {
  return makeHealthJson(aClusterStatus(status))
}

describe('the shape', () => {
  it('is this for a cluster that is well', () => {
    expect(healthOf({ cluster: 'shop-eu', environment: 'shop' })).toEqual({
      status: 200,
      body: {
        status: 'pass',
        serviceId: 'shop-eu',
        description: 'Health of the services of shop, as last reported from inside the cluster',
        checks: {
          web: [{ componentId: 'web', componentType: 'component', status: 'pass', time: SINCE }],
        },
      },
    })
  })

  it('is this for one that is not', () => {
    const services = [
      aFailingServiceStatus({ name: 'bank', ack: anAckStatus({ message: 'the move' }) }),
      aFailingServiceStatus({ name: 'shop', checkedAtMs: T0 + 1500 }),
      aServiceStatus(),
    ]
    const categories = [
      aCategoryStatus({
        passes: false,
        reason: 'unhealthy',
        failing: ['shop'],
        acked: ['bank'],
        missing: ['cart'],
      }),
    ]

    expect(healthOf({ services, categories })).toEqual({
      status: 503,
      body: {
        status: 'fail',
        serviceId: 'demo',
        description: 'Health of the services of demo, as last reported from inside the cluster',
        notes: ['category default: unhealthy; failing: shop; failing, acked: bank; missing: cart'],
        checks: {
          bank: [
            {
              componentId: 'bank',
              componentType: 'component',
              status: 'warn',
              time: SINCE,
              output: '0/1 pods available (web-1: database); acked: the move',
            },
          ],
          shop: [
            {
              componentId: 'shop',
              componentType: 'component',
              status: 'fail',
              time: '2023-11-14T22:13:21.500Z',
              output: '0/1 pods available (web-1: database)',
            },
          ],
          web: [{ componentId: 'web', componentType: 'component', status: 'pass', time: SINCE }],
        },
      },
    })
  })
})

describe('the whole', () => {
  const poor = (given: Partial<CategoryStatus>) => aCategoryStatus({ passes: false, ...given })
  const table: [string, Partial<ClusterStatus>, 'pass' | 'warn' | 'fail'][] = [
    ['all is well', {}, 'pass'],
    ['a named service is missing', { categories: [aCategoryStatus({ missing: ['x'] })] }, 'warn'],
    ['what fails is acked', { categories: [aCategoryStatus({ acked: ['web'] })] }, 'warn'],
    ['the report is late', { freshness: 'late' }, 'warn'],
    ['the verdict is held', { freshness: 'held' }, 'warn'],
    ['a category fails', { categories: [poor({ reason: 'unhealthy' })] }, 'fail'],
    ['one of two fails', { categories: [aCategoryStatus(), poor({ name: 'buy' })] }, 'fail'],
    ['a category is disabled', { categories: [poor({ reason: 'disabled' })] }, 'fail'],
    ['a category is empty', { categories: [poor({ reason: 'empty' })] }, 'fail'],
    ['a category fails while held', { categories: [poor({})], freshness: 'held' }, 'fail'],
    ['a category fails while late', { categories: [poor({})], freshness: 'late' }, 'fail'],
    ['there is no category', { categories: [] }, 'fail'],
    ['the cluster is dead', { freshness: 'dead' }, 'fail'],
    ['there was never a report', { freshness: 'no-data', freshAtMs: null }, 'fail'],
    [
      'a service fails that no category here holds',
      { services: [aFailingServiceStatus()] },
      'pass',
    ],
  ]

  it.each(table)('is coded by the status too: %s', (_what, given, word) => {
    const { status, body } = healthOf(given)

    expect(body.status).toBe(word)
    expect(status).toBe(word === 'fail' ? 503 : 200)
  })
})

describe('the check of a service', () => {
  it.each([
    ['ok', aServiceStatus(), 'pass', undefined],
    ['ok and acked', aServiceStatus({ ack: anAckStatus() }), 'pass', undefined],
    ['failing', aFailingServiceStatus({ output: '0/2' }), 'fail', '0/2'],
    [
      'failing and acked',
      aFailingServiceStatus({ output: '0/2', ack: anAckStatus() }),
      'warn',
      '0/2; acked: known',
    ],
  ])('has its word, and an output unless it passes: %s', (_what, service, word, output) => {
    const check = healthOf({ services: [service] }).body.checks[service.name]?.[0]

    expect(check?.status).toBe(word)
    expect(check?.output).toBe(output)
    expect(Object.hasOwn(check ?? {}, 'output')).toBe(output !== undefined)
  })

  it('is not there before the first probe', () => {
    expect(healthOf({ services: [aServiceStatus({ ok: null })] }).body.checks).toEqual({})
  })

  it('has no time where none is known', () => {
    const { checks } = healthOf({ services: [aServiceStatus({ checkedAtMs: null })] }).body

    expect(checks).toEqual({
      web: [{ componentId: 'web', componentType: 'component', status: 'pass' }],
    })
  })

  it('has a key without colons, and its own name within', () => {
    const services = ['a:b:c', 'a_b_c'].map((name) => aServiceStatus({ name }))

    const { checks } = healthOf({ services }).body

    expect(Object.keys(checks)).toEqual(['a_b_c'])
    expect(checks['a_b_c']?.map(({ componentId }) => componentId)).toEqual(['a:b:c', 'a_b_c'])
  })

  it.each(['__proto__', 'constructor', 'toString'])('survives being called %s', (name) => {
    const text = JSON.stringify(healthOf({ services: [aServiceStatus({ name })] }).body.checks)

    expect(text).toContain(`"${name}":[{"componentId":"${name}"`)
  })
})

describe('the check cluster-report', () => {
  const table: [string, Partial<ClusterStatus>, string, string][] = [
    [
      'late',
      { freshness: 'late' },
      'warn',
      `The next report is late: nothing fresh since ${SINCE}.`,
    ],
    [
      'held',
      { freshness: 'held' },
      'warn',
      `The last verdict is held: nothing fresh since ${SINCE}.`,
    ],
    ['dead', { freshness: 'dead' }, 'fail', `The cluster is silent: nothing fresh since ${SINCE}.`],
  ]

  it.each(table)('says how old the verdict is: %s', (_what, given, status, output) => {
    expect(healthOf(given).body.checks['cluster-report']).toEqual([
      {
        componentId: 'cluster-report',
        componentType: 'component',
        status,
        time: SINCE,
        output,
      },
    ])
  })

  it('says that there was never a report', () => {
    expect(healthOf({ freshness: 'no-data', freshAtMs: null }).body.checks).toEqual({
      'cluster-report': [
        {
          componentId: 'cluster-report',
          componentType: 'component',
          status: 'fail',
          output: 'No report was ever received.',
        },
      ],
    })
  })

  it('stands beside a service of the same name', () => {
    const services = [aServiceStatus({ name: 'cluster-report' })]

    const { checks } = healthOf({ services, freshness: 'late' }).body

    expect(checks['cluster-report']?.map(({ status }) => status)).toEqual(['pass', 'warn'])
  })

  it.each([
    ['fresh', ['web']],
    ['late', ['web', 'cluster-report']],
    ['held', ['web', 'cluster-report']],
    ['dead', ['cluster-report']],
    ['no-data', ['cluster-report']],
  ] as const)('replaces services that nobody hears of: %s', (freshness, expected) => {
    const { checks } = healthOf({ freshness }).body

    expect(Object.keys(checks)).toEqual(expected)
  })
})

describe('the notes', () => {
  it.each([
    ['nothing is to be said', aCategoryStatus(), undefined],
    ['disabled', aCategoryStatus({ passes: false, reason: 'disabled' }), 'disabled'],
    ['missing', aCategoryStatus({ missing: ['a', 'b'] }), 'missing: a, b'],
    ['acked', aCategoryStatus({ acked: ['web'] }), 'failing, acked: web'],
  ])('say what a category suffers from: %s', (_what, category, note) => {
    const { body } = healthOf({ categories: [category] })

    expect(body.notes).toEqual(note === undefined ? undefined : [`category default: ${note}`])
  })
})

describe('a service that is late', () => {
  it('warns, and so do the whole and its category', () => {
    const { status, body } = healthOf({
      services: [aServiceStatus({ word: 'late', output: '1/1 pods available (late: …)' })],
      categories: [aCategoryStatus({ late: ['web'] })],
    })

    expect([status, body.status, body.notes]).toEqual([
      200,
      'warn',
      ['category default: late: web'],
    ])
    expect(body.checks['web']).toMatchObject([
      { status: 'warn', output: '1/1 pods available (late: …)' },
    ])
  })
})
