/** How the roles tell of themselves: what is counted on the way, and what that makes of their components. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Probed } from '../../../../node-exporter/probing/probe.ts'
import type { Delivered } from '../../../../node-exporter/push/deliver.ts'
import { createSelf } from '../../../../node-exporter/self/self.ts'
import { STALLED_AFTER_MS } from '../../../../node-exporter/self/stall-guard.ts'
import { watchCluster } from '../../../../node-exporter/self/watch-cluster.ts'
import { watchNode } from '../../../../node-exporter/self/watch-node.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const PAST_STALL_MS = STALLED_AFTER_MS + 1
const ANSWERED = { ok: true, answered: true, checks: [], mayRetry: false }

/** Two targets, asked every 10 s. */
function aCluster(probed: Probed = ANSWERED) {
  const self = createSelf(aLog().log, ['cluster'], 'demo')
  const watch = watchCluster(self)
  let isLeading = true
  const prober = {
    pace: () => ({ targets: 2, periodMs: 10_000 }),
    overdueMs: () => 0,
    overdueTargets: () => [],
  }
  const collections = { loaded: 0, total: 7 }
  watch.start({
    prober: () => (isLeading ? prober : null),
    probeTimeoutMs: 10_000,
    collections: () => collections,
    countNodes: () => (isLeading ? 3 : null),
    countIncomplete: () => 2,
    isLinkOpen: () => (isLeading ? true : null),
  })
  const probe = watch.probe(() => Promise.resolve(probed))
  const pageOf = () => self.metrics.write(self.health.read())
  return {
    ...self,
    watch,
    collections,
    pageOf,
    ask: () => probe(aKnownTarget(), 1000),
    setLeading: (next: boolean) => {
      isLeading = next
    },
  }
}

describe('the role cluster', () => {
  it('is ready with the first of its collections, though there is nothing in it', () => {
    const { health, collections } = aCluster()

    const before = health.readiness()
    collections.loaded = 1

    expect(before.ok).toBe(false)
    expect(health.read()).toMatchObject({ readiness: { ok: true }, sources: { total: 7 } })
  })

  it.each<[string, Probed]>([
    ['ok', ANSWERED],
    ['failing', { ...ANSWERED, ok: false }],
    ['unanswered', { ...ANSWERED, ok: false, answered: false }],
    ['unseen', null],
  ])('counts a probe that is %s, and hands it on', async (result, probed) => {
    const { ask, pageOf } = aCluster(probed)

    expect(await ask()).toBe(probed)

    expect(pageOf()).toContain(
      `pilotlight_exporter_probes_total{cluster="demo",result="${result}"} 1\n`,
    )
  })

  it.each<Delivered>([
    { kind: 'accepted', resend: false, commands: [] },
    { kind: 'superseded', held: { epoch: 1, sequence: 1 } },
    { kind: 'failed', reason: 'HTTP 503', retryAfterMs: null, clockMoved: false },
  ])('counts a push that is $kind, and hands it on', async (delivered) => {
    const { watch, pageOf } = aCluster()
    const deliver = watch.deliver(() => Promise.resolve(delivered))

    expect(await deliver(new Uint8Array(), 1)).toBe(delivered)

    expect(pageOf()).toContain(
      `pilotlight_exporter_pushes_total{cluster="demo",result="${delivered.kind}"} 1\n`,
    )
  })

  it.each<[string, Probed]>([
    ['nobody answers', { ...ANSWERED, ok: false, answered: false }],
    ['the way to them is gone', null],
  ])('lives for as long as it asks, though %s', async (_, probed) => {
    const { ask, health } = aCluster(probed)

    for (let round = 0; round < 60; round++) {
      vi.advanceTimersByTime(10_000)
      // Rounds follow one another.
      // oxlint-disable-next-line no-await-in-loop
      await ask()
      expect(health.liveness().ok).toBe(true)
    }
  })

  it('is not live once it asks nobody any more', async () => {
    const { ask, health } = aCluster()
    health.read()
    await ask()

    vi.advanceTimersByTime(PAST_STALL_MS)

    expect(health.liveness()).toEqual({
      ok: false,
      why: 'prober: stalled: nobody was asked for 61 s, of 2 targets',
    })
  })

  it('asks nobody and lives while it stands by, and has a minute when it leads again', () => {
    const { health, setLeading, pageOf } = aCluster()
    health.read()
    setLeading(false)

    health.read()
    vi.advanceTimersByTime(PAST_STALL_MS)

    expect(health.read()).toMatchObject({
      liveness: { ok: true },
      components: { prober: { status: 'unspecified', message: 'standing by' } },
    })
    expect(pageOf()).toContain('pilotlight_exporter_targets{cluster="demo"} 0\n')
    expect(pageOf()).not.toContain('pilotlight_exporter_nodes')
    expect(pageOf()).not.toContain('pilotlight_exporter_link_open')
    setLeading(true)
    expect(health.get('prober')?.status).toBe('healthy')
    expect(pageOf()).toContain('pilotlight_exporter_link_open{cluster="demo"} 1\n')
  })
})

/** `NODE_CHECKS` are two. */
function aNode({ nodeName = 'node-a', roles = ['node'] }: Partial<Given> = {}) {
  const { log, lines } = aLog()
  const self = createSelf(log, roles, 'demo')
  const checks = ['node_ready', 'kubelet']
  const watched = watchNode(self, {
    nodeName: nodeName === '' ? undefined : nodeName,
    checks,
    log,
  })
  return { ...self, lines, watched, run: watched.facts(() => aNodeFacts()) }
}

interface Given {
  /** Empty: not set. */
  nodeName: string
  roles: ('cluster' | 'node')[]
}

describe('the role node', () => {
  it.each([
    ['its port is open', 'node-a', true],
    ['it has no name, so all it answers is 500', '', false],
  ])('is ready or not once %s', (_, nodeName, ok) => {
    const { health, watched } = aNode({ nodeName })
    const before = health.readiness()

    watched.open()

    expect(before.ok).toBe(false)
    expect(health.readiness().ok).toBe(ok)
  })

  it('is live while checks are run, and not a minute after the last run', () => {
    const { health, run } = aNode()
    health.read()
    vi.advanceTimersByTime(PAST_STALL_MS)
    run()

    const running = health.liveness()
    vi.advanceTimersByTime(PAST_STALL_MS)

    expect(running.ok).toBe(true)
    expect(health.liveness()).toEqual({
      ok: false,
      why: 'checks: stalled: no check was run for 61 s',
    })
  })

  it('tells of its API server, unless the role cluster does', () => {
    const alone = aNode()
    const both = aNode({ roles: ['node', 'cluster'] })

    for (const { watched } of [alone, both]) watched.tellApi('refused')
    both.health.update('kube_api', 'healthy')

    expect(alone.health.get('kube_api')).toMatchObject({ status: 'degraded', message: 'refused' })
    both.watched.tellApi('refused')
    expect(both.lines.join('')).toContain('refused')
    expect(both.health.get('kube_api')).toMatchObject({ status: 'healthy' })
  })
})
