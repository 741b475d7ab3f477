/** When a category passes and what it says otherwise (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import type { Category, Content } from '../../../../worker/contract/report.ts'
import { readDecisions, NO_DECISIONS } from '../../../../worker/domain/decisions.ts'
import {
  expireAcks,
  judgeCategory,
  judgeServices,
  observeCategories,
  type CategoryVerdict,
} from '../../../../worker/domain/verdict.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aService,
  anUnreachableTarget,
} from '../../../support/a-report.ts'
import { aStanding } from '../../../support/a-view.ts'
import { T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

/** `web` and `api` are well; `shop` fails mildly, `bank` badly; `new` was not checked yet. */
const SERVICES = [
  aService({ name: 'web' }),
  aService({ name: 'api' }),
  aService({ name: 'shop', targets: [aFailingTarget({ severity: 3 })] }),
  aService({ name: 'bank', targets: [anUnreachableTarget()] }),
  aService({ name: 'new', targets: null }),
]

function judge(given: Partial<Content>): CategoryVerdict[] {
  const content = aContent({ services: SERVICES, ...given })
  return observeCategories(content, judgeServices(content, null)).map((facts) =>
    judgeCategory(facts, readDecisions(NO_DECISIONS, T0)),
  )
}

function judgeOne(category: Partial<Category>, given: Partial<Content> = {}) {
  const categories = [aCategory({ name: 'one', ...category })]
  return judge({ ...given, categories }).find(({ name }) => name === 'one')
}

function ackOf(service: string) {
  return { service, message: 'known' }
}

describe('a category', () => {
  const table: [string, Partial<Category>, string[], CategoryVerdict['reason']][] = [
    ['all its services are ok', { services: ['web', 'api'] }, [], 'healthy'],
    ['one of them fails', { services: ['web', 'shop'] }, [], 'unhealthy'],
    ['the failing one is acked', { services: ['web', 'shop'] }, ['shop'], 'healthy'],
    ['one of two failing is acked', { services: ['shop', 'bank'] }, ['shop'], 'unhealthy'],
    ['another one is acked', { services: ['shop'] }, ['bank'], 'unhealthy'],
    ['all are acked', { services: ['shop', 'bank'] }, ['shop', 'bank'], 'healthy'],
    ['a service not checked yet is beside', { services: ['web', 'new'] }, [], 'healthy'],
    ['no service was checked yet', { services: ['new'] }, [], 'healthy'],
    ['it is enabled by name', { enabled: true, services: ['web'] }, [], 'healthy'],
    ['it is disabled', { enabled: false, services: ['web'] }, [], 'disabled'],
    ['it is disabled and failing', { enabled: false, services: ['shop'] }, [], 'disabled'],
    ['it is disabled and empty', { enabled: false, services: [] }, [], 'disabled'],
    ['it names no service', { services: [] }, [], 'empty'],
    ['it names only unknown ones', { services: ['gone'] }, [], 'empty'],
    ['only unknown ones, which fail it', { services: ['gone'], onMissing: 'fail' }, [], 'empty'],
    ['one is missing', { services: ['web', 'gone'] }, [], 'healthy'],
    ['one is missing, which fails it', aStrict(['web', 'gone']), [], 'unhealthy'],
    ['a missing one is acked, which fails it', aStrict(['web', 'gone']), ['gone'], 'unhealthy'],
    ['none is missing where that would fail it', aStrict(['web']), [], 'healthy'],
  ]

  it.each(table)('says why it passes or fails: %s', (_what, category, acked, expected) => {
    const verdict = judgeOne(category, { acks: acked.map(ackOf) })

    expect(verdict?.reason).toBe(expected)
    expect(verdict?.passes).toBe(expected === 'healthy')
  })

  it('is the first of two with one name', () => {
    const categories = [
      aCategory({ name: 'one', services: ['web'] }),
      aCategory({ name: 'one', services: ['bank'], enabled: false }),
      aCategory({ name: 'default', onMissing: 'fail' }),
      aCategory({ name: 'default', enabled: false }),
    ]

    const verdicts = judge({ categories })

    expect(verdicts.map(({ name, reason }) => [name, reason])).toEqual([
      ['default', 'unhealthy'],
      ['one', 'healthy'],
    ])
  })

  it('names the failing and the missing, not the acked', () => {
    const services = ['web', 'shop', 'gone', 'bank', 'lost']

    const verdict = judgeOne({ services }, { acks: [ackOf('shop')] })

    expect(verdict).toMatchObject({ failing: ['bank'], missing: ['gone', 'lost'] })
  })

  function aStrict(services: string[]): Partial<Category> {
    return { services, onMissing: 'fail' }
  }
})

