/** What goes wrong in an hour, drawn from a seed: a list that can be played again, and shortened. It plays nothing itself. */
import { T0 } from './apply.ts'
import { pick, rollFrom, whole, type Dice } from './hour-dice.ts'
import { CATEGORIES, INTERVAL_SECONDS, SERVICES, type Failing } from './hour-report.ts'

export const CLUSTERS = ['east', 'west', 'south']
export const ROUNDS = 360
export const ROUND_MS = INTERVAL_SECONDS * 1000

export type Fault = { atMs: number; cluster: string } & FaultKind

export type FaultKind =
  /** null: it recovers. */
  | { kind: 'service'; service: string; failing: Failing | null }
  | { kind: 'configmap'; category: string; enabled: boolean | null }
  /** The next report: it never arrives; the exporter learns so; twice; that many ms later than it was sent. */
  | { kind: 'lose' | 'refuse' | 'double' }
  | { kind: 'delay'; byMs: number }
  /** Another report between two rounds, as a change makes one. */
  | { kind: 'push' }
  /** One that was deposed says that all is well. */
  | { kind: 'deposed' }
  | { kind: 'restart' | 'blind' | 'silence'; rounds: number }
  | { kind: 'skew'; byMs: number; rounds: number }
  | {
      kind: 'ack'
      service: string
      until: 'removed' | 'recovery' | 'change'
      expiresInMs: number | null
    }
  | { kind: 'rem-ack'; service: string }
  | { kind: 'disable' | 'enable'; category: string }
  /** null: it ends. */
  | { kind: 'hold'; forMs: number | null }
  | { kind: 'alarm' | 'evict' | 'lose storage' }

/** The faults of one hour in the order that they happen. The last five minutes are quiet. */
export function drawFaults(seed: number): Fault[] {
  const dice = rollFrom(seed)
  const faults: Fault[] = []
  for (let round = 2; round < ROUNDS - 30; round += 1) {
    for (const cluster of CLUSTERS) {
      if (dice() > 0.3) continue
      const atMs = T0 + round * ROUND_MS + whole(dice, 0, ROUND_MS)
      faults.push({ atMs, cluster, ...drawKind(dice) })
    }
    if (dice() < 0.02) faults.push(...silenceMany(dice, T0 + round * ROUND_MS))
  }
  return faults.toSorted((a, b) => a.atMs - b.atMs)
}

/** Two of three, or all, at nearly the same time. */
function silenceMany(dice: Dice, atMs: number): Fault[] {
  const spared = dice() < 0.7 ? pick(dice, CLUSTERS) : null
  return CLUSTERS.filter((cluster) => cluster !== spared).map((cluster) => {
    const rounds = dice() < 0.15 ? 100 : whole(dice, 2, 30)
    return { atMs: atMs + whole(dice, 0, 4 * ROUND_MS), cluster, kind: 'silence', rounds }
  })
}

function drawKind(dice: Dice): FaultKind {
  const service = pick(dice, SERVICES)
  const category = pick(dice, ['default', ...CATEGORIES.map(({ name }) => name)])
  const kinds: (() => FaultKind)[] = [
    () => ({ kind: 'service', service, failing: drawFailing(dice) }),
    () => ({ kind: 'service', service, failing: null }),
    () => ({ kind: 'service', service: 'bank', failing: drawFailing(dice) }),
    () => ({ kind: 'configmap', category: 'pay', enabled: pick(dice, [true, false, null]) }),
    () => ({ kind: pick(dice, ['lose', 'refuse', 'double']) }),
    () => ({ kind: 'delay', byMs: whole(dice, 1, dice() < 0.5 ? ROUND_MS : 6 * ROUND_MS) }),
    () => ({ kind: pick(dice, ['push', 'deposed']) }),
    () => ({ kind: pick(dice, ['restart', 'blind']), rounds: whole(dice, 1, 12) }),
    () => ({ kind: 'silence', rounds: whole(dice, 1, 15) }),
    () => ({
      kind: 'skew',
      byMs: pick(dice, [-25_000, -8000, 3_600_000]),
      rounds: whole(dice, 1, 9),
    }),
    () => ({
      kind: 'ack',
      service,
      until: pick(dice, ['removed', 'recovery', 'change']),
      expiresInMs: dice() < 0.5 ? null : whole(dice, 5000, 300_000),
    }),
    () => ({ kind: 'rem-ack', service }),
    () => ({ kind: 'disable', category }),
    () => ({ kind: 'enable', category }),
    () => ({ kind: 'enable', category: 'pay' }),
    () => ({ kind: 'hold', forMs: dice() < 0.3 ? null : whole(dice, 10_000, 400_000) }),
    () => ({ kind: pick(dice, ['alarm', 'evict', 'lose storage']) }),
  ]
  return pick(dice, kinds)()
}

function drawFailing(dice: Dice): Failing {
  const checks = pick(dice, [['disk'], ['queue'], ['disk', 'queue']])
  return { checks, severity: pick(dice, [1, 2, 3] as const) }
}

/** Fewer faults that still do what `stillFails` asks for: ever smaller pieces are left out. */
export function shorten(faults: Fault[], stillFails: (faults: Fault[]) => boolean): Fault[] {
  let short = faults
  for (let size = Math.ceil(short.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < short.length;) {
      const fewer = [...short.slice(0, from), ...short.slice(from + size)]
      if (stillFails(fewer)) short = fewer
      else from += size
    }
  }
  return short
}
