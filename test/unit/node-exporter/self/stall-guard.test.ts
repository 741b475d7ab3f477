/** When a loop is taken for dead, and that nothing but its standing still makes it so. */
import { describe, expect, it } from 'vitest'
import {
  judgeChecks,
  judgeProber,
  STALLED_AFTER_MS,
  StallGuard,
  type ProberFigures,
} from '../../../../node-exporter/self/stall-guard.ts'

function aGuard() {
  const clock = { nowMs: 1_000_000 }
  return { guard: new StallGuard(() => clock.nowMs), clock }
}

function figures(given: Partial<ProberFigures> = {}): ProberFigures {
  return {
    targets: 2,
    periodMs: 10_000,
    timeoutMs: 10_000,
    overdueMs: 0,
    overdueTargets: () => ['web-1', 'web-2'],
    ...given,
  }
}

describe('the prober', () => {
  it.each([
    ['after exactly a minute', { idleMs: STALLED_AFTER_MS }, 'healthy'],
    ['past it', { idleMs: STALLED_AFTER_MS + 1 }, 'unhealthy'],
    ['at three slow periods and a probe', { idleMs: 310_000, periodMs: 100_000 }, 'healthy'],
    ['past them', { idleMs: 310_001, periodMs: 100_000 }, 'unhealthy'],
    ['without any target', { idleMs: 3_600_000, targets: 0 }, 'healthy'],
    ['behind but asking', { idleMs: 0, overdueMs: 3_600_000 }, 'degraded'],
  ])('that asked nobody is this %s', (_, { idleMs, ...given }, status) => {
    const { guard, clock } = aGuard()
    judgeProber(guard, figures(given))
    guard.turned()

    clock.nowMs += idleMs

    expect(judgeProber(guard, figures(given))).toMatchObject({ status })
  })

  it('says how far it is behind, and with whom', () => {
    const { guard } = aGuard()

    const { message } = judgeProber(guard, figures({ overdueMs: 1200 }))

    expect(message).toBe('behind by 2 s: web-1, web-2')
  })

  it('has its whole minute from the first target on', () => {
    const { guard, clock } = aGuard()
    judgeProber(guard, figures({ targets: 0 }))
    clock.nowMs += 3_600_000

    const atFirst = judgeProber(guard, figures())
    clock.nowMs += STALLED_AFTER_MS + 1

    expect(atFirst.status).toBe('healthy')
    expect(judgeProber(guard, figures())).toEqual({
      status: 'unhealthy',
      message: 'stalled: nobody was asked for 61 s, of 2 targets',
    })
  })

  it('has its whole minute again after it had nobody to ask', () => {
    const { guard, clock } = aGuard()
    judgeProber(guard, figures())
    judgeProber(guard, figures({ targets: 0 }))
    clock.nowMs += 3_600_000

    expect(judgeProber(guard, figures()).status).toBe('healthy')
  })

  it('is well again as soon as it asks', () => {
    const { guard, clock } = aGuard()
    judgeProber(guard, figures())
    clock.nowMs += STALLED_AFTER_MS + 1

    guard.turned()

    expect(judgeProber(guard, figures()).status).toBe('healthy')
  })
})

describe('the checks', () => {
  it.each([
    ['after exactly a minute', STALLED_AFTER_MS, 'healthy'],
    ['past it', STALLED_AFTER_MS + 1, 'unhealthy'],
  ])('of which none was run are this %s', (_, idleMs, status) => {
    const { guard, clock } = aGuard()
    judgeChecks(guard, { nodeName: 'node-a', warm: 1 })

    clock.nowMs += idleMs

    expect(judgeChecks(guard, { nodeName: 'node-a', warm: 1 })).toMatchObject({ status })
  })

  it('are degraded while the node has no name', () => {
    const { guard } = aGuard()

    const said = judgeChecks(guard, { nodeName: undefined, warm: 1 })

    expect(said).toEqual({ status: 'degraded', message: 'NODE_NAME is not set' })
  })
})
