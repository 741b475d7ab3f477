/** One replica over time, by fake timers and a Lease in memory: when it looks and writes, what it tells, how it ends. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { KubeError } from '../../../../node-exporter/discovery/kube-api.ts'
import {
  Candidate,
  type CandidateOptions,
  type LeaderStatus,
} from '../../../../node-exporter/leader/candidate.ts'
import type { SeenLease } from '../../../../node-exporter/leader/elector.ts'
import type { LeaseClaim, Written } from '../../../../node-exporter/leader/lease-store.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { containing } from '../../../support/like.ts'

const [DURATION_MS, RENEW_MS, RETRY_MS] = [15_000, 10_000, 2000]
/** The most that lies between two looks. */
const LOOK_MS = RETRY_MS * 1.2

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true })
  onTestFinished(() => {
    vi.useRealTimers()
  })
})

/** What an API server holds of it. */
class Shelf {
  lease: SeenLease | null = null
  /** Thrown at whoever asks; null: it answers. */
  fault: KubeError | null = null
  /** The same, for whoever writes. */
  writeFault: KubeError | null = null
  readonly asked: { what: string; atMs: number }[] = []
  #version = 0

  put(lease: { holder: string; transitions: number } | null): SeenLease | null {
    this.#version += 1
    const stamp = String(this.#version)
    this.lease = lease && { ...lease, resourceVersion: stamp, renewTime: stamp }
    return this.lease
  }

  read(): Promise<SeenLease | null> {
    this.#note('look')
    return Promise.resolve(this.lease)
  }

  write(claim: LeaseClaim, over: SeenLease | null): Promise<Written> {
    this.#note(claim.holder === '' ? 'release' : 'write')
    if (this.writeFault !== null) throw this.writeFault
    const isLost = over?.resourceVersion !== this.lease?.resourceVersion
    const lease = isLost ? null : this.put(claim)
    return Promise.resolve(lease === null ? { ok: false, reason: 'conflict' } : { ok: true, lease })
  }

  #note(what: string): void {
    this.asked.push({ what, atMs: performance.now() })
    if (this.fault !== null) throw this.fault
  }
}

async function aCandidate(shelf: Shelf, given: Partial<CandidateOptions> = {}) {
  const told: string[] = []
  const statuses: LeaderStatus[] = []
  const { log, lines } = aLog()
  const candidate = new Candidate({
    store: aStore(
      async () => shelf.read(),
      async (claim, over) => shelf.write(claim, over),
    ),
    identity: 'me',
    durationMs: DURATION_MS,
    renewMs: RENEW_MS,
    retryMs: RETRY_MS,
    log,
    onLead: (epoch) => {
      told.push(`leads ${epoch}`)
    },
    onStandDown: () => {
      told.push('stands down')
    },
    onStatus: (status) => {
      statuses.push(status)
    },
    ...given,
  })
  candidate.start()
  onTestFinished(() => candidate.stop())
  await pass(0)
  return { candidate, told, lines, status: () => statuses.at(-1) }
}

function refuse(): Promise<never> {
  return Promise.reject(answering(403))
}

