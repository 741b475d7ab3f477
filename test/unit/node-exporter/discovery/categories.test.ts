/** ConfigMaps into categories and acks: the keys, their defaults, and what a malformed value becomes. */
import { describe, expect, it } from 'vitest'
import {
  joinAcks,
  joinCategories,
  readAcks,
  readCategory,
} from '../../../../node-exporter/discovery/categories.ts'
import { aConfigMap } from '../../../support/exporter/a-kube-object.ts'
import { containing, having } from '../../../support/like.ts'

function read(data: Record<string, string>) {
  return joinCategories([readCategory(aConfigMap({ 'category.name': 'read', ...data }))])
}

describe('a category', () => {
  it('takes the documented defaults for keys left out', () => {
    const { categories, warnings } = read({})

    expect(categories).toEqual([
      { name: 'read', services: [], isSticky: false, failureThreshold: 3, onMissing: 'degrade' },
    ])
    expect(warnings).toEqual([])
  })

  it('says what its keys say', () => {
    const { categories, warnings } = read({
      'category.services': 'web,shop.other',
      'category.refreshrate': '30',
      'category.issticky': 'true',
      'category.enabled': 'false',
      'category.failureThreshold': '5',
      'category.onMissing': 'fail',
    })

    expect(categories).toEqual([
      {
        name: 'read',
        services: ['web', 'shop.other'],
        refreshSeconds: 30,
        isSticky: true,
        enabled: false,
        failureThreshold: 5,
        onMissing: 'fail',
      },
    ])
    expect(warnings).toEqual([])
  })

  it.each([
    ['absent where the key is', {}, undefined],
    ['true where it says so', { 'category.enabled': 'true' }, true],
    ['false where it says so', { 'category.enabled': 'F' }, false],
  ])('is enabled: %s', (_, data, expected) => {
    const { categories } = read(data)

    expect(categories.map((category) => category.enabled)).toEqual([expected])
    expect(categories.map((category) => 'enabled' in category)).toEqual([expected !== undefined])
  })

  it.each([
    ['blanks and tabs', ' web ,\tshop ', ['web', 'shop']],
    ['new lines', 'web,\n  shop,\n  cart\n', ['web', 'shop', 'cart']],
    ['nothing between commas', ',web,, ,shop,', ['web', 'shop']],
    ['the same name twice', 'web,shop, web', ['web', 'shop']],
    ['nothing at all', '', []],
    ['only blanks', ' \n ', []],
  ])('reads its services through %s', (_, text, expected) => {
    const { categories } = read({ 'category.services': text })

    expect(categories.map(({ services }) => services)).toEqual([expected])
  })

  it('keeps other keys when it is the default, but no services', () => {
    const { categories } = read({
      'category.name': 'default',
      'category.services': 'web',
      'category.issticky': 'true',
    })

    expect(categories).toEqual([having({ name: 'default', services: [], isSticky: true })])
  })

  it.each([
    ['refreshrate', 'category.refreshrate', '10s', {}],
    ['a refreshrate of zero', 'category.refreshrate', '0', {}],
    ['a negative refreshrate', 'category.refreshrate', '-5', {}],
    ['a refreshrate over a day', 'category.refreshrate', '86401', {}],
    ['issticky', 'category.issticky', 'yes', { isSticky: false }],
    ['enabled', 'category.enabled', 'on', {}],
    ['failureThreshold', 'category.failureThreshold', 'three', { failureThreshold: 3 }],
    ['half a failureThreshold', 'category.failureThreshold', '2.5', { failureThreshold: 3 }],
    ['a failureThreshold of zero', 'category.failureThreshold', '0', { failureThreshold: 3 }],
    ['onMissing', 'category.onMissing', 'explode', { onMissing: 'degrade' }],
  ])('takes the default and warns: %s', (_, key, value, expected) => {
    const { categories, warnings } = read({ [key]: value })

    expect(categories).toEqual([having({ name: 'read', ...expected })])
    expect(categories[0]).not.toHaveProperty('refreshSeconds')
    expect(categories[0]?.enabled).not.toBe(false)
    expect(warnings).toEqual([
      {
        subject: 'ConfigMap category.read',
        message: containing(`${key} is "${value}"`),
      },
    ])
  })

  it.each([
    ['enabled', 'category.enabled', 'false\n', { enabled: false }],
    ['enabled in capitals', 'category.enabled', 'FALSE', { enabled: false }],
    ['enabled in mixed letters', 'category.enabled', ' fAlSe\r\n', { enabled: false }],
    ['issticky', 'category.issticky', 'True\n', { isSticky: true }],
    ['failureThreshold', 'category.failureThreshold', '5\n', { failureThreshold: 5 }],
    ['refreshrate', 'category.refreshrate', '30\n', { refreshSeconds: 30 }],
    ['onMissing', 'category.onMissing', 'fail\n', { onMissing: 'fail' }],
    ['onMissing in capitals', 'category.onMissing', 'Fail', { onMissing: 'fail' }],
    ['name', 'category.name', 'read\n', { name: 'read' }],
    ['services', 'category.services', 'web,shop\n', { services: ['web', 'shop'] }],
  ])(
    'is read without the white space around a value, in any case: %s',
    (_, key, value, expected) => {
      const { categories, warnings } = read({ [key]: value })

      expect(categories).toEqual([having(expected)])
      expect(warnings).toEqual([])
    },
  )

  it.each([
    ['a day of refreshrate', { 'category.refreshrate': '86400' }, { refreshSeconds: 86_400 }],
    ['a second of it', { 'category.refreshrate': ' 1 ' }, { refreshSeconds: 1 }],
    ['a threshold of one', { 'category.failureThreshold': '1' }, { failureThreshold: 1 }],
  ])('takes a value at the edge as it is: %s', (_, data, expected) => {
    const { categories, warnings } = read(data)

    expect(categories).toEqual([having(expected)])
    expect(warnings).toEqual([])
  })

  it.each([
    ['missing', ''],
    ['blank', '  '],
    ['with a comma', 'a,b'],
    ['over 253 characters', 'n'.repeat(254)],
  ])('without a usable name is left out and told: %s', (_, name) => {
    const { categories, warnings } = read({ 'category.name': name })

    expect(categories).toEqual([])
    expect(warnings).toEqual([
      { subject: 'ConfigMap category.read', message: containing('category.name') },
    ])
  })

  it('has a name of 253 characters at most', () => {
    const { categories } = read({ 'category.name': 'n'.repeat(253) })

    expect(categories).toHaveLength(1)
  })

  it('counts as first named where two have one name', () => {
    const first = aConfigMap({ 'category.name': 'read', 'category.services': 'a' }, 'category.a')
    const second = aConfigMap({ 'category.name': 'read', 'category.services': 'b' }, 'category.b')

    const { categories, warnings } = joinCategories([first, second].map(readCategory))

    expect(categories.map(({ services }) => services)).toEqual([['a']])
    expect(warnings).toEqual([
      { subject: 'ConfigMap category.b', message: containing('exists already') },
    ])
  })
})