describe('a category of which the exporter left something out', () => {
  const table: [string, Partial<Category>, CategoryVerdict['reason']][] = [
    ['all that is known of it is ok', { services: ['web'] }, 'healthy'],
    ['nothing of it is known', { services: ['left-out'] }, 'healthy'],
    ['one that is known fails', { services: ['web', 'bank'] }, 'unhealthy'],
    ['it is disabled', { services: ['web'], enabled: false }, 'disabled'],
    ['another one is missing for good', { services: ['gone'], onMissing: 'fail' }, 'unhealthy'],
  ]

  it.each(table)('is never whole: %s', (...row) => {
    const [, category, reason] = row

    const verdict = judgeOne(category, { incomplete: ['one'] })

    expect(verdict).toMatchObject({ reason, isIncomplete: true })
  })

  it('leaves the other categories as they are', () => {
    const verdicts = judge({ categories: [aCategory({ name: 'one' })], incomplete: ['one'] })

    expect(verdicts.map(({ isIncomplete }) => isIncomplete)).toEqual([undefined, true])
  })
})

describe('the severity of a category', () => {
  const table: [string, string[], string[], 1 | 2 | 3 | null][] = [
    ['nothing fails', ['web', 'api'], [], null],
    ['a mild one fails', ['web', 'shop'], [], 3],
    ['a bad one fails beside', ['shop', 'bank'], [], 1],
    ['the bad one is acked', ['shop', 'bank'], ['bank'], 3],
    ['all are acked', ['shop', 'bank'], ['bank', 'shop'], null],
    ['one is missing', ['web', 'gone'], [], null],
  ]

  it.each(table)('is the worst of failing unacked ones: %s', (...row) => {
    const [, services, acked, expected] = row

    const verdict = judgeOne({ services }, { acks: acked.map(ackOf) })

    expect(verdict?.severity).toBe(expected)
  })
})

describe('the category default', () => {
  it('always exists and always holds every service', () => {
    const [verdict, ...others] = judge({ categories: null })

    expect(others).toEqual([])
    expect(verdict).toEqual({
      name: 'default',
      passes: false,
      reason: 'unhealthy',
      severity: 1,
      failing: ['shop', 'bank'],
      acked: [],
      missing: [],
      late: [],
      isChecked: true,
    })
  })

  it('takes its other keys from a ConfigMap, never its services', () => {
    const categories = [aCategory({ name: 'default', services: ['web', 'gone'], enabled: false })]

    const verdicts = judge({ categories })

    expect(verdicts).toHaveLength(1)
    expect(verdicts[0]).toMatchObject({
      reason: 'disabled',
      failing: ['shop', 'bank'],
      missing: [],
    })
  })

  it('is empty in a cluster without services', () => {
    expect(judge({ services: [] })[0]).toMatchObject({ passes: false, reason: 'empty' })
    expect(judge({ services: null })[0]).toMatchObject({ passes: false, reason: 'empty' })
  })
})

