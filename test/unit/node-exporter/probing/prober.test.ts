/** When each target is asked and what is kept of it, by scripted probes and fake timers. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { PodStart } from '../../../../node-exporter/probing/pod-reader.ts'
import type { Probed } from '../../../../node-exporter/probing/probe.ts'
import { Prober, type ProberOptions } from '../../../../node-exporter/probing/prober.ts'
import type { PodCheck } from '../../../../worker/contract/report.ts'
import { aKnownService, aKnownTarget } from '../../../support/exporter/a-discovered.ts'

type Answer = (target: string, nth: number) => Probed | Promise<Probed>

const PERIOD_MS = 10_000
const TIMEOUT_MS = 2000
/** A period and a probe's time: the time limit and two cooldowns of a second. */
const DUE_MS = PERIOD_MS + TIMEOUT_MS + 2000

const GOOD: NonNullable<Probed> = { ok: true, answered: true, checks: [], mayRetry: false }
const BAD: NonNullable<Probed> = { ...GOOD, ok: false, checks: [aCheck({ ok: false })] }
const REFUSED: NonNullable<Probed> = {
  ok: false,
  answered: false,
  checks: [],
  reason: 'refused',
  mayRetry: true,
}
const TOO_LATE: NonNullable<Probed> = { ...REFUSED, reason: 'no answer in 2 s', mayRetry: false }

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

function aCheck(given: Partial<PodCheck> = {}): PodCheck {
  return { id: 'db', name: 'database', ok: true, ...given }
}

/** `answer`: what the nth probe of a target, from 0, comes to. */
function aProber(answer: Answer = () => GOOD, given: Partial<ProberOptions> = {}) {
  const asked: { id: string; atMs: number }[] = []
  const changes: string[] = []
  const turns: string[] = []
  const prober = new Prober({
    probe: async ({ id }) => {
      const nth = asked.filter((one) => one.id === id).length
      asked.push({ id, atMs: performance.now() })
      return answer(id, nth)
    },
    readPodStart: () => Promise.resolve('unread'),
    startingDeadlineMs: 600_000,
    periodMs: PERIOD_MS,
    timeoutMs: TIMEOUT_MS,
    maxAttempts: 2,
    cooldownMs: 1000,
    concurrency: 10,
    now: () => 1_700_000_000_000 + performance.now(),
    onChange: (what) => {
      changes.push(what)
    },
    onTurn: ({ service, target, ok, reason }) => {
      turns.push(`${service}/${target} ${ok ? 'good' : `bad: ${reason}`}`)
    },
    ...given,
  })
  onTestFinished(() => {
    prober.stop()
  })
  return { prober, asked, changes, turns }
}

