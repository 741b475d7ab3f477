/** How often targets are asked where there are more than can be asked in time. */
import { describe, expect, it } from 'vitest'
import { findPaces, findShare } from '../../../../node-exporter/probing/pace.ts'
import { aKnownService, aKnownTarget } from '../../../support/exporter/a-discovered.ts'

/** `name`, or `name.namespace`, with so many pods. */
function services(pods: Record<string, number>, periodSeconds?: number) {
  return Object.entries(pods).map(([name, count]) => {
    const targets = Array.from({ length: count }, (_, i) => aKnownTarget({ id: `${name}-${i}` }))
    const namespace = name.split('.')[1] ?? 'default'
    return aKnownService({ name, namespace, targets, periodSeconds })
  })
}

function seconds(pods: Record<string, number>, periodSeconds?: number) {
  const paces = findPaces(services(pods, periodSeconds), 10_000)
  return Object.fromEntries([...paces].map(([name, { periodMs }]) => [name, periodMs / 1000]))
}

describe('a period', () => {
  it.each<[string, Record<string, number>, number | undefined, Record<string, number>]>([
    ['as configured', { a: 1000, b: 1 }, undefined, { a: 10, b: 10 }],
    ['longer for a Service with too many pods', { a: 1001, b: 1 }, undefined, { a: 12.5, b: 10 }],
    ['longer by how many there are', { a: 5000, b: 1 }, undefined, { a: 50, b: 10 }],
    ['longer for a refresh rate that is too short', { a: 200 }, 1, { a: 2 }],
    [
      'as configured for one namespace that has all there can be',
      { a: 1000, b: 1000, c: 1000, d: 1000, e: 1000 },
      undefined,
      { a: 10, b: 10, c: 10, d: 10, e: 10 },
    ],
    [
      'longer for the namespace that wants more than its share',
      { 'a.x': 1000, 'b.x': 1000, 'c.x': 1000, 'd.x': 1000, 'e.x': 1000, 'f.y': 1000 },
      undefined,
      { 'a.x': 12.5, 'b.x': 12.5, 'c.x': 12.5, 'd.x': 12.5, 'e.x': 12.5, 'f.y': 10 },
    ],
  ])('is %s', (_, pods, periodSeconds, expected) => {
    expect(seconds(pods, periodSeconds)).toEqual(expected)
  })

  it('is told with its reason where it is longer than it should be', () => {
    const warning = (pods: Record<string, number>) =>
      findPaces(services(pods), 10_000).get(Object.keys(pods)[0] ?? '')?.warning

    expect(warning({ a: 1000 })).toBeNull()
    expect(warning({ a: 2000 })).toBe(
      'its 2000 pods are probed every 20 s instead of every 10 s: a Service has 100 probes a second at most',
    )
    expect(
      warning({ 'a.x': 1000, 'b.x': 1000, 'c.x': 1000, 'd.x': 1000, 'e.x': 1000, 'f.x': 1000 }),
    ).toBe(
      'its 1000 pods are probed every 12.5 s instead of every 10 s: namespace x has more than its share of 500 probes a second',
    )
  })
})

describe('a share', () => {
  it.each([
    ['no bound where all fit', [100, 200], 300, Infinity],
    ['the same for each who wants too much', [100, 200, 900], 600, 300],
    ['what is left by those who want less', [10, 10, 900, 900], 500, 240],
    ['no bound of nothing', [], 500, Infinity],
  ])('is %s', (_, wants, total, expected) => {
    expect(findShare(wants, total)).toBe(expected)
  })
})
