/** When and what is pushed, by a scripted edge and fake timers: each try is taken down with its time. */
import { setImmediate as turn } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import * as v from 'valibot'
import type { Delivered } from '../../../../node-exporter/push/deliver.ts'
import { EdgeClock } from '../../../../node-exporter/push/edge-clock.ts'
import { Order } from '../../../../node-exporter/push/order.ts'
import { Pusher, type PusherOptions } from '../../../../node-exporter/push/pusher.ts'
import { HealthManager } from '../../../../node-exporter/self/health-manager.ts'
import { digestContent } from '../../../../worker/contract/digest.ts'
import { REPORT_MAX_BYTES } from '../../../../worker/contract/limits.ts'
import { reportSchema, type Content, type Report } from '../../../../worker/contract/report.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { aContent, aFailingTarget, aService } from '../../../support/a-report.ts'
import { containing } from '../../../support/like.ts'

const START_MS = 1_700_000_000_000
const INTERVAL_MS = 10_000
const GATHER_MS = 200

const TAKEN: Delivered = { kind: 'accepted', resend: false, commands: [] }
const RESEND: Delivered = { kind: 'accepted', resend: true, commands: [] }
const FAILED: Delivered = {
  kind: 'failed',
  reason: 'HTTP 503',
  retryAfterMs: null,
  clockMoved: false,
}
const OVERTAKEN: Delivered = { kind: 'superseded', held: { epoch: 4, sequence: 9 } }

const UP = aContent()
const DOWN = aContent({ services: [aService({ targets: [aFailingTarget()] })] })
const DOWN_MORE = aContent({
  services: [aService({ targets: [aFailingTarget(), aFailingTarget({}, { id: 'web-9' })] })],
})

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS })
  // The middle of the jitter, so that an interval is an interval.
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
  onTestFinished(() => {
    random.mockRestore()
    vi.useRealTimers()
  })
})

/** `answers`: what each try comes to, from the first; those after take all. */
function aPusher(
  answers: Delivered[] = [],
  { epoch = null, ...given }: Partial<PusherOptions> & { epoch?: number | null } = {},
) {
  /** What the parts around it say at the moment. */
  const world = { canSee: true, content: UP, overdueMs: 0, stuckMs: 0, streaks: {} }
  const tries: { report: Report; atMs: number }[] = []
  const { log, lines } = aLog()
  const components = new HealthManager(log)
  const clock = new EdgeClock()
  const order = new Order(epoch ?? 0)
  const onSuperseded = vi.fn<PusherOptions['onSuperseded']>()
  const pusher = new Pusher({
    cluster: 'c0',
    hasLease: epoch !== null,
    order,
    intervalMs: INTERVAL_MS,
    textEveryMs: 60_000,
    gatherMs: GATHER_MS,
    clock,
    deliver: (body) => {
      const report = v.parse(reportSchema, JSON.parse(gunzipSync(body).toString()))
      tries.push({ report, atMs: performance.now() })
      return Promise.resolve(answers[tries.length - 1] ?? TAKEN)
    },
    via: () => 'https',
    canSee: () => world.canSee,
    see: () => world.content,
    streaks: () => world.streaks,
    overdueMs: () => world.overdueMs,
    stuckMs: () => world.stuckMs,
    exporter: () => ({
      type: 'pilotlight',
      version: '0.1.0',
      commit: '',
      startedAt: START_MS,
      ...components.report(),
    }),
    components,
    log,
    onSuperseded,
    ...given,
  })
  let isOver = false

  /** Until it waits for a timer again, or has ended: packing and digesting are real work. */
  async function settle(): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- each turn of the event loop may be the last
    while (!isOver && vi.getTimerCount() === 0) await turn()
  }

  return {
    pusher,
    world,
    tries,
    lines,
    clock,
    order,
    components,
    onSuperseded,
    isOver: () => isOver,
    kinds: () => tries.map(({ report }) => report.kind),
    times: () => tries.map(({ atMs }) => Math.round(atMs)),
    sequences: () => tries.map(({ report }) => report.sequence),
    /** The first try. */
    start: async () => {
      void pusher.run().then(() => {
        isOver = true
      })
      onTestFinished(() => {
        pusher.stop()
      })
      await settle()
    },
    /** Through as many moments as the next try takes. */
    nextTry: async () => {
      const before = tries.length
      while (tries.length === before) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await vi.advanceTimersToNextTimerAsync()
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await settle()
      }
    },
    /** To the moment for which it waits, and through what it does then. */
    step: async (times = 1) => {
      for (let i = 0; i < times; i++) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await vi.advanceTimersToNextTimerAsync()
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await settle()
      }
    },
  }
}

