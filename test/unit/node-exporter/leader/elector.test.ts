/** Who leads, as a table: what was seen or heard, and what follows. */
import { describe, expect, it } from 'vitest'
import {
  decide,
  loseSight,
  observe,
  startElection,
  takeFailure,
  takeRefusal,
  takeWritten,
  type Election,
  type SeenLease,
} from '../../../../node-exporter/leader/elector.ts'

const ME = 'pod-a_1'
const OTHER = 'pod-b_2'
const DURATION_MS = 15_000

function aLease(given: Partial<SeenLease> = {}): SeenLease {
  return { resourceVersion: '1', holder: OTHER, transitions: 3, renewTime: 't1', ...given }
}

/** Stands by, and has seen this at 0 ms. */
function aStandby(lease: SeenLease | null = aLease()): Election {
  return observe(startElection(ME, DURATION_MS), lease, 0)
}

/** Leads under epoch 3 since 0 ms. */
function aLeader(): Election {
  const lease = aLease({ holder: ME })
  return takeWritten(aStandby(null), { lease, wasEpoch: null, nowMs: 0 })
}

describe('a process that starts', () => {
  it('looks before it does anything', () => {
    expect(decide(startElection(ME, DURATION_MS), 1_000_000)).toEqual({ kind: 'look' })
  })
})

describe('a standby', () => {
  it.each<[string, SeenLease | null, number | null]>([
    ['another holds it', aLease(), null],
    ['there is none', null, 0],
    ['it is released', aLease({ holder: '' }), 4],
    ['it was never held', aLease({ holder: '', transitions: 0 }), 1],
    [
      'its own name stands there, put by hand or by a write without reply',
      aLease({ holder: ME }),
      4,
    ],
  ])('takes the Lease, counting up, only where it is free: %s', (_, lease, transitions) => {
    const step = decide(aStandby(lease), 0)

    expect(step).toEqual(
      transitions === null
        ? { kind: 'wait', untilMs: DURATION_MS }
        : { kind: 'write', transitions, over: lease },
    )
  })

  it.each([
    ['a moment before', DURATION_MS - 1, 'wait'],
    ['exactly then', DURATION_MS, 'write'],
  ])('takes it once it has stood still for its duration: %s', (_, nowMs, kind) => {
    expect(decide(aStandby(), nowMs).kind).toBe(kind)
  })

  it('does not count the time in which looks failed: its holder could not renew either', () => {
    const outage = takeFailure(observe(aStandby(), aLease(), 2000), 'look', 4000)

    const back = observe(outage, aLease(), 9000)

    expect(decide(back, 9000)).toEqual({ kind: 'wait', untilMs: 9000 + DURATION_MS - 2000 })
  })

  it.each([
    ['exactly half a lease', DURATION_MS / 2, DURATION_MS],
    ['a moment more', DURATION_MS / 2 + 1, DURATION_MS + DURATION_MS / 2 + 1],
  ])('does not count the time for which it was paused itself: %s', (_, pauseMs, untilMs) => {
    const thawed = observe(aStandby(), aLease(), pauseMs)

    expect(decide(thawed, pauseMs)).toEqual({ kind: 'wait', untilMs })
  })

  it('whose write failed leaves the holder half a lease to be first', () => {
    const failed = takeFailure(aStandby(), 'write', DURATION_MS)

    const untilMs = DURATION_MS + DURATION_MS / 2
    expect(decide(failed, untilMs - 1)).toEqual({ kind: 'wait', untilMs })
    expect(decide(failed, untilMs).kind).toBe('write')
  })

  it.each<[string, Partial<SeenLease>, string]>([
    ['renewed', { renewTime: 't2' }, 'wait'],
    ['renewed by a clock that goes back', { renewTime: 't0' }, 'wait'],
    ['counted up', { transitions: 4 }, 'wait'],
    ['taken by a third', { holder: 'pod-c_3' }, 'wait'],
    ['only labelled anew', { resourceVersion: '2' }, 'write'],
  ])('counts the time anew when the record moves: %s', (_, change, kind) => {
    const seen = observe(aStandby(), aLease(change), DURATION_MS / 2)

    expect(decide(seen, DURATION_MS).kind).toBe(kind)
  })

  it('never counts below what it has seen, though the Lease was deleted or restored', () => {
    const deleted = observe(aStandby(aLease({ transitions: 7 })), null, 1)
    const restored = observe(deleted, aLease({ transitions: 2, holder: '' }), 2)

    expect(decide(deleted, 1 + DURATION_MS)).toMatchObject({ kind: 'write', transitions: 8 })
    expect(decide(restored, 2)).toMatchObject({ kind: 'write', transitions: 8 })
  })

  it('leaves a holder the time to make its deleted Lease anew', () => {
    const deleted = observe(aStandby(), null, DURATION_MS - 1)

    expect(decide(deleted, DURATION_MS)).toMatchObject({ kind: 'wait' })
    expect(decide(deleted, 2 * DURATION_MS - 1)).toMatchObject({ kind: 'write', over: null })
  })

  it('looks again when another was first', () => {
    expect(decide(loseSight(aStandby(null)), 0)).toEqual({ kind: 'look' })
  })

  it('leads under the count that it wrote', () => {
    const lease = aLease({ holder: ME, transitions: 4 })

    const next = takeWritten(aStandby(aLease({ holder: '' })), { lease, wasEpoch: null, nowMs: 1 })

    expect(next.epoch).toBe(4)
  })
})

