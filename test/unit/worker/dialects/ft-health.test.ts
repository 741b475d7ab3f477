/** `__health` in the Financial Times' shape: what a reader of that shape finds, key by key (behaviour, section 5). */
import { describe, expect, it } from 'vitest'
import type { Content, Service } from '../../../../worker/contract/report.ts'
import { makeFtHealth, makeFtPods, type FtHealth } from '../../../../worker/dialects/ft-health.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import { describeCluster } from '../../../../worker/domain/status.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
  anUnreachableTarget,
} from '../../../support/a-report.ts'
import { stateAfter, T0 } from '../../../support/apply.ts'

const TOLD = {
  texts: { businessImpact: 'Nobody can buy', panicGuide: 'Call the shop' },
  linkToPods: ({ name }: { name: string }) => `https://edge.example/pods/${name}`,
}

const SHOP = aService({ name: 'shop', targets: [aFailingTarget({ severity: 3 })] })
const BANK = aService({ name: 'bank', isResilient: false, targets: [anUnreachableTarget()] })

function healthOf(
  content: Partial<Content>,
  asked: { names?: string[]; nowMs?: number } = {},
): FtHealth | null {
  return tell(stateAfter([aSnapshot({ content: aContent(content) })]), asked)
}

/** As the route does: `default`, where no category is named. */
function tell(
  state: ClusterState | null,
  { names = ['default'], nowMs = T0 }: { names?: string[]; nowMs?: number } = {},
): FtHealth | null {
  const status = describeCluster(state, { cluster: 'demo', names, nowMs })
  return status && makeFtHealth(status, { ...TOLD, nowMs })
}

function checkOf(service: Service, content: Partial<Content> = {}) {
  return healthOf({ services: [service], ...content })?.checks[0]
}

describe('a pod that is ok', () => {
  it('has no severity of checks that fail on it', () => {
    const serving = aFailingTarget({ id: 'mail', severity: 1 }, { ok: true })
    const state = stateAfter([
      aSnapshot({ content: aContent({ services: [aService({ targets: [serving] })] }) }),
    ])
    const status = describeCluster(state, { cluster: 'demo', names: ['default'], nowMs: T0 })
    const [service] = status?.services ?? []

    const pods =
      status && service && makeFtPods(status, service, { ...TOLD, nowMs: T0, linkToPod: String })

    expect(pods).toMatchObject({ ok: true, checks: [{ ok: true, severity: 2 }] })
  })
})

describe('the shape', () => {
  it('has its keys in the order of those who read it', () => {
    const health = healthOf({ services: [SHOP], acks: [{ service: 'shop', message: 'known' }] })

    expect(Object.keys(health ?? {})).toEqual([
      'schemaVersion',
      'systemCode',
      'name',
      'description',
      'checks',
      'ok',
    ])
    expect(Object.keys(health?.checks[0] ?? {})).toEqual([
      'id',
      'name',
      'ok',
      'severity',
      'businessImpact',
      'technicalSummary',
      'panicGuide',
      'checkOutput',
      'lastUpdated',
      'ack',
      '_acknowledged',
    ])
  })

  it('is this for a cluster that is well', () => {
    expect(healthOf({})).toEqual({
      schemaVersion: 1,
      systemCode: 'demo',
      name: 'demo cluster health',
      description: 'Health of the services of demo, as last reported from inside the cluster',
      checks: [
        {
          id: 'web',
          name: 'web',
          ok: true,
          severity: 2,
          businessImpact: 'Nobody can buy',
          technicalSummary:
            'Each pod of the service is asked for its __health; 1 desired. Its pods: https://edge.example/pods/web',
          panicGuide: 'Call the shop',
          checkOutput: '1/1 pods available',
          lastUpdated: '2023-11-14T22:13:20.000Z',
        },
      ],
      ok: true,
    })
  })

  it('sorts its checks by name', () => {
    const services = ['web', 'api', 'bank'].map((name) => aService({ name }))

    expect(healthOf({ services })?.checks.map(({ name }) => name)).toEqual(['api', 'bank', 'web'])
  })
})

describe('the severity of the whole', () => {
  const table: [string, Partial<Content>, FtHealth['severity']][] = [
    ['all is well', {}, undefined],
    ['one fails mildly', { services: [SHOP] }, 3],
    ['one fails badly beside', { services: [SHOP, BANK] }, 1],
    [
      'all that fail are acked',
      { services: [SHOP], acks: [{ service: 'shop', message: '' }] },
      undefined,
    ],
    ['the worst is acked', { services: [SHOP, BANK], acks: [{ service: 'bank', message: '' }] }, 3],
    ['no service at all', { services: [] }, 2],
    [
      'disabled, though nothing fails',
      { categories: [aCategory({ name: 'default', enabled: false })] },
      2,
    ],
  ]

  it.each(table)('is there only when not ok: %s', (_what, content, severity) => {
    const health = healthOf(content)

    expect(health?.severity).toBe(severity)
    expect(health?.ok).toBe(severity === undefined)
    expect(Object.hasOwn(health ?? {}, 'severity')).toBe(severity !== undefined)
  })
})