function failures(count: number): Delivered[] {
  return Array.from({ length: count }, () => FAILED)
}

function contentOf(report: Report | undefined): Content | null {
  return report?.kind === 'snapshot' ? report.content : null
}

describe('before everything was seen once', () => {
  it('reports are blind, one each interval', async () => {
    const { start, step, world, kinds, times, tries } = aPusher()
    world.canSee = false
    world.streaks = { web: 1 }

    await start()
    await step(2)

    expect(kinds()).toEqual(['blind', 'blind', 'blind'])
    expect(times()).toEqual([0, INTERVAL_MS, 2 * INTERVAL_MS])
    expect(tries[0]?.report).toMatchObject({ cluster: 'c0', digest: '' })
    expect(tries[0]?.report.streaks).toEqual({})
  })

  it('a change hurries nothing', async () => {
    const { start, step, world, kinds, times, pusher } = aPusher()
    world.canSee = false
    await start()

    pusher.change('verdict')
    await step()

    expect(kinds()).toEqual(['blind', 'blind'])
    expect(times()).toEqual([0, INTERVAL_MS])
  })

  it('the moment of sight is pushed at once as a snapshot', async () => {
    const { start, step, world, kinds, times, pusher } = aPusher()
    world.canSee = false
    await start()
    await vi.advanceTimersByTimeAsync(3000)

    world.canSee = true
    pusher.change('verdict')
    await step()

    expect(kinds()).toEqual(['blind', 'snapshot'])
    expect(times()).toEqual([0, 3001])
  })
})

describe('while nothing changes', () => {
  it('a snapshot is followed by heartbeats with its digest', async () => {
    const { start, step, world, kinds, times, tries } = aPusher()
    world.streaks = { web: 2 }

    await start()
    await step(3)

    const digest = await digestContent(UP)
    expect(kinds()).toEqual(['snapshot', 'heartbeat', 'heartbeat', 'heartbeat'])
    expect(times()).toEqual([0, 10_000, 20_000, 30_000])
    for (const { report } of tries) expect(report).toMatchObject({ digest, streaks: { web: 2 } })
    expect(contentOf(tries[0]?.report)).toEqual(UP)
  })

  it.each([
    ['at the earliest', 0, 9000],
    ['at the latest', 0.999_999, 11_000],
  ])('the interval wobbles by a tenth at most: %s', async (_, random, atMs) => {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const { start, nextTry, times } = aPusher()

    await start()
    await nextTry()

    expect(Math.abs((times().at(-1) ?? 0) - atMs)).toBeLessThanOrEqual(1)
  })

  it.each([
    ['nothing is overdue', 0, 0],
    ['a target is overdue', 1234.5, 1235],
  ])('observedAt is now without what is overdue: %s', async (_, overdueMs, missingMs) => {
    const { start, step, world, tries } = aPusher()
    world.overdueMs = overdueMs

    await start()
    await step()

    expect(tries.map(({ report }) => report.observedAt)).toEqual([
      START_MS - missingMs,
      START_MS + INTERVAL_MS - missingMs,
    ])
  })

  it('observedAt goes on while probes do, where the edge judges each service', async () => {
    const answers: Delivered[] = [TAKEN, { ...TAKEN, overdue: true }, { ...TAKEN, overdue: true }]
    const { start, step, world, tries } = aPusher(answers)
    world.overdueMs = 5000

    await start()
    await step()
    await step()
    world.stuckMs = 700
    await step() // its answer is an older edge's
    await step()

    expect(tries.map(({ report }, i) => START_MS + i * INTERVAL_MS - report.observedAt)).toEqual([
      5000, 5000, 0, 700, 5000,
    ])
  })

  it("observedAt is by the edge's clock", async () => {
    const { start, tries, clock } = aPusher()
    clock.adjust(new Date(START_MS + 3_600_000).toUTCString(), 0, 0)

    await start()

    expect(Math.abs((tries[0]?.report.observedAt ?? 0) - START_MS - 3_600_000)).toBeLessThan(1000)
  })
})

