/** The frame: its own time for each check, what a check costs that throws or hangs, and what is shown of an outcome. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCheck, type Check, type Outcome } from '../../../../node-exporter/checks/check.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

function aCheck(given: Partial<Check> = {}): Check {
  return {
    name: 'subject',
    timeoutMs: 1000,
    cannotTell: 'pass',
    run: () => ({ passed: true }),
    ...given,
  }
}

function after(ms: number, outcome: Outcome): Promise<Outcome> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(outcome), ms)
  })
}

function hang(): Promise<Outcome> {
  return new Promise(() => undefined)
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('what is shown of an outcome', () => {
  it.each<[string, Check['cannotTell'], Outcome, object]>([
    ['a pass', 'pass', { passed: true }, { passed: true }],
    ['a pass with a reason', 'pass', { passed: true, reason: 'r' }, { passed: true }],
    [
      'a pass with a warning',
      'fail',
      { passed: true, warning: 'w' },
      { passed: true, warning: 'w' },
    ],
    ['a failure', 'pass', { passed: false, reason: 'r' }, { passed: false, reason: 'r' }],
    [
      'a failure with a warning',
      'pass',
      { passed: false, reason: 'r', warning: 'w' },
      { passed: false, reason: 'r', warning: 'w' },
    ],
    [
      'a failure without a reason',
      'pass',
      { passed: false },
      { passed: false, reason: 'it does not say why' },
    ],
    [
      'an unknown that passes',
      'pass',
      { passed: 'unknown', reason: 'r' },
      { passed: true, warning: 'r' },
    ],
    [
      'an unknown that fails',
      'fail',
      { passed: 'unknown', reason: 'r' },
      { passed: false, reason: 'r' },
    ],
    [
      'an unknown that fails with a warning',
      'fail',
      { passed: 'unknown', reason: 'r', warning: 'w' },
      { passed: false, reason: 'r', warning: 'w' },
    ],
    [
      'an unknown without a reason',
      'pass',
      { passed: 'unknown' },
      { passed: true, warning: 'it does not say why' },
    ],
  ])('has exactly its own fields for %s', async (_, cannotTell, outcome, shown) => {
    const result = await runCheck(aCheck({ cannotTell, run: () => outcome }), aNodeFacts())

    expect(result).toStrictEqual({ name: 'subject', ...shown, duration_ms: 0 })
  })

  it('is the same for a promise of it', async () => {
    const check = aCheck({ run: async () => ({ passed: false, reason: 'r' }) })

    const result = await runCheck(check, aNodeFacts())

    expect(result).toMatchObject({ passed: false, reason: 'r' })
  })
})

describe('a check that throws', () => {
  it.each<[string, Check['run']]>([
    [
      'at once',
      () => {
        throw new Error('no such socket')
      },
    ],
    ['later', () => Promise.reject(new Error('no such socket'))],
    ['something that is no Error', () => Promise.reject('no such socket')],
  ])('can not tell, and says why: %s', async (_, run) => {
    const open = await runCheck(aCheck({ run }), aNodeFacts())
    const closed = await runCheck(aCheck({ run, cannotTell: 'fail' }), aNodeFacts())

    expect(open).toMatchObject({ passed: true, warning: 'no such socket' })
    expect(closed).toMatchObject({ passed: false, reason: 'no such socket' })
  })

  it('costs nobody else their result', async () => {
    const bad = aCheck({ name: 'bad', cannotTell: 'fail', run: () => Promise.reject(new Error()) })
    const checks = [bad, aCheck({ name: 'stuck', run: hang }), aCheck({ name: 'good' })]

    const running = Promise.all(checks.map((check) => runCheck(check, aNodeFacts())))
    await vi.advanceTimersByTimeAsync(1000)

    const results = await running
    expect(results.map(({ passed }) => passed)).toEqual([false, true, true])
  })
})

describe('a check that takes its time', () => {
  it.each<[string, number, object]>([
    ['one millisecond less than it has', 999, { passed: true, duration_ms: 999 }],
    ['one millisecond more', 1001, { warning: 'no answer within 1000 ms', duration_ms: 1000 }],
  ])('is waited for up to its own time: %s', async (_, ms, shown) => {
    const running = runCheck(aCheck({ run: () => after(ms, { passed: true }) }), aNodeFacts())
    await vi.advanceTimersByTimeAsync(2000)

    const result = await running

    expect(result).toMatchObject(shown)
  })

  it.each<[Check['cannotTell'], object]>([
    ['pass', { passed: true, warning: 'no answer within 50 ms' }],
    ['fail', { passed: false, reason: 'no answer within 50 ms' }],
  ])('can not tell when it hangs, which means %s', async (cannotTell, shown) => {
    const check = aCheck({ timeoutMs: 50, cannotTell, run: hang })

    const running = runCheck(check, aNodeFacts())
    await vi.advanceTimersByTimeAsync(50)

    const result = await running
    expect(result).toStrictEqual({ name: 'subject', ...shown, duration_ms: 50 })
  })

  it('is left alone when it throws after its time', async () => {
    const run = () => after(100, { passed: true }).then(() => Promise.reject(new Error('too late')))

    const running = runCheck(aCheck({ timeoutMs: 50, run }), aNodeFacts())
    await vi.advanceTimersByTimeAsync(200)

    const result = await running
    expect(result).toMatchObject({ passed: true, warning: 'no answer within 50 ms' })
  })

  it('leaves no timer behind when it is done', async () => {
    await runCheck(aCheck(), aNodeFacts())
    await runCheck(aCheck({ run: () => Promise.reject(new Error('r')) }), aNodeFacts())

    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the signal', () => {
  it.each([
    ['not yet, one millisecond before', 49, false],
    ['exactly at the time', 50, true],
  ])('aborts when the time is over: %s', async (_, ms, isAborted) => {
    const seen: AbortSignal[] = []
    const run: Check['run'] = (_node, signal) => {
      seen.push(signal)
      return hang()
    }

    const running = runCheck(aCheck({ timeoutMs: 50, run }), aNodeFacts())
    await vi.advanceTimersByTimeAsync(ms)

    expect(seen.map(({ aborted }) => aborted)).toEqual([isAborted])
    await vi.advanceTimersByTimeAsync(50)
    await running
  })

  it('hides no timeout behind what it stops', async () => {
    const run: Check['run'] = (_node, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('stopped'))
        })
      })

    const running = runCheck(aCheck({ timeoutMs: 50, run }), aNodeFacts())
    await vi.advanceTimersByTimeAsync(50)

    expect(await running).toMatchObject({ warning: 'no answer within 50 ms' })
  })

  it('stays quiet after a check that was in time', async () => {
    const seen: AbortSignal[] = []
    const run: Check['run'] = (_node, signal) => {
      seen.push(signal)
      return { passed: true }
    }

    await runCheck(aCheck({ run }), aNodeFacts())
    await vi.advanceTimersByTimeAsync(2000)

    expect(seen.map(({ aborted }) => aborted)).toEqual([false])
  })
})
