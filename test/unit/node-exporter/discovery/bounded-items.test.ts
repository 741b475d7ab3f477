/** What stays where there is more than the bound: the oldest of each namespace, and a share for each namespace. */
import { describe, expect, it } from 'vitest'
import { BoundedItems, type Bound } from '../../../../node-exporter/discovery/bounded-items.ts'
import { findLevel } from '../../../../node-exporter/discovery/share-out.ts'

const BY_COUNT: Bound<string> = { items: { perNamespace: 3, inAll: 5 } }

function aStore<T>(bound: Bound<T>) {
  const store = new BoundedItems(bound)
  return {
    store,
    put: (namespace: string, name: string, item: T, second = 0) => {
      store.put({ namespace, name, createdAt: `2026-01-01T00:00:0${second}Z` }, item)
    },
  }
}

/** Names of namespace `a`, made in this order. */
function putAll(names: string[], bound = BY_COUNT) {
  const made = aStore(bound)
  names.forEach((name, i) => {
    made.put('a', name, name, i)
  })
  return made
}

describe('of one namespace', () => {
  it.each([
    ['they come as they were made', ['z', 'y', 'x', 'w']],
    ['fewer than the bound are there', ['z', 'y', 'x']],
  ])('the oldest stay: %s', (_, names) => {
    const { store } = putAll(names)

    expect(store.items()).toEqual(['x', 'y', 'z'])
    expect(store.cut.has('a')).toBe(names.length > 3)
  })

  it('the oldest stay whatever order they come in', () => {
    const { store, put } = aStore(BY_COUNT)
    for (const [name, second] of [
      ['w', 3],
      ['y', 1],
      ['x', 2],
      ['z', 0],
    ] as const)
      put('a', name, name, second)

    expect(store.items()).toEqual(['x', 'y', 'z'])
  })

  it('of the same age the first by name stay', () => {
    const { store, put } = aStore(BY_COUNT)
    for (const name of ['d', 'b', 'c', 'a']) put('a', name, name)

    expect(store.items()).toEqual(['a', 'b', 'c'])
  })

  it('one that changes keeps its place', () => {
    const { store, put } = putAll(['z', 'y', 'x', 'w'])
    put('a', 'z', 'changed', 0)

    expect(store.items()).toEqual(['x', 'y', 'changed'])
  })

  it('there is room again once one that stayed has gone', () => {
    const { store } = putAll(['z', 'y', 'x', 'w'])
    store.delete({ namespace: 'a', name: 'w' })
    expect(store.hasRoom).toBe(false)

    store.delete({ namespace: 'a', name: 'z' })

    expect(store.hasRoom).toBe(true)
  })
})

describe('of all namespaces together', () => {
  it('those with the most are cut first', () => {
    const { store, put } = aStore(BY_COUNT)
    put('small', 'one', 'one', 9)
    for (const name of ['z', 'y', 'x']) put('a', name, `a/${name}`)
    for (const name of ['z', 'y', 'x']) put('b', name, `b/${name}`)

    expect(store.items().filter((item) => item.startsWith('a/'))).toHaveLength(2)
    expect(store.items().filter((item) => item.startsWith('b/'))).toHaveLength(2)
    expect(store.items()).toContain('one')
    expect([...store.cut].toSorted()).toEqual(['a', 'b'])
  })

  it('a flood costs another namespace nothing', () => {
    const { store, put } = aStore<string>({ items: { perNamespace: 100, inAll: 110 } })
    for (let i = 0; i < 5000; i++) put('flood', `s${i}`, 'flood')
    for (let i = 0; i < 10; i++) put('mine', `s${i}`, 'mine', 9)
    for (let i = 0; i < 5000; i++) put('flood', `t${i}`, 'flood')

    expect(store.items().filter((item) => item === 'mine')).toHaveLength(10)
    expect(store.size).toBe(110)
    expect([...store.cut]).toEqual(['flood'])
  })
})

describe('what objects hold', () => {
  const BY_PARTS: Bound<string> = {
    items: { perNamespace: 10, inAll: 10 },
    parts: {
      perNamespace: 10,
      inAll: 15,
      count: (item) => item.length,
      shorten: (item, most) => item.slice(0, most),
    },
  }

  it('is shortened in the newest, which stays known', () => {
    const { store, put } = aStore(BY_PARTS)
    put('a', 'old', '123456', 0)
    put('a', 'new', 'abcdefghi', 1)
    put('a', 'newest', 'xyz', 2)

    expect(store.items()).toEqual(['abcd', '', '123456'])
    expect([...store.cut]).toEqual(['a'])
  })

  it('is cut where there is the most of it', () => {
    const { store, put } = aStore(BY_PARTS)
    put('a', 'one', '1234567890', 0)
    put('b', 'one', '12345678', 0)

    expect(store.items().map((item) => item.length)).toEqual([7, 8])
  })

  it('leaves out what is too large however it is shortened', () => {
    const shorten = (item: string) => item
    const { store, put } = aStore<string>({
      ...BY_PARTS,
      parts: { perNamespace: 10, inAll: 15, count: (item) => item.length, shorten },
    })
    put('a', 'old', '123456', 0)
    put('a', 'new', 'abcdefghi', 1)

    expect(store.items()).toEqual(['123456'])
  })

  it('leaves out what can’t be shortened', () => {
    const parts = { perNamespace: 10, inAll: 15, count: (item: string) => item.length }
    const { store, put } = aStore({ items: BY_PARTS.items, parts })
    put('a', 'old', '123456', 0)
    put('a', 'new', 'abcdefghi', 1)

    expect(store.items()).toEqual(['123456'])
  })
})

describe('the level', () => {
  it.each([
    ['nothing need be cut', [1, 2, 3], 6, Infinity],
    ['one has far more', [1, 2, 90], 10, 7],
    ['all have the same', [4, 4, 4], 6, 2],
    ['none may have any', [1, 1], 0, 0],
    ['there is none', [], 5, Infinity],
  ])('is what each may have at most: %s', (_, asked, max, level) => {
    expect(findLevel(asked, max)).toBe(level)
  })
})