describe('a change that bears on a verdict', () => {
  it('is pushed at once', async () => {
    const { start, step, world, kinds, times, tries, pusher } = aPusher()
    await start()
    await vi.advanceTimersByTimeAsync(5000)

    world.content = DOWN
    pusher.change('verdict')
    await step()

    expect(kinds()).toEqual(['snapshot', 'snapshot'])
    expect(times()).toEqual([0, 5001])
    expect(contentOf(tries[1]?.report)).toEqual(DOWN)
  })

  it('is taken together with others soon after a push', async () => {
    const { start, step, world, times, tries, pusher } = aPusher()
    await start()

    world.content = DOWN
    pusher.change('verdict')
    await vi.advanceTimersByTimeAsync(GATHER_MS - 1)
    world.content = DOWN_MORE
    pusher.change('verdict')
    await step()

    expect(times()).toEqual([0, GATHER_MS])
    expect(contentOf(tries[1]?.report)).toEqual(DOWN_MORE)
  })

  it('sends nothing extra when the digest stays', async () => {
    const { start, step, kinds, times, sequences, pusher } = aPusher()
    await start()
    await vi.advanceTimersByTimeAsync(5000)

    pusher.change('verdict')
    await step(2)

    expect(kinds()).toEqual(['snapshot', 'heartbeat'])
    expect(times()).toEqual([0, INTERVAL_MS])
    expect(sequences()[1]).toBeGreaterThan(sequences()[0] ?? 0)
  })

  it('is followed by heartbeats with the new digest', async () => {
    const { start, step, world, kinds, tries, pusher } = aPusher()
    await start()
    world.content = DOWN
    pusher.change('verdict')

    await step(2)

    expect(kinds()).toEqual(['snapshot', 'snapshot', 'heartbeat'])
    expect(tries[2]?.report.digest).toBe(await digestContent(DOWN))
  })

  it('goes with the next push when nobody told of it', async () => {
    const { start, step, world, kinds, times } = aPusher()
    await start()

    world.content = DOWN
    await step()

    expect(kinds()).toEqual(['snapshot', 'snapshot'])
    expect(times()).toEqual([0, INTERVAL_MS])
  })

  it('that comes while a try is under way is pushed after it', async () => {
    const { start, step, world, tries, times, pusher } = aPusher()
    const starting = start()
    world.content = DOWN
    pusher.change('verdict')
    await starting

    await step()

    expect(times()).toEqual([0, GATHER_MS])
    expect(contentOf(tries.at(-1)?.report)).toEqual(DOWN)
  })
})

describe('a change of text alone', () => {
  const lateJitter = [0.49, 0.49, 0.49, 0.49, 0.49, 0.999_999]

  it.each([
    ['in the middle of the jitter', []],
    ['where pushes come early', Array<number>(7).fill(0)],
    ['where pushes come late', Array<number>(7).fill(0.999_999)],
    ['where the last one just misses it', lateJitter],
  ])('waits for a push, 60 s at most: %s', async (_, jitters) => {
    const random = vi.spyOn(Math, 'random')
    for (const jitter of jitters) random.mockReturnValueOnce(jitter)
    const { start, nextTry, world, kinds, times, tries, pusher } = aPusher()
    await start()

    world.content = aContent({ warnings: [{ subject: 'Service web', message: 'several ports' }] })
    pusher.change('text')
    await nextTry()
    while (kinds().at(-1) !== 'snapshot') {
      // oxlint-disable-next-line no-await-in-loop -- until it is there
      await nextTry()
    }

    expect(kinds().slice(1, 4)).toEqual(['heartbeat', 'heartbeat', 'heartbeat'])
    expect(contentOf(tries.at(-1)?.report)).toEqual(world.content)
    expect(times().at(-1)).toBeLessThanOrEqual(60_000)
  })

  it('goes with the next snapshot, and not again', async () => {
    const { start, step, world, kinds, pusher } = aPusher()
    await start()

    pusher.change('text')
    world.content = DOWN
    pusher.change('verdict')
    await step(8)

    expect(kinds()).toEqual(['snapshot', 'snapshot', ...Array<string>(7).fill('heartbeat')])
  })
})

