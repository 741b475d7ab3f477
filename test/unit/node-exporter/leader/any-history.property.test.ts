/**
 * Several electors, one Lease and one edge, through any history of pauses, outages and hands in the Lease: the order at the
 * edge never goes back, and once all is quiet exactly one of them speaks.
 */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
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
import type { Place } from '../../../../worker/contract/report.ts'
import { findNextEpoch, judgePlace } from '../../../../worker/domain/order.ts'

const DURATION_MS = 15
const REPLICAS = 3

class Town {
  lease: SeenLease | null = null
  readonly states: (SeenLease | null)[] = []
  version = 0
  nowMs = 0
  isAway = false
  held: Place | null = null
  /** Who spoke, in the order in which the edge took it. */
  readonly taken: { by: string; epoch: number }[] = []
  electors = Array.from({ length: REPLICAS }, (_, i) => startElection(`p${i}_0`, DURATION_MS))
  /** What replicas wrote as their epochs. */
  readonly written: number[] = []
  readonly sequences = new Map<string, number>()
  starts = 0
  /** The epochs of each order: a person's reset begins another. */
  readonly orders: number[][] = [[]]

  write(lease: Omit<SeenLease, 'resourceVersion' | 'renewTime'> | null): void {
    this.states.push(this.lease)
    this.version += 1
    const stamp = String(this.version)
    this.lease = lease && { ...lease, resourceVersion: stamp, renewTime: stamp }
  }

  /** One round of one of them, as the candidate does it. */
  round(i: number): void {
    let elector = this.at(i)
    if (elector.epoch === null) elector = loseSight(elector)
    this.electors[i] = elector
    this.act(i)
  }

  act(i: number): void {
    for (let tries = 0; tries < 4; tries++) {
      const elector = this.at(i)
      const step = decide(elector, this.nowMs)
      if (step.kind === 'wait') return
      if (this.isAway) {
        this.electors[i] = takeFailure(elector, step.kind, this.nowMs)
        return
      }
      if (step.kind === 'look') {
        this.electors[i] = observe(elector, this.lease, this.nowMs)
        continue
      }
      if (step.over?.resourceVersion !== this.lease?.resourceVersion) {
        this.electors[i] = loseSight(elector)
        continue
      }
      this.write({ holder: elector.identity, transitions: step.transitions })
      this.written.push(step.transitions)
      if (this.lease === null) throw new Error('it was just written')
      const written = { lease: this.lease, wasEpoch: elector.epoch, nowMs: this.nowMs }
      this.electors[i] = takeWritten(elector, written)
      return
    }
  }

  push(i: number): void {
    const { epoch, identity } = this.at(i)
    if (epoch === null) return
    const sequence = (this.sequences.get(`${identity}/${epoch}`) ?? 0) + 1
    this.sequences.set(`${identity}/${epoch}`, sequence)
    const refused = judgePlace({ epoch, sequence }, this.held)
    if (refused === null) {
      this.held = { epoch, sequence }
      this.taken.push({ by: identity, epoch })
      this.orders.at(-1)?.push(epoch)
      return
    }
    // As the pusher has it: with no epoch above, it goes on and waits for a person.
    if (findNextEpoch(refused.held.epoch) === null) return
    this.electors[i] = takeRefusal(this.at(i), refused.held.epoch)
    this.act(i)
  }

  at(i: number): Election {
    const elector = this.electors[i]
    if (elector === undefined) throw new Error(`there are ${REPLICAS}`)
    return elector
  }

  /** It is killed, and another process comes in its place. */
  restart(i: number): void {
    this.starts += 1
    this.electors[i] = startElection(`p${i}_${this.starts}`, DURATION_MS)
  }
}

const replica = fc.nat(REPLICAS - 1)
const event = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('round' as const), replica }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('push' as const), replica }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), replica }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'away' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore' as const), ago: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
  // A thief's report as high as the edge takes it, or a chain of them; and the Lease ruined by hand.
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('poison' as const, 'ruin' as const),
      epoch: fc.constantFrom(900_000, 1_500_000, 2 ** 31 - 3, 2 ** 31 - 2, 2 ** 31 - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('by hand' as const), replica }) },
)
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

function play(town: Town, what: Event): void {
  switch (what.kind) {
    case 'round':
      town.round(what.replica)
      return
    case 'push':
      town.push(what.replica)
      return
    case 'pass':
      town.nowMs += what.ms
      return
    case 'restart':
      town.restart(what.replica)
      return
    case 'delete':
      town.write(null)
      return
    case 'away':
      town.isAway = !town.isAway
      return
    case 'restore':
      town.write(town.states.at(-1 - what.ago) ?? null)
      return
    case 'reset':
      town.held = null
      town.orders.push([])
      return
    case 'poison':
      town.held = { epoch: Math.max(what.epoch, town.held?.epoch ?? 0), sequence: 2 ** 40 }
      return
    case 'ruin':
      town.write({ holder: town.lease?.holder ?? '', transitions: what.epoch })
      return
    case 'by hand': {
      const { identity: holder } = town.at(what.replica)
      town.write({ holder, transitions: town.lease?.transitions ?? 0 })
    }
  }
}

it('ends with exactly one speaker, and its order never went back', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (history) => {
      const town = new Town()
      for (const what of history) play(town, what)

      town.isAway = false
      // What only a person can end.
      if (findNextEpoch(town.held?.epoch ?? 0) === null) play(town, { kind: 'reset' })
      for (let turn = 0; turn < 60; turn++) {
        town.nowMs += 2
        for (let i = 0; i < REPLICAS; i++) {
          town.round(i)
          town.push(i)
        }
      }

      const leaders = town.electors.filter(({ epoch }) => epoch !== null)
      expect(leaders).toHaveLength(1)
      expect(town.lease).toMatchObject({
        holder: leaders[0]?.identity,
        transitions: leaders[0]?.epoch,
      })
      expect(town.held?.epoch).toBe(leaders[0]?.epoch)
      // In the quiet it is heard all the time, and nobody else is.
      expect(new Set(town.taken.slice(-20).map(({ by }) => by))).toEqual(
        new Set([leaders[0]?.identity]),
      )
      for (const epochs of town.orders) {
        expect(epochs).toEqual(epochs.toSorted((a, b) => a - b))
      }
      expect(Math.max(...town.written)).toBeLessThan(2 ** 31 - 1)
    }),
    { numRuns: 2000 },
  )
})
