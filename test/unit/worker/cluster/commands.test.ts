/** Rounds and pods that somebody asks for: how often, how long, and for whom (behaviour, section 5). */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Command } from '../../../../worker/contract/report.ts'
import { Commands } from '../../../../worker/cluster/commands.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const KNOWN = { isKnown: true }
const VISITOR = { isKnown: false }

function theCommands(isLinked = true) {
  const sent: Command[] = []
  const commands = new Commands((command) => {
    if (isLinked) sent.push(command)
    return isLinked
  })
  const finish = (i: number) => {
    commands.finish([sent[i]?.id ?? ''])
  }
  return { commands, sent, finish }
}

describe('a round', () => {
  it('is over when a report says so', async () => {
    const { commands, sent, finish } = theCommands()

    const asked = commands.round(null, KNOWN)
    finish(0)

    expect(await asked).toBe(sent[0]?.id)
  })

  it('is given up after ten seconds', async () => {
    const { commands } = theCommands()

    const told: (string | null)[] = []
    void commands.round(null, KNOWN).then((isDone) => told.push(isDone))
    await vi.advanceTimersByTimeAsync(9999)
    const early = [...told]
    await vi.advanceTimersByTimeAsync(1)

    expect([early, told]).toEqual([[], [null]])
  })

  it('is not ended by another report', async () => {
    const { commands } = theCommands()

    const asked = commands.round(null, KNOWN)
    commands.finish(['another'])
    await vi.advanceTimersByTimeAsync(10_000)

    expect(await asked).toBeNull()
  })

  it.each([
    ['4.999 s after the last began, it is the last', 4999, 1],
    ['5 s after, it is another', 5000, 2],
  ])('comes once in five seconds: %s', async (_, afterMs, rounds) => {
    const { commands, sent, finish } = theCommands()
    void commands.round(null, KNOWN)
    finish(0)

    await vi.advanceTimersByTimeAsync(afterMs)
    void commands.round('web', KNOWN)

    expect(sent).toHaveLength(rounds)
  })

  it('that is under way for longer is waited for by all who ask', async () => {
    const { commands, sent, finish } = theCommands()
    const first = commands.round(null, KNOWN)
    await vi.advanceTimersByTimeAsync(7000)

    const second = commands.round(null, KNOWN)
    finish(0)

    const [id] = sent.map((command) => command.id)
    expect([await first, await second, sent.length]).toEqual([id, id, 1])
  })

  it('that was never answered gives way to another', async () => {
    const { commands, sent, finish } = theCommands()
    const first = commands.round(null, KNOWN)
    await vi.advanceTimersByTimeAsync(10_000)

    const second = commands.round(null, KNOWN)
    finish(1)

    expect([await first, await second, sent.length]).toEqual([null, sent[1]?.id, 2])
  })

  it('of another service waits for its turn, and asks for all when two are wanted', async () => {
    const { commands, sent, finish } = theCommands()
    void commands.round('web', KNOWN)
    await vi.advanceTimersByTimeAsync(1000)

    const asked = [
      commands.round('orders', KNOWN),
      commands.round('orders', KNOWN),
      commands.round('carts', KNOWN),
    ]
    await vi.advanceTimersByTimeAsync(3999)
    const early = sent.length
    await vi.advanceTimersByTimeAsync(1)
    finish(1)

    expect(early).toBe(1)
    expect(sent[1]).not.toHaveProperty('service')
    expect(new Set(await Promise.all(asked))).toEqual(new Set([sent[1]?.id]))
  })

  it('of one other service asks for that alone', async () => {
    const { commands, sent } = theCommands()
    void commands.round('web', KNOWN)

    void commands.round('orders', KNOWN)
    await vi.advanceTimersByTimeAsync(5000)

    expect(sent[1]).toMatchObject({ kind: 'round', service: 'orders' })
  })

  it.each([
    ['29.999 s after the last of theirs, there is none', 29_999, 1],
    ['30 s after, there is another', 30_000, 2],
  ])('comes for visitors twice a minute: %s', async (_, afterMs, rounds) => {
    const { commands, sent, finish } = theCommands()
    void commands.round('web', VISITOR)
    finish(0)

    await vi.advanceTimersByTimeAsync(afterMs)
    const names = Array.from({ length: 1000 }, (__, i) => `service-${i}`)
    for (const name of names) void commands.round(name, VISITOR)

    expect(sent).toHaveLength(rounds)
  })

  it('for visitors never delays one for token holders', async () => {
    const { commands, sent } = theCommands()
    void commands.round('web', VISITOR)
    await vi.advanceTimersByTimeAsync(1000)

    void commands.round('orders', KNOWN)

    expect(sent[1]).toMatchObject({ kind: 'round', service: 'orders' })
  })

  it('for token holders is shown to visitors who want the same', async () => {
    const { commands, sent, finish } = theCommands()
    const known = commands.round(null, KNOWN)

    const visitor = commands.round('web', VISITOR)
    finish(0)

    expect([await known, await visitor, sent.length]).toEqual([sent[0]?.id, sent[0]?.id, 1])
  })

  it('without a link waits for the next report, ten seconds long', async () => {
    const { commands } = theCommands(false)
    void commands.round(null, KNOWN)
    await vi.advanceTimersByTimeAsync(10_000)

    const taken = commands.take()
    void commands.round(null, KNOWN)
    await vi.advanceTimersByTimeAsync(10_001)

    expect([taken.length, commands.take()]).toEqual([1, []])
  })
})

describe('a pod', () => {
  const answer = { ok: false, reason: 'refused' } as const

  it('has nine seconds to answer', async () => {
    const { commands, sent } = theCommands()

    const asked = commands.askPod('web', 'web-1')
    await vi.advanceTimersByTimeAsync(9000)
    commands.hear({ kind: 'pod', id: sent[0]?.id ?? '', answer })

    expect(await asked).toBeNull()
  })

  it.each([
    ['1.999 s later it is the same answer', 1999, 1],
    ['2 s later it is asked again', 2000, 2],
  ])('is asked once in two seconds: %s', async (_, afterMs, times) => {
    const { commands, sent } = theCommands()
    void commands.askPod('web', 'web-1')

    await vi.advanceTimersByTimeAsync(afterMs)
    void commands.askPod('web', 'web-1')

    expect(sent).toHaveLength(times)
  })

  it('is not asked when ten others were in the last two seconds', async () => {
    const { commands, sent } = theCommands()
    for (let i = 0; i < 10; i++) void commands.askPod('web', `web-${i}`)

    const eleventh = await commands.askPod('web', 'web-10')
    await vi.advanceTimersByTimeAsync(2000)
    void commands.askPod('web', 'web-10')

    expect([eleventh, sent.length]).toEqual([null, 11])
  })

  it('cannot be asked without a link', async () => {
    const { commands } = theCommands(false)

    expect(await commands.askPod('web', 'web-1')).toBeNull()
    expect(commands.take()).toEqual([])
  })
})