describe('an edge that asks for a snapshot', () => {
  it('gets one after the gathering time, with a new sequence', async () => {
    const { start, step, kinds, times, sequences } = aPusher([TAKEN, RESEND])

    await start()
    await step(3)

    expect(kinds()).toEqual(['snapshot', 'heartbeat', 'snapshot', 'heartbeat'])
    expect(times()).toEqual([0, 10_000, 10_200, 20_200])
    expect(new Set(sequences()).size).toBe(4)
  })
})

describe('a try that fails', () => {
  it('is followed by a snapshot of the newest content', async () => {
    const { start, step, world, kinds, tries, sequences } = aPusher([FAILED])
    await start()

    world.content = DOWN
    await step()

    expect(kinds()).toEqual(['snapshot', 'snapshot'])
    expect(contentOf(tries[1]?.report)).toEqual(DOWN)
    expect(sequences()[1]).toBeGreaterThan(sequences()[0] ?? 0)
  })

  it('is made again as a snapshot even when the news is gone', async () => {
    const { start, step, world, kinds, tries, pusher } = aPusher([TAKEN, FAILED])
    await start()
    world.content = DOWN
    pusher.change('verdict')
    await step()

    world.content = UP
    pusher.change('verdict')
    await step()

    expect(kinds()).toEqual(['snapshot', 'snapshot', 'snapshot'])
    expect(contentOf(tries[2]?.report)).toEqual(UP)
  })

  it('leaves heartbeats at the digest that was last taken', async () => {
    const { start, step, kinds, tries } = aPusher([TAKEN, FAILED])

    await start()
    await step(2)

    expect(kinds()).toEqual(['snapshot', 'heartbeat', 'heartbeat'])
    expect(tries[2]?.report.digest).toBe(tries[0]?.report.digest)
  })

  it('is made again after twice the time, an interval at most', async () => {
    const { start, step, times } = aPusher(failures(10))

    await start()
    await step(8)

    const gaps = times()
      .slice(1)
      .map((atMs, i) => atMs - (times()[i] ?? 0))
    expect(gaps).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
  })

  it('never waits longer than an interval, whatever the jitter', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999_999)
    const { start, step, times } = aPusher(failures(30))

    await start()
    await step(20)

    const gaps = times()
      .slice(1)
      .map((atMs, i) => atMs - (times()[i] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(INTERVAL_MS)
  })

  it.each([
    ['longer than the backoff', 3000, 3000],
    ['shorter than it', 0, 250],
    ['an interval', 10_000, INTERVAL_MS],
    ['longer than an interval', 60_000, INTERVAL_MS],
  ])('comes again when the edge says so: %s', async (_, retryAfterMs, expected) => {
    const { start, step, times } = aPusher([{ ...FAILED, retryAfterMs }])

    await start()
    await step()

    expect(times()).toEqual([0, expected])
  })

  it('is not hurried by changes', async () => {
    const { start, step, world, times, tries, pusher } = aPusher([FAILED, FAILED])
    await start()
    await step()

    world.content = DOWN
    pusher.change('verdict')
    await step()

    expect(times()).toEqual([0, 250, 750])
    expect(contentOf(tries[2]?.report)).toEqual(DOWN)
  })

  it('starts the backoff anew after one that passes', async () => {
    const { start, step, times } = aPusher([FAILED, FAILED, TAKEN, FAILED])

    await start()
    await step(4)

    expect(times()).toEqual([0, 250, 750, 10_750, 11_000])
  })

  it('shows in the component until one passes', async () => {
    const { start, step, components } = aPusher([FAILED])

    await start()
    const before = components.report().components.push
    await step()

    expect(before).toEqual({ status: 'degraded', message: 'the last push failed: HTTP 503' })
    expect(components.report().components.push).toEqual({ status: 'healthy' })
  })

  it('may be one whose report could not be built', async () => {
    const { start, step, world, kinds, components } = aPusher()
    world.content = aContent({ environment: 'x'.repeat(REPORT_MAX_BYTES) })
    await start()
    const before = components.report().components.push

    world.content = UP
    await step()

    expect(before).toMatchObject({
      status: 'degraded',
      message: containing('too large'),
    })
    expect(kinds()).toEqual(['snapshot'])
  })

  it('for a clock that was wrong is made again at once', async () => {
    const moved: Delivered = { ...FAILED, reason: 'HTTP 401', clockMoved: true }
    const { start, step, kinds, times, sequences, components } = aPusher([moved])

    await start()
    await step()

    expect(kinds()).toEqual(['snapshot', 'snapshot'])
    expect(times()).toEqual([0, 1])
    expect(sequences()[1]).toBeGreaterThan(sequences()[0] ?? 0)
    expect(components.report().components.push).toEqual({ status: 'healthy' })
  })
})

