/** What an isolate keeps of clusters between requests: which of two reads counts, and what nobody may be shown any more. */
import { describe, expect, it } from 'vitest'
import { Memo } from '../../../../worker/cluster/memo.ts'
import { T0 } from '../../../support/apply.ts'

function aRead(value: string, startMs: number) {
  return { value, startMs, doneMs: startMs + 500 }
}

describe('of two reads side by side', () => {
  it.each([
    ['earlier', T0 - 1, 'first'],
    ['at the same moment', T0, 'second'],
    ['later', T0 + 1, 'second'],
  ])('the one that began later counts: the second %s', (_, startMs, expected) => {
    const memo = new Memo<string>()
    memo.keep('demo', aRead('first', T0))

    memo.keep('demo', aRead('second', startMs))

    expect(memo.get('demo')?.value).toBe(expected)
  })
})

describe('what is forgotten', () => {
  it.each([
    ['a millisecond before', T0 - 1, undefined],
    ['in the same millisecond', T0, undefined],
    ['a millisecond later', T0 + 1, 'read'],
  ])('does not come back by a read that began %s', (_, startMs, expected) => {
    const memo = new Memo<string>()
    memo.keep('demo', aRead('old', T0 - 1000))

    memo.forget('demo', T0)
    memo.keep('demo', aRead('read', startMs))

    expect(memo.get('demo')?.value).toBe(expected)
  })

  it('is that of one cluster', () => {
    const memo = new Memo<string>()
    memo.keep('demo', aRead('demo', T0))

    memo.forget('other', T0)

    expect(memo.get('demo')?.value).toBe('demo')
  })
})

describe('a memo of two clusters at most', () => {
  it('lets the one go that was read first', () => {
    const memo = new Memo<string>({ max: 2 })
    for (const [i, name] of ['a', 'b', 'a', 'c'].entries()) memo.keep(name, aRead(name, T0 + i))

    expect(['a', 'b', 'c'].map((name) => memo.get(name)?.value)).toEqual(['a', undefined, 'c'])
  })
})
