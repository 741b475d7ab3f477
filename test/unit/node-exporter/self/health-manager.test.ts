/** What each part says of itself, the worst of it, and what follows for the process: is it live, is it ready. */
import { describe, expect, it, vi } from 'vitest'
import * as v from 'valibot'
import {
  HealthManager,
  type ComponentName,
  type Said,
  type Transition,
} from '../../../../node-exporter/self/health-manager.ts'
import { exporterSchema, type ComponentStatus } from '../../../../worker/contract/report.ts'
import { aLog } from '../../../support/exporter/a-log.ts'

const STARTED_AT_MS = Date.parse('2026-11-21T12:00:00Z')
const TEN_MINUTES_MS = 600_000

/** With a source that is loaded, unless a case says otherwise. */
function aCase({ loaded = 1, total = 1 } = {}) {
  const { log, lines } = aLog()
  const clock = { nowMs: STARTED_AT_MS }
  const health = new HealthManager(log, () => clock.nowMs)
  const sources = { loaded, total }
  health.addSources(() => sources)
  return { health, clock, sources, lines }
}

describe('the report', () => {
  it('is unspecified before anything was said', () => {
    const { health } = aCase()

    const report = health.report()

    expect(report).toEqual({ status: 'unspecified', components: {} })
  })

  it.each<[ComponentStatus[], ComponentStatus]>([
    [['healthy', 'healthy'], 'healthy'],
    [['unspecified', 'healthy'], 'healthy'],
    [['healthy', 'degraded'], 'degraded'],
    [['degraded', 'healthy'], 'degraded'],
    [['degraded', 'unhealthy'], 'unhealthy'],
  ])(
    'is as bad as the worst: %j is %s',
    ([first = 'unspecified', second = 'unspecified'], worst) => {
      const { health } = aCase()
      health.update('push', first)
      health.update('prober', second)

      const { status } = health.report()

      expect(status).toBe(worst)
    },
  )

  it('tells each part with its message, and none when all is well', () => {
    const { health } = aCase()
    health.update('push', 'degraded', 'HTTP 503')
    health.update('kube_api', 'degraded', 'refused')
    health.update('kube_api', 'healthy')

    const { components } = health.report()

    expect(components).toEqual({
      push: { status: 'degraded', message: 'HTTP 503' },
      kube_api: { status: 'healthy' },
    })
  })

  it('is a copy that later updates leave alone', () => {
    const { health } = aCase()
    health.update('push', 'healthy')

    const before = health.report()
    health.update('push', 'degraded', 'HTTP 503')

    expect(before.components).toEqual({ push: { status: 'healthy' } })
  })

  it('has messages that the wire takes, and no metadata', () => {
    const { health } = aCase()
    const metadata = { replicas: 3 }
    health.update('discovery', 'degraded', { message: 'é'.repeat(5000), metadata })

    const { components } = health.report()

    expect(v.safeParse(exporterSchema.entries.components, components).success).toBe(true)
    expect(components['discovery']).not.toHaveProperty('metadata')
  })

  it('lists who has registered and not spoken, and forgets who has deregistered', () => {
    const { health } = aCase()
    health.register('leader')
    health.update('push', 'degraded', 'HTTP 503')

    health.deregister('push')

    expect(health.report()).toEqual({
      status: 'unspecified',
      components: { leader: { status: 'unspecified' } },
    })
  })

  it('asks a judge at each reading, and no more once that is deregistered', () => {
    const { health } = aCase()
    const judge = vi.fn<() => Said>(() => ({ status: 'degraded', message: 'behind' }))
    health.register('prober', judge)

    expect(health.report().components).toEqual({
      prober: { status: 'degraded', message: 'behind' },
    })
    judge.mockReturnValue({ status: 'healthy' })
    expect(health.report().status).toBe('healthy')
    health.deregister('prober')

    expect(health.report().components).toEqual({})
    expect(judge).toHaveBeenCalledTimes(2)
  })

  it.each<[string, Said, ComponentStatus]>([
    ['a good one is degraded', { status: 'healthy', message: 'well' }, 'degraded'],
    ['a stalled one is still stalled', { status: 'unhealthy', message: 'stalled' }, 'unhealthy'],
  ])('keeps the last word of a judge that throws: %s', (_, said, status) => {
    const { health, lines } = aCase()
    const judge = vi.fn<() => Said>(() => said)
    health.register('prober', judge)
    health.read()
    judge.mockImplementation(() => {
      throw new Error('broken')
    })

    expect(health.get('prober')).toMatchObject({ status, message: said.message })
    expect(health.liveness().ok).toBe(status === 'degraded')
    expect(lines.filter((line) => line.includes("prober can't be judged"))).toHaveLength(1)
  })
})