describe('another exporter before this one', () => {
  it('is taken over from once, at the start', async () => {
    const { start, step, kinds, times, tries, onSuperseded } = aPusher([OVERTAKEN])

    await start()
    await step(2)

    expect(kinds()).toEqual(['snapshot', 'snapshot', 'heartbeat'])
    expect(times()).toEqual([0, 1, 10_001])
    expect(tries.map(({ report }) => report.epoch)).toEqual([0, 5, 5])
    expect(onSuperseded).not.toHaveBeenCalled()
  })

  it.each<[string, Delivered[], number]>([
    ['refused twice at the start', [OVERTAKEN, OVERTAKEN], 1],
    ['refused after a report was taken', [TAKEN, OVERTAKEN], 1],
    ['refused after taking over', [OVERTAKEN, TAKEN, OVERTAKEN], 2],
    ['refused after a failure and taking over', [FAILED, OVERTAKEN, OVERTAKEN], 2],
  ])('ends this one: %s', async (_, answers, steps) => {
    const { start, step, tries, isOver, onSuperseded } = aPusher(answers)

    await start()
    await step(steps)
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)

    expect(onSuperseded).toHaveBeenCalledOnce()
    expect(isOver()).toBe(true)
    expect(tries).toHaveLength(answers.length)
  })
})

describe('an order of reports that started anew', () => {
  const poisoned: Delivered = { kind: 'superseded', held: { epoch: 5_000_000, sequence: 1 } }
  const ANEW: Delivered = { kind: 'superseded', held: { epoch: 0, sequence: 0 } }

  it('is followed down without a Lease, as often as it happens', async () => {
    const answers = [poisoned, TAKEN, ANEW, TAKEN]
    const { start, step, tries, times, onSuperseded } = aPusher(answers)

    await start()
    await step(4)

    expect(tries.map(({ report }) => report.epoch)).toEqual([0, 5_000_001, 5_000_001, 1, 1])
    expect(times().slice(2)).toEqual([10_001, 10_002, 20_002])
    expect(onSuperseded).not.toHaveBeenCalled()
  })

  it('is handed to the Lease where there is one', async () => {
    const { start, isOver, onSuperseded } = aPusher([ANEW], { epoch: 5_000_001 })

    await start()

    expect(onSuperseded.mock.calls).toEqual([[{ epoch: 0, sequence: 0 }]])
    expect(isOver()).toBe(true)
  })

  it('leaves no place of another epoch as its own', async () => {
    const held: Delivered = { kind: 'superseded', held: { epoch: 1, sequence: 2 } }
    const { start, step, onSuperseded } = aPusher([poisoned, TAKEN, ANEW, held])

    await start()
    await step(3)

    expect(onSuperseded).toHaveBeenCalledOnce()
  })
})

describe('an order of reports that has no epoch left', () => {
  it.each<[string, number | null, number]>([
    ['without a Lease', null, 2 ** 31 - 2],
    ['without a Lease, the very highest', null, 2 ** 31 - 1],
    ['under a Lease', 7, 2 ** 31 - 2],
  ])('is waited out, and the component says how to end it: %s', async (_, epoch, heldEpoch) => {
    const usedUp: Delivered = { kind: 'superseded', held: { epoch: heldEpoch, sequence: 1 } }
    const { start, step, tries, components, onSuperseded } = aPusher([usedUp, usedUp], { epoch })

    await start()
    const told = components.get('push')
    await step(2)

    expect(told).toMatchObject({
      status: 'degraded',
      message: containing('POST /clusters/c0/reset-order'),
    })
    expect(tries.map(({ report }) => report.epoch)).toEqual(Array(3).fill(epoch ?? 0))
    expect(onSuperseded).not.toHaveBeenCalled()
    expect(components.get('push')).toMatchObject({ status: 'healthy' })
  })
})

