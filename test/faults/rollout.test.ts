/** Pods come and go as Kubernetes makes them: no rollout is an outage, and no outage passes for a rollout. */
import { expect, it, vi } from 'vitest'
import type { Service, Target } from '../../worker/contract/report.ts'
import { anExporter } from '../support/exporter/a-setup.ts'
import { aProbedTown, aReplica } from '../support/exporter/a-replica.ts'

const env = { INTERVAL_SECONDS: '0.5' }

type Town = Awaited<ReturnType<typeof aProbedTown>>

const SOON = { timeout: 20_000, interval: 10 }

/** What the exporter told the edge last. */
function servicesOf({ edge }: Town): Service[] {
  const snapshots = edge.passed.flatMap(({ report }) => (report.kind === 'snapshot' ? report : []))
  return snapshots.at(-1)?.content.services ?? []
}

/** The exporter has told the edge so of one pod. */
async function told(town: Town, pod: string, expected: Partial<Target>): Promise<void> {
  await vi.waitFor(() => {
    const targets = servicesOf(town).flatMap((service) => service.targets ?? [])
    expect(targets.find(({ id }) => id === pod)).toMatchObject(expected)
  }, SOON)
}

async function toldOf(town: Town, service: string, expected: Partial<Service>): Promise<void> {
  await vi.waitFor(() => {
    expect(servicesOf(town).find(({ name }) => name === service)).toMatchObject(expected)
  }, SOON)
}

/** One pod is replaced by another: stopped while it serves, gone, started, ready. */
async function replace(town: Town, service: string, pod: string): Promise<void> {
  const { world } = town
  world.beginTermination(pod)
  await world.removePod(pod)
  await world.surge(service, pod)
  await told(town, pod, { starting: true })
  await world.finishStart(pod)
  await told(town, pod, { ok: true })
}

it('a slow starter in a Deployment turns nothing', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const old = await world.addService({ name: 'shop', replicas: 2 })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  const next = await world.surge('shop')
  await told(town, next, { ok: false, starting: true, ready: false })
  await world.finishStart(next)
  await told(town, next, { ok: true, ready: true })
  for (const pod of old) {
    world.beginTermination(pod)
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as a rollout does
    await world.removePod(pod)
  }
  await told(town, next, { ok: true })

  expect(prober.differences('slow starter', [['200 healthy']])).toBe('')
})

it('a rollout of the only pod turns nothing, however slowly the new one answers at first', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const [old = ''] = await world.addService({ name: 'shop' })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  const next = await world.surge('shop')
  await told(town, next, { starting: true })
  await world.pods.set(next, { kind: 'slow', ms: 1500 })
  world.setPodReady(next, true)
  world.beginTermination(old)
  await world.removePod(old)
  await told(town, next, { ok: true, ready: true })

  expect(prober.differences('rollout of the only pod', [['200 healthy']])).toBe('')
})

it('a restart of a StatefulSet of three turns nothing', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const pods = await world.addService({ name: 'shop', replicas: 3, workload: 'StatefulSet' })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  for (const pod of pods.toReversed()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as the controller does
    await replace(town, 'shop', pod)
  }

  expect(prober.differences('StatefulSet of three', [['200 healthy']])).toBe('')
})

it('a restart of a StatefulSet of one is the outage that it is', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const [pod = ''] = await world.addService({ name: 'shop', workload: 'StatefulSet' })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  world.beginTermination(pod)
  await told(town, pod, { ok: true, terminating: true })
  const whileItServes = prober.looks.every(({ said }) => said === '200 healthy')
  await world.removePod(pod)
  await prober.until('503 unhealthy')
  await world.surge('shop', pod)
  await told(town, pod, { starting: true })
  await world.finishStart(pod)
  await prober.until('200 healthy')

  expect(whileItServes).toBe(true)
  const expected = [['200 healthy'], ['503 unhealthy'], ['200 healthy']] as const
  expect(prober.differences('StatefulSet of one', expected)).toBe('')
})

it('a DaemonSet on a new node turns nothing', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const labels = { isDaemon: 'true' }
  await world.addService({ name: 'agent', replicas: 3, workload: 'DaemonSet', labels })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  world.addNode('node-d')
  const next = await world.surge('agent')
  await told(town, next, { starting: true })
  await world.finishStart(next)
  await told(town, next, { ok: true })

  expect(prober.differences('DaemonSet on a new node', [['200 healthy']])).toBe('')
})

