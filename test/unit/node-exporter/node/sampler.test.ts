/** Checks sampled in the background: many questions cost one run, and none waits for a check that is slow. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Check, Outcome } from '../../../../node-exporter/checks/check.ts'
import { Sampler } from '../../../../node-exporter/node/sampler.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function aSampler(run: Check['run'], warm: string[] = []): Sampler {
  const check: Check = { name: 'disk', timeoutMs: 2000, cannotTell: 'pass', run }
  return new Sampler({ checks: [check], facts: () => aNodeFacts(), warm })
}

describe('a check', () => {
  it('is run once for all who ask first', async () => {
    const run = vi.fn<() => Outcome>(() => ({ passed: true }))
    const sampler = aSampler(run)

    const results = await Promise.all([sampler.ask('disk'), sampler.ask('disk')])

    expect(results).toMatchObject([{ passed: true }, { passed: true }])
    expect(run).toHaveBeenCalledOnce()
  })

  it('is run again a second after it ended, asked or not', async () => {
    const run = vi.fn<() => Outcome>(() => ({ passed: true }))
    const sampler = aSampler(run)
    await sampler.ask('disk')

    await vi.advanceTimersByTimeAsync(3500)

    expect(run).toHaveBeenCalledTimes(4)
  })

  it('answers at once from the last sample while it hangs', async () => {
    const hang = Promise.withResolvers<Outcome>()
    const run = vi.fn<() => Outcome | Promise<Outcome>>(() => ({ passed: true }))
    const sampler = aSampler(run)
    await sampler.ask('disk')
    run.mockReturnValue(hang.promise)
    await vi.advanceTimersByTimeAsync(1500)

    const result = await sampler.ask('disk')

    expect(result).toMatchObject({ passed: true })
  })

  it('tells a turn within a second and its own time', async () => {
    const run = vi.fn<() => Outcome>(() => ({ passed: true }))
    const sampler = aSampler(run)
    await sampler.ask('disk')

    run.mockReturnValue({ passed: false, reason: 'full' })
    await vi.advanceTimersByTimeAsync(1000)

    expect(await sampler.ask('disk')).toMatchObject({ passed: false, reason: 'full' })
  })

  it('rests a minute after its last question, and starts anew', async () => {
    const run = vi.fn<() => Outcome>(() => ({ passed: true }))
    const sampler = aSampler(run)
    await sampler.ask('disk')
    await vi.advanceTimersByTimeAsync(70_000)
    const runs = run.mock.calls.length

    await vi.advanceTimersByTimeAsync(70_000)
    const afterRest = run.mock.calls.length
    run.mockReturnValue({ passed: false, reason: 'full' })

    expect(afterRest).toBe(runs)
    expect(await sampler.ask('disk')).toMatchObject({ passed: false })
  })
})

describe('a check that is warm', () => {
  it('has its sample before anybody asks', async () => {
    const hang = Promise.withResolvers<Outcome>()
    const run = vi.fn<() => Outcome | Promise<Outcome>>(() => ({ passed: true }))
    const sampler = aSampler(run, ['disk', 'bogus'])
    await vi.advanceTimersByTimeAsync(500)
    run.mockReturnValue(hang.promise)

    const result = await sampler.ask('disk')

    expect(result).toMatchObject({ passed: true })
    expect(run).toHaveBeenCalledOnce()
  })

  it('never rests', async () => {
    const run = vi.fn<() => Outcome>(() => ({ passed: true }))
    aSampler(run, ['disk'])

    await vi.advanceTimersByTimeAsync(200_000)

    expect(run.mock.calls.length).toBeGreaterThan(190)
  })
})

it('says back no more than 63 characters of an unknown name', async () => {
  const result = await aSampler(() => ({ passed: true })).ask('x'.repeat(5000))

  const name = `${'x'.repeat(63)}…`
  expect(result).toMatchObject({ name, reason: `Unknown check: ${name}` })
})

it('fails an unknown check by name', async () => {
  expect(await aSampler(() => ({ passed: true })).ask('bogus')).toEqual({
    name: 'bogus',
    passed: false,
    reason: 'Unknown check: bogus',
    duration_ms: 0,
  })
})

it('runs nothing any more once it is stopped', async () => {
  const run = vi.fn<() => Outcome>(() => ({ passed: true }))
  const sampler = aSampler(run)
  await sampler.ask('disk')

  sampler.stop()
  await vi.advanceTimersByTimeAsync(10_000)

  expect(run).toHaveBeenCalledOnce()
})
