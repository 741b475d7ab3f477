/** What holds for every history of reports, in whatever order a network delivers them. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Report, Service, Snapshot } from '../../../../worker/contract/report.ts'
import { applyReport, type ClusterState } from '../../../../worker/domain/cluster.ts'
import {
  aBlind,
  aCategory,
  aContent,
  aFailingTarget,
  aHeartbeat,
  aNode,
  aService,
  aSnapshot,
  aTarget,
} from '../../../support/a-report.ts'
import { DEAD_AFTER_MS, RULES, T0 } from '../../../support/apply.ts'
import { deepFreeze } from '../../../support/deep-freeze.ts'

/** A report as it is delivered: how long after the one before. */
interface Delivery {
  report: Report
  afterMs: number
}

interface Step {
  before: ClusterState | null
  report: Report
  nowMs: number
  applied: ReturnType<typeof applyReport>
}

const place = fc.record({ epoch: fc.nat(3), sequence: fc.nat(12) })
const digest = fc.constantFrom('a', 'b', 'c')
const observedAt = fc.integer({ min: T0 - 300_000, max: T0 + 900_000 })
const afterMs = fc.oneof(fc.nat(20_000), fc.nat(200_000))

/** A service of which everything could be read. */
const fullService: fc.Arbitrary<Service> = fc
  .record({
    name: fc.constantFrom('web', 'api', 'bank'),
    isResilient: fc.boolean(),
    desired: fc.constantFrom(null, 0, 1, 3),
    targets: fc.array(
      fc.constantFrom(aTarget(), aFailingTarget(), aFailingTarget({ severity: 1 })),
      {
        maxLength: 3,
      },
    ),
  })
  .map(aService)

const fullContent = fc
  .record({
    categories: fc.subarray([aCategory(), aCategory({ name: 'off', enabled: false })]),
    services: fc.uniqueArray(fullService, { selector: ({ name }) => name, maxLength: 3 }),
    nodes: fc.subarray([aNode()]),
    acks: fc.subarray([{ service: 'web', message: 'known' }]),
  })
  .map(aContent)

/** Sections are missing, targets are not probed yet: what an API server in trouble lets through. */
const partialContent = fullContent
  .chain((content) =>
    fc.record({
      categories: fc.option(fc.constant(content.categories)),
      services: fc.option(
        fc.constant(content.services?.map((service) => ({ ...service, targets: null })) ?? null),
      ),
      nodes: fc.option(fc.constant(content.nodes)),
      acks: fc.option(fc.constant(content.acks)),
    }),
  )
  .map(aContent)

const fullSnapshot: fc.Arbitrary<Snapshot> = fc
  .record({ digest, observedAt, content: fullContent })
  .map(aSnapshot)

const anyReport: fc.Arbitrary<Report> = fc
  .tuple(
    place,
    fc.oneof(
      fullSnapshot,
      fc.record({ digest, observedAt, content: partialContent }).map(aSnapshot),
      fc.record({ digest, observedAt }).map(aHeartbeat),
      fc.record({ observedAt }).map(aBlind),
    ),
  )
  .map(([at, report]) => ({ ...report, ...at }))

const history: fc.Arbitrary<Delivery[]> = fc.array(fc.record({ report: anyReport, afterMs }), {
  maxLength: 25,
})

/** Every step of a history, from nothing; no step may write into what it was given. */
function run(deliveries: Delivery[]): Step[] {
  let state: ClusterState | null = null
  let nowMs = T0
  return deliveries.map(({ report, afterMs: laterMs }) => {
    nowMs += laterMs
    const before: ClusterState | null = deepFreeze(state)
    const applied = applyReport(before, deepFreeze(report), { ...RULES, nowMs })
    if (applied.ok) state = applied.state
    return { before, report, nowMs, applied }
  })
}

function isNewer(one: Report, other: Report): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence)
}

/** What of a state doesn't depend on when things were heard. */
function essenceOf(state: ClusterState | null) {
  if (state === null) return null
  const { epoch, sequence, digest: held } = state.pulse
  const categories = state.standing.categories.map((category) => ({ ...category, sinceMs: 0 }))
  const services = Object.entries(state.standing.services).map(([name, { ok, severity }]) => {
    return [name, ok, severity]
  })
  return { epoch, sequence, held, content: state.content, categories, services }
}

function isFreshening({ before, report }: Step): boolean {
  if (report.kind === 'snapshot') return report.content.services !== null
  return report.kind === 'heartbeat' && report.digest === before?.pulse.digest
}

