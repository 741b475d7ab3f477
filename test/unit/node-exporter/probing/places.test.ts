/** Who gets the next place when thousands wait: by scripted questions that hang or end, and fake timers. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Places, type Applicant, type Speed } from '../../../../node-exporter/probing/places.ts'

const SLOW_MS = 1000

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

type Given = { namespace?: string; speed?: Speed }

/** `started`: the services whose questions got a place, in that order; `end` ends the nth of them, from 0. */
function aHall(places: number) {
  const hall = new Places({ places, slowMs: SLOW_MS })
  const started: string[] = []
  const ends: (() => void)[] = []
  const take = (
    service: string,
    { namespace = service, speed = 'quick' }: Given = {},
    times = 1,
  ) => {
    for (let i = 0; i < times; i++) {
      void hall.take({ service, namespace, speed: () => speed }, () => {
        const { promise, resolve } = Promise.withResolvers<void>()
        started.push(service)
        ends.push(resolve)
        return promise
      })
    }
  }
  const end = async (nth: number) => {
    ends[nth]?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  const count = (service: string) => started.filter((one) => one === service).length
  return { take, end, count, started }
}

describe('a place', () => {
  it('is given at once while there are enough', () => {
    const { take, started } = aHall(4)

    take('web')
    take('shop')

    expect(started).toEqual(['web', 'shop'])
  })

  it('gives what came of the work, or its failure', async () => {
    const hall = new Places({ places: 1, slowMs: SLOW_MS })
    const who: Applicant = { service: 'web', namespace: 'web', speed: () => 'quick' }

    const good = hall.take(who, () => Promise.resolve('answer'))
    const bad = hall.take(who, () => Promise.reject(new Error('broken')))

    await expect(good).resolves.toBe('answer')
    await expect(bad).rejects.toThrow('broken')
    await expect(hall.take(who, () => Promise.resolve('next'))).resolves.toBe('next')
  })

  it.each([
    ['one', 1, 1],
    ['four', 4, 4],
    ['128', 128, 120],
  ])('is never given twice: %s at once', (_, places, most) => {
    const { take, started } = aHall(places)

    for (let i = 0; i < 300; i++) take(`quick-${i}`, {}, 3)
    for (let i = 0; i < 300; i++) take(`slow-${i}`, { speed: 'slow' }, 3)

    expect(started).toHaveLength(most)
  })
})

describe('a service whose targets all hang', () => {
  it.each<[string, Speed, number]>([
    ['that were quick before', 'quick', 64],
    ['that timed out before', 'slow', 64],
    ['that are new', 'unknown', 1],
  ])('leaves places free, of targets %s', (_, speed, most) => {
    const { take, count } = aHall(128)

    take('hanging', { speed }, 2000)
    take('other')
    take('new', { speed: 'slow' })

    expect([count('hanging'), count('other'), count('new')]).toEqual([most, 1, 1])
  })

  it.each<[string, Speed]>([
    ['that were quick before', 'quick'],
    ['that timed out before', 'slow'],
    ['that are new', 'unknown'],
  ])('is one tenant with its whole namespace, of targets %s', (_, speed) => {
    const { take, started, count } = aHall(128)

    for (let i = 0; i < 50; i++) take(`hanging-${i}`, { namespace: 'bad', speed }, 40)
    const taken = started.length
    take('other', {}, 10)

    expect(taken).toBeLessThanOrEqual(96)
    expect(count('other')).toBe(10)
  })

  it('leaves a service of its own namespace its places', () => {
    const { take, count } = aHall(128)

    take('hanging', { namespace: 'team' }, 2000)
    take('other', { namespace: 'team' }, 10)

    expect(count('other')).toBe(10)
  })

  it('leaves a quarter of the places free, in however many namespaces it is', () => {
    const { take, started, count } = aHall(128)

    for (let i = 0; i < 200; i++) take(`hanging-${i}`, { speed: 'slow' }, 10)
    const taken = started.length
    take('other', {}, 10)

    expect(taken).toBe(96)
    expect(count('other')).toBe(10)
  })
})

describe('a service that answered quickly until now', () => {
  it('borrows like the slow ones once an answer stays away', async () => {
    const { take, count } = aHall(64)
    const services = Array.from({ length: 40 }, (_, i) => `hanging-${i}`)
    for (const service of services) take(service)

    await vi.advanceTimersByTimeAsync(SLOW_MS + 1)
    for (const service of services) take(service, {}, 10)
    take('other', {}, 3)

    expect(count('other')).toBe(3)
  })
})

describe('a new service', () => {
  it('has one target asked before the others, and all of them once it answered', async () => {
    const hall = new Places({ places: 128, slowMs: SLOW_MS })
    let speed: Speed = 'unknown'
    let asked = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    for (let i = 0; i < 20; i++) {
      void hall.take({ service: 'web', namespace: 'web', speed: () => speed }, () => {
        asked += 1
        return promise
      })
    }
    const before = asked

    speed = 'quick'
    resolve()
    await vi.advanceTimersByTimeAsync(0)

    expect([before, asked]).toEqual([1, 20])
  })

  it('waits for a place where so many hang already', async () => {
    const { take, started } = aHall(128)
    for (let i = 0; i < 2000; i++) take(`new-${i}`, { speed: 'unknown' })
    for (let s = 0; s < 5; s++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await vi.advanceTimersByTimeAsync(SLOW_MS + 1)
      take(`other-${s}`)
    }

    const others = started.filter((service) => service.startsWith('other')).length
    expect([started.length - others, others]).toEqual([96, 5])
  })
})

describe('who waits', () => {
  it('is served though another lane has more to do than there are places', () => {
    const { take, count } = aHall(128)
    for (let i = 0; i < 300; i++) take(`quick-${i}`, {}, 3)

    take('new', { speed: 'slow' })

    expect(count('new')).toBe(1)
  })

  it('is served in turn, by namespace and by service', async () => {
    const { take, end, started } = aHall(1)
    take('first')
    take('a', { namespace: 'x' }, 2)
    take('b', { namespace: 'x' }, 2)
    take('c', { namespace: 'y' }, 2)

    for (let i = 0; i < 6; i++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await end(i)
    }

    expect(started).toEqual(['first', 'a', 'c', 'b', 'c', 'a', 'b'])
  })

  it('comes before targets that are slow', async () => {
    const { take, end, started } = aHall(1)
    take('first')
    take('slow', { speed: 'slow' })
    take('quick')

    await end(0)
    await end(1)

    expect(started).toEqual(['first', 'quick', 'slow'])
  })
})