function aStore(
  read: CandidateOptions['store']['read'],
  write: CandidateOptions['store']['write'],
): CandidateOptions['store'] {
  return { read, write, missingRight: null }
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

function answering(status: number | null): KubeError {
  return new KubeError(status === null ? 'no answer in time' : `HTTP ${status}: no`, status)
}

describe('the first one', () => {
  it('leads at once, and renews at every turn without a look', async () => {
    const shelf = new Shelf()
    const { told, status } = await aCandidate(shelf)

    await pass(3 * LOOK_MS)

    expect(told).toEqual(['leads 0'])
    expect(shelf.asked.map(({ what }) => what)).toEqual([
      'look',
      ...Array<string>(shelf.asked.length - 1).fill('write'),
    ])
    expect(shelf.asked.length).toBeGreaterThanOrEqual(4)
    expect(status()).toEqual({
      status: 'healthy',
      message: 'leads, epoch 0',
      metadata: { holder: 'me', isLeader: true, transitions: 0 },
    })
  })
})

describe('a standby', () => {
  it('waits while the leader renews, and says who that is', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    const { told, status } = await aCandidate(shelf)

    for (let i = 0; i < 5; i++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await pass(DURATION_MS - LOOK_MS)
      shelf.put({ holder: 'other', transitions: 4 })
    }

    expect(told).toEqual([])
    expect(shelf.asked.every(({ what }) => what === 'look')).toBe(true)
    expect(status()).toEqual({
      status: 'healthy',
      message: 'stands by, other leads',
      metadata: { holder: 'other', isLeader: false, transitions: 4 },
    })
  })

  it('takes the Lease the moment that its time is up, not at the next turn', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    const { told } = await aCandidate(shelf)

    await pass(DURATION_MS - 1)
    expect(told).toEqual([])
    await pass(2)

    expect(told).toEqual(['leads 5'])
  })

  it('takes a released Lease at its next look', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    const { told } = await aCandidate(shelf)

    shelf.put({ holder: '', transitions: 4 })
    await pass(LOOK_MS)

    expect(told).toEqual(['leads 5'])
  })

  it.each([403, 401, 429, 503, null])(
    'never leads without a write, and says why: %s',
    async (status) => {
      const shelf = new Shelf()
      shelf.fault = answering(status)

      const standby = await aCandidate(shelf)
      await pass(10 * DURATION_MS)

      expect(standby.told).toEqual([])
      expect(standby.status()).toMatchObject({
        status: 'degraded',
        message: containing(shelf.fault.message),
        metadata: { isLeader: false },
      })
    },
  )

  it('that may look but not write stays one, and says so', async () => {
    const shelf = new Shelf()
    const read = () => shelf.read()

    const standby = await aCandidate(shelf, { store: aStore(read, refuse) })
    await pass(10 * DURATION_MS)

    expect(standby.told).toEqual([])
    expect(standby.status()).toMatchObject({ status: 'degraded', message: containing('403') })
  })

  it('is not ready from the first refusal of a right that it lacks to its grant', async () => {
    const shelf = new Shelf()
    shelf.fault = answering(403)
    const store = { ...aStore(async () => shelf.read(), refuse), missingRight: 'no right' }
    const { status } = await aCandidate(shelf, { store })
    const refused = status()

    Object.assign(store, { missingRight: null })
    shelf.fault = null
    shelf.put({ holder: 'other', transitions: 4 })
    await pass(LOOK_MS)

    expect(refused).toMatchObject({
      status: 'degraded',
      message: containing("the Lease can't be had: no right"),
      notReady: 'no right',
    })
    expect(status()).toEqual({
      status: 'healthy',
      message: 'stands by, other leads',
      metadata: { holder: 'other', isLeader: false, transitions: 4 },
    })
  })

  it('leads once the API server has come', async () => {
    const shelf = new Shelf()
    shelf.fault = answering(null)
    const { told } = await aCandidate(shelf)
    await pass(60_000)

    shelf.fault = null
    await pass(LOOK_MS)

    expect(told).toEqual(['leads 0'])
  })

  it.each<[string, (shelf: Shelf) => void]>([
    ['neither be read nor written', (shelf) => (shelf.fault = answering(503))],
    ['be read, but not written', (shelf) => (shelf.writeFault = answering(503))],
  ])('leaves the leader the time to renew after an outage: it could %s', async (_, fail) => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    const { told } = await aCandidate(shelf)
    fail(shelf)
    await pass(10 * DURATION_MS + 100) // soon after a write that failed

    shelf.fault = null
    shelf.writeFault = null
    await pass(DURATION_MS / 2 - LOOK_MS)
    expect(told).toEqual([])
    await pass(DURATION_MS)

    expect(told).toEqual(['leads 5'])
  })

  it('takes over although every third look fails', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    let looks = 0
    const read = async () => {
      looks += 1
      if (looks % 3 === 0) throw answering(500)
      return shelf.read()
    }
    const write = async (claim: LeaseClaim, over: SeenLease | null) => shelf.write(claim, over)
    const { told } = await aCandidate(shelf, { store: aStore(read, write) })

    await pass(4 * DURATION_MS)

    expect(told).toEqual(['leads 5'])
  })
})