describe('a leader', () => {
  it('renews without a look, under the same count', () => {
    const lease = aLease({ holder: ME })

    expect(decide(aLeader(), 1_000_000)).toEqual({ kind: 'write', transitions: 3, over: lease })
  })

  it.each<[string, SeenLease | null, number | null]>([
    ['its own', aLease({ holder: ME, renewTime: 't2' }), 3],
    ['its own, restored to an older state', aLease({ holder: ME, transitions: 1 }), 3],
    ['none: it was deleted', null, 3],
    ['emptied by hand', aLease({ holder: '' }), 3],
    ['another, of an older state', aLease({ transitions: 2 }), 3],
    ['another, of a process that found none', aLease({ transitions: 0 }), 3],
    ['a successor', aLease({ transitions: 4 }), null],
    ['a successor that has released it', aLease({ transitions: 4, holder: '' }), null],
    ['another, put by hand', aLease({ transitions: 3 }), null],
  ])('stands down on a successor, and writes over the rest: %s', (_, lease, epoch) => {
    const next = observe(aLeader(), lease, 1)

    expect(next.epoch).toBe(epoch)
    const taken = { kind: 'write', transitions: epoch, over: lease }
    expect(decide(next, 1)).toMatchObject(epoch === null ? {} : taken)
  })

  it('follows a count that was raised by hand', () => {
    const raised = aLease({ holder: ME, transitions: 9 })
    const seen = observe(aLeader(), raised, 1)

    expect(decide(seen, 1)).toMatchObject({ kind: 'write', transitions: 9 })
    expect(takeWritten(seen, { lease: raised, wasEpoch: 3, nowMs: 2 }).epoch).toBe(9)
  })

  it('goes on when its time is long up and nobody has taken its place', () => {
    expect(observe(aLeader(), aLease({ holder: ME }), 1_000_000).epoch).toBe(3)
  })
})

