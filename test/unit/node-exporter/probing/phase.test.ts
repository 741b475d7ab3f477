/** Each key's own moment within its period: always ahead, always the same, and spread evenly over many keys. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { findDelayMs } from '../../../../node-exporter/probing/phase.ts'

const key = fc.string({ maxLength: 300 })
const periodMs = fc.double({ min: 1, max: 86_400_000, noNaN: true })
const nowMs = fc.double({ min: 0, max: 10 ** 12, noNaN: true })

it('is above zero and at most a period away', () => {
  fc.assert(
    fc.property(key, periodMs, nowMs, (name, period, now) => {
      const delayMs = findDelayMs(name, { periodMs: period, nowMs: now })

      expect(delayMs).toBeGreaterThan(0)
      expect(delayMs).toBeLessThanOrEqual(period)
    }),
  )
})

it('is the same moment of each period', () => {
  const period = fc.integer({ min: 10, max: 86_400_000 })
  const now = fc.integer({ min: 0, max: 10 ** 9 })
  fc.assert(
    fc.property(key, period, now, (name, p, n) => {
      const first = n + findDelayMs(name, { periodMs: p, nowMs: n })

      const next = findDelayMs(name, { periodMs: p, nowMs: first + p / 2 })

      expect(next).toBeCloseTo(p / 2, 2)
    }),
  )
})

it('is another moment for another key', () => {
  const at = { periodMs: 60_000, nowMs: 0 }

  const delays = new Set(['web/web-1', 'web/web-2', 'shop/web-1'].map((k) => findDelayMs(k, at)))

  expect(delays.size).toBe(3)
})

it.each([
  ['pods of one Deployment', (i: number) => `web/web-5d8f9c7b6-${i.toString(36).padStart(5, '0')}`],
  ['pods of a StatefulSet', (i: number) => `db/db-${i}`],
  ['addresses', (i: number) => `web/10.0.${Math.floor(i / 250)}.${i % 250}`],
])('spreads 5,000 keys evenly over 20 parts: %s', (_, name) => {
  const buckets = Array.from({ length: 20 }, () => 0)
  for (let i = 0; i < 5000; i++) {
    const bucket = Math.floor(findDelayMs(name(i), { periodMs: 20, nowMs: 0 }) % 20)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
  }

  // 250 in each; a third off either way is six standard deviations of chance.
  expect(Math.min(...buckets)).toBeGreaterThan(165)
  expect(Math.max(...buckets)).toBeLessThan(335)
})