describe('whatever order reports come in', () => {
  /** Stragglers and deposed leaders around the newest, each perhaps twice, shuffled. */
  const deliveries = fc
    .tuple(fullSnapshot, fc.array(anyReport, { maxLength: 12 }))
    .chain(([newest, others]) => {
      const last = { ...newest, epoch: 3, sequence: 13 } // past every place that a straggler can have
      const all = [last, last, ...others, ...others]
      return fc
        .shuffledSubarray(all, { minLength: all.length })
        .map((reports) => ({ newest: last, reports }))
    })

  it('ends in the state of the newest accepted report', () => {
    fc.assert(
      fc.property(deliveries, ({ newest, reports }) => {
        const steps = run(reports.map((report) => ({ report, afterMs: 700 })))

        const final = steps.findLast(({ applied }) => applied.ok)?.applied

        const [alone] = run([{ report: newest, afterMs: 0 }])
        expect(essenceOf(final?.ok === true ? final.state : null)).toEqual(
          essenceOf(alone?.applied.ok === true ? alone.applied.state : null),
        )
      }),
    )
  })

  it('accepts exactly what is newer than all before', () => {
    fc.assert(
      fc.property(history, (given) => {
        const steps = run(given)

        const accepted = steps.filter(({ applied }) => applied.ok).map(({ report }) => report)
        const expected = given
          .map(({ report }) => report)
          .filter((report, i, all) => all.slice(0, i).every((earlier) => isNewer(report, earlier)))
        expect(accepted).toEqual(expected)
      }),
    )
  })
})

describe('a refused report', () => {
  it('changes nothing and names what is held', () => {
    fc.assert(
      fc.property(history, (given) => {
        const steps = run(given)

        const refused = steps.flatMap(({ before, applied }) =>
          applied.ok ? [] : [{ pulse: before?.pulse, applied }],
        )
        for (const { pulse, applied } of refused) {
          expect(applied).toEqual({
            ok: false,
            rejection: {
              reason: 'stale_sequence',
              held: { epoch: pulse?.epoch, sequence: pulse?.sequence },
            },
          })
        }
      }),
    )
  })

  it('leaves the history as it were without it', () => {
    fc.assert(
      fc.property(history, (given) => {
        const steps = run(given)

        const times = steps.filter(({ applied }) => applied.ok)
        const without = run(
          times.map(({ report, nowMs }, i) => ({
            report,
            afterMs: nowMs - (times[i - 1]?.nowMs ?? T0),
          })),
        )
        expect(without.at(-1)?.applied).toEqual(times.at(-1)?.applied)
      }),
    )
  })
})

describe('freshness', () => {
  it('never moves by anything but a snapshot or a matching heartbeat', () => {
    fc.assert(
      fc.property(history, (given) => {
        for (const step of run(given)) {
          if (isFreshening(step) || !step.applied.ok) continue
          const before = step.before?.pulse
          const { lease, streaks, digest: held } = step.applied.state.pulse
          expect([lease.freshAtMs, lease.validUntilMs, held, streaks]).toEqual([
            before?.lease.freshAtMs ?? null,
            before?.lease.validUntilMs ?? null,
            before?.digest ?? null,
            before?.streaks ?? {},
          ])
          expect(step.applied.state.content).toEqual(step.before?.content ?? null)
        }
      }),
    )
  })

  it('never goes back and never lies beyond now and the time to dead', () => {
    fc.assert(
      fc.property(history, (given) => {
        for (const { before, applied, nowMs } of run(given)) {
          if (!applied.ok) continue
          const { validUntilMs } = applied.state.pulse.lease
          if (validUntilMs === null) continue
          expect(validUntilMs).toBeGreaterThanOrEqual(before?.pulse.lease.validUntilMs ?? 0)
          expect(validUntilMs).toBeLessThanOrEqual(nowMs + DEAD_AFTER_MS)
        }
      }),
    )
  })

  it('is held 15 min after the last fresh report at most', () => {
    fc.assert(
      fc.property(history, (given) => {
        for (const { applied } of run(given)) {
          if (!applied.ok) continue
          const { heldUntilMs, validUntilMs } = applied.state.pulse.lease
          if (heldUntilMs === null) continue
          expect(heldUntilMs).toBeLessThanOrEqual((validUntilMs ?? 0) + 15 * 60_000)
        }
      }),
    )
  })
})

describe('a snapshot that is asked for', () => {
  it('is asked for at most once an interval, while none comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(15_000), { maxLength: 40 }), (gaps) => {
        const steps = run(
          gaps.map((gapMs, sequence) => ({ report: aHeartbeat({ sequence }), afterMs: gapMs })),
        )

        const asked = steps
          .filter(({ applied }) => applied.ok && applied.resend)
          .map(({ nowMs }) => nowMs)
        const waits = asked.slice(1).map((atMs, i) => atMs - (asked[i] ?? 0))
        expect(asked).toHaveLength(gaps.length === 0 ? 0 : waits.length + 1)
        expect(waits.filter((waitMs) => waitMs < 10_000)).toEqual([])
      }),
    )
  })
})
