/** What holds for every run of checks, whatever becomes of the reports: a failed check counts once, and only if it happened. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report } from '../../../../worker/contract/report.ts'
import { applyReport, type ClusterState } from '../../../../worker/domain/cluster.ts'
import {
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aService,
  aSnapshot,
} from '../../../support/a-report.ts'
import { RULES, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

const THRESHOLD = 4

/** What one check saw, or that none was made before the next report; `restart`: of the exporter, which knows nothing then. */
type Happening = 'failed' | 'good' | 'nothing' | 'rollout' | 'restart'

interface Turn {
  happening: Happening
  /** What becomes of the report behind it. `late`: after the next one. */
  fate: 'arrives' | 'twice' | 'lost' | 'late'
}

/** A report, and what its exporter had seen of `web` by then. */
interface Told {
  report: Report
  streak: number
  /** Failed checks that really happened, ever. */
  failed: number
}

const fate = fc.constantFrom('arrives', 'arrives', 'arrives', 'twice', 'lost', 'late')

function turnsOf(...happenings: Happening[]): fc.Arbitrary<Turn[]> {
  const happening = fc.constantFrom<Happening>('failed', 'failed', 'good', 'nothing', ...happenings)
  return fc.array(fc.record({ happening, fate }), { maxLength: 30 })
}

/** An exporter: its level of failed checks in a row, a snapshot for what is new, a heartbeat for what is not. */
class Exporter {
  #epoch = 1
  #sequence = 0
  #streak = 0
  #failed = 0
  #state: 'ok' | 'failing' | 'unchecked' = 'ok'
  #sent = ''

  see(happening: Happening): void {
    if (happening === 'restart') {
      this.#epoch += 1
      this.#sequence = 0
      this.#sent = ''
    }
    if (happening === 'failed') {
      this.#streak += 1
      this.#failed += 1
      this.#state = 'failing'
    }
    if (happening === 'good') this.#state = 'ok'
    // All pods are new: until one of them was asked there is nothing to tell, and a streak is not over.
    if (happening === 'rollout' && this.#streak > 0) this.#state = 'unchecked'
    if (happening === 'good' || happening === 'restart') this.#streak = 0
  }

  tell(mustResend: boolean): Told {
    this.#sequence += 1
    const digest = this.#state
    const isFailing = this.#state === 'failing'
    const envelope = {
      epoch: this.#epoch,
      sequence: this.#sequence,
      digest,
      streaks: isFailing && this.#streak > 0 ? { web: this.#streak } : {},
    }
    const isSame = digest === this.#sent && !mustResend
    this.#sent = digest
    const targets = { ok: aService().targets, failing: [aFailingTarget()], unchecked: null }
    const content = aContent({
      services: [aService({ targets: targets[this.#state] })],
      categories: [aCategory({ isSticky: true, failureThreshold: THRESHOLD })],
    })
    const report = isSame ? aHeartbeat(envelope) : aSnapshot({ ...envelope, content })
    return { report, streak: this.#streak, failed: this.#failed }
  }
}

/** What the edge holds after each report that moved freshness. */
function run(turns: Turn[]): { told: Told; state: ClusterState }[] {
  const exporter = new Exporter()
  const moved: { told: Told; state: ClusterState }[] = []
  let state: ClusterState | null = null
  let late: Told[] = []
  let mustResend = false
  for (const [i, turn] of turns.entries()) {
    exporter.see(turn.happening)
    const told = exporter.tell(mustResend)
    const arriving = { arrives: [told], twice: [told, told], lost: [], late: [] }[turn.fate]
    for (const one of [...arriving, ...late]) {
      const nowMs = T0 + i * 1000
      const report = deepFreeze({ ...one.report, observedAt: nowMs })
      const before: ClusterState | null = deepFreeze(state)
      const applied = applyReport(before, report, { ...RULES, nowMs })
      if (!applied.ok) continue
      state = applied.state
      mustResend = applied.resend
      const isFresh = report.kind === 'snapshot' || report.digest === before?.pulse.digest
      if (isFresh) moved.push({ told: one, state })
    }
    late = turn.fate === 'late' ? [told] : []
  }
  return moved
}

function countOf({ pulse }: ClusterState): number {
  return pulse.counts.find(({ category }) => category === 'read')?.failed ?? 0
}

function hasTripped({ decisions }: ClusterState): boolean {
  return decisions.overrides.some(({ category, cause }) => category === 'read' && cause === 'trip')
}

describe('the count of a failing service', () => {
  it('is its failed checks in a row, as last visible', () => {
    fc.assert(
      fc.property(turnsOf(), (turns) => {
        for (const { told, state } of run(turns)) {
          if (hasTripped(state)) break
          expect(countOf(state)).toBe(told.streak)
        }
      }),
    )
  })

  it('never exceeds the failed checks that happened, whoever tells', () => {
    fc.assert(
      fc.property(turnsOf('restart'), (turns) => {
        for (const { told, state } of run(turns)) {
          expect(countOf(state)).toBeLessThanOrEqual(told.failed)
        }
      }),
    )
  })

  it('never exceeds them when pods are replaced meanwhile', () => {
    fc.assert(
      fc.property(turnsOf('rollout', 'restart'), (turns) => {
        for (const { told, state } of run(turns)) {
          expect(countOf(state)).toBeLessThanOrEqual(told.failed)
        }
      }),
      { seed: 7 },
    )
  })
})

describe('a sticky category', () => {
  it('trips exactly when a visible row reached its threshold', () => {
    fc.assert(
      fc.property(turnsOf(), (turns) => {
        const moved = run(turns)

        const trips = moved.map(({ state }) => hasTripped(state))
        const reached = moved.map((_, i) =>
          moved.slice(0, i + 1).some(({ told }) => told.streak >= THRESHOLD),
        )
        expect(trips).toEqual(reached)
      }),
    )
  })
})
