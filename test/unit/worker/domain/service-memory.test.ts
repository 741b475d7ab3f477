/** What the edge remembers of services from report to report (behaviour, section 1). */
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import type { Service } from '../../../../worker/contract/report.ts'
import type { ClusterState } from '../../../../worker/domain/cluster.ts'
import { judgeGtg, makeView } from '../../../../worker/domain/gtg.ts'
import { publish, restoreState } from '../../../../worker/domain/restore.ts'
import { findPast, NO_MEMORY, remember } from '../../../../worker/domain/service-memory.ts'
import { memorySchema } from '../../../../worker/store/state-schemas.ts'
import {
  aCategory,
  aContent,
  aHeartbeat,
  aService,
  aSnapshot,
  aTarget,
  anUnreachableTarget,
} from '../../../support/a-report.ts'
import { accept, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const GOOD = aTarget()
const STARTING = anUnreachableTarget({ ready: false, starting: true })
const LEAVING = aTarget({ ready: false, terminating: true })

/** A cluster that tells of one service, step by step, each so many seconds after the beginning. */
class Cluster {
  state: ClusterState | null = null
  #sequence = 0
  #seconds = 0

  /** `failed`: its own failed checks in a row. */
  tell(seconds: number, given: Partial<Service>, failed = 0): void {
    const categories = [aCategory({ name: 'default', isSticky: true, failureThreshold: 3 })]
    const content = aContent({ services: [aService(given)], categories })
    const streaks = failed === 0 ? {} : { web: failed }
    this.#take(seconds, { ...aSnapshot({ content, streaks }), digest: `digest at ${seconds}` })
  }

  /** A heartbeat every ten seconds, the last one then. */
  beatUntil(seconds: number): void {
    const digest = this.state?.pulse.digest ?? ''
    while (this.#seconds < seconds) {
      this.#take(Math.min(this.#seconds + 10, seconds), aHeartbeat({ digest }))
    }
  }

  /** The object loses its storage, and goes on with what KV holds. */
  loseStorage(seconds: number): void {
    if (this.state === null) throw new Error('nothing to lose')
    const published = publish(this.state)
    const memory = v.parse(memorySchema, JSON.parse(JSON.stringify(published.memory)))
    this.state = restoreState({ ...published, memory }, T0 + seconds * 1000).state
  }

  gtg(seconds: number): string {
    const nowMs = T0 + seconds * 1000
    return judgeGtg(makeView(this.state), [], { nowMs, isCopy: false }).reason
  }

  #take(seconds: number, report: ReturnType<typeof aSnapshot> | ReturnType<typeof aHeartbeat>) {
    this.#sequence += 1
    this.#seconds = seconds
    const nowMs = T0 + seconds * 1000
    const next = { ...report, sequence: this.#sequence, observedAt: nowMs }
    this.state = accept(deepFreeze(this.state), next, nowMs).state
  }
}

describe('a service that has served', () => {
  it('fails when all its targets start', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    expect(cluster.gtg(0)).toBe('healthy')

    cluster.tell(10, { targets: [STARTING] })

    expect(cluster.gtg(10)).toBe('unhealthy')
  })

  it('fails so after its object lost the storage, too', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    cluster.loseStorage(5)

    cluster.tell(10, { targets: [STARTING] })

    expect(cluster.gtg(10)).toBe('unhealthy')
  })

  it('is new again once it was scaled to zero', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    cluster.tell(10, { desired: 0, targets: [LEAVING] })
    expect(cluster.gtg(10)).toBe('healthy')
    cluster.tell(20, { desired: 0, targets: [] })
    expect(cluster.gtg(20)).toBe('healthy')

    cluster.tell(30, { desired: 1, targets: [STARTING] })

    expect(cluster.gtg(30)).toBe('degraded')
    expect(cluster.state?.standing.services).toMatchObject({ web: { ok: null } })
  })

  it('keeps since when, over heartbeats and snapshots', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    cluster.beatUntil(10)
    const { memory } = cluster.state?.standing ?? {}

    cluster.tell(20, { targets: [GOOD, STARTING] })

    expect(cluster.state?.standing.memory).toEqual({
      servedSinceMs: { web: T0 },
      atZero: {},
      overdue: {},
    })
    expect(cluster.state?.standing.memory).toBe(memory)
  })
})