describe('a component', () => {
  it('is read with its metadata and the time of its last word', () => {
    const { health, clock } = aCase()
    clock.nowMs += 5000
    health.update('leader', 'degraded', { message: 'HTTP 500', metadata: { holder: 'pod-b' } })

    const component = health.get('leader')

    expect(component).toEqual({
      status: 'degraded',
      message: 'HTTP 500',
      metadata: { holder: 'pod-b' },
      isInitialized: true,
      updatedAtMs: STARTED_AT_MS + 5000,
    })
    expect(health.get('nobody')).toBeUndefined()
  })

  it.each<[ComponentName, ComponentStatus]>([
    ['kube_api', 'degraded'],
    ['discovery', 'degraded'],
    ['prober', 'unhealthy'],
    ['node_collector', 'degraded'],
    ['push', 'degraded'],
    ['leader', 'degraded'],
    ['checks', 'unhealthy'],
    ['node_operator', 'degraded'],
  ])('%s that calls itself unhealthy is %s', (name, status) => {
    const { health } = aCase()

    health.update(name, 'unhealthy', 'gone')

    expect(health.get(name)).toMatchObject({ status, message: 'gone' })
    expect(health.liveness().ok).toBe(status !== 'unhealthy')
  })
})

describe('liveness', () => {
  it('says who is unhealthy, and why', () => {
    const { health } = aCase()
    health.update('push', 'degraded', 'HTTP 503')
    health.update('prober', 'unhealthy', 'stalled')

    expect(health.liveness()).toEqual({ ok: false, why: 'prober: stalled' })
  })

  it('is of one moment with the report beside it', () => {
    const { health } = aCase()
    let round = 0
    health.register('prober', () => ({ status: round++ % 2 === 0 ? 'unhealthy' : 'healthy' }))

    const readings = [health.read(), health.read()]

    for (const { status, liveness, components } of readings) {
      expect(liveness.ok).toBe(status !== 'unhealthy')
      expect(components['prober']?.status).toBe(status)
    }
  })
})

describe('readiness', () => {
  it.each([
    ['none is loaded', { loaded: 0, total: 7 }, false],
    ['there are none yet', { loaded: 0, total: 0 }, false],
    ['some are loaded', { loaded: 1, total: 7 }, true],
    ['all are loaded, and hold nothing', { loaded: 7, total: 7 }, true],
  ])('of sources of checks, when %s', (_, sources, ok) => {
    const { health } = aCase(sources)

    expect(health.readiness().ok).toBe(ok)
  })

  it('adds up the sources of all roles', () => {
    const { health } = aCase({ loaded: 0, total: 7 })
    health.addSources(() => ({ loaded: 2, total: 3 }))

    expect(health.read()).toMatchObject({
      sources: { loaded: 2, total: 10 },
      readiness: { ok: true },
    })
  })

  it('stays while pushes fail for ten minutes', () => {
    const { health, clock } = aCase()

    for (let failedForMs = 0; failedForMs <= TEN_MINUTES_MS; failedForMs += 10_000) {
      clock.nowMs = STARTED_AT_MS + failedForMs
      health.update('push', 'unhealthy', 'the last push failed: HTTP 503')
    }

    expect(health.readiness()).toEqual({ ok: true, why: null })
    expect(health.liveness()).toEqual({ ok: true, why: null })
    expect(health.report().status).toBe('degraded')
  })

  it('is gone while a component says so, and back when it no longer does', () => {
    const { health } = aCase()

    health.update('leader', 'degraded', { message: 'stands by', notReady: 'no right to the Lease' })
    const without = health.read()
    health.update('leader', 'degraded', 'stands by')

    expect(without).toMatchObject({
      readiness: { ok: false, why: 'leader: no right to the Lease' },
      liveness: { ok: true },
    })
    expect(health.readiness()).toEqual({ ok: true, why: null })
  })

  it.each([
    ['has seen the cluster', 1, true],
    ['has not seen it', 0, false],
  ])('of a standby that %s is a leader’s', (_, loaded, ok) => {
    const { health } = aCase({ loaded, total: 7 })

    health.setStandby(true)

    expect(health.read()).toMatchObject({ isStandby: true, readiness: { ok } })
    health.setStandby(false)
    expect(health.read()).toMatchObject({ isStandby: false, readiness: { ok } })
  })

  it('is gone with the word to stop, even a standby’s or one that is suppressed', () => {
    const { health } = aCase()
    health.setStandby(true)
    health.suppress('readiness', TEN_MINUTES_MS)

    health.startDraining()

    expect(health.readiness()).toEqual({
      ok: false,
      why: 'draining: the process was told to stop',
    })
    expect(health.liveness().ok).toBe(true)
  })
})