describe('a refusal that names the very report, for a proxy has sent it twice', () => {
  it.each<[string, Delivered[], number | null, number]>([
    ['the first under a Lease', [itself(7, 1)], 7, 1],
    ['a later one under a Lease', [TAKEN, itself(7, 2)], 7, 2],
    ['a later one without a Lease', [TAKEN, itself(0, 2)], null, 2],
  ])('counts as taken: %s', async (_, answers, epoch, steps) => {
    const { start, step, kinds, times, components, onSuperseded } = aPusher(answers, { epoch })

    await start()
    await step(steps)

    expect(kinds()).toEqual(['snapshot', ...Array<string>(steps).fill('heartbeat')])
    expect(times().at(-1)).toBe(steps * INTERVAL_MS)
    expect(onSuperseded).not.toHaveBeenCalled()
    expect(components.get('push')).toMatchObject({ status: 'healthy' })
  })

  it('is another’s where both begin at once without a Lease, and is taken over from', async () => {
    const { start, step, tries } = aPusher([itself(0, 1)])

    await start()
    await step(1)

    expect(tries.map(({ report }) => report.epoch)).toEqual([0, 1])
  })

  it('is none of its own with another sequence', async () => {
    const { start, onSuperseded } = aPusher([itself(7, 2)], { epoch: 7 })

    await start()

    expect(onSuperseded).toHaveBeenCalledOnce()
  })
})

describe('a live link that takes its place while a report is on its way', () => {
  it.each<[string, number | null]>([
    ['under a Lease', 7],
    ['without one', null],
  ])('lets the report come again at once, whole: %s', async (_, epoch) => {
    const answers: Delivered[] = [TAKEN, itself(epoch ?? 0, 3)]
    const { start, step, world, order, kinds, times, sequences, onSuperseded, pusher } = aPusher(
      answers,
      { epoch },
    )
    await start()
    world.content = DOWN
    pusher.change('verdict')
    const upgrade = vi.spyOn(order, 'next')
    upgrade.mockImplementationOnce(() => {
      const place = order.next()
      order.next() // the link's
      world.content = UP // and the news are none any more
      return place
    })

    await step(2)

    expect(kinds()).toEqual(['snapshot', 'snapshot', 'snapshot'])
    expect(times()).toEqual([0, GATHER_MS, GATHER_MS + 1])
    expect(sequences()).toEqual([1, 2, 4])
    expect(onSuperseded).not.toHaveBeenCalled()
  })
})

describe('a round that was asked for', () => {
  const roundsOf = (tries: { report: Report }[]) => tries.map(({ report }) => report.rounds)

  it('is told at once in a snapshot, though nothing has changed', async () => {
    const { start, step, kinds, times, tries, pusher } = aPusher()
    await start()
    await vi.advanceTimersByTimeAsync(3000)

    pusher.tellRounds(['r1', 'r2'])
    await step(2)

    expect(kinds()).toEqual(['snapshot', 'snapshot', 'heartbeat'])
    expect(times()).toEqual([0, 3001, 13_001])
    expect(roundsOf(tries)).toEqual([undefined, ['r1', 'r2'], undefined])
  })

  it('is told by one that is blind, too, so that nobody waits for it', async () => {
    const { start, step, world, kinds, times, tries, pusher } = aPusher()
    world.canSee = false
    await start()
    await vi.advanceTimersByTimeAsync(3000)

    pusher.tellRounds(['r1'])
    await step()

    expect(kinds()).toEqual(['blind', 'blind'])
    expect(times()).toEqual([0, 3001])
    expect(roundsOf(tries)).toEqual([undefined, ['r1']])
  })

  it('is told again until a report with it was taken', async () => {
    const { start, step, tries, pusher } = aPusher([TAKEN, FAILED, FAILED])
    await start()

    pusher.tellRounds(['r1'])
    await step(4)

    expect(roundsOf(tries)).toEqual([undefined, ['r1'], ['r1'], ['r1'], undefined])
  })

  it('is told soon when it ends while a report is on its way', async () => {
    const { start, step, times, tries, pusher } = aPusher()
    const starting = start()
    pusher.tellRounds(['r1'])
    await starting

    await step()

    expect(times()).toEqual([0, GATHER_MS])
    expect(roundsOf(tries)).toEqual([undefined, ['r1']])
  })

  it.each([
    ['as many as a report may hold', 16, [16]],
    ['one more', 17, [16, 1]],
  ])('is told with others, in several reports if need be: %s', async (_, count, expected) => {
    const { start, step, tries, pusher } = aPusher()
    await start()

    pusher.tellRounds(Array.from({ length: count }, (_round, i) => `r${i}`))
    await step(expected.length)

    expect(roundsOf(tries.slice(1)).map((rounds) => rounds?.length)).toEqual(expected)
  })
})

