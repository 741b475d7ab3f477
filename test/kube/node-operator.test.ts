/** Another operator's Deployment beside a real API server and pods that answer, until it stands in the report. */
import { describe, expect, it, vi } from 'vitest'
import { REFLECTOR_TIMINGS } from '../../node-exporter/discovery/reflector.ts'
import { startHealthServer } from '../../node-exporter/self/health-server.ts'
import { createSelf } from '../../node-exporter/self/self.ts'
import type { World } from '../sandbox/world.ts'
import { aLog } from '../support/exporter/a-log.ts'
import { LEASE, LEASE_ENV, makeLeaseNamespace } from '../support/exporter/a-lease.ts'
import { addOperatorPod, aDeployment } from '../support/exporter/a-node-operator.ts'
import { aMeekEdge, anExporter, aWorld } from '../support/exporter/a-setup.ts'
import { containing, matching } from '../support/like.ts'

const SOON = { timeout: 10_000, interval: 20 }
const backoffMs: [number, number] = [50, 50]
const TIMINGS = { reflector: { ...REFLECTOR_TIMINGS, backoffMs } }
const CONTROLLER = { kind: 'Deployment', namespace: 'infra', name: 'controller' }

async function anOperatedWorld(): Promise<World> {
  const world = await aWorld()
  world.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'infra' } })
  return world
}

async function watching(world: World, env: Record<string, string> = {}) {
  const edge = await aMeekEdge()
  const { log } = aLog()
  const self = createSelf(log, ['cluster'], 'demo')
  await anExporter(world, edge.url, {
    env: { OPERATOR_SELECTOR: 'app=node-operator', ...env },
    timings: TIMINGS,
    self,
  })
  const until = (expected: object) =>
    vi.waitFor(() => {
      expect(self.health.get('node_operator')).toMatchObject(expected)
    }, SOON)
  return { edge, self, log, until }
}

describe('an operator', () => {
  it('travels in each report in a line, and is read whole from the exporter', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    const answers = await addOperatorPod(world, 'controller-1')
    answers['/readyz'] = 503
    const message =
      'controller: 2/2 ready, v1.4.2 since 2026-11-01T08:00:00Z; liveness ok, readiness not ok'

    const { edge, self, log, until } = await watching(world)
    await until({ message })

    await vi.waitFor(() => {
      const { components } = edge.passed.at(-1)?.report.exporter ?? {}
      expect(components?.['node_operator']).toEqual({ status: 'healthy', message })
    }, SOON)
    const server = await startHealthServer({ ...self, port: 0, log })
    const response = await fetch(`http://127.0.0.1:${server.port}/components/node_operator`)
    await server.stop()
    expect(await response.json()).toEqual({
      status: 'healthy',
      message,
      metadata: {
        namespace: 'infra',
        name: 'controller',
        status: 'healthy',
        desired: '2',
        ready: '2',
        available: '2',
        version: 'v1.4.2',
        commit: 'unknown',
        since: '2026-11-01T08:00:00Z',
        liveness: 'ok',
        readiness: 'not ok',
      },
    })
  })

  it('is followed from coming to going, and never makes the exporter less than live', async () => {
    const world = await anOperatedWorld()
    const { self, until } = await watching(world)
    await until({ status: 'degraded', message: 'no Deployment matches app=node-operator' })

    world.api.create(aDeployment())
    await until({ status: 'healthy', message: containing('controller: 2/2 ready') })
    world.api.patch(CONTROLLER, { spec: { replicas: 3 } })
    await until({
      status: 'degraded',
      message: matching(/controller: 2\/3 ready.*; its controller has yet to see its last change$/),
    })
    world.api.patch(CONTROLLER, { status: { observedGeneration: 2, readyReplicas: 0 } })
    await until({ status: 'degraded', metadata: { status: 'unhealthy' } })

    expect(self.health.get('node_operator')?.message).toContain('controller unhealthy: 0/3 ready')
    expect(self.health.liveness().ok).toBe(true)
    world.api.remove(CONTROLLER)
    await until({ message: 'no Deployment matches app=node-operator' })
  })

  it('is the first by name where several match, with a warning', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment({ name: 'second' }))
    world.api.create(aDeployment({ name: 'first' }))

    const { until } = await watching(world)

    await until({
      message: matching(/^first: .*; warning: 2 Deployments match .*, also infra\/second$/),
    })
  })

  it('is looked for in the namespaces that are watched only', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())

    const { until } = await watching(world, { NAMESPACES: 'default,shop' })

    await until({ message: 'no Deployment matches app=node-operator' })
  })

  it('is no component where no selector is set', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())

    const { self, edge } = await watching(world, { OPERATOR_SELECTOR: '' })

    await vi.waitFor(() => {
      expect(edge.passed.length).toBeGreaterThan(2)
    }, SOON)
    expect(self.health.get('node_operator')).toBeUndefined()
  })

  it('is told of by a standby, too', async () => {
    const world = await anOperatedWorld()
    makeLeaseNamespace(world)
    world.api.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: LEASE.name, namespace: LEASE.namespace },
      spec: {
        holderIdentity: 'somebody-else',
        leaseDurationSeconds: 3600,
        renewTime: '2026-11-01T08:00:00.000000Z',
      },
    })
    world.api.create(aDeployment())
    await addOperatorPod(world, 'controller-1')

    const { self, until } = await watching(world, { ...LEASE_ENV, POD_NAME: 'b' })

    await until({ status: 'healthy', metadata: { liveness: 'ok', readiness: 'ok' } })
    expect(self.health.read().isStandby).toBe(true)
  })
})