describe('the categories of a cluster', () => {
  it('are sorted by name, whatever order they came in', () => {
    const categories = ['write', 'default', 'read', 'all'].map((name) => aCategory({ name }))

    const names = judge({ categories }).map(({ name }) => name)

    expect(names).toEqual(['all', 'default', 'read', 'write'])
  })

  it('are judged each by itself', () => {
    const categories = [
      aCategory({ name: 'good', services: ['web'] }),
      aCategory({ name: 'poor', services: ['shop'] }),
    ]

    const reasons = judge({ categories }).map(({ name, reason }) => [name, reason])

    expect(reasons).toEqual([
      ['default', 'unhealthy'],
      ['good', 'healthy'],
      ['poor', 'unhealthy'],
    ])
  })
})

describe('a verdict that is read later', () => {
  const mild = { service: 'shop', severity: 3, expiresAtMs: T0 + 1000 } as const
  const bad = { service: 'bank', severity: 1, expiresAtMs: T0 + 2000 } as const
  const kept = { service: 'web', severity: 2, expiresAtMs: null } as const
  const held = deepFreeze(aStanding({ acked: [bad, kept, mild] }))
  const table: [string, number, object][] = [
    ['a millisecond before the first', 999, held],
    [
      'exactly at the first',
      1000,
      { failing: ['shop'], acked: [bad, kept], severity: 3, sinceMs: T0 + 1000 },
    ],
    ['a millisecond before the next', 1999, { failing: ['shop'], severity: 3 }],
    [
      'exactly at the next',
      2000,
      { failing: ['bank', 'shop'], acked: [kept], severity: 1, sinceMs: T0 + 1000 },
    ],
  ]

  it.each(table)('counts acks no more that ran out: %s', (_what, laterMs, expected) => {
    const turned = laterMs < 1000 ? {} : { passes: false, reason: 'unhealthy' }

    expect(expireAcks(held, T0 + laterMs)).toMatchObject({ ...expected, ...turned })
  })

  it('is the very same where none ran out', () => {
    expect(expireAcks(held, T0 + 999)).toBe(held)
  })

  it.each(['disabled', 'unhealthy'] as const)('keeps its reason and since when: %s', (reason) => {
    const failing = { ...held, reason, passes: false, failing: ['api'], severity: 2 as const }

    const later = expireAcks(failing, T0 + 1000)

    expect(later).toMatchObject({ reason, passes: false, sinceMs: T0, severity: 2 })
    expect(later.failing).toEqual(['api', 'shop'])
  })
})

describe('two acks of one service', () => {
  const failing = { service: 'shop', severity: 3 as const, honoured: 'known' }
  const [facts] = observeCategories(aContent(), judgeServices(aContent(), null))
  const ack = {
    service: 'shop',
    message: 'mine',
    by: 'nina',
    atMs: T0,
    until: 'removed' as const,
    failure: { marks: [], severity: null },
    goodSinceMs: null,
    isRestored: false,
    expiresAtMs: T0 + 1000,
  }
  const hide = { service: 'shop', message: 'known' }
  const table: [string, { honoured: string | null; hidden: object[] }, number | null][] = [
    ['both', { honoured: 'known', hidden: [] }, null],
    ['only the one given here', { honoured: null, hidden: [] }, T0 + 1000],
    ['the ConfigMap’s is hidden', { honoured: 'known', hidden: [hide] }, T0 + 1000],
    ['another text of it is hidden', { honoured: 'again', hidden: [hide] }, null],
  ]

  it.each(table)('last as long as the longer one: %s', (_what, { honoured, hidden }, expected) => {
    const decisions = { ...NO_DECISIONS, acks: [ack], hiddenAcks: hidden.length > 0 ? [hide] : [] }
    const failures = [{ ...failing, honoured }]

    const verdict = facts && judgeCategory({ ...facts, failures }, readDecisions(decisions, T0))

    expect(verdict?.acked).toEqual([{ service: 'shop', severity: 3, expiresAtMs: expected }])
  })
})
