/** Counts of sticky categories: what a streak adds, when it is a new one, and which count trips (behaviour, section 3). */
import { describe, expect, it } from 'vitest'
import {
  countFailures,
  findReached,
  keepStreaks,
  type Count,
} from '../../../../worker/domain/sticky.ts'
import type { CategoryFacts } from '../../../../worker/domain/verdict.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const ODD = ['constructor', '__proto__', 'a, b', 'say "hi"', 'two\nlines']

function facts(given: Partial<CategoryFacts> & { failing?: string[] } = {}): CategoryFacts {
  const { failing = ['web'], ...rest } = given
  return deepFreeze({
    name: 'read',
    services: [],
    refreshSeconds: null,
    isSticky: true,
    failureThreshold: 3,
    onMissing: 'degrade' as const,
    said: null,
    isKnown: true,
    isChecked: true,
    failures: failing.map((service) => ({ service, severity: 2 as const, honoured: null })),
    missing: [],
    late: [],
    ...rest,
  })
}

function aCount(failed: number, given: Partial<Count> = {}): Count {
  return deepFreeze({ category: 'read', service: 'web', failed, ...given })
}

/** `web=2` as the streaks of epoch 1. */
function levels(text: string, epoch: number | null = 1) {
  const entries = text.split(' ').map((one): [string, number] => {
    const [name = '', level] = one.split('=')
    return [name, Number(level)]
  })
  return deepFreeze({ epoch, byService: text === '' ? {} : Object.fromEntries(entries) })
}

describe('a count', () => {
  const held = levels('web=2')
  const table: [
    string,
    { counted: number; now: ReturnType<typeof levels>; is?: boolean },
    number,
  ][] = [
    ['the same level again', { counted: 2, now: levels('web=2') }, 2],
    ['one more', { counted: 2, now: levels('web=3') }, 3],
    ['five more', { counted: 2, now: levels('web=7') }, 7],
    ['one less: a new row', { counted: 2, now: levels('web=1') }, 1],
    ['one less after it was cleared', { counted: 0, now: levels('web=1') }, 1],
    ['one more after it was cleared', { counted: 0, now: levels('web=3') }, 1],
    ['not told this time', { counted: 2, now: levels('') }, 2],
    ['another process, same level', { counted: 2, now: levels('web=2', 2) }, 4],
    ['another process, lower', { counted: 2, now: levels('web=1', 2) }, 3],
    ['another process, nothing yet', { counted: 2, now: levels('', 2) }, 2],
    ['one more that does not count', { counted: 2, now: levels('web=3'), is: false }, 2],
    ['a new row that does not count', { counted: 2, now: levels('web=1'), is: false }, 0],
    ['only another service failed', { counted: 2, now: levels('web=2 api=9') }, 2],
  ]

  it.each(table)(
    'adds what a level grew by: %s',
    (_what, { counted, now, is = true }, expected) => {
      const counts = countFailures(counted === 0 ? [] : [aCount(counted)], [facts()], {
        held,
        reported: now,
        isCounted: () => is,
      })

      expect(counts).toEqual(expected === 0 ? [] : [aCount(expected)])
    },
  )

  it('is over when the service is well, or not sticky, or gone', () => {
    const counted = { held, reported: levels('web=3'), isCounted: () => true }
    const cases = [[facts({ failing: [] })], [facts({ isSticky: false })], []]

    expect(cases.map((one) => countFailures([aCount(2)], one, counted))).toEqual([[], [], []])
  })

  it('is one for each category and service', () => {
    const categories = [facts({ failing: ['web', 'api'] }), facts({ name: 'write' })]

    const counts = countFailures([aCount(1), aCount(5, { category: 'write' })], categories, {
      held,
      reported: levels('web=3 api=1'),
      isCounted: (category, service) => category === 'read' || service === 'api',
    })

    expect(counts).toEqual([
      aCount(2),
      aCount(1, { service: 'api' }),
      aCount(5, { category: 'write' }),
    ])
  })

  it.each(ODD)('knows names only by what they are: %j', (name) => {
    const counted = { held: levels(''), reported: levels(''), isCounted: () => true }
    const reported = deepFreeze({ epoch: 1, byService: Object.fromEntries([[name, 2]]) })
    const odd = [facts({ name, failing: [name] })]
    const count = aCount(2, { category: name, service: name })

    expect(countFailures([], odd, counted)).toEqual([])
    expect(countFailures([], odd, { ...counted, reported })).toEqual([count])
    expect(countFailures([count], odd, { ...counted, held: reported, reported })).toEqual([count])
  })

  it('never mixes names that read alike when joined', () => {
    const counts = [aCount(1, { category: 'a","b', service: 'c' })]
    const alike = [facts({ name: 'a', failing: ['b","c'] })]
    const none = { held: levels(''), reported: levels(''), isCounted: () => true }

    expect(countFailures(counts, alike, none)).toEqual([])
  })
})

describe('a trip', () => {
  const table: [string, Count[], string | null][] = [
    ['nothing counted', [], null],
    ['one below the threshold', [aCount(2)], null],
    ['exactly at it', [aCount(3)], 'web'],
    ['past it', [aCount(4)], 'web'],
    ['two that reach it together', [aCount(2), aCount(2, { service: 'api' })], null],
    ['the second of two', [aCount(2), aCount(3, { service: 'api' })], 'api'],
  ]

  it.each(table)('takes one service at the threshold: %s', (_what, counts, expected) => {
    expect(findReached(counts, facts())[0]?.service ?? null).toBe(expected)
  })
})

describe('a streak', () => {
  const table: [string, string, ReturnType<typeof levels>, string][] = [
    ['told again', 'web=2', levels('web=3'), 'web=3'],
    ['not told of a failing service', 'web=2', levels(''), 'web=2'],
    ['not told of one that is well', 'api=2', levels(''), ''],
    ['told of another one', 'web=2', levels('api=1'), 'api=1 web=2'],
    ['never told', '', levels(''), ''],
    ['not told by another process', 'web=2', levels('', 2), ''],
  ]

  it.each(table)('is kept while nobody was asked again: %s', (_what, held, now, expected) => {
    expect(keepStreaks(levels(held), now, ['web'])).toEqual(levels(expected).byService)
  })

  it('that was lost is where counting begins', () => {
    const lost = { held: levels('', null), reported: levels('web=9'), isCounted: () => true }

    expect(countFailures([], [facts()], lost)).toEqual([])
    expect(keepStreaks(lost.held, lost.reported, ['web'])).toEqual({ web: 9 })
  })

  it('of any name is kept by that name', () => {
    const byService = Object.fromEntries([['__proto__', 2]])
    const kept = keepStreaks({ epoch: 1, byService }, levels(''), ['__proto__', 'constructor'])

    expect(Object.entries(kept)).toEqual([['__proto__', 2]])
  })
})