describe('its own probes', () => {
  it.each([
    ['directly', 'direct'],
    ['through the API server', 'apiserver'],
  ])('are asked again and again, %s', async (_, way) => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    const answers = await addOperatorPod(world, 'controller-1')
    const { until } = await watching(world, { PROBE_VIA: way })
    await until({ metadata: { liveness: 'ok', readiness: 'ok' } })

    answers['/healthz'] = 500

    await until({ status: 'healthy', metadata: { liveness: 'not ok', readiness: 'ok' } })
  })

  it('are unknown without a pod, and follow from one to the next', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    const { until } = await watching(world)
    await until({ metadata: { liveness: 'unknown', readiness: 'unknown' } })

    await addOperatorPod(world, 'controller-1')
    await until({ metadata: { liveness: 'ok', readiness: 'ok' } })
    const second = await addOperatorPod(world, 'controller-2')
    second['/readyz'] = 503
    world.api.remove({ kind: 'Pod', namespace: 'infra', name: 'controller-1' })

    await until({ metadata: { liveness: 'ok', readiness: 'not ok' } })
  })

  it('are unknown where pods may not be listed, and the message names the right', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    await addOperatorPod(world, 'controller-1')
    const allow = world.api.faults.answer({ status: 403, path: /namespaces\/infra\/pods/ })

    const { until } = await watching(world)

    await until({
      status: 'healthy',
      message: containing('give its ServiceAccount list and watch on pods'),
      metadata: { liveness: 'unknown', readiness: 'unknown' },
    })
    allow()
    await until({ metadata: { liveness: 'ok', readiness: 'ok' } })
  })

  it('are unknown again once the right to list pods is taken away', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    await addOperatorPod(world, 'controller-1')
    const { until } = await watching(world)
    await until({ metadata: { liveness: 'ok', readiness: 'ok' } })

    world.api.faults.answer({ status: 403, path: /namespaces\/infra\/pods/ })
    world.api.faults.dropWatches()

    await until({ status: 'healthy', metadata: { liveness: 'unknown', readiness: 'unknown' } })
  })

  it('are those of a pod that is Ready, and that stays', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    await addOperatorPod(world, 'a-terminating')
    await addOperatorPod(world, 'b-not-ready')
    const ready = await addOperatorPod(world, 'c-ready')
    ready['/healthz'] = 500
    world.api.patch(
      { kind: 'Pod', namespace: 'infra', name: 'a-terminating' },
      { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    )
    world.api.patch(
      { kind: 'Pod', namespace: 'infra', name: 'b-not-ready' },
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
    )

    const { until } = await watching(world)

    await until({ metadata: { liveness: 'not ok', readiness: 'ok' } })
  })
})

describe('an API server that', () => {
  it('is away leaves the last known, and its pod is still asked', async () => {
    const world = await anOperatedWorld()
    world.api.create(aDeployment())
    const answers = await addOperatorPod(world, 'controller-1')
    const { until } = await watching(world)
    await until({ metadata: { liveness: 'ok', readiness: 'ok' } })

    await world.api.faults.goAway()
    await until({ status: 'healthy', message: containing('; last known, for /apis/apps/v1') })
    answers['/readyz'] = 503

    await until({ status: 'healthy', metadata: { ready: '2', readiness: 'not ok' } })
    await world.api.faults.comeBack()
    await until({ message: matching(/readiness not ok$/) })
  })

  it('forbids Deployments leaves it unseen, and the message names the right', async () => {
    const world = await anOperatedWorld()
    world.api.faults.answer({ status: 403, path: /deployments/ })

    const { until } = await watching(world)

    await until({
      status: 'degraded',
      message: containing('give its ServiceAccount list and watch on deployments'),
    })
  })
})