describe('a leader that nobody lets renew', () => {
  it.each([null, 401, 403, 429, 500, 503])(
    'goes on, and is degraded after the time for it: %s',
    async (code) => {
      const shelf = new Shelf()
      const { told, status } = await aCandidate(shelf)
      shelf.fault = answering(code)

      await pass(RENEW_MS - 1)
      expect(status()).toMatchObject({ status: 'healthy' })
      await pass(10 * DURATION_MS)

      expect(told).toEqual(['leads 0'])
      expect(status()).toMatchObject({ status: 'degraded', metadata: { isLeader: true } })
      shelf.fault = null
      await pass(LOOK_MS)
      expect(status()).toMatchObject({ status: 'healthy' })
      expect(told).toEqual(['leads 0'])
    },
  )
})

describe('a leader whose Lease', () => {
  it.each<[string, { holder: string; transitions: number } | null, string[]]>([
    ['was deleted makes it anew', null, []],
    ['was emptied takes it back', { holder: '', transitions: 0 }, []],
    ['was restored takes it back', { holder: 'dead', transitions: 2 }, []],
    ['is of a successor stands down', { holder: 'other', transitions: 4 }, ['stands down']],
    ['was given away by hand stands down', { holder: 'x', transitions: 3 }, ['stands down']],
  ])('%s', async (_, lease, expected) => {
    const shelf = new Shelf()
    shelf.put({ holder: '', transitions: 2 })
    const { told } = await aCandidate(shelf)

    shelf.put(lease)
    await pass(LOOK_MS)

    expect(told).toEqual(['leads 3', ...expected])
    const mine = { holder: 'me', transitions: 3 }
    expect(shelf.lease).toMatchObject(expected.length === 0 ? mine : (lease ?? mine))
  })

  it('was given away by hand to nobody is taken again, counting up', async () => {
    const shelf = new Shelf()
    const { told } = await aCandidate(shelf)

    shelf.put({ holder: 'nobody', transitions: 0 })
    await pass(2 * LOOK_MS + DURATION_MS)

    expect(told).toEqual(['leads 0', 'stands down', 'leads 1'])
  })
})

describe('a refusal by the edge', () => {
  it('is answered by counting up above it, at once', async () => {
    const shelf = new Shelf()
    const { candidate, told } = await aCandidate(shelf)

    candidate.refuse(7)
    expect(told).toEqual(['leads 0', 'stands down'])
    await pass(0)

    expect(told).toEqual(['leads 0', 'stands down', 'leads 8'])
    expect(shelf.lease).toMatchObject({ holder: 'me', transitions: 8 })
    expect(shelf.asked.map(({ what }) => what)).toEqual(['look', 'write', 'write'])
  })

  it('of one that was paused finds a successor, and is the end of it', async () => {
    const shelf = new Shelf()
    const { candidate, told, lines } = await aCandidate(shelf)
    shelf.put({ holder: 'other', transitions: 1 })

    candidate.refuse(1)
    await pass(0)
    shelf.put({ holder: 'other', transitions: 1 })
    await pass(DURATION_MS - LOOK_MS)

    expect(told).toEqual(['leads 0', 'stands down'])
    expect(shelf.lease).toMatchObject({ holder: 'other', transitions: 1 })
    expect(lines.join('\n')).toContain('stands down: the edge holds reports of epoch 1')
  })

  it('while the API server is away ends it until the Lease can be written', async () => {
    const shelf = new Shelf()
    const { candidate, told } = await aCandidate(shelf)
    shelf.fault = answering(503)

    candidate.refuse(7)
    await pass(10 * DURATION_MS)
    expect(told).toEqual(['leads 0', 'stands down'])
    shelf.fault = null
    await pass(LOOK_MS)

    expect(told).toEqual(['leads 0', 'stands down', 'leads 8'])
  })

  it('during a renewal is not forgotten over it', async () => {
    const shelf = new Shelf()
    const { promise, resolve } = Promise.withResolvers<void>()
    let isSlow = false
    const write = async (claim: LeaseClaim, over: SeenLease | null) => {
      if (isSlow) await promise
      return shelf.write(claim, over)
    }
    const read = () => shelf.read()
    const { candidate, told } = await aCandidate(shelf, { store: aStore(read, write) })
    isSlow = true
    await pass(LOOK_MS)

    candidate.refuse(7)
    resolve()
    await pass(0)

    expect(told).toEqual(['leads 0', 'stands down', 'leads 8'])
  })
})