it('a rollout that never becomes ready counts after the deadline', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  await world.addService({ name: 'shop', replicas: 2 })
  await anExporter(world, edge.url, { env: { ...env, STARTING_DEADLINE_SECONDS: '4' } })
  await prober.until('200 healthy')
  prober.mark()

  await world.surge('shop')
  await prober.until('503 unhealthy')

  // The Pod's times are whole seconds.
  const expected = [['200 healthy', 3, 8], ['503 unhealthy']] as const
  expect(prober.differences('never ready', expected)).toBe('')
})

it('an exporter that is replaced in a rollout turns nothing', async () => {
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: '30' })
  const { world, edge, prober } = town
  await world.addService({ name: 'shop', replicas: 2 })
  const first = aReplica(world, edge.url, env)
  await prober.until('200 healthy')
  prober.mark()

  const next = await world.surge('shop')
  await told(town, next, { starting: true })
  first.kill('SIGKILL')
  await prober.until('200 late')
  aReplica(world, edge.url, env)
  await prober.until('200 healthy')

  const expected = [['200 healthy'], ['200 late'], ['200 held?'], ['200 healthy']] as const
  expect(prober.differences('exporter replaced in a rollout', expected)).toBe('')
})

it('an exporter that is replaced in an outage goes on telling it', async () => {
  const town = await aProbedTown({ DEAD_AFTER_SECONDS: '30' })
  const { world, edge, prober } = town
  const [broken = ''] = await world.addService({ name: 'shop', replicas: 2 })
  const first = aReplica(world, edge.url, env)
  await prober.until('200 healthy')

  await world.pods.set(broken, { kind: 'refuse' })
  world.setPodReady(broken, false)
  await prober.until('503 unhealthy')
  prober.mark()
  first.kill('SIGKILL')
  const from = edge.passed.length
  aReplica(world, edge.url, env)
  await vi.waitFor(() => {
    const since = edge.passed.slice(from).map(({ report }) => report.kind)
    expect(since).toContain('snapshot')
  }, SOON)
  await told(town, broken, { ok: false, ready: false })

  expect(prober.differences('exporter replaced in an outage', [['503 unhealthy']])).toBe('')
})

it('a service that is scaled to zero and up again turns nothing', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const [pod = ''] = await world.addService({ name: 'shop' })
  await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  const deployment = { kind: 'Deployment', namespace: 'default', name: 'shop' }
  world.api.patch(deployment, { spec: { replicas: 0 } })
  world.beginTermination(pod)
  await world.pods.set(pod, { kind: 'refuse' })
  await told(town, pod, { terminating: true })
  await world.removePod(pod)
  await toldOf(town, 'shop', { desired: 0, targets: [] })
  world.api.patch(deployment, { spec: { replicas: 1 } })
  await toldOf(town, 'shop', { desired: 1, targets: [], starting: true })
  const next = await world.surge('shop')
  await told(town, next, { starting: true })
  await world.finishStart(next)
  await told(town, next, { ok: true })

  expect(prober.differences('scaled to zero and up', [['200 healthy']])).toBe('')
})

it('a namespace that is deleted takes its services out of the verdict', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  const pods = await world.addService({ name: 'shop', namespace: 'preview', replicas: 2 })
  const exporter = await anExporter(world, edge.url, { env })
  await prober.until('200 healthy')
  prober.mark()

  world.beginNamespaceDeletion('preview')
  for (const pod of pods) world.beginTermination(pod)
  // oxlint-disable-next-line no-await-in-loop
  for (const pod of pods) await world.removePod(pod)
  await vi.waitFor(() => {
    expect(exporter.log.join('\n')).toContain('Namespace preview: is being deleted')
  }, SOON)
  const from = edge.passed.length
  await vi.waitFor(() => {
    expect(edge.passed.length).toBeGreaterThan(from + 2)
  }, SOON)

  expect(prober.differences('namespace deleted', [['200 healthy']])).toBe('')
})

it('pods that may not be read count as failing, and a warning says so', async () => {
  const town = await aProbedTown()
  const { world, edge, prober } = town
  await world.addService({ name: 'shop', replicas: 2 })
  world.api.faults.answer({ status: 403, path: /\/pods\// })
  await anExporter(world, edge.url, { env, timings: { textEveryMs: 100 } })
  await prober.until('200 healthy')

  await world.surge('shop')
  await prober.until('503 unhealthy')

  await vi.waitFor(() => {
    const texts = edge.passed.map(({ report }) => JSON.stringify(report))
    expect(texts.join()).toContain('pods that are starting count as failing')
  }, SOON)
})