/** ms of fake time; what was waiting for it is done. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

function after<T>(ms: number, value: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>()
  setTimeout(() => {
    resolve(value)
  }, ms)
  return promise
}

function never(): Promise<Probed> {
  return Promise.withResolvers<Probed>().promise
}

function gapsOf(asked: { atMs: number }[]): number[] {
  return asked.slice(1).map(({ atMs }, i) => Math.round(atMs - (asked[i]?.atMs ?? 0)))
}

describe('the rhythm', () => {
  it('asks a new target at once, then once a period', async () => {
    const { prober, asked } = aProber()

    prober.follow([aKnownService()])
    await pass(10 * PERIOD_MS)

    const [first = 0, ...gaps] = gapsOf(asked)
    expect(asked[0]?.atMs).toBe(0)
    expect(first).toBeLessThanOrEqual(1.1 * PERIOD_MS)
    expect(gaps.length).toBeGreaterThanOrEqual(8)
    for (const gap of gaps) expect(Math.abs(gap - PERIOD_MS)).toBeLessThanOrEqual(1)
  })

  it.each([1, 3, 5, 20])('asks many targets once in each period of %i s', async (seconds) => {
    const { prober, asked } = aProber()
    const targets = Array.from({ length: 50 }, (_, i) => aKnownTarget({ id: `web-${i}` }))

    prober.follow([aKnownService({ targets, periodSeconds: seconds })])
    await pass(20 * seconds * 1000 - 1)

    const counts = targets.map(({ id }) => asked.filter((one) => one.id === id).length)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(20)
    expect(Math.max(...counts)).toBeLessThanOrEqual(21)
  })

  it("asks at its service's own refresh rate", async () => {
    const { prober, asked } = aProber()

    prober.follow([
      aKnownService({ name: 'slow', targets: [aKnownTarget({ id: 'slow-1' })] }),
      aKnownService({ name: 'fast', periodSeconds: 1, targets: [aKnownTarget({ id: 'fast-1' })] }),
    ])
    await pass(20_000)

    const counts = ['slow-1', 'fast-1'].map((id) => asked.filter((one) => one.id === id).length)
    expect(counts[0]).toBe(3)
    expect(counts[1]).toBeGreaterThanOrEqual(20)
  })

  it('leaves known targets in it when others come', async () => {
    const { prober, asked } = aProber()
    const old = aKnownTarget({ id: 'web-1' })
    prober.follow([aKnownService({ targets: [old] })])
    await pass(500)

    prober.follow([aKnownService({ targets: [{ ...old }, aKnownTarget({ id: 'web-2' })] })])
    await pass(0)

    expect(asked).toEqual([
      { id: 'web-1', atMs: 0 },
      { id: 'web-2', atMs: 500 },
    ])
  })

  it('asks a target again at once that has moved', async () => {
    const { prober, asked } = aProber()
    prober.follow([aKnownService({ targets: [aKnownTarget({ address: '10.0.0.1' })] })])
    await pass(500)

    prober.follow([aKnownService({ targets: [aKnownTarget({ address: '10.0.0.2' })] })])
    await pass(0)

    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 500])
  })

  it('asks nobody of a service that vanished', async () => {
    const { prober, asked } = aProber()
    prober.follow([aKnownService(), aKnownService({ name: 'shop', targets: [] })])
    await pass(500)

    prober.follow([])
    await pass(10 * PERIOD_MS)

    expect(asked).toHaveLength(1)
    expect(prober.isComplete()).toBe(true)
    expect(prober.overdueMs()).toBe(0)
  })

  it('takes a new refresh rate and keeps the result', async () => {
    const { prober, asked } = aProber((_, nth) => (nth === 0 ? GOOD : never()))
    prober.follow([aKnownService()])
    await pass(500)
    const before = prober.describe(aKnownService())

    prober.follow([aKnownService({ periodSeconds: 1 })])
    await pass(999)

    expect(prober.describe(aKnownService())).toEqual(before)
    expect(before.targets).toHaveLength(1)
    expect(asked.length).toBeGreaterThanOrEqual(2)
  })
})

describe('a service whose pace changes with each pod that comes or goes', () => {
  const service = (pods: number) =>
    aKnownService({
      targets: Array.from({ length: pods }, (_, i) => aKnownTarget({ id: `web-${i}` })),
    })

  async function flip({ prober }: { prober: Prober }, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      prober.follow([service(i % 2 === 0 ? 1001 : 1000)])
      // oxlint-disable-next-line no-await-in-loop -- a pod a second
      await pass(1000)
    }
  }

  it('has its pods asked no more often for it', async () => {
    const town = aProber(() => GOOD, { concurrency: 5000 })
    town.prober.follow([service(1000)])
    await pass(PERIOD_MS)
    const before = town.asked.length

    await flip(town, 20)

    expect(town.asked.length - before).toBeLessThanOrEqual(3500)
    expect(town.prober.describe(service(1000))).not.toHaveProperty('overdueSince')
  })

  it('has each answer heard that was under way', async () => {
    const town = aProber(() => after(1500, BAD), { concurrency: 5000 })
    town.prober.follow([service(1000)])
    await pass(500)

    await flip(town, 4)

    expect(town.prober.describe(service(1000)).targets).toHaveLength(1000)
  })
})

describe('a thousand new targets', () => {
  it('are asked in batches, all within a quarter of a second', async () => {
    const { prober, asked } = aProber(() => GOOD, { concurrency: 5000 })
    const targets = Array.from({ length: 1000 }, (_, i) => aKnownTarget({ id: `web-${i}` }))

    prober.follow([aKnownService({ targets })])
    await pass(0)
    const atOnce = asked.length
    await pass(250)

    expect(atOnce).toBe(32)
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1000)
  })
})

describe('a stuck prober', () => {
  it('stays overdue however often a refresh rate is edited', async () => {
    const { prober } = aProber((_, nth) => (nth === 0 ? GOOD : never()))
    prober.follow([aKnownService()])
    await pass(2 * DUE_MS)

    for (const periodSeconds of [5, 10, 5, 10]) prober.follow([aKnownService({ periodSeconds })])

    expect(prober.overdueMs()).toBeGreaterThan(0)
  })
})

describe('another try', () => {
  it('follows a failed connection, twice at most, a cooldown apart', async () => {
    const { prober, asked } = aProber(() => REFUSED)

    prober.follow([aKnownService({ periodSeconds: 3600 })])
    await pass(10_000)

    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000])
  })

  it('ends with the first answer', async () => {
    const { prober, asked } = aProber((_, nth) => (nth === 1 ? GOOD : REFUSED))

    prober.follow([aKnownService({ periodSeconds: 3600 })])
    await pass(10_000)

    expect(asked.map(({ atMs }) => atMs)).toEqual([0, 1000])
    expect(prober.describe(aKnownService()).targets).toMatchObject([{ ok: true }])
  })

  it.each([
    ['after a time limit', TOO_LATE],
    ['after an answer that is bad', BAD],
    ['when nothing was learned', null],
  ])('is not made %s', async (_, probed) => {
    const { prober, asked } = aProber(() => probed)

    prober.follow([aKnownService({ periodSeconds: 3600 })])
    await pass(PERIOD_MS - 1)

    expect(asked).toHaveLength(1)
  })

  it('is not made where none is allowed', async () => {
    const { prober, asked } = aProber(() => REFUSED, { maxAttempts: 0 })

    prober.follow([aKnownService({ periodSeconds: 3600 })])
    await pass(10_000)

    expect(asked).toHaveLength(1)
  })

  it('leaves its place to others while it cools down', async () => {
    const answer: Answer = (id) => (id === 'a' ? REFUSED : after(100, GOOD))
    const { prober, asked } = aProber(answer, { concurrency: 1 })

    prober.follow([
      aKnownService({
        periodSeconds: 3600,
        targets: ['a', 'b', 'c'].map((id) => aKnownTarget({ id })),
      }),
    ])
    await pass(5000)

    expect(asked).toEqual([
      { id: 'a', atMs: 0 },
      { id: 'b', atMs: 0 },
      { id: 'c', atMs: 100 },
      { id: 'a', atMs: 1000 },
      { id: 'a', atMs: 2000 },
    ])
  })

  it('is not made of a target that vanished meanwhile', async () => {
    const { prober, asked, turns } = aProber(() => REFUSED)
    prober.follow([aKnownService()])
    await pass(500)

    prober.follow([])
    await pass(10_000)

    expect(asked).toHaveLength(1)
    expect(turns).toEqual([])
  })

  it('is not made of a target that vanished in the queue', async () => {
    const answer: Answer = (id) => (id === 'a' ? REFUSED : after(5000, GOOD))
    const { prober, asked } = aProber(answer, { concurrency: 1 })
    const [a, b] = ['a', 'b'].map((id) =>
      aKnownService({ name: id, periodSeconds: 3600, targets: [aKnownTarget({ id })] }),
    )
    prober.follow([a, b].filter((service) => service !== undefined))
    await pass(3000)

    prober.follow([b].filter((service) => service !== undefined))
    await pass(10_000)

    expect(asked.map(({ id }) => id)).toEqual(['a', 'b'])
  })
})

describe('concurrency', () => {
  it('is never above its bound, and reaches it', async () => {
    let now = 0
    let most = 0
    const answer = async (id: string) => {
      most = Math.max(most, ++now)
      await after(id === 'web-0' ? 1000 : 100, null)
      now -= 1
      return GOOD
    }
    const { prober, asked } = aProber(answer, { concurrency: 4 })
    const services = Array.from({ length: 50 }, (_, i) =>
      aKnownService({
        name: `web-${i}`,
        namespace: `team-${i}`,
        periodSeconds: 1,
        targets: [aKnownTarget({ id: `web-${i}` })],
      }),
    )

    prober.follow(services)
    await pass(5000)

    expect(most).toBe(4)
    expect(new Set(asked.map(({ id }) => id)).size).toBe(50)
    expect(prober.isComplete()).toBe(true)
  })
})

describe('targets that hang', () => {
  const other = aKnownService({
    name: 'other',
    namespace: 'other',
    targets: Array.from({ length: 50 }, (_, i) => aKnownTarget({ id: `other-${i}` })),
  })
  const crowd = (count: number, given: Partial<ReturnType<typeof aKnownService>> = {}) =>
    aKnownService({
      name: 'crowd',
      namespace: 'crowd',
      ...given,
      targets: Array.from({ length: count }, (_, i) =>
        aKnownTarget({ id: `${given.name ?? 'crowd'}-${i}` }),
      ),
    })
  const SPREAD = Array.from({ length: 50 }, (_, i) =>
    crowd(40, { name: `c${i}`, namespace: `n${i}` }),
  )
  const SIBLINGS = Array.from({ length: 20 }, (_, i) => crowd(100, { name: `c${i}` }))

  it.each([
    ['2,000 that never answered', [crowd(2000)], 10_000, 0],
    ['1,200 that take nearly as long as they may', [crowd(1200)], 9000, 0],
    ['2,000 in Services of one namespace', SIBLINGS, 10_000, 0],
    ['2,000 in 50 namespaces', SPREAD, 10_000, 0],
    ['800 that were well before', [crowd(800)], 10_000, 20_000],
    ['2,000 in 50 namespaces that were well before', SPREAD, 10_000, 20_000],
  ])('make no other service late: %s', async (_, services, answerMs, fromMs) => {
    const late = { ...TOO_LATE, ok: answerMs < 10_000 }
    const { prober, asked } = aProber(
      (id) => (id.startsWith('other') || performance.now() < fromMs ? GOOD : after(answerMs, late)),
      { concurrency: 128, timeoutMs: 10_000 },
    )
    prober.follow([...services, other])

    await pass(120_000)

    for (const { id } of other.targets) {
      const [, ...gaps] = gapsOf(asked.filter((one) => one.id === id))
      expect(gaps.length).toBeGreaterThanOrEqual(9)
      for (const gap of gaps) expect(Math.abs(gap - PERIOD_MS)).toBeLessThanOrEqual(1000)
    }
  })

  it('are asked again all the same, in turn', async () => {
    const { prober, asked } = aProber(() => after(2000, TOO_LATE), { concurrency: 10 })
    prober.follow([crowd(40)])

    await pass(100_000)

    const counts = crowd(40).targets.map(({ id }) => asked.filter((one) => one.id === id).length)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(4)
  })

  it('keep a round that somebody asks for from no other target', async () => {
    const { prober, asked } = aProber(
      (id) => (id.startsWith('other') ? GOOD : after(10_000, TOO_LATE)),
      { concurrency: 8, timeoutMs: 10_000 },
    )
    prober.follow([crowd(100), other])
    await pass(60_000)
    const before = asked.length

    const round = prober.askNow(undefined, 2000)
    await pass(2000)
    await round

    const since = new Set(asked.slice(before).map(({ id }) => id))
    expect(other.targets.every(({ id }) => since.has(id))).toBe(true)
  })

  it('end the first look when they are overdue, not when all were asked', async () => {
    const { prober } = aProber((id) => (id.startsWith('other') ? GOOD : never()), {
      concurrency: 128,
      timeoutMs: 10_000,
    })
    prober.follow([crowd(2000), other])

    await pass(22_000)
    const before = prober.isComplete()
    await pass(1)

    expect([before, prober.isComplete()]).toEqual([false, true])
  })
})

describe('being behind', () => {
  it.each([
    ['when it is due', DUE_MS, 0],
    ['a millisecond later', DUE_MS + 1, 1],
    ['an hour later', DUE_MS + 3_600_000, 3_600_000],
  ])('is told of a prober that is stuck: %s', async (_, passedMs, overdueMs) => {
    const { prober } = aProber(never)
    prober.follow([aKnownService()])

    await pass(passedMs)

    expect(prober.overdueMs()).toBe(overdueMs)
  })

  it('is told of the target that is most so', async () => {
    const { prober } = aProber((id) => (id === 'stuck' ? never() : GOOD))
    prober.follow([aKnownService({ targets: ['fine', 'stuck'].map((id) => aKnownTarget({ id })) })])

    await pass(DUE_MS + 5000)

    expect(prober.overdueMs()).toBe(5000)
  })

  it('is never told while answers come, however late within their time', async () => {
    const { prober } = aProber(() => after(TIMEOUT_MS - 1, GOOD))
    prober.follow([aKnownService()])
    const seen: number[] = []

    for (let i = 0; i < 60; i++) {
      // oxlint-disable-next-line no-await-in-loop -- each step looks at what the one before left
      await pass(1000)
      seen.push(prober.overdueMs())
    }

    expect(Math.max(...seen)).toBe(0)
  })

  it('grows while nothing is learned, and the result stands', async () => {
    const { prober, changes } = aProber((_, nth) => (nth === 0 ? GOOD : null))
    prober.follow([aKnownService()])
    await pass(0)
    const before = prober.describe(aKnownService())

    await pass(DUE_MS + 7000)

    expect(prober.overdueMs()).toBe(7000)
    expect(prober.describe(aKnownService())).toEqual({
      ...before,
      overdueSince: 1_700_000_000_000 + DUE_MS,
      periodSeconds: (DUE_MS + 7000) / 1000,
    })
    expect(changes).toEqual(['verdict'])
  })

  it('ends with the next result', async () => {
    const { prober } = aProber((_, nth) => (nth < 3 ? null : GOOD))
    prober.follow([aKnownService()])
    await pass(DUE_MS + 1000)
    const before = prober.overdueMs()

    await pass(2 * PERIOD_MS)

    expect(before).toBeGreaterThan(0)
    expect(prober.overdueMs()).toBe(0)
  })
})

describe('a service that is overdue', () => {
  const services = [
    aKnownService({
      name: 'web',
      targets: [aKnownTarget({ id: 'stuck' }), aKnownTarget({ id: 'b' })],
    }),
    aKnownService({ name: 'shop', targets: [aKnownTarget({ id: 'shop' })] }),
  ]
  const overdueOf = (prober: Prober) =>
    services.map((service) => prober.describe(service).overdueSince ?? null)

  it('says since when, and no other one does', async () => {
    const { prober } = aProber((id, nth) => (id === 'stuck' && nth > 0 ? never() : GOOD))
    prober.follow(services)
    await pass(DUE_MS)
    const before = overdueOf(prober)
    await pass(PERIOD_MS)

    const first = overdueOf(prober)
    await pass(3 * PERIOD_MS)

    expect(before).toEqual([null, null])
    expect(first).toEqual([1_700_000_000_000 + DUE_MS, null])
    expect(overdueOf(prober)).toEqual(first)
  })

  it.each<[string, NonNullable<Probed>, boolean]>([
    ['is good', GOOD, true],
    ['is starting', { ...BAD, starting: true }, true],
    ['fails', BAD, false],
    ['gave no answer', TOO_LATE, false],
  ])('is so where the old result may be too good: it %s', async (_, outcome, expected) => {
    const { prober } = aProber((id, nth) => (id === 'stuck' && nth > 0 ? never() : outcome))
    prober.follow(services)

    await pass(2 * DUE_MS)

    expect(overdueOf(prober)[0] !== null).toBe(expected)
  })

  it('is so without any result', async () => {
    const { prober } = aProber((id) => (id === 'stuck' ? never() : GOOD))
    prober.follow(services.map((service) => ({ ...service, periodSeconds: 600 })))

    await pass(DUE_MS + 1)

    expect(overdueOf(prober)).toEqual([1_700_000_000_000 + DUE_MS, null])
  })

  it.each([
    ['at once where the edge may take it as failing', 60_000, ['verdict']],
    ['with the next report where it was late for a moment', 15_000, []],
  ])('tells that it is no more: %s', async (_, overdueMs, told) => {
    const { promise, resolve } = Promise.withResolvers<Probed>()
    const { prober, changes } = aProber((id, nth) => (id === 'stuck' && nth === 1 ? promise : GOOD))
    prober.follow(services)
    await pass(DUE_MS + overdueMs)
    changes.length = 0

    resolve(GOOD)
    await pass(0)

    expect(changes).toEqual(told)
    expect(overdueOf(prober)).toEqual([null, null])
  })

  it('leaves the prober no more than behind while others are asked', async () => {
    const { prober } = aProber((id, nth) => (id === 'stuck' && nth > 0 ? never() : GOOD))
    prober.follow(services)

    await pass(5 * DUE_MS)

    expect(prober.overdueMs()).toBeGreaterThan(DUE_MS)
    expect(prober.stuckMs()).toBeLessThanOrEqual(PERIOD_MS)
  })

  it('is a stuck prober where no pod is asked any more', async () => {
    const { prober } = aProber((_, nth) => (nth > 0 ? never() : GOOD))
    prober.follow([...services, aKnownService({ name: 'empty', targets: [] })])

    await pass(DUE_MS + 5000)

    expect(prober.stuckMs()).toBe(5000)
  })
})

describe('a service with more pods than can be asked in time', () => {
  const targets = Array.from({ length: 2000 }, (_, i) => aKnownTarget({ id: `web-${i}` }))

  it('has all of them asked in rotation, says so, and is not overdue', async () => {
    const { prober, asked } = aProber(() => GOOD, { concurrency: 128 })
    const service = aKnownService({ targets })
    prober.follow([service])

    await pass(60_000)

    const counts = Map.groupBy(asked, ({ id }) => id)
    expect(counts.size).toBe(2000)
    expect(Math.max(...[...counts.values()].map((of) => of.length))).toBe(4)
    expect(prober.describe(service)).not.toHaveProperty('overdueSince')
    expect(prober.describe(service).periodSeconds).toBe(20)
    expect(prober.warnings()).toEqual([
      {
        subject: 'Service web',
        message:
          'its 2000 pods are probed every 20 s instead of every 10 s: a Service has 100 probes a second at most',
      },
    ])
  })
})

describe('the way to a pod that is gone', () => {
  it('is blindness once something is overdue for it, and ends with an answer', async () => {
    const { prober } = aProber((_, nth) => (nth > 0 && nth < 5 ? null : GOOD))
    prober.follow([aKnownService()])
    await pass(DUE_MS - 1)
    const before = prober.isBlind()

    await pass(PERIOD_MS)
    const during = prober.isBlind()
    await pass(4 * PERIOD_MS)

    expect([before, during, prober.isBlind()]).toEqual([false, true, false])
  })

  it.each([
    ['half of the targets', 2, true],
    ['fewer than half', 1, false],
  ])('is blindness when it is gone for %s', async (_, unseen, expected) => {
    const { prober } = aProber((id, nth) => (nth > 0 && Number(id) < unseen ? null : GOOD))
    const targets = ['0', '1', '2', '3'].map((id) => aKnownTarget({ id }))
    prober.follow([aKnownService({ targets })])

    await pass(2 * DUE_MS)

    expect(prober.isBlind()).toBe(expected)
    expect(prober.overdueTargets()).toHaveLength(unseen)
  })

  it('is not what a prober that is stuck suffers from', async () => {
    const { prober } = aProber((_, nth) => (nth === 0 ? GOOD : never()))
    prober.follow([aKnownService()])

    await pass(5 * DUE_MS)

    expect(prober.isBlind()).toBe(false)
    expect(prober.overdueMs()).toBeGreaterThan(PERIOD_MS)
  })
})

describe('the way to all pods, once it is back', () => {
  it('is blindness until every target was tried, so that no old result ends the hold', async () => {
    const isOpen = () => performance.now() > 75_000
    // One hangs behind the API server: its timeout is a result, too.
    const { prober } = aProber((id) =>
      isOpen() ? (id === '3' ? after(1900, TOO_LATE) : GOOD) : null,
    )
    const targets = ['0', '1', '2', '3'].map((id) => aKnownTarget({ id }))
    prober.follow([aKnownService({ targets })])
    const seen: boolean[] = []

    for (let atMs = 0; atMs < 75_000 + DUE_MS; atMs += 100) {
      await pass(100)
      if (!prober.isBlind()) seen.push(prober.overdueMs() === 0)
    }

    expect(seen.length).toBeGreaterThan(0)
    expect(seen.every((isFresh) => isFresh)).toBe(true)
  })
})

describe('a probe that learns nothing', () => {
  const slow = { name: 'slow', periodSeconds: 600 }

  it('is repeated after an interval, also where the service is asked rarely', async () => {
    const { prober, asked } = aProber((_, nth) => (nth === 2 ? null : GOOD))
    prober.follow([aKnownService(slow)])
    let mostMs = 0

    for (let s = 0; s < 1800; s += 5) {
      await pass(5000)
      mostMs = Math.max(mostMs, prober.overdueMs())
    }

    expect(gapsOf(asked).filter((gap) => Math.abs(gap - PERIOD_MS) < 100)).toHaveLength(1)
    expect(mostMs).toBeLessThan(PERIOD_MS)
  })

  it('keeps nothing blind once the way is back', async () => {
    let isAway = false
    const { prober } = aProber(() => (isAway ? null : GOOD))
    prober.follow([aKnownService({ name: 'fast' }), aKnownService(slow)])
    await pass(600_000)

    isAway = true
    for (let s = 0; s < 700; s++) {
      await pass(1000)
      prober.isBlind()
    }
    isAway = false
    await pass(PERIOD_MS + 1000)

    expect([prober.isBlind(), prober.overdueMs()]).toEqual([false, 0])
  })

  it('is not repeated at once when its pod has just become ready', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs: 1_700_000_000_000 })
    const { prober, asked } = aProber((_, nth) => (nth === 0 ? BAD : null), { readPodStart })
    prober.follow([aKnownService({ targets: [aKnownTarget({ ready: false })] })])
    await pass(1)

    prober.follow([aKnownService({ targets: [aKnownTarget({ ready: true })] })])
    await pass(PERIOD_MS - 1)

    expect(asked.length).toBeLessThanOrEqual(3)
  })
})

describe('a target that is not ready and fails', () => {
  const waiting = aKnownTarget({ ready: false })
  const following = (target = waiting) => [aKnownService({ targets: [target] })]
  const startedAtMs = 1_700_000_000_000

  function stageOf(prober: Prober) {
    const [target] = prober.describe(aKnownService()).targets ?? []
    return [target?.ok, target?.starting]
  }

  it.each<[string, PodStart, boolean | undefined]>([
    ['its pod has never been ready', { startedAtMs }, true],
    ['its pod has been ready', 'has-been-ready', undefined],
    ['its pod could not be read', 'unread', undefined],
  ])('is starting or counts: %s', async (_, start, expected) => {
    const { prober } = aProber(() => BAD, { readPodStart: () => Promise.resolve(start) })

    prober.follow(following())
    await pass(0)

    expect(stageOf(prober)).toEqual([false, expected])
  })

  it('counts once the deadline is over', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober } = aProber(() => BAD, { readPodStart, startingDeadlineMs: 60_000 })
    prober.follow(following())
    await pass(59_000)
    const before = stageOf(prober)

    await pass(1000 + PERIOD_MS)

    expect([before, stageOf(prober)]).toEqual([
      [false, true],
      [false, undefined],
    ])
  })

  it('counts from the deadline on, however rarely its service is asked', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober, changes } = aProber(() => BAD, { readPodStart, startingDeadlineMs: 300_000 })
    prober.follow([aKnownService({ periodSeconds: 600, targets: [waiting] })])
    await pass(299_000)
    const before = stageOf(prober)

    await pass(1001)

    expect([before, stageOf(prober)]).toEqual([
      [false, true],
      [false, undefined],
    ])
    expect(changes).toEqual(['verdict', 'verdict'])
  })

  it('is asked again when its pod becomes ready that could not be read', async () => {
    const { prober } = aProber((_, nth) => (nth === 0 ? BAD : GOOD))
    prober.follow([aKnownService({ periodSeconds: 600, targets: [waiting] })])
    await pass(1)
    const before = stageOf(prober)

    prober.follow([aKnownService({ periodSeconds: 600, targets: [aKnownTarget()] })])
    await pass(0)

    expect([before, stageOf(prober)]).toEqual([
      [false, undefined],
      [true, undefined],
    ])
  })

  it('has its pod read again after an interval when that failed', async () => {
    const starts: PodStart[] = ['unread', { startedAtMs }]
    const readPodStart = () => Promise.resolve(starts.shift() ?? 'unread')
    const { prober } = aProber(() => BAD, { readPodStart })
    prober.follow([aKnownService({ periodSeconds: 600, targets: [waiting] })])

    await pass(PERIOD_MS + 1)

    expect(stageOf(prober)).toEqual([false, true])
  })

  it('gets no longer where the clock of its node is ahead', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs: startedAtMs + 3_600_000 })
    const { prober } = aProber(() => BAD, { readPodStart, startingDeadlineMs: 60_000 })

    prober.follow(following())
    await pass(60_000 + PERIOD_MS)

    expect(stageOf(prober)).toEqual([false, undefined])
  })

  it('has its pod read once, and not at all while it is ready or ok', async () => {
    const read: string[] = []
    const readPodStart = ({ id }: { id: string }) => {
      read.push(id)
      return Promise.resolve<PodStart>('has-been-ready')
    }
    const { prober } = aProber((id) => (id === 'good' ? GOOD : BAD), { readPodStart })
    const targets = [
      aKnownTarget({ id: 'good', ready: false }),
      aKnownTarget({ id: 'ready' }),
      aKnownTarget({ id: 'leaving', terminating: true }),
      aKnownTarget({ id: 'waiting', ready: false }),
    ]

    prober.follow([aKnownService({ targets })])
    await pass(5 * PERIOD_MS)

    expect(read).toEqual(['waiting'])
  })

  it('is asked again at once when its pod becomes ready', async () => {
    let isUp = false
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober, turns } = aProber(() => (isUp ? GOOD : BAD), { readPodStart })
    prober.follow(following())
    await pass(1)

    isUp = true
    prober.follow(following(aKnownTarget({ ready: true })))
    await pass(0)

    expect(stageOf(prober)).toEqual([true, undefined])
    expect(turns).toEqual(['web/web-1 bad: database', 'web/web-1 good'])
  })

  it('is asked anew when the answer is from before its pod became ready', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober, turns } = aProber((_, nth) => (nth === 0 ? after(500, BAD) : GOOD), {
      readPodStart,
    })
    prober.follow(following())
    await pass(100)

    prober.follow(following(aKnownTarget({ ready: true })))
    await pass(500)

    expect([stageOf(prober), turns]).toEqual([[true, undefined], []])
  })

  it('is asked again when its Pod says that it is ready by now', async () => {
    const readPodStart = () => Promise.resolve<PodStart>('ready')
    const { prober, turns } = aProber((_, nth) => (nth === 0 ? BAD : GOOD), { readPodStart })

    prober.follow(following())
    await pass(0)

    expect([stageOf(prober), turns]).toEqual([[true, undefined], []])
  })

  it('is not told of until it was asked again, once its pod is ready', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober } = aProber((_, nth) => (nth === 0 ? BAD : after(900, GOOD)), { readPodStart })
    prober.follow(following())
    await pass(1)

    prober.follow(following(aKnownTarget({ ready: true })))
    const meanwhile = prober.describe(aKnownService()).targets
    await pass(900)

    expect([meanwhile, stageOf(prober)]).toEqual([null, [true, undefined]])
  })

  it('counts at once when it was ready since it is known', async () => {
    const readPodStart = () => Promise.resolve({ startedAtMs })
    const { prober } = aProber((_, nth) => (nth === 1 ? GOOD : BAD), { readPodStart })
    prober.follow(following())
    await pass(1)
    prober.follow(following(aKnownTarget({ ready: true })))
    await pass(1)

    prober.follow(following())
    await pass(PERIOD_MS)

    expect(stageOf(prober)).toEqual([false, undefined])
  })

  it('is another one when its pod was made anew under the same name', async () => {
    const { prober } = aProber(() => BAD, { readPodStart: () => Promise.resolve({ startedAtMs }) })
    prober.follow(following(aKnownTarget({ uid: 'first' })))
    await pass(1)

    prober.follow(following(aKnownTarget({ uid: 'second', ready: false })))
    await pass(0)

    expect(stageOf(prober)).toEqual([false, true])
  })
})

describe('a service without pods', () => {
  const without = (desired: number | null, isDaemon = false) =>
    aKnownService({ targets: [], desired, isDaemon })
  const stateOf = (prober: Prober, desired: number | null) => {
    const { targets, starting } = prober.describe(without(desired))
    return [targets, starting]
  }

  it.each([[2], [null]])('is starting for a while, with %s desired', async (desired) => {
    const { prober, changes } = aProber(() => GOOD, { startingDeadlineMs: 60_000 })
    prober.follow([without(desired)])
    await pass(50_000)
    const before = stateOf(prober, desired)

    await pass(10_000 + PERIOD_MS)

    expect(before).toEqual([[], true])
    expect(stateOf(prober, desired)).toEqual([[], undefined])
    expect(changes).toEqual(['verdict', 'verdict'])
  })

  it('is starting no longer for being a daemon that no node wants', async () => {
    const { prober } = aProber(() => GOOD, { startingDeadlineMs: 60_000 })

    prober.follow([without(0, true)])
    await pass(60_000 + PERIOD_MS)

    expect(prober.describe(without(0, true)).starting).toBeUndefined()
  })

  it('is starting from when it was scaled up, not from when it had none', async () => {
    const { prober } = aProber(() => GOOD, { startingDeadlineMs: 60_000 })
    prober.follow([without(0)])
    await pass(3_600_000)

    prober.follow([without(1)])
    await pass(50_000)
    const before = stateOf(prober, 1)
    await pass(10_000 + PERIOD_MS)

    expect(before).toEqual([[], true])
    expect(stateOf(prober, 1)).toEqual([[], undefined])
  })

  it('has a pod asked at once when there is one', async () => {
    const { prober, asked } = aProber()
    prober.follow([])
    prober.follow([without(1)])
    await pass(500)

    prober.follow([aKnownService()])
    await pass(0)

    expect(asked.map(({ atMs }) => atMs)).toEqual([500])
  })
})

describe('what is known of a service', () => {
  it('is nothing before it is followed', () => {
    const { prober } = aProber()

    const described = prober.describe(aKnownService())

    expect(described.targets).toBeNull()
  })

  it('has no targets until the first result', async () => {
    const { prober } = aProber((id) => (id === 'a' ? after(100, GOOD) : never()))
    const service = aKnownService({ targets: ['a', 'b'].map((id) => aKnownTarget({ id })) })
    prober.follow([service])

    await pass(99)
    const before = prober.describe(service)
    await pass(1)
    const behind = prober.describe(service)

    expect(before.targets).toBeNull()
    expect(behind.targets).toMatchObject([{ id: 'a', ok: true, checkedAt: 1_700_000_000_100 }])
    expect(prober.isComplete()).toBe(false)
  })

  it('is an empty list where there is nobody to ask', async () => {
    const { prober, asked } = aProber()
    const service = aKnownService({ targets: [] })
    prober.follow([service])

    await pass(0)

    expect(prober.describe(service).targets).toEqual([])
    expect(prober.isComplete()).toBe(true)
    expect(asked).toEqual([])
  })

  it('holds what the last answer of each target said', async () => {
    const { prober } = aProber((id) => (id === 'a' ? BAD : REFUSED), { maxAttempts: 0 })
    const targets = [aKnownTarget({ id: 'a', ready: false }), aKnownTarget({ id: 'b', node: null })]
    const service = aKnownService({ targets, desired: undefined, panicGuide: 'call Ann' })
    prober.follow([service])

    await pass(0)

    expect(prober.describe(service)).toEqual({
      name: 'web',
      isResilient: true,
      isDaemon: false,
      panicGuide: 'call Ann',
      targets: [
        {
          id: 'a',
          node: 'node-1',
          ready: false,
          ok: false,
          answered: true,
          checkedAt: 1_700_000_000_000,
          checks: BAD.checks,
        },
        {
          id: 'b',
          ready: true,
          ok: false,
          answered: false,
          reason: 'refused',
          checkedAt: 1_700_000_000_000,
          checks: [],
        },
      ],
    })
  })

  it('warns of pods whose JSON says nothing, or a word that is not known', async () => {
    const says: Record<string, string> = { a: 'answer JSON', b: 'answer JSON', d: 'say "x"' }
    const { prober } = aProber((id) => {
      const warning = says[id]
      return warning === undefined ? GOOD : { ...GOOD, warning }
    })
    const targets = ['a', 'b', 'c', 'd'].map((id) => aKnownTarget({ id }))
    prober.follow([aKnownService({ targets })])

    await pass(0)

    expect(prober.warnings()).toEqual([
      { subject: 'Service web', message: '2 of its pods answer JSON: taken as available' },
      { subject: 'Service web', message: '1 of its pods say "x": taken as available' },
    ])
  })

  it('warns of three kinds of a service at most', async () => {
    const { prober } = aProber((id) => ({ ...GOOD, warning: `say "${id}"` }))
    const targets = ['a', 'b', 'c', 'd'].map((id) => aKnownTarget({ id }))
    prober.follow([aKnownService({ targets })])

    await pass(0)

    expect(prober.warnings()).toHaveLength(3)
  })
})

describe('streaks', () => {
  it('count the failed checks of failing services alone', async () => {
    const { prober } = aProber((id) => (id === 'bad' ? BAD : GOOD))
    prober.follow([
      aKnownService({ name: 'web', targets: [aKnownTarget({ id: 'good' })] }),
      aKnownService({ name: 'shop', targets: [aKnownTarget({ id: 'bad' })] }),
    ])

    await pass(0)
    const first = prober.streaks()
    await pass(2 * PERIOD_MS)

    expect(first).toEqual({ shop: 1 })
    expect(prober.streaks()).toEqual({ shop: 3 })
  })

  it('count one failure a round, however many pods fail', async () => {
    const { prober } = aProber(() => BAD)
    const targets = ['a', 'b', 'c'].map((id) => aKnownTarget({ id }))

    prober.follow([aKnownService({ targets })])
    await pass(2 * PERIOD_MS)

    expect(prober.streaks()).toEqual({ web: 3 })
  })

  it('count one failure a period for a service without pods', async () => {
    const { prober } = aProber()

    prober.follow([aKnownService({ targets: [] })])
    await pass(2 * PERIOD_MS)

    expect(prober.streaks()).toEqual({ web: 3 })
  })

  it.each([
    ['none of zero desired', { desired: 0 }, {}],
    ['one of unknown desired', { desired: null }, { web: 1 }],
    ['a daemon of zero desired', { desired: 0, isDaemon: true }, { web: 1 }],
  ])('judge a service without pods as the edge does: %s', async (_, given, expected) => {
    const { prober } = aProber()

    prober.follow([aKnownService({ ...given, targets: [] })])
    await pass(0)

    expect(prober.streaks()).toEqual(expected)
  })

  it('end with one good answer', async () => {
    const { prober } = aProber((_, nth) => (nth === 1 ? GOOD : BAD))
    prober.follow([aKnownService()])
    await pass(0)

    await pass(PERIOD_MS)
    const then = prober.streaks()
    await pass(PERIOD_MS)

    expect(then).toEqual({})
    expect(prober.streaks()).toEqual({ web: 1 })
  })

  it('say nothing of a service whose bad pod is gone', async () => {
    const { prober } = aProber((id) => (id === 'bad' ? BAD : GOOD))
    const [good, bad] = [aKnownTarget({ id: 'good' }), aKnownTarget({ id: 'bad' })]
    prober.follow([aKnownService({ targets: [good, bad] })])
    await pass(0)

    prober.follow([aKnownService({ targets: [good] })])

    expect(prober.streaks()).toEqual({})
  })
})

describe('a change', () => {
  const failing = (given: Partial<PodCheck>) => ({
    ...BAD,
    checks: [aCheck({ ok: false, ...given })],
  })

  it.each<[string, NonNullable<Probed>, NonNullable<Probed>, string[]]>([
    ['nothing', GOOD, GOOD, []],
    ['good to bad', GOOD, BAD, ['verdict']],
    ['bad to good', BAD, GOOD, ['verdict']],
    ['its own word to no answer', { ...GOOD, ok: false }, TOO_LATE, ['verdict']],
    ['another check fails', failing({ id: 'db' }), failing({ id: 'cache' }), ['verdict']],
    ['another severity', failing({ severity: 1 }), failing({ severity: 3 }), ['verdict']],
    ['the output', failing({ checkOutput: '1' }), failing({ checkOutput: '2' }), ['text']],
    ['the reason', TOO_LATE, { ...TOO_LATE, reason: 'reset' }, ['text']],
    ['the warning', GOOD, { ...GOOD, warning: 'say "x"' }, ['text']],
    ['a check that passes', GOOD, { ...GOOD, checks: [aCheck()] }, ['text']],
    [
      'the time of a check',
      failing({ lastUpdated: '10:00' }),
      failing({ lastUpdated: '10:01' }),
      [],
    ],
  ])('is told by what it bears on: %s', async (_, first, second, expected) => {
    const { prober, changes } = aProber((_id, nth) => (nth === 0 ? first : second))
    prober.follow([aKnownService()])
    await pass(0)

    await pass(2 * PERIOD_MS)

    expect(changes).toEqual(['verdict', ...expected])
  })

  it('is told when it is known: the last first result makes the look complete', async () => {
    const seen: boolean[] = []
    const town = aProber(() => GOOD, {
      onChange: () => {
        seen.push(town.prober.isComplete())
      },
    })
    const targets = ['a', 'b', 'c'].map((id) => aKnownTarget({ id }))

    town.prober.follow([aKnownService({ targets })])
    await pass(1)

    expect(seen).toEqual([false, false, true])
  })

  it('is told as a turn of the target, with the reason', async () => {
    const answers = [TOO_LATE, TOO_LATE, GOOD, GOOD, BAD]
    const { prober, turns } = aProber((_, nth) => answers[nth] ?? null)

    prober.follow([aKnownService()])
    await pass(5 * PERIOD_MS)

    expect(turns).toEqual([
      'web/web-1 bad: no answer in 2 s',
      'web/web-1 good',
      'web/web-1 bad: database',
    ])
  })

  it('is no turn when a target is good from the first', async () => {
    const { prober, turns } = aProber()

    prober.follow([aKnownService(), aKnownService({ name: 'shop', targets: [] })])
    await pass(2 * PERIOD_MS)

    expect(turns).toEqual([])
  })
})

describe('a round that somebody asks for', () => {
  const SLOW = 3600
  /** Asked once, and then for an hour only when somebody wants to know. */
  async function aTown(answer?: Answer, given?: Partial<ProberOptions>) {
    const town = aProber(answer, given)
    const services = ['web', 'shop'].map((name) =>
      aKnownService({
        name,
        periodSeconds: SLOW,
        targets: ['1', '2'].map((n) => aKnownTarget({ id: `${name}-${n}` })),
      }),
    )
    town.prober.follow([
      ...services,
      aKnownService({ name: 'empty', periodSeconds: SLOW, targets: [] }),
    ])
    await pass(0)
    const before = town.asked.length
    const since = () => town.asked.slice(before).map(({ id }) => id)
    return { ...town, services, since }
  }

  it.each([
    ['of all', undefined, ['web-1', 'web-2', 'shop-1', 'shop-2']],
    ['of one service', 'shop', ['shop-1', 'shop-2']],
    ['of a service without pods', 'empty', []],
    ['of a service that nobody knows', 'nobody', []],
  ])('asks every target now: %s', async (_, service, expected) => {
    const { prober, since } = await aTown()

    await prober.askNow(service, 8000)

    expect(since()).toEqual(expected)
  })

  it('is over when all have answered, and their news are told', async () => {
    const { prober, changes, services } = await aTown((_, nth) =>
      nth < 1 ? GOOD : after(700, BAD),
    )
    changes.length = 0

    const round = prober.askNow('web', 8000)
    await pass(700)
    await round

    expect(changes).toEqual(['verdict', 'verdict'])
    const [web] = services.map((service) => prober.describe(service))
    expect(web?.targets?.map(({ ok, checkedAt }) => [ok, checkedAt])).toEqual([
      [false, 1_700_000_000_700],
      [false, 1_700_000_000_700],
    ])
  })

  it('leaves the rhythm as it is', async () => {
    const { prober, asked } = aProber()
    prober.follow([aKnownService()])
    await pass(3 * PERIOD_MS)
    const [, , next = 0] = gapsOf(asked)
    const lastMs = asked.at(-1)?.atMs ?? 0

    await pass(4000)
    await prober.askNow(undefined, 8000)
    await pass(PERIOD_MS)

    expect(asked.map(({ atMs }) => atMs)).toContain(lastMs + next)
  })

  it('does not wait for one that hangs longer than it may', async () => {
    const { prober, since } = await aTown((id, nth) =>
      id === 'web-1' && nth === 1 ? after(9000, BAD) : GOOD,
    )

    const round = prober.askNow(undefined, 8000).then(() => performance.now())
    await pass(8000)

    expect(await round).toBe(8000)
    expect(since()).toHaveLength(4)
    await pass(1000)
    expect(prober.streaks()).toMatchObject({ web: 1 }) // it is heard all the same
  })

  it('gives up who was not asked by its end', async () => {
    const { prober, since } = await aTown((_, nth) => (nth === 0 ? GOOD : after(9000, GOOD)), {
      concurrency: 2,
    })

    const round = prober.askNow(undefined, 8000)
    await pass(8000)
    await round
    await pass(60_000)

    expect(since()).toEqual(['web-1'])
  })

  it('leaves in batches, so that the loop stays free for others', async () => {
    const { prober, asked } = aProber(() => GOOD, { concurrency: 5000 })
    const targets = Array.from({ length: 1000 }, (_, i) => aKnownTarget({ id: `web-${i}` }))
    prober.follow([aKnownService({ targets, periodSeconds: SLOW })])
    await pass(1000)
    const since = () => asked.length - 1000

    const round = prober.askNow(undefined, 8000)
    await pass(7)
    const atOnce = since()
    await pass(992)
    await round

    expect([atOnce, since()]).toEqual([16, 1000])
  })

  it('takes half of the places at most', async () => {
    const { prober, since } = await aTown((_, nth) => (nth === 0 ? GOOD : never()), {
      concurrency: 4,
    })

    const round = prober.askNow(undefined, 8000)
    await pass(100)

    expect(since()).toEqual(['web-1', 'web-2'])
    await pass(8000)
    await round
  })

  it('is kept from no other service by those that hang in a round before', async () => {
    const town = await aTown((id, nth) => (nth > 0 && id.startsWith('web') ? never() : GOOD), {
      concurrency: 4,
    })
    const { prober, since } = town

    const all = prober.askNow('web', 100)
    await pass(100)
    await all
    const other = prober.askNow('shop', 100)
    await pass(100)
    await other

    expect(since()).toContain('shop-1')
  })

  it('tries a failed connection again as in any round', async () => {
    const { prober, since, turns } = await aTown((id, nth) =>
      id === 'web-1' && nth === 1 ? REFUSED : GOOD,
    )

    const round = prober.askNow('web', 8000)
    await pass(1000)
    await round

    expect(since()).toEqual(['web-1', 'web-2', 'web-1'])
    expect(turns).toEqual([])
  })

  it('hears the answer of a probe that is under way', async () => {
    const { prober, asked } = aProber(() => after(500, BAD))
    prober.follow([aKnownService({ periodSeconds: SLOW })])
    await pass(100)

    const round = prober.askNow(undefined, 8000)
    await pass(400)
    await round

    expect(asked).toHaveLength(1)
    expect(prober.streaks()).toEqual({ web: 1 })
  })

  it('answers for the probe of the rhythm that comes meanwhile, which counts', async () => {
    const slow = { current: false }
    const { prober, asked } = aProber(() => (slow.current ? after(1000, BAD) : BAD))
    prober.follow([aKnownService()])
    await pass(2 * PERIOD_MS)
    const [, second = 0] = asked.slice(-2).map(({ atMs }) => atMs)
    const before = prober.streaks()
    await pass(second + PERIOD_MS - performance.now() - 100)
    slow.current = true

    const round = prober.askNow(undefined, 8000)
    await pass(1000)
    await round

    expect(asked).toHaveLength(4)
    expect([before, prober.streaks()]).toEqual([{ web: 3 }, { web: 4 }])
  })

  it('counts no failure twice, however often it is asked for', async () => {
    const { prober } = await aTown(() => BAD)
    const before = prober.streaks()

    for (let i = 0; i < 10; i++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await prober.askNow(undefined, 8000)
    }

    expect(before).toEqual({ web: 1, shop: 1, empty: 1 })
    expect(prober.streaks()).toEqual(before)
  })

  it('is nothing once it is stopped', async () => {
    const { prober, since, changes } = await aTown((_, nth) => (nth < 1 ? GOOD : after(500, BAD)))
    changes.length = 0

    const round = prober.askNow(undefined, 8000)
    await pass(100)
    prober.stop()
    await pass(500)
    await round
    await prober.askNow(undefined, 8000)

    expect(since()).toHaveLength(4)
    expect(changes).toEqual([])
  })
})

describe('a target', () => {
  it('is found by its service and its name', () => {
    const { prober } = aProber()
    const target = aKnownTarget({ id: 'web-1', port: 8443 })

    prober.follow([
      aKnownService({ targets: [target] }),
      aKnownService({ name: 'none', targets: [] }),
    ])

    expect(prober.find('web', 'web-1')).toEqual(target)
    expect(prober.find('web', 'web-2')).toBeNull()
    expect(prober.find('shop', 'web-1')).toBeNull()
    expect(prober.find('none', '')).toBeNull()
  })
})