describe('acks of the cluster', () => {
  it('have the text that a YAML block holds, without its line break', () => {
    expect(joinAcks([aConfigMap({ web: 'known\n', cart: ' ' })].map(readAcks))).toEqual([
      { service: 'web', message: 'known' },
      { service: 'cart', message: '' },
    ])
  })

  it('are the entries of the ConfigMaps, one per service', () => {
    const maps = [aConfigMap({ web: 'known', shop: 'mended soon' }), aConfigMap({ cart: 'later' })]

    const acks = joinAcks(maps.map(readAcks))

    expect(acks).toEqual([
      { service: 'web', message: 'known' },
      { service: 'shop', message: 'mended soon' },
      { service: 'cart', message: 'later' },
    ])
  })

  it('name a service once that two ConfigMaps name', () => {
    const acks = joinAcks([aConfigMap({ web: 'one' }), aConfigMap({ web: 'two' })].map(readAcks))

    expect(acks.map(({ service }) => service)).toEqual(['web'])
  })

  it('have texts cut to what the wire takes', () => {
    const acks = joinAcks(
      [aConfigMap({ web: 'x'.repeat(1025), shop: 'x'.repeat(1024) })].map(readAcks),
    )

    expect(acks.map(({ message }) => Buffer.byteLength(message))).toEqual([1024, 1024])
    expect(acks.map(({ message }) => message.endsWith('…'))).toEqual([true, false])
  })

  it('are none where there is no ConfigMap', () => {
    const acks = joinAcks([])

    expect(acks).toEqual([])
  })
})

describe('a ConfigMap of a megabyte', () => {
  const names = Array.from({ length: 60_000 }, (_, i) => `service-${i}`)

  it('gives the first 5,000 names, and its category is cut', () => {
    const data = { 'category.name': 'read', 'category.services': names.join(',\n ') }

    const { categories, cut, warnings } = joinCategories([readCategory(aConfigMap(data))])

    expect(categories[0]?.services).toEqual(names.slice(0, 5000))
    expect(cut).toEqual(['read'])
    expect(warnings.map(({ message }) => message)).toEqual([
      'names too many services: all but the first 5000 are left out',
    ])
  })

  it('gives the first 1,000 acks, and is cut', () => {
    const all = Object.fromEntries(names.map((name) => [name, 'known']))

    const known = readAcks(aConfigMap(all))

    expect(known.acks).toHaveLength(1000)
    expect(known.isCut).toBe(true)
    expect(readAcks(aConfigMap({ web: 'known' })).isCut).toBe(false)
  })
})
