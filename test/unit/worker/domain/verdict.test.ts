/** When a category passes and what it says otherwise (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import type { Category, Content } from '../../../../worker/contract/report.ts'
import { NO_DECISIONS } from '../../../../worker/domain/decisions.ts'
import {
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
import { T0 } from '../../../support/apply.ts'

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
  return observeCategories(content, judgeServices(content)).map((facts) =>
    judgeCategory(facts, NO_DECISIONS, T0),
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
    ['no service was checked yet', { services: ['new'] }, [], 'empty'],
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

  it('names the failing and the missing, not the acked', () => {
    const services = ['web', 'shop', 'gone', 'bank', 'lost']

    const verdict = judgeOne({ services }, { acks: [ackOf('shop')] })

    expect(verdict).toMatchObject({ failing: ['bank'], missing: ['gone', 'lost'] })
  })

  function aStrict(services: string[]): Partial<Category> {
    return { services, onMissing: 'fail' }
  }
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
