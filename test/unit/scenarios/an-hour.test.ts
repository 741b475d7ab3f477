/**
 * An hour of 10 s rounds in fast time, three clusters and one fleet, faults drawn from a seed: whoever asks at whatever
 * moment hears what a simple model says, which was written from the behaviour page alone.
 */
import { describe, expect, it } from 'vitest'
import { T0 } from '../../support/apply.ts'
import { drawFaults, ROUND_MS, ROUNDS, shorten, type Fault } from '../../support/hour-faults.ts'
import { playHour, tellFaults, tellMs, type Played } from '../../support/hour-play.ts'

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1)

/** Every other hour no alarm fires at all: no answer depends on one. */
const hours = SEEDS.map((seed) => {
  const faults = drawFaults(seed)
  const alarms = { hasAlarms: seed % 2 === 0 }
  return { seed, faults, alarms, played: playHour(faults, alarms) }
})

describe.each(hours)('the hour of seed $seed', ({ faults, alarms, played }) => {
  it('hears from the edge what the model says, whenever it asks', () => {
    const wrong = played.wrong === null ? null : tellShortest(faults, alarms, played.wrong)

    expect(wrong).toBeNull()
    expect(played.answers).toBeGreaterThan(30_000)
  })
})

it.each(hours.filter(({ alarms }) => alarms.hasAlarms))(
  'has a transition in the history for each change of a word, seed $seed',
  ({ played }) => {
    const untold = played.turns.filter((turn) => !isTold(turn, played))

    expect(untold.map((turn) => `${tellMs(turn.toMs)} ${turn.cluster} ${turn.words}`)).toEqual([])
  },
)

it.each(SEEDS)('holds no more when the same ten minutes came six times, seed %i', (seed) => {
  const { wrong, sizes } = playHour(repeatTenMinutes(drawFaults(seed)), { hasAlarms: true })

  expect(wrong).toBeNull()
  expect(sizes.at(-1)).toBeLessThanOrEqual(1.1 * (sizes[ROUNDS / 6 - 1] ?? 0))
})

it('comes upon every word that an hour can bring', () => {
  const words = new Set(hours.flatMap(({ played }) => Object.keys(played.words)))

  expect([...words].toSorted()).toEqual([
    '200 degraded',
    '200 healthy',
    '200 held',
    '200 late',
    '503 disabled',
    '503 no-data',
    '503 stale',
    '503 unhealthy',
  ])
})

/** The category's own, or the cluster's, since somebody looked last and no later than the next alarm. */
function isTold({ cluster, category, fromMs, toMs }: Played['turns'][number], { edge }: Played) {
  return edge
    .eventsOf(cluster)
    .some(
      ({ subject, name, atMs }) =>
        (subject === 'cluster' || (subject === 'category' && name === category)) &&
        atMs >= fromMs &&
        atMs <= toMs + ROUND_MS,
    )
}

function repeatTenMinutes(faults: Fault[]): Fault[] {
  const sixthMs = (ROUNDS / 6) * ROUND_MS
  const first = faults.filter(({ atMs }) => atMs < T0 + sixthMs)
  return [0, 1, 2, 3, 4, 5].flatMap((i) =>
    first.map((fault) => ({ ...fault, atMs: fault.atMs + i * sixthMs })),
  )
}

function tellShortest(faults: Fault[], alarms: { hasAlarms: boolean }, wrong: string): string {
  const inWords = (one: string | null) => one?.split(': ').at(-1)
  const play = (fewer: Fault[]) => playHour(fewer, alarms).wrong
  const short = shorten(faults, (fewer) => inWords(play(fewer)) === inWords(wrong))
  return `${wrong}\nin short:\n${tellFaults(short)}\n${play(short) ?? ''}`
}
