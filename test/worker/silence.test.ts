/** Clusters that go silent, as probers see them second by second: alone, together, with a witness, held by hand (behaviour, section 6). */
import { env } from 'cloudflare:workers'
import { evictDurableObject } from 'cloudflare:test'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Fleet } from '../../worker/index.ts'
import { aContent, aFailingTarget, aService, aSnapshot } from '../support/a-report.ts'
import { having } from '../support/like.ts'
import { ALONE, WITNESSED } from '../support/secrets.ts'
import { ask, askJson, push, takeCluster } from './edge.ts'
import { alarmOf, judgeAlone, loseStorage, runAlarm } from './object.ts'
import { browse, operate, operateJson, signIn, submit } from './visitors.ts'

let startMs = Date.now() + 10_000_000

/** Each case begins long after the one before, whose clusters are no part of its electorate any more. */
beforeEach(() => {
  startMs += 10_000_000
  vi.useFakeTimers({ toFake: ['Date'], now: startMs })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function at(seconds: number): void {
  vi.setSystemTime(startMs + seconds * 1000)
}

const sequences = new Map<string, number>()

async function report(cluster: string, isWell = true): Promise<void> {
  const sequence = (sequences.get(cluster) ?? 0) + 1
  sequences.set(cluster, sequence)
  const targets = isWell ? aService().targets : [aFailingTarget()]
  const content = aContent({ services: [aService({ targets })] })
  const snapshot = aSnapshot({ cluster, sequence, observedAt: Date.now(), content })
  expect((await push(snapshot)).status).toBe(202)
}

/** Fresh from -40 s on, the last report at 0 s. */
async function fleetOf(count: number): Promise<string[]> {
  return makeFresh(Array.from({ length: count }, takeCluster))
}

async function makeFresh(clusters: string[]): Promise<string[]> {
  for (const seconds of [-40, -30, -20, -10, 0]) {
    at(seconds)
    // One after the other: it is a history.
    // oxlint-disable-next-line no-await-in-loop
    await Promise.all(clusters.map((cluster) => report(cluster)))
  }
  return clusters
}

async function gtg(cluster: string, path = '__gtg'): Promise<string> {
  const response = await ask(`/clusters/${cluster}/${path}?cache=false`)
  const skipped = await operate(`/clusters/${cluster}/${path}?cache=false`, { method: 'GET' })
  expect(skipped.headers.get('x-gtg-reason')).toBeDefined()
  return `${skipped.status} ${skipped.headers.get('x-gtg-reason') ?? response.status}`
}

/** What a prober saw at each of these seconds. */
async function watch(cluster: string, seconds: number[]): Promise<string[]> {
  const seen: string[] = []
  for (const second of seconds) {
    at(second)
    // oxlint-disable-next-line no-await-in-loop
    seen.push(await gtg(cluster))
  }
  return seen
}

/** The same by a prober that asks again and again: a witness is asked behind the answers. */
async function watchClosely(cluster: string, seconds: number[]): Promise<string[]> {
  const seen: string[] = []
  for (const second of seconds) {
    // oxlint-disable-next-line no-await-in-loop
    const answers = await watch(
      cluster,
      [3.3, 2.2, 1.1, 0].map((before) => second - before),
    )
    seen.push(answers.at(-1) ?? '')
  }
  return seen
}

describe('one of two clusters silent', () => {
  it('is late after three intervals and dead at the end of its lease, to the second', async () => {
    const [silent = '', other = ''] = await fleetOf(2)
    for (const second of [10, 20, 30, 40, 50, 60]) {
      at(second)
      // oxlint-disable-next-line no-await-in-loop
      await report(other)
    }

    expect(await watch(silent, [29, 30, 30.001, 60, 60.001, 300])).toEqual([
      '200 healthy',
      '200 healthy',
      '200 late',
      '200 late',
      '503 stale',
      '503 stale',
    ])
  })
})

describe('two of three clusters silent at once', () => {
  async function twoOfThree() {
    const [a = '', b = '', c = ''] = await fleetOf(3)
    const well = async (seconds: number) => {
      at(seconds)
      await report(c)
    }
    for (const second of [10, 20, 30, 40, 50, 60]) {
      // oxlint-disable-next-line no-await-in-loop
      await well(second)
    }
    return { a, b, c, well }
  }

  it('fail nobody over, and neither does the third', async () => {
    const { a, b, c } = await twoOfThree()

    expect(await watch(a, [31, 61, 120])).toEqual(['200 late', '200 held', '200 held'])
    expect(await watch(b, [121])).toEqual(['200 held'])
    expect(await watch(c, [91, 121, 300])).toEqual(['200 late', '200 held', '200 held'])
  })

  it('are held to 15 min at the most', async () => {
    const { a } = await twoOfThree()
    await watch(a, [61])

    expect(await watch(a, [60 + 900, 62 + 900])).toEqual(['200 held', '503 stale'])
  })

  it('have a fresh minute when one of them is back, then are judged alone', async () => {
    const { a, b } = await twoOfThree()
    await watch(a, [61])
    await watch(b, [61])

    at(200)
    await report(b)

    expect(await watch(b, [201])).toEqual(['200 healthy'])
    expect(await watch(a, [202, 260, 261])).toEqual(['200 held', '200 held', '503 stale'])
  })

  it('keep a bad verdict bad, and a switch that somebody throws meanwhile', async () => {
    const { a, b } = await twoOfThree()
    at(61)
    await report(b, false)
    await watch(a, [61])

    await operate(`/clusters/${a}/disable-category?category-name=default`)

    expect(await watch(a, [63])).toEqual(['503 disabled'])
  })

  it('are held too while the fleet’s object is out of reach', async () => {
    const { a } = await twoOfThree()
    vi.spyOn(Fleet.prototype, 'judge').mockRejectedValue(new Error('overloaded'))

    expect(await watch(a, [61, 959, 961])).toEqual(['200 held', '200 held', '503 stale'])
  })

  it('are held on by an object that was evicted, and say so everywhere', async () => {
    const { a } = await twoOfThree()
    await watch(a, [61])
    await evictDurableObject(env.CLUSTER.getByName(a))

    expect(await watch(a, [62])).toEqual(['200 held'])
    const json = await operate(`/clusters/${a}/__gtg?cache=false`, { method: 'GET' })
    const page = await (await browse(`/clusters/${a}/__health`)).text()
    const history = await askJson(`/clusters/${a}/history`)
    expect(await json.json()).toMatchObject({ reason: 'held', heldBy: 'fleet' })
    expect(page).toContain('Most clusters fell silent at once')
    expect(await history.text()).toContain('Most clusters fell silent at once')
    expect(await (await ask('/metrics')).text()).toContain(`,by="fleet"} 1`)
  })
})

describe('a cluster with silence: alone', () => {
  let taken = 0
  const takeAlone = () => ALONE[taken++] ?? ''

  /** The others report on. */
  async function reportUntil(seconds: number, clusters: string[]): Promise<void> {
    for (let second = 10; second <= seconds; second += 10) {
      at(second)
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(clusters.map((cluster) => report(cluster)))
    }
  }

  it('dies at the end of its lease, however many are silent with it', async () => {
    const alone = takeAlone()
    const [b = '', c = ''] = await makeFresh([takeCluster(), takeCluster(), alone])

    expect(await watch(b, [61])).toEqual(['200 held'])
    expect(await watch(alone, [60, 60.001, 300])).toEqual(['200 late', '503 stale', '503 stale'])
    expect(await watch(c, [301])).toEqual(['200 held'])
  })

  it('holds no other cluster by its silence', async () => {
    const [b = '', c = ''] = await makeFresh([takeCluster(), takeCluster(), takeAlone()])
    await reportUntil(60, [c])

    expect(await watch(b, [31, 60, 60.001])).toEqual(['200 late', '200 late', '503 stale'])
  })

  it('keeps no other cluster from being held, though it reports on', async () => {
    const alone = takeAlone()
    const [b = '', c = ''] = await makeFresh([takeCluster(), takeCluster(), alone])
    await reportUntil(60, [alone])

    expect(await watch(b, [61])).toEqual(['200 held'])
    expect(await watch(c, [61])).toEqual(['200 held'])
    expect(await watch(alone, [61])).toEqual(['200 healthy'])
  })

  it('is not held either while the fleet’s object is out of reach', async () => {
    const alone = takeAlone()
    await makeFresh([takeCluster(), takeCluster(), alone])
    vi.spyOn(Fleet.prototype, 'judge').mockRejectedValue(new Error('overloaded'))

    expect(await watch(alone, [61])).toEqual(['503 stale'])
  })
})

describe('a witness', () => {
  let taken = 0

  const ok = () => new Response('well')
  const bad = () => new Response('no', { status: 503 })

  /** What it answers by the cluster that it speaks for; gives the clusters, silent from 0 s on. */
  async function witnessed(
    answers: ((nth: number) => Promise<Response> | Response)[],
    elsewhere: () => Response = ok,
  ): Promise<{ clusters: string[]; asked: string[] }> {
    const clusters = answers.map(() => WITNESSED[taken++] ?? '')
    // None of them goes on waiting for the witness of the case before.
    await Promise.all(WITNESSED.map((id) => evictDurableObject(env.CLUSTER.getByName(id))))
    const asked: string[] = []
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      const answer = answers[clusters.findIndex((cluster) => url.endsWith(`/${cluster}`))]
      if (answer === undefined) return elsewhere()
      asked.push(url)
      expect(init).toMatchObject({ redirect: 'manual' })
      return answer(asked.filter((one) => one === url).length)
    })
    for (const seconds of [-40, -30, -20, -10, 0]) {
      at(seconds)
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(clusters.map((cluster) => report(cluster)))
    }
    return { clusters, asked }
  }

  it('that sees it holds the last verdict, 15 min at most, and is asked from lateness on', async () => {
    const { clusters, asked } = await witnessed([ok])
    const [cluster = ''] = clusters

    expect(await watch(cluster, [25])).toEqual(['200 healthy'])
    expect(asked).toEqual([])
    expect(await watchClosely(cluster, [34, 61, 959, 961])).toEqual([
      '200 late',
      '200 held',
      '200 held',
      '503 stale',
    ])
    expect(asked.length).toBeGreaterThan(0)
  })

  it.each<[string, () => Promise<Response> | Response]>([
    ['says no', bad],
    ['leads elsewhere', () => new Response(null, { status: 302, headers: { location: '/' } })],
    ['says 204', () => new Response(null, { status: 204 })],
    ['can’t be reached', () => Promise.reject(new Error('connection refused'))],
  ])('that %s kills it at the end of its lease', async (_, answer) => {
    const { clusters } = await witnessed([answer])
    const [cluster = ''] = clusters

    expect(await watchClosely(cluster, [34, 59, 60.001, 70])).toEqual([
      '200 late',
      '200 late',
      '503 stale',
      '503 stale',
    ])
  })

  it('that hangs holds it for five seconds more', async () => {
    const { clusters } = await witnessed([() => Promise.withResolvers<Response>().promise])
    const [cluster = ''] = clusters

    expect(await watchClosely(cluster, [59, 61, 64.9, 65.1])).toEqual([
      '200 late',
      '200 held',
      '200 held',
      '503 stale',
    ])
  })

  it('that turns bad ends the hold at once, and one that turns good brings nothing back', async () => {
    const { clusters } = await witnessed([(nth) => (nth < 3 ? ok() : bad())])
    const [cluster = ''] = clusters

    expect(await watchClosely(cluster, [34, 61, 75, 90])).toEqual([
      '200 late',
      '200 held',
      '503 stale',
      '503 stale',
    ])
  })

  it('goes before the others: of two that are really gone nobody is held', async () => {
    const { clusters } = await witnessed([bad, bad, ok])
    const [a = '', b = '', c = ''] = clusters
    at(40)
    await report(c)
    await watchClosely(a, [41])
    at(55)
    await report(c)

    expect(await watchClosely(a, [58, 66])).toEqual(['200 late', '503 stale'])
    expect(await watchClosely(b, [69])).toEqual(['503 stale'])
  })

  it('is not believed when all of them fail at once: the way to them is gone', async () => {
    const { clusters } = await witnessed([bad, bad], bad)
    const [a = '', b = ''] = clusters
    await watchClosely(a, [41])
    await watchClosely(b, [46])

    expect(await watchClosely(a, [61, 300])).toEqual(['200 held', '200 held'])
  })
})

