/** The exporter's clock is an hour off, from its start or all of a sudden: a process of its own whose clock is moved. */
import { expect, it, vi } from 'vitest'
import { IS_LONG } from '../support/exporter/a-prober.ts'
import { aProbedTown, aReplica } from '../support/exporter/a-replica.ts'

const HOUR_MS = 3_600_000

/** Loaded before the exporter: its clock is off by so much from the start, or from SIGUSR2 on. */
function moveClock({ startMs = 0, laterMs = 0 }: { startMs?: number; laterMs?: number }) {
  const code = `
    const RealDate = Date
    let offMs = ${startMs}
    process.on('SIGUSR2', () => { offMs = ${laterMs} })
    const now = () => RealDate.now() + offMs
    globalThis.Date = new Proxy(RealDate, {
      construct: (target, given, as) => Reflect.construct(target, given.length ? given : [now()], as),
      get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    })`
  return { NODE_OPTIONS: `--import=data:text/javascript;base64,${btoa(code)}` }
}

const OFF = [
  ['ahead', HOUR_MS],
  ['behind', -HOUR_MS],
] as const

it.each(OFF)('an hour %s from the start: heard with its second try', async (name, startMs) => {
  const { world, edge, prober } = await aProbedTown()
  prober.mark()

  aReplica(world, edge.url, { INTERVAL_SECONDS: '0.5', ...moveClock({ startMs }) })
  await prober.until('200 healthy')

  expect(prober.differences(`clock an hour ${name}`, [['503 no-data'], ['200 healthy']])).toBe('')
  expect(edge.passed.slice(0, 2).map(({ status }) => status)).toEqual([401, 202])
  const skewMs = (edge.passed[1]?.report.observedAt ?? 0) - (edge.passed[1]?.atMs ?? 0)
  expect(Math.abs(skewMs)).toBeLessThan(5000)
})

it.each(IS_LONG ? OFF : OFF.slice(0, 1))(
  'that jumps an hour %s changes nothing',
  async (name, laterMs) => {
    const { world, edge, prober } = await aProbedTown()
    const env = { INTERVAL_SECONDS: '0.5', ...moveClock({ laterMs }) }
    const exporter = aReplica(world, edge.url, env)
    await prober.until('200 healthy')
    prober.mark()
    const from = edge.passed.length

    exporter.kill('SIGUSR2')
    await vi.waitFor(
      () => {
        expect(edge.passed.length - from).toBeGreaterThan(3)
      },
      { timeout: 10_000, interval: 20 },
    )

    expect(prober.differences(`clock that jumps an hour ${name}`, [['200 healthy', 1]])).toBe('')
    const statuses = edge.passed.slice(from, -1).map(({ status }) => status)
    expect(statuses).toEqual(statuses.map(() => 202))
  },
)
