/** Which categories are told of as incomplete, and which names nothing is concluded from. */
import { describe, expect, it } from 'vitest'
import { markIncomplete, type LeftOut } from '../../../../node-exporter/discovery/incomplete.ts'
import { aCategory } from '../../../support/a-report.ts'

const NOTHING: LeftOut = {
  namespaces: new Set(),
  services: new Set(),
  categories: new Set(),
  hasLostCategories: false,
  hasLostAcks: false,
}

const CATEGORIES = [
  aCategory({ name: 'home', services: ['web', 'gone'] }),
  aCategory({ name: 'shop', services: ['cart.shop', 'left-out.shop'] }),
  aCategory({ name: 'other', services: ['api.other'] }),
]

function mark(leftOut: Partial<LeftOut>) {
  return markIncomplete(CATEGORIES, {
    known: ['web', 'cart.shop', 'api.other'],
    homeNamespace: 'default',
    leftOut: { ...NOTHING, ...leftOut },
  })
}

describe('a category is incomplete', () => {
  it.each<[string, Partial<LeftOut>, string[]]>([
    ['never, where nothing was left out', {}, []],
    ['where a namespace was cut', { namespaces: new Set(['shop']) }, ['default', 'shop']],
    ['where the home namespace was', { namespaces: new Set(['default']) }, ['default', 'home']],
    ['where all that it names of one is known', { namespaces: new Set(['other']) }, ['default']],
    ['where a service is known in part', { services: new Set(['web']) }, ['default', 'home']],
    ['where it names too many', { categories: new Set(['other']) }, ['other']],
    ['where whole ones were lost', { hasLostCategories: true }, ['default']],
    ['where acks were', { hasLostAcks: true }, ['default', 'home', 'other', 'shop']],
  ])('%s', (_, leftOut, expected) => {
    expect(mark(leftOut).incomplete).toEqual(expected)
  })
})

describe('a name that may be among those left out', () => {
  it('is taken out of its category and told, so that it is not missing', () => {
    const { categories, warnings } = mark({ namespaces: new Set(['shop']) })

    expect(categories?.map(({ services }) => services)).toEqual([
      ['web', 'gone'],
      ['cart.shop'],
      ['api.other'],
    ])
    expect(warnings).toEqual([
      {
        subject: 'category shop',
        message: 'may hold services that were left out: left-out.shop',
      },
    ])
  })

  it('is of the home namespace where it names none', () => {
    const { categories } = mark({ namespaces: new Set(['default']) })

    expect(categories?.[0]?.services).toEqual(['web'])
  })

  it('leaves categories unknown that are', () => {
    const leftOut = { ...NOTHING, namespaces: new Set(['shop']) }
    const marked = markIncomplete(null, { known: [], homeNamespace: 'default', leftOut })

    expect(marked).toEqual({ categories: null, incomplete: ['default'], warnings: [] })
  })
})