describe('a hold', () => {
  beforeEach(judgeAlone)

  it('keeps the last verdict standing past the lease, until it ends', async () => {
    const [a = ''] = await fleetOf(1)
    const held = await operateJson(`/clusters/${a}/hold`, { for: '10m', why: 'the link is cut' })

    expect(await held.json()).toMatchObject({ ok: true, hold: { why: 'the link is cut' } })
    expect(await watch(a, [61, 600, 600.001])).toEqual(['200 held', '200 held', '503 stale'])
  })

  it('brings a dead cluster’s last verdict back, and is taken back', async () => {
    const [a = ''] = await fleetOf(1)
    expect(await watch(a, [61])).toEqual(['503 stale'])

    await operateJson(`/clusters/${a}/hold`, { for: '1h', why: 'known' })
    expect(await watch(a, [63])).toEqual(['200 held'])
    await operateJson(`/clusters/${a}/hold`, { for: '0' })

    expect(await watch(a, [65])).toEqual(['503 stale'])
  })

  it('outlives the object’s storage', async () => {
    const [a = ''] = await fleetOf(1)
    await operateJson(`/clusters/${a}/hold`, { for: '1h', why: 'known' })
    await runAlarm(a)
    await loseStorage(a)

    expect(await watch(a, [1000])).toEqual(['200 held'])
    expect(await alarmOf(a)).not.toBeNull()
  })

  it('is told in the history, with who and why, and when it ran out', async () => {
    const [a = ''] = await fleetOf(1)
    await operateJson(`/clusters/${a}/hold`, { for: '10m', why: 'known' })
    at(601)
    await runAlarm(a)

    const history = await askJson(`/clusters/${a}/history`)

    const turn = { subject: 'hold', name: '', note: 'known' }
    const { events } = v.parse(v.object({ events: v.array(v.unknown()) }), await history.json())
    const ended = { at: new Date(startMs + 600_000).toISOString(), cause: 'expired', to: null }
    expect(events).toContainEqual(having({ ...turn, ...ended }))
    expect(events).toContainEqual(having({ ...turn, cause: 'hand', to: 'held' }))
  })

  it('is given and ended on the page', async () => {
    const [a = ''] = await fleetOf(1)
    const session = await signIn()

    const done = await submit(`/clusters/${a}/hold`, { for: '1h', why: 'known' }, session)
    const page = await (await browse(`/clusters/${a}/categories`, session)).text()

    expect([done.status, done.headers.get('location')]).toEqual([303, `/clusters/${a}/categories`])
    expect(page).toContain('holds the last verdict until')
    expect(page).toContain('End the hold')
  })

  it.each([
    [{}, 400, 'for: must be a time'],
    [{ for: '25h' }, 400, 'for: must be a time'],
    [{ for: 'long' }, 400, 'for: must be a time'],
    [{ for: 5 }, 400, 'for: must be a time'],
    [{ for: '1h', why: 'x'.repeat(1025) }, 400, 'why: is longer'],
    [{ for: '0' }, 404, 'Nobody holds the last verdict'],
  ])('refuses %j', async (body, status, message) => {
    const [a = ''] = await fleetOf(1)

    const response = await operateJson(`/clusters/${a}/hold`, body)

    expect(response.status).toBe(status)
    expect(await response.text()).toContain(message)
  })

  it('needs a token that may operate, and a cluster that reported', async () => {
    const cluster = takeCluster()
    const init = {
      method: 'POST',
      body: '{"for":"1h"}',
      headers: { 'content-type': 'application/json' },
    }

    expect((await ask(`/clusters/${cluster}/hold`, init)).status).toBe(401)
    expect((await operateJson(`/clusters/${cluster}/hold`, { for: '1h' })).status).toBe(503)
    expect((await operateJson('/clusters/nowhere/hold', { for: '1h' })).status).toBe(404)
  })
})