describe('a daemon that has served', () => {
  it('fails without nodes, though none of its pods is desired', () => {
    const cluster = new Cluster()
    cluster.tell(0, { isDaemon: true, desired: 3, targets: [GOOD] })

    cluster.tell(10, { isDaemon: true, desired: 0, targets: [], starting: true })

    expect(cluster.gtg(10)).toBe('unhealthy')
  })
})

describe('a new service', () => {
  it('does not count while it starts', () => {
    const cluster = new Cluster()

    cluster.tell(0, { targets: [STARTING] })

    expect(cluster.gtg(0)).toBe('degraded')
  })

  it('does not count after its object lost the storage, either', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [STARTING] })
    cluster.loseStorage(5)

    cluster.tell(10, { targets: [STARTING] })

    expect(cluster.gtg(10)).toBe('degraded')
  })

  it('counts once its targets no longer count as starting', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [STARTING] })
    cluster.beatUntil(590)

    cluster.tell(600, { targets: [anUnreachableTarget({ ready: false })] })

    expect(cluster.gtg(600)).toBe('unhealthy')
  })
})

describe('a sticky category', () => {
  it('counts no failed checks from while its service started', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [STARTING] }, 1)
    cluster.tell(10, { targets: [STARTING] }, 60)

    cluster.tell(20, { targets: [anUnreachableTarget({ ready: false })] }, 61)
    const first = cluster.gtg(20)
    cluster.tell(30, { targets: [anUnreachableTarget({ ready: false })] }, 63)

    expect([first, cluster.gtg(30)]).toEqual(['unhealthy', 'disabled'])
  })
})

describe('a service that is scaled up from zero', () => {
  it('does not count until its first pod is there, and has served', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    cluster.tell(10, { desired: 0, targets: [] })

    cluster.tell(20, { desired: 1, targets: [], starting: true })
    const before = cluster.gtg(20)
    cluster.tell(25, { desired: 1, targets: null }) // its first pod is there, and was not asked yet
    expect(cluster.gtg(25)).toBe('degraded')
    cluster.tell(30, { desired: 1, targets: [GOOD] })
    cluster.tell(40, { desired: 1, targets: [], starting: true })

    expect([before, cluster.gtg(40)]).toEqual(['degraded', 'unhealthy'])
  })
})

