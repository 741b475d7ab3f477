/** How much may be spent a second, and how much at once. */
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../../worker/cluster/token-bucket.ts'
import { T0 } from '../../../support/apply.ts'

const RATE = { perSecond: 10, burst: 20 }

function takeAll(bucket: TokenBucket, nowMs: number): number {
  let taken = 0
  while (bucket.take(nowMs, RATE)) taken++
  return taken
}

describe('a token bucket', () => {
  it.each([
    ['at once', 0, 0],
    ['99 ms later', 99, 0],
    ['100 ms later', 100, 1],
    ['a second later', 1000, 10],
    ['a minute later', 60_000, 20],
    ['when the clock was set back', -60_000, 0],
  ])('gives its burst, and then so many %s', (_, afterMs, more) => {
    const bucket = new TokenBucket()

    expect([takeAll(bucket, T0), takeAll(bucket, T0 + afterMs)]).toEqual([20, more])
  })

  it('fills again after the clock was set back', () => {
    const bucket = new TokenBucket()
    takeAll(bucket, T0)
    takeAll(bucket, T0 - 60_000)

    expect(takeAll(bucket, T0 - 59_000)).toBe(10)
  })

  it('waits longer after a cost that was only known afterwards', () => {
    const bucket = new TokenBucket()
    bucket.take(T0, RATE)
    bucket.spend(39)

    expect([takeAll(bucket, T0 + 2000), takeAll(bucket, T0 + 2100)]).toEqual([0, 1])
  })
})
