/** The exporter from a pod's `__health` to `__gtg`: real HTTP all the way, the Worker in its real runtime. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { REFLECTOR_TIMINGS } from '../../node-exporter/discovery/reflector.ts'
import type { Passed } from '../sandbox/edge-proxy.ts'
import { anEdge, anExporter, askGtg, aWorld, CLUSTER } from '../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 20 }

async function until(worker: string, category: string, expected: [number, string]): Promise<void> {
  await vi.waitFor(async () => {
    const { status, reason } = await askGtg(worker, category)
    expect([status, reason]).toEqual(expected)
  }, SOON)
}

function kinds(passed: Passed[]): string[] {
  return passed.map(({ report }) => report.kind)
}

async function heartbeats(passed: Passed[], count: number): Promise<Passed[]> {
  const from = passed.length
  const found = () => passed.slice(from).filter(({ report }) => report.kind === 'heartbeat')
  await vi.waitFor(() => {
    expect(found().length).toBeGreaterThanOrEqual(count)
  }, SOON)
  return found()
}

describe('a pod that breaks', () => {
  it('turns its categories, and only them, and turns them back when mended', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const [orders = ''] = await world.addService({ name: 'orders', replicas: 2 })
    world.addCategory({ name: 'read', services: ['web'] })
    world.addCategory({ name: 'write', services: ['orders'] })
    const edge = await anEdge()
    await anExporter(world, edge.url)
    await until(edge.worker, 'write', [200, 'healthy'])

    await world.pods.set(orders, { kind: 'failing' })

    await until(edge.worker, 'write', [503, 'unhealthy'])
    expect(await askGtg(edge.worker, 'read')).toEqual({ status: 200, reason: 'healthy' })
    expect(await askGtg(edge.worker)).toEqual({ status: 503, reason: 'unhealthy' })
    await world.pods.set(orders, { kind: 'ok' })
    await until(edge.worker, 'write', [200, 'healthy'])
  })

  it.each([
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers garbage', { kind: 'body', body: '<html>' }],
    ['hangs', { kind: 'hang' }],
    ['refuses', { kind: 'refuse' }],
  ] as const)('is found out when it %s', async (_, behaviour) => {
    const world = await aWorld()
    const [pod = ''] = await world.addService({ name: 'web' })
    const edge = await anEdge()
    await anExporter(world, edge.url, { env: { PROBE_TIMEOUT_SECONDS: '0.3' } })
    await until(edge.worker, 'default', [200, 'healthy'])

    await world.pods.set(pod, behaviour)

    await until(edge.worker, 'default', [503, 'unhealthy'])
  })

  it('is pushed at once, not at the next interval', async () => {
    const world = await aWorld()
    const [pod = ''] = await world.addService({ name: 'web' })
    world.addCategory({ name: 'read', services: ['web'], settings: { refreshrate: '1' } })
    const edge = await anEdge()
    await anExporter(world, edge.url, { env: { INTERVAL_SECONDS: '10' } })
    await until(edge.worker, 'read', [200, 'healthy'])

    await world.pods.set(pod, { kind: 'failing' })
    await until(edge.worker, 'read', [503, 'unhealthy'])

    expect(kinds(edge.passed)).not.toContain('heartbeat') // which an interval would have brought
  })
})

describe('what is sent', () => {
  it('is blind until everything was asked once, then a snapshot', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web', behaviour: { kind: 'hang' } })
    const edge = await anEdge()

    await anExporter(world, edge.url, { env: { PROBE_TIMEOUT_SECONDS: '1' } })
    await until(edge.worker, 'default', [503, 'unhealthy'])

    const sent = kinds(edge.passed)
    expect(sent.slice(0, 3)).toEqual(['blind', 'blind', 'blind'])
    expect(sent.indexOf('snapshot')).toBe(sent.lastIndexOf('blind') + 1)
  })

  it('is heartbeats under 700 bytes in the steady state, headers and all', async () => {
    const world = await aWorld()
    for (const name of ['web', 'orders', 'ledger']) await world.addService({ name, replicas: 2 })
    const edge = await anEdge()
    await anExporter(world, edge.url)
    await until(edge.worker, 'default', [200, 'healthy'])

    const beats = await heartbeats(edge.passed, 10)

    expect(Math.max(...beats.map(({ bytes }) => bytes))).toBeLessThan(700)
    expect(kinds(edge.passed).filter((kind) => kind === 'snapshot')).toHaveLength(1)
  })

  it('takes its order from the exporter before, which then ends', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge()
    const first = await anExporter(world, edge.url)
    await until(edge.worker, 'default', [200, 'healthy'])

    const second = await anExporter(world, edge.url)

    await vi.waitFor(() => {
      expect(first.isSuperseded()).toBe(true)
    }, SOON)
    expect(second.isSuperseded()).toBe(false)
    expect(first.log.join('\n')).toContain('another exporter pushes for this cluster (epoch 1)')
    await until(edge.worker, 'default', [200, 'healthy'])
  })
})

describe('the API server away', () => {
  it('changes no verdict, and the report says so', async () => {
    const world = await aWorld()
    const [pod = ''] = await world.addService({ name: 'web' })
    const edge = await anEdge({ DEAD_AFTER_SECONDS: '2' })
    await anExporter(world, edge.url)
    await until(edge.worker, 'default', [200, 'healthy'])

    await world.api.faults.goAway()
    await vi.waitFor(() => {
      const { components } = edge.passed.at(-1)?.report.exporter ?? {}
      expect(components?.['kube_api']?.status).toBe('degraded')
    }, SOON)
    await heartbeats(edge.passed, 15)

    // The runtime may take a second to answer on a busy machine, in which a cluster with 2 s to live is late.
    await until(edge.worker, 'default', [200, 'healthy'])
    await world.pods.set(pod, { kind: 'failing' })
    await until(edge.worker, 'default', [503, 'unhealthy'])
  })

  it('holds the verdict where pods are asked through it, for nothing is learned', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge({ DEAD_AFTER_SECONDS: '2' })
    const env = {
      PROBE_VIA: 'apiserver',
      PROBE_TIMEOUT_SECONDS: '0.3',
      MAX_HEALTHCHECK_ATTEMPTS: '0',
    }
    await anExporter(world, edge.url, { env })
    await until(edge.worker, 'default', [200, 'healthy'])

    await world.api.faults.goAway()

    await until(edge.worker, 'default', [200, 'held'])
    expect(edge.passed.at(-1)?.report.kind).toBe('blind')
    await world.api.faults.comeBack()
    await until(edge.worker, 'default', [200, 'healthy'])
  })

  it.each([401, 403, 429, 503])('and its own %i are no word about a pod', async (status) => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge()
    const env = {
      PROBE_VIA: 'apiserver',
      PROBE_TIMEOUT_SECONDS: '0.3',
      MAX_HEALTHCHECK_ATTEMPTS: '0',
    }
    await anExporter(world, edge.url, { env })
    await until(edge.worker, 'default', [200, 'healthy'])

    world.api.faults.answer({ status, path: /\/proxy\// })

    await until(edge.worker, 'default', [200, 'held'])
  })

  it('is told from a pod that hangs behind it, which costs nobody else', async () => {
    const world = await aWorld()
    const [pod = ''] = await world.addService({ name: 'web' })
    await world.addService({ name: 'api' })
    world.addCategory({ name: 'read', services: ['api'] })
    const edge = await anEdge()
    const env = { PROBE_VIA: 'apiserver', PROBE_TIMEOUT_SECONDS: '0.3' }
    const exporter = await anExporter(world, edge.url, { env })
    await until(edge.worker, 'default', [200, 'healthy'])

    await world.pods.set(pod, { kind: 'hang' })

    await until(edge.worker, 'default', [503, 'unhealthy'])
    await heartbeats(edge.passed, 5)
    expect(await askGtg(edge.worker, 'read')).toEqual({ status: 200, reason: 'healthy' })
    expect(exporter.log.join('\n')).not.toContain('degraded')
    expect(world.api.seen.connections).toBeLessThanOrEqual(2)
  })
})

describe('a section that could not be listed', () => {
  it('stays as the edge holds it', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.addCategory({ name: 'read', services: ['web'] })
    const edge = await anEdge()
    const first = await anExporter(world, edge.url)
    await until(edge.worker, 'read', [200, 'healthy'])
    await first.stop()
    world.api.faults.answer({ status: 403, path: /configmaps|deployments/ })

    await anExporter(world, edge.url)

    await vi.waitFor(() => {
      const last = edge.passed.at(-1)?.report
      expect([last?.epoch, last?.kind]).toEqual([1, 'heartbeat'])
    }, SOON)
    expect(await askGtg(edge.worker, 'read')).toEqual({ status: 200, reason: 'healthy' })
  })
})

describe('a clock in the cluster', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('that is %s changes nothing', async (_, offMs) => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offMs })

    await anExporter(world, edge.url)

    await until(edge.worker, 'default', [200, 'healthy'])
    const [refused, accepted] = edge.passed
    expect([refused?.status, accepted?.status]).toEqual([401, 202])
    const skewMs = (accepted?.report.observedAt ?? 0) - (Date.now() - offMs)
    expect(Math.abs(skewMs)).toBeLessThan(5000)
  })
})

describe('what operators change', () => {
  it('reaches __gtg within two seconds', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const edge = await anEdge()
    await anExporter(world, edge.url, { env: { INTERVAL_SECONDS: '10' } })
    await until(edge.worker, 'default', [200, 'healthy'])
    const startMs = performance.now()

    world.addCategory({ name: 'read', services: ['web'] })
    await until(edge.worker, 'read', [200, 'healthy'])
    world.addCategory({ name: 'read', services: ['web'], settings: { enabled: 'false' } })
    await until(edge.worker, 'read', [503, 'disabled'])
    await world.addService({ name: 'worse', behaviour: { kind: 'failing' } })
    await until(edge.worker, 'default', [503, 'unhealthy'])

    expect(performance.now() - startMs).toBeLessThan(6000)
    expect(await askGtg(edge.worker, 'read')).toEqual({ status: 503, reason: 'disabled' })
  })
})

describe('a collection that stays forbidden', () => {
  it('leaves a steady state of heartbeats', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.api.faults.answer({ status: 403, path: /configmaps/ })
    const edge = await anEdge()
    const backoffMs: [number, number] = [20, 20]
    const timings = { reflector: { ...REFLECTOR_TIMINGS, backoffMs }, textEveryMs: 100 }

    await anExporter(world, edge.url, { timings })
    await until(edge.worker, 'default', [200, 'healthy'])
    await heartbeats(edge.passed, 10)

    expect(kinds(edge.passed).filter((kind) => kind === 'snapshot')).toHaveLength(1)
  })
})

describe('a malformed value', () => {
  it('is told in the report and once in the log, and its default stands', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web', labels: { isDaemon: 'perhaps' } })
    const edge = await anEdge()

    const exporter = await anExporter(world, edge.url)
    await until(edge.worker, 'default', [200, 'healthy'])
    await world.addService({ name: 'api' })
    await heartbeats(edge.passed, 2)

    const told = 'Service web: isDaemon is "perhaps", not a boolean: taken as false'
    expect(exporter.log.filter((line) => line.includes('isDaemon'))).toEqual([`warn ${told}`])
    const snapshot = edge.passed.map(({ report }) => report).find((r) => r.kind === 'snapshot')
    expect(snapshot?.content.warnings).toMatchObject([{ subject: 'Service web' }])
  })
})

describe('__health', () => {
  it('says what the pods said', async () => {
    const world = await aWorld()
    await world.addService({
      name: 'web',
      annotations: { 'pilotlight.dev/panic-guide': 'Call the web team.' },
      behaviour: { kind: 'failing', severity: 1 },
    })
    const edge = await anEdge()
    await anExporter(world, edge.url)
    await until(edge.worker, 'default', [503, 'unhealthy'])

    const response = await fetch(`${edge.worker}/clusters/${CLUSTER}/__health`, {
      headers: { accept: 'application/json' },
    })

    expect(await response.json()).toMatchObject({
      ok: false,
      severity: 1,
      checks: [{ name: 'web', ok: false, severity: 1, panicGuide: 'Call the web team.' }],
    })
  })
})