describe('a check', () => {
  it('says which pods fail, and why each one does', () => {
    const services = aService({
      name: 'shop',
      targets: [aTarget(), aFailingTarget({ name: 'Orders' }), anUnreachableTarget()],
    })

    expect(checkOf(services)).toMatchObject({
      ok: false,
      severity: 2,
      checkOutput: '1/3 pods available (web-2: Orders; web-3: refused)',
    })
  })

  it.each([
    ['nothing else is said', {}, 'Nobody can buy', 'Call the shop'],
    ['the Service says so itself', { businessImpact: 'None', panicGuide: 'Wait' }, 'None', 'Wait'],
  ])('takes its texts from config when %s', (_what, service, businessImpact, panicGuide) => {
    expect(checkOf(aService(service))).toMatchObject({ businessImpact, panicGuide })
  })

  it.each([
    [
      'one workload',
      3,
      'Each pod of the service is asked for its __health; 3 desired. Its pods: https://edge.example/pods/web',
    ],
    [
      'no workload',
      null,
      'Each pod of the service is asked for its __health. Its pods: https://edge.example/pods/web',
    ],
  ])('tells the desired replicas where they are known: %s', (_what, desired, expected) => {
    expect(checkOf(aService({ desired }))?.technicalSummary).toBe(expected)
  })

  it('was updated when the last of its pods was asked', () => {
    const targets = [T0 + 5000, T0 + 9000, T0].map((checkedAt) => aTarget({ checkedAt }))

    expect(checkOf(aService({ targets }))?.lastUpdated).toBe('2023-11-14T22:13:29.000Z')
  })

  it('carries its ack under both names, and still fails', () => {
    const acks = [{ service: 'shop', message: 'known' }]

    const check = checkOf(SHOP, { acks })

    expect(check).toMatchObject({ ok: false, severity: 3, ack: 'known', _acknowledged: 'known' })
  })

  it('has no ack where there is none', () => {
    const check = checkOf(SHOP)

    expect(Object.keys(check ?? {})).not.toContain('ack')
    expect(Object.keys(check ?? {})).not.toContain('_acknowledged')
  })

  it('is not there before the first probe', () => {
    const services = [aService(), aService({ name: 'new', targets: null })]

    expect(healthOf({ services })?.checks.map(({ name }) => name)).toEqual(['web'])
  })
})

describe('the categories asked for', () => {
  const content = {
    services: [aService(), SHOP, BANK],
    categories: [
      aCategory({ name: 'read', services: ['web', 'gone'] }),
      aCategory({ name: 'buy', services: ['shop', 'web'] }),
    ],
  }
  const table: [string, string[], string[], boolean][] = [
    ['none: default', [], ['bank', 'shop', 'web'], false],
    ['default by name', ['default'], ['bank', 'shop', 'web'], false],
    ['one that is well', ['read'], ['web'], true],
    ['one that is poor', ['buy'], ['shop', 'web'], false],
    ['two that share a service', ['read', 'buy'], ['shop', 'web'], false],
    ['one and default', ['read', 'default'], ['bank', 'shop', 'web'], false],
  ]

  it.each(table)('choose the services, each once: %s', (_what, names, expected, ok) => {
    const health = healthOf(content, { names })

    expect(health?.checks.map(({ name }) => name)).toEqual(expected)
    expect(health?.ok).toBe(ok)
  })

  it.each([
    ['alone', ['who']],
    ['beside a known one', ['read', 'who']],
  ])('are refused when one is unknown: %s', (_what, names) => {
    expect(healthOf(content, { names })).toBeNull()
  })
})

describe('a cluster without fresh data', () => {
  it.each([
    ['never a report', null],
    ['only heartbeats', stateAfter([aHeartbeat()])],
  ])('is not ok and says why: %s', (_what, state) => {
    const health = tell(state)

    expect(health).toMatchObject({ systemCode: 'demo', ok: false, severity: 1 })
    expect(health?.checks).toEqual([
      {
        id: 'cluster-report',
        name: 'cluster-report',
        ok: false,
        severity: 1,
        businessImpact: 'Nobody can buy',
        technicalSummary:
          'The exporter in demo pushes what it sees; nothing fresh has come from it.',
        panicGuide: 'Call the shop',
        checkOutput: 'No report was ever received.',
        lastUpdated: '2023-11-14T22:13:20.000Z',
      },
    ])
  })

  it('shows the last known beside how old it is', () => {
    const health = healthOf({}, { nowMs: T0 + 61_000 })

    expect(health).toMatchObject({ ok: false, severity: 1 })
    expect(health?.checks.map(({ name, ok, checkOutput }) => [name, ok, checkOutput])).toEqual([
      ['cluster-report', false, 'The last fresh report is 61 s old.'],
      ['web', true, '1/1 pods available'],
    ])
  })

  it.each([
    ['exactly at the end of its lease', 60_000, true],
    ['a millisecond past it', 60_001, false],
  ])('is dead from one moment on: %s', (_what, sinceMs, ok) => {
    expect(healthOf({}, { nowMs: T0 + sinceMs })?.ok).toBe(ok)
  })

  it('still refuses a category that nobody knows', () => {
    expect(healthOf({}, { names: ['who'], nowMs: T0 + 61_000 })).toBeNull()
  })
})
