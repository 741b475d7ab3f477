/** `/metrics` of the exporter against a page that holds all of it: what is named there, somebody's alerts rest on. */
import { describe, expect, it } from 'vitest'
import { HealthManager } from '../../../../node-exporter/self/health-manager.ts'
import { Metrics } from '../../../../node-exporter/self/metrics.ts'
import { aLog } from '../../../support/exporter/a-log.ts'

const PROCESS = { startedAtMs: 1_795_262_400_123.4, cpuMs: 2345.6, rssBytes: 65_600_000 }

function aCase(release = { version: '0.1.0', commit: 'b414fdb' }) {
  const health = new HealthManager(aLog().log, () => 1_795_262_461_000)
  const clock = { nowMs: 1_795_262_460_500 }
  return { health, metrics: new Metrics(release, 'prod-eu', () => clock.nowMs), clock }
}

describe('the page', () => {
  it('of a role cluster that has done everything once is the golden file', async () => {
    const { health, metrics } = aCase()
    health.addSources(() => ({ loaded: 6, total: 7 }))
    for (const name of ['discovery', 'prober', 'push'] as const) health.update(name, 'healthy')
    health.update('kube_api', 'degraded', 'no answer in time')
    metrics.startCounting()
    for (const result of ['accepted', 'accepted', 'failed', 'superseded'] as const) {
      metrics.countPush(result)
    }
    for (const result of ['ok', 'ok', 'failing', 'unanswered', 'unseen'] as const) {
      metrics.countProbe(result)
    }
    metrics.addGauges(() => ({ targets: 4, overdueMs: 1500 }))
    metrics.addGauges(() => ({ nodes: 3, linkOpen: false }))

    const page = metrics.write(health.read(), PROCESS)

    await expect(page).toMatchFileSnapshot('./metrics.golden.txt')
  })

  it('of a role node leaves out what that has no part in', () => {
    const { health, metrics } = aCase()
    health.update('checks', 'healthy')
    metrics.addGauges(() => ({ ignoredParameters: 0 }))

    const page = metrics.write(health.read(), PROCESS)

    const families = [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(families).toEqual([
      'pilotlight_exporter_build_info',
      'pilotlight_exporter_live',
      'pilotlight_exporter_ready',
      'pilotlight_exporter_standby',
      'pilotlight_exporter_component_status',
      'pilotlight_exporter_check_sources',
      'pilotlight_exporter_check_sources_loaded',
      'pilotlight_exporter_ignored_parameters_total',
      'process_start_time_seconds',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
    ])
  })

  it('has counters at 0 before anything is counted, and no time of a push', () => {
    const { health, metrics } = aCase()

    metrics.startCounting()

    const page = metrics.write(health.read())
    expect(page).toContain(
      'pilotlight_exporter_pushes_total{cluster="prod-eu",result="failed"} 0\n',
    )
    expect(page).toContain(
      'pilotlight_exporter_probes_total{cluster="prod-eu",result="unseen"} 0\n',
    )
    expect(page).not.toContain('last_push_timestamp')
  })

  it('keeps the time of the last push that was taken', () => {
    const { health, metrics, clock } = aCase()
    metrics.startCounting()
    metrics.countPush('accepted')
    clock.nowMs += 600_000

    metrics.countPush('failed')

    expect(metrics.write(health.read())).toContain(
      'pilotlight_exporter_last_push_timestamp_seconds{cluster="prod-eu"} 1795262460.5\n',
    )
  })

  it('escapes what labels must not hold', () => {
    const { health, metrics } = aCase({ version: 'a\\b"c\nd', commit: '' })

    const page = metrics.write(health.read())

    expect(page).toContain(String.raw`{cluster="prod-eu",version="a\\b\"c\nd",commit=""} 1`)
  })

  it('has the figures of this very process', () => {
    const { health, metrics } = aCase()

    const page = metrics.write(health.read())

    const [, rss] = /^process_resident_memory_bytes\{cluster="prod-eu"\} (\d+)$/m.exec(page) ?? []
    const [, start] = /^process_start_time_seconds\{cluster="prod-eu"\} ([\d.]+)$/m.exec(page) ?? []
    expect(Number(rss)).toBeGreaterThan(10_000_000)
    expect(Math.abs(Number(start) - performance.timeOrigin / 1000)).toBeLessThan(1)
  })
})