describe('the component', () => {
  it('says which way the last report took', async () => {
    const { start, components } = aPusher([], { via: () => 'link' })

    await start()

    expect(components.get('push')).toMatchObject({ status: 'healthy', metadata: { via: 'link' } })
  })
})

function itself(epoch: number, sequence: number): Delivered {
  return { kind: 'superseded', held: { epoch, sequence } }
}

describe('the holder of a Lease', () => {
  const held = { epoch: 7, sequence: 0 }

  it('puts its epoch into every report', async () => {
    const { start, step, tries } = aPusher([FAILED], { epoch: 7 })

    await start()
    await step(2)

    expect(tries.map(({ report }) => report.epoch)).toEqual([7, 7, 7])
  })

  it.each<[string, Delivered[], number]>([
    ['the first of all', [OVERTAKEN], 0],
    ['one after others were taken', [TAKEN, OVERTAKEN], 1],
    ['one after a failure', [FAILED, OVERTAKEN], 1],
  ])('sends nothing more once a report was refused: %s', async (_, answers, steps) => {
    const { start, step, tries, isOver, onSuperseded } = aPusher(answers, { epoch: 0 })

    await start()
    await step(steps)
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)

    expect(onSuperseded.mock.calls).toEqual([[{ epoch: 4, sequence: 9 }]])
    expect(isOver()).toBe(true)
    expect(tries).toHaveLength(answers.length)
  })

  it('that was stopped in the middle of its retries makes no other', async () => {
    const { start, step, tries, isOver, pusher } = aPusher(failures(9), { epoch: 3 })
    await start()
    await step(2)

    pusher.stop()
    pusher.change('verdict')
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)

    expect(isOver()).toBe(true)
    expect(tries).toHaveLength(3)
  })

  it.each<[string, Delivered]>([
    ['refused', { kind: 'superseded', held }],
    ['lost', FAILED],
    ['taken', TAKEN],
  ])('that was stopped during a try answers to nobody for it: %s', async (_, answer) => {
    const reply = Promise.withResolvers<Delivered>()
    const deliver = vi.fn<() => Promise<Delivered>>(() => reply.promise)
    const { start, isOver, components, onSuperseded, pusher } = aPusher([], { epoch: 3, deliver })
    const starting = start()
    await vi.waitFor(() => {
      expect(deliver).toHaveBeenCalledOnce()
    })

    pusher.stop()
    reply.resolve(answer)
    await starting
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)

    expect(isOver()).toBe(true)
    expect(deliver).toHaveBeenCalledOnce()
    expect(onSuperseded).not.toHaveBeenCalled()
    expect(components.report().components['push']).toBeUndefined()
  })
})

describe('every try', () => {
  it('has a sequence above all before, whatever came of them', async () => {
    const { start, step, world, sequences, pusher } = aPusher([
      OVERTAKEN,
      FAILED,
      TAKEN,
      RESEND,
      FAILED,
      TAKEN,
    ])
    await start()
    for (const content of [DOWN, UP, DOWN_MORE, UP, DOWN, UP, DOWN]) {
      world.content = content
      pusher.change('verdict')
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await step()
    }

    const all = sequences()

    expect(all).toHaveLength(8)
    expect(all).toEqual([...new Set(all)].toSorted((a, b) => a - b))
  })

  it('is the last once it is stopped', async () => {
    const { start, tries, isOver, pusher } = aPusher()
    await start()

    pusher.stop()
    await vi.advanceTimersByTimeAsync(10 * INTERVAL_MS)

    expect(isOver()).toBe(true)
    expect(tries).toHaveLength(1)
  })
})
