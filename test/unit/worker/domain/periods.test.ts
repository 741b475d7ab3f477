/** How often a service is checked, by the categories that hold it (behaviour, section 1). */
import { describe, expect, it } from 'vitest'
import { findPeriods } from '../../../../worker/domain/periods.ts'
import { aCategory } from '../../../support/a-report.ts'

describe('the period of a service', () => {
  it.each([
    ['is that of its category', [aCategory({ refreshSeconds: 30 })], 30],
    [
      'is the shortest of several',
      [aCategory({ refreshSeconds: 30 }), aCategory({ refreshSeconds: 5 })],
      5,
    ],
    ['is open where its category names none', [aCategory()], undefined],
    [
      'is open where only others name one',
      [aCategory({ services: ['shop'], refreshSeconds: 5 })],
      undefined,
    ],
    [
      "is the default category's, for it holds every service",
      [aCategory({ name: 'default', services: [], refreshSeconds: 20 })],
      20,
    ],
    ['is open where there is no category', [], undefined],
  ])('%s', (_, categories, expected) => {
    const periods = findPeriods(categories, ['web'])

    expect(periods).toEqual(new Map([['web', expected]]))
  })
})