describe('an API server that says when to come again', () => {
  const busy = new KubeError('HTTP 429: busy', 429, { retryAfterMs: 7000 })

  it.each([
    ['a standby', { holder: 'other', transitions: 4 }],
    ['a leader', null],
  ])('is asked no sooner by %s, though the edge refuses it meanwhile', async (_, lease) => {
    const shelf = new Shelf()
    shelf.put(lease)
    const { candidate } = await aCandidate(shelf)
    shelf.fault = busy
    await pass(LOOK_MS)
    const lastMs = shelf.asked.at(-1)?.atMs ?? 0
    shelf.fault = null

    candidate.refuse(9)
    await pass(lastMs + 6999 - performance.now())
    expect(shelf.asked.at(-1)?.atMs).toBe(lastMs)
    await pass(LOOK_MS)

    expect(shelf.asked.at(-1)?.atMs).toBeGreaterThanOrEqual(lastMs + 7000)
  })
})

describe('a candidate that others always write before', () => {
  it('says so, once the time of a renewal is over', async () => {
    const shelf = new Shelf()
    const write = () => Promise.resolve<Written>({ ok: false, reason: 'conflict' })
    const { told, status } = await aCandidate(shelf, {
      store: aStore(async () => shelf.read(), write),
    })

    await pass(RENEW_MS)

    expect(told).toEqual([])
    expect(status()).toMatchObject({
      status: 'degraded',
      message: containing("the Lease can't be had: whatever it writes"),
    })
  })
})

describe('a drain', () => {
  it('of a standby writes nothing, though the Lease is released', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: 'other', transitions: 4 })
    const { candidate, told } = await aCandidate(shelf)

    candidate.drain()
    shelf.put({ holder: '', transitions: 4 })
    await pass(2 * DURATION_MS)
    await candidate.stop()

    expect(told).toEqual([])
    expect(shelf.asked.filter(({ what }) => what !== 'look')).toEqual([])
  })

  it('of a leader goes on renewing, and takes nothing anew once it was refused', async () => {
    const shelf = new Shelf()
    const { candidate, told } = await aCandidate(shelf)
    candidate.drain()
    await pass(LOOK_MS)
    const renewals = shelf.asked.filter(({ what }) => what === 'write').length

    candidate.refuse(3)
    await pass(2 * DURATION_MS)

    expect(renewals).toBe(2)
    expect(shelf.asked.filter(({ what }) => what === 'write')).toHaveLength(2)
    expect(told).toEqual(['leads 0', 'stands down'])
  })
})

describe('a stop', () => {
  it('releases the Lease, and leaves the count', async () => {
    const shelf = new Shelf()
    shelf.put({ holder: '', transitions: 6 })
    const { candidate, told } = await aCandidate(shelf)

    await candidate.stop()

    expect(shelf.lease).toMatchObject({ holder: '', transitions: 7 })
    expect(told).toEqual(['leads 7'])
  })

  it('releases a Lease whose writing was never confirmed', async () => {
    const shelf = new Shelf()
    const read = () => shelf.read()
    let isLost = true
    const write = async (claim: LeaseClaim, over: SeenLease | null) => {
      const written = await shelf.write(claim, over)
      if (isLost) throw answering(null)
      return written
    }
    const { candidate, told } = await aCandidate(shelf, { store: aStore(read, write) })
    isLost = false

    await candidate.stop()

    expect(told).toEqual([])
    expect(shelf.lease).toMatchObject({ holder: '' })
  })

  it.each<[string, { holder: string; transitions: number }]>([
    ['of another', { holder: 'other', transitions: 4 }],
    ['released already', { holder: '', transitions: 4 }],
  ])('leaves a Lease alone that is not its own: %s', async (_, lease) => {
    const shelf = new Shelf()
    const { candidate } = await aCandidate(shelf)
    shelf.put(lease)

    await candidate.stop()
    await pass(10 * DURATION_MS)

    expect(shelf.lease).toMatchObject(lease)
    expect(shelf.asked.map(({ what }) => what)).toEqual(['look', 'write', 'look'])
  })

  it('ends although the API server is away', async () => {
    const shelf = new Shelf()
    const { candidate, lines } = await aCandidate(shelf)
    shelf.fault = answering(null)

    await candidate.stop()

    expect(lines.join('\n')).toContain("the Lease can't be released")
  })
})