describe('a suppressed verdict', () => {
  function aFailingCase() {
    const given = aCase({ loaded: 0, total: 7 })
    given.health.update('prober', 'unhealthy', 'stalled')
    return given
  }

  it.each([
    ['a millisecond before its end', TEN_MINUTES_MS - 1, true],
    ['at its end', TEN_MINUTES_MS, false],
  ])('of either kind is ok %s: %d ms', (_, afterMs, ok) => {
    const { health, clock } = aFailingCase()
    health.suppress('liveness', TEN_MINUTES_MS)
    health.suppress('readiness', TEN_MINUTES_MS)

    clock.nowMs += afterMs

    expect(health.liveness().ok).toBe(ok)
    expect(health.readiness().ok).toBe(ok)
  })

  it('leaves the other one as it is, and says what it hides', () => {
    const { health } = aFailingCase()

    health.suppress('liveness', TEN_MINUTES_MS)

    expect(health.liveness()).toEqual({ ok: true, why: 'suppressed: prober: stalled' })
    expect(health.readiness().ok).toBe(false)
    expect(health.report().status).toBe('unhealthy')
  })

  it('is back early when that is cleared', () => {
    const { health } = aFailingCase()
    health.suppress('liveness', TEN_MINUTES_MS)
    health.suppress('readiness', TEN_MINUTES_MS)

    health.clearSuppression('liveness')

    expect(health.liveness().ok).toBe(false)
    expect(health.readiness().ok).toBe(true)
  })
})

describe('an observer', () => {
  it('hears of each change of a status, and of no other word', () => {
    const { health } = aCase()
    const heard: Transition[] = []
    health.observe((transition) => heard.push(transition))

    health.update('push', 'degraded', 'HTTP 503')
    health.update('push', 'degraded', 'HTTP 502')
    health.update('push', 'healthy')
    health.update('kube_api', 'unspecified')

    expect(heard.map(({ component, from, to, message }) => [component, from, to, message])).toEqual(
      [
        ['push', 'unspecified', 'degraded', 'HTTP 503'],
        ['push', 'degraded', 'healthy', ''],
      ],
    )
  })

  it('that updates hears of that once it is done, and sees everything as it is', () => {
    const { health } = aCase()
    const heard: string[] = []
    health.observe(({ component, to }) => {
      heard.push(`begin ${component} ${to}, seen ${health.get(component)?.status ?? ''}`)
      if (component === 'push') health.update('leader', 'degraded')
      heard.push(`end ${component}`)
    })

    health.update('push', 'degraded')

    expect(heard).toEqual([
      'begin push degraded, seen degraded',
      'end push',
      'begin leader degraded, seen degraded',
      'end leader',
    ])
  })

  it('hears nothing more once it is gone', () => {
    const { health } = aCase()
    const observer = vi.fn<(transition: Transition) => void>()

    health.observe(observer)()
    health.update('push', 'degraded')

    expect(observer).not.toHaveBeenCalled()
  })

  it('that throws costs nobody else the news', () => {
    const { health, lines } = aCase()
    const observer = vi.fn<(transition: Transition) => void>()
    health.observe(() => {
      throw new Error('mine')
    })
    health.observe(observer)

    health.update('push', 'degraded')
    health.update('push', 'healthy')

    expect(observer).toHaveBeenCalledTimes(2)
    expect(lines.join('')).toContain('mine')
  })
})

describe('the log', () => {
  it('hears of a change once, however often it is said', () => {
    const { health, lines } = aCase()

    health.update('push', 'degraded', 'HTTP 503')
    health.update('push', 'degraded', 'HTTP 503')
    health.update('push', 'degraded', 'x'.repeat(5000))
    health.update('push', 'degraded', 'x'.repeat(5000))

    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('push degraded: HTTP 503')
  })

  it('hears when it is well again', () => {
    const { health, lines } = aCase()
    health.update('push', 'degraded', 'HTTP 503')

    health.update('push', 'healthy')

    expect(lines[1]).toContain('push healthy')
  })
})

it('runs for as long as its clock says, in whole seconds', () => {
  const { health, clock } = aCase()

  clock.nowMs += 61_999

  expect(health.read().uptimeSeconds).toBe(61)
})