describe('a count beyond what the edge takes', () => {
  const INT32_MAX = 2 ** 31 - 1

  it.each([
    ['the last that has a successor', INT32_MAX - 2, INT32_MAX - 1],
    ['without an epoch above', INT32_MAX - 1, 0],
    ['ruined', INT32_MAX, 0],
  ])('is not taken from a free Lease: %s', (_, transitions, expected) => {
    const lease = aLease({ holder: '', transitions })

    expect(decide(aStandby(lease), 0)).toMatchObject({ kind: 'write', transitions: expected })
  })

  it.each([
    ['a million above', 1_000_003, 1_000_003],
    ['one more', 1_000_004, 3],
    ['the highest', INT32_MAX, 3],
  ])('is not followed by the leader that it was written to: %s', (_, transitions, expected) => {
    const seen = observe(aLeader(), aLease({ holder: ME, transitions }), 1)

    expect(seen.epoch).toBe(3)
    expect(decide(seen, 1)).toMatchObject({ kind: 'write', transitions: expected })
  })

  it.each([
    ['a little lower, an older state', INT32_MAX - 1_000_000, INT32_MAX - 1, 0],
    [
      'lower by a million, started anew',
      INT32_MAX - 1_000_001,
      INT32_MAX - 1,
      INT32_MAX - 1_000_000,
    ],
  ])('that went down is followed when it started anew: %s', (_, now, before, expected) => {
    const seen = observe(
      aStandby(aLease({ transitions: before })),
      aLease({ holder: '', transitions: now }),
      1,
    )

    expect(decide(seen, 1)).toMatchObject({ kind: 'write', transitions: expected })
  })

  it.each([
    ['as far as the edge takes it', 1_000_001, 1_000_002],
    ['a step more', 1_000_002, 3],
  ])('is counted on from by a refused holder %s', (_, transitions, expected) => {
    const lease = aLease({ holder: ME, transitions })
    const leader = takeWritten(aStandby(null), { lease, wasEpoch: null, nowMs: 0 })

    expect(decide(takeRefusal(leader, 2), 1)).toMatchObject({ transitions: expected })
  })

  it('is never that of a holder in between', () => {
    const refused = loseSight(takeRefusal(aLeader(), 7))

    const released = observe(refused, aLease({ holder: '', transitions: 8 }), 1)

    expect(decide(released, 1)).toMatchObject({ kind: 'write', transitions: 9 })
  })

  it('ends a ruined Lease that its refused holder looks at once more', () => {
    const ruined = aLease({ holder: ME, transitions: 5_000_000 })
    const leader = takeWritten(aStandby(null), { lease: ruined, wasEpoch: null, nowMs: 0 })
    const refused = observe(loseSight(takeRefusal(leader, 0)), ruined, 1)

    const lease = { ...ruined, transitions: 1 }
    const next = takeWritten(refused, { lease, wasEpoch: null, nowMs: 2 })

    expect(decide(refused, 1)).toMatchObject({ kind: 'write', transitions: 1 })
    expect(next.epoch).toBe(1)
    expect(decide(next, 3)).toMatchObject({ kind: 'write', transitions: 1 })
  })
})

describe('a leader that the edge refuses', () => {
  it.each([
    ['a newer epoch', 8, 9],
    ['its own epoch, used by another', 3, 4],
    ['an older one', 1, 4],
  ])(
    'stands down, and takes its Lease just above what the edge holds: %s',
    (_, held, transitions) => {
      const next = takeRefusal(aLeader(), held)

      expect(next.epoch).toBeNull()
      expect(decide(next, 1)).toMatchObject({ kind: 'write', transitions, over: { holder: ME } })
    },
  )

  it('waits for its successor like anybody, once that is seen', () => {
    const seen = observe(loseSight(takeRefusal(aLeader(), 8)), aLease({ transitions: 8 }), 5)

    expect(decide(seen, 6)).toEqual({ kind: 'wait', untilMs: 5 + DURATION_MS })
  })

  it('is not made leader again by a renewal that was under way', () => {
    const lease = aLease({ holder: ME, renewTime: 't2' })

    const next = takeWritten(takeRefusal(aLeader(), 8), { lease, wasEpoch: 3, nowMs: 1 })

    expect(next.epoch).toBeNull()
    expect(decide(next, 1)).toMatchObject({ kind: 'write', transitions: 9, over: lease })
  })
})
