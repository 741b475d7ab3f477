/** What each part says of itself, the worst of it, and that the log hears of a change once. */
import { describe, expect, it } from 'vitest'
import * as v from 'valibot'
import { Components } from '../../../../node-exporter/self/components.ts'
import { exporterSchema, type ComponentStatus } from '../../../../worker/contract/report.ts'
import { aLog } from '../../../support/exporter/a-log.ts'

function aCase() {
  const { log, lines } = aLog()
  return { components: new Components(log), lines }
}

describe('the report', () => {
  it('is unspecified before anything was said', () => {
    const { components } = aCase()

    const report = components.report()

    expect(report).toEqual({ status: 'unspecified', components: {} })
  })

  it.each<[ComponentStatus[], ComponentStatus]>([
    [['healthy', 'healthy'], 'healthy'],
    [['unspecified', 'healthy'], 'healthy'],
    [['healthy', 'degraded'], 'degraded'],
    [['degraded', 'healthy'], 'degraded'],
    [['unhealthy', 'degraded'], 'unhealthy'],
  ])(
    'is as bad as the worst: %j is %s',
    ([first = 'unspecified', second = 'unspecified'], worst) => {
      const { components } = aCase()
      components.update('push', first)
      components.update('prober', second)

      const { status } = components.report()

      expect(status).toBe(worst)
    },
  )

  it('tells each part with its message, and none when all is well', () => {
    const { components } = aCase()
    components.update('push', 'degraded', 'HTTP 503')
    components.update('kube_api', 'degraded', 'refused')
    components.update('kube_api', 'healthy')

    const report = components.report()

    expect(report.components).toEqual({
      push: { status: 'degraded', message: 'HTTP 503' },
      kube_api: { status: 'healthy' },
    })
  })

  it('is a copy that later updates leave alone', () => {
    const { components } = aCase()
    components.update('push', 'healthy')

    const before = components.report()
    components.update('push', 'degraded', 'HTTP 503')

    expect(before.components).toEqual({ push: { status: 'healthy' } })
  })

  it('has messages that the wire takes', () => {
    const { components } = aCase()
    components.update('discovery', 'degraded', 'é'.repeat(5000))

    const report = components.report()

    expect(v.safeParse(exporterSchema.entries.components, report.components).success).toBe(true)
  })
})

describe('the log', () => {
  it('hears of a change once, however often it is said', () => {
    const { components, lines } = aCase()

    components.update('push', 'degraded', 'HTTP 503')
    components.update('push', 'degraded', 'HTTP 503')
    components.update('push', 'degraded', 'x'.repeat(5000))
    components.update('push', 'degraded', 'x'.repeat(5000))

    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('push degraded: HTTP 503')
  })

  it('hears when it is well again', () => {
    const { components, lines } = aCase()
    components.update('push', 'degraded', 'HTTP 503')

    components.update('push', 'healthy')

    expect(lines[1]).toContain('push healthy')
  })
})