describe('a workload at zero replicas whose pods stay', () => {
  it('is not their owner once they stay for 60 s', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [GOOD] })
    cluster.beatUntil(60)

    cluster.tell(65, { desired: 0, targets: [] })

    expect(cluster.gtg(65)).toBe('unhealthy')
  })

  it('may be their owner until then', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [GOOD] })
    cluster.beatUntil(59)

    cluster.tell(65, { desired: 0, targets: [] })

    expect(cluster.gtg(65)).toBe('healthy')
  })

  it('proves nothing by pods that are terminating', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [LEAVING] })
    cluster.beatUntil(90)

    cluster.tell(95, { desired: 0, targets: [] })

    expect(cluster.gtg(95)).toBe('healthy')
  })

  it('is their owner while it still has some, however long each takes to end', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 3, targets: [GOOD] })
    cluster.tell(10, { desired: 0, scalingDown: true, targets: [GOOD] }) // an ordered StatefulSet
    cluster.beatUntil(90)
    cluster.tell(95, { desired: 0, scalingDown: true, targets: [LEAVING] })

    cluster.tell(120, { desired: 0, targets: [] })

    expect(cluster.gtg(120)).toBe('healthy')
  })

  it('proves nothing by a pod that does not answer', () => {
    const cluster = new Cluster()
    cluster.tell(0, { targets: [GOOD] })
    cluster.tell(10, { desired: 0, targets: [anUnreachableTarget()] }) // the API is away, the pod is gone
    cluster.beatUntil(90)

    cluster.tell(95, { desired: 0, targets: [] })

    expect(cluster.gtg(95)).toBe('healthy')
  })

  it('stays known after the object lost its storage', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [GOOD] })
    cluster.beatUntil(60)
    cluster.tell(61, { desired: 0, targets: [GOOD, STARTING] })
    cluster.loseStorage(62)

    cluster.tell(65, { desired: 0, targets: [] })

    expect(cluster.gtg(65)).toBe('unhealthy')
  })

  it('owns them again once it wants some', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [GOOD] })
    cluster.beatUntil(60)
    cluster.tell(61, { desired: 0, targets: [GOOD, STARTING] })
    cluster.tell(70, { desired: 1, targets: [GOOD] })
    cluster.tell(80, { desired: 0, targets: [LEAVING] })

    cluster.tell(90, { desired: 0, targets: [] })

    expect(cluster.gtg(90)).toBe('healthy')
  })

  it('does not hide that all their pods start', () => {
    const cluster = new Cluster()
    cluster.tell(0, { desired: 0, targets: [GOOD] })
    cluster.beatUntil(61)

    cluster.tell(65, { desired: 0, targets: [STARTING] })

    expect(cluster.gtg(65)).toBe('unhealthy')
  })
})

describe('memory of services', () => {
  const now = {
    freshAtMs: T0,
    seenAtMs: T0,
    nowMs: T0,
    deadAfterMs: 60_000,
    untold: new Set<string>(),
  }

  it('takes all as served where an older version kept none', () => {
    const memory = remember(null, [aService({ targets: [STARTING] })], now)

    expect(memory.servedSinceMs).toEqual({ web: T0 })
  })

  it('forgets a service that is gone', () => {
    const memory = remember(NO_MEMORY, [aService({ name: 'api' })], now)

    expect(remember(memory, [], now)).toEqual(NO_MEMORY)
  })

  it('keeps since when a service is overdue that a new leader has not asked yet', () => {
    const cluster = new Cluster()
    const overdue = (atSeconds: number) => ({ overdueSince: T0 + atSeconds * 1000 })
    cluster.tell(0, { targets: [GOOD] })
    cluster.tell(60, { targets: [GOOD], ...overdue(0) })
    const before = cluster.gtg(60)

    cluster.tell(70, { targets: null })
    const untold = cluster.gtg(70)
    cluster.tell(80, { targets: null, ...overdue(70) })
    const late = cluster.gtg(80)
    cluster.tell(85, { targets: [GOOD] })

    const told = [before, untold, late, cluster.gtg(85)]
    expect(told).toEqual(['unhealthy', 'unhealthy', 'unhealthy', 'healthy'])
  })

  it.each([
    ['was asked', [aService({})]],
    ['is overdue anew', [aService({ overdueSince: T0 + 70_000 })]],
    ['has no pods any more', [aService({ targets: [] })]],
  ])('takes the word of a leader who has results: it %s', (_, services) => {
    const held = remember(NO_MEMORY, [aService({ overdueSince: T0 })], {
      ...now,
      seenAtMs: T0 + 60_000,
    })

    const memory = remember(held, services, { ...now, seenAtMs: T0 + 80_000 })

    expect(findPast(memory, 'web').isOverdue).toBe(false)
  })

  it.each(['constructor', '__proto__'])('holds a service called %s', (name) => {
    const memory = remember(NO_MEMORY, [aService({ name })], now)

    expect(findPast(NO_MEMORY, name).hasServed).toBe(false)
    expect(findPast(memory, name).hasServed).toBe(true)
  })
})
