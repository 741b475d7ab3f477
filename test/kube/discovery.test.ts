/** Discovery against an API server over TLS: what changes is seen, and no fault of the API empties anything. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Discovery, type DiscoveryOptions } from '../../node-exporter/discovery/discovery.ts'
import { KubeApi } from '../../node-exporter/discovery/kube-api.ts'
import { REFLECTOR_TIMINGS } from '../../node-exporter/discovery/reflector.ts'
import type { World } from '../sandbox/world.ts'
import { aFolder, aKubeconfig, aWorld } from '../support/exporter/a-setup.ts'

const SECONDS_2 = { timeout: 2000, interval: 20 }
const SECOND: [number, number] = [1, 1]
const SECONDS_10 = { timeout: 10_000, interval: 50 }

/** With the timings of production, unless said otherwise. */
function aDiscovery(
  world: World,
  { api, ...options }: Partial<DiscoveryOptions> & { api?: KubeApi } = {},
): Discovery {
  const kube =
    api ??
    new KubeApi({ kubeconfig: aKubeconfig(world), accountRoot: '/nowhere', timeoutMs: 10_000 })
  const discovery = new Discovery(kube, {
    namespaces: [],
    homeNamespace: 'default',
    timings: REFLECTOR_TIMINGS,
    refuse: () => null,
    onServerAddresses: () => undefined,
    onChange: () => undefined,
    ...options,
  })
  discovery.start()
  onTestFinished(async () => {
    discovery.stop()
    await kube.stop()
  })
  return discovery
}

function namesOf(discovery: Discovery): string[] {
  return discovery.current().services.map(({ name }) => name)
}

async function complete(discovery: Discovery): Promise<void> {
  await vi.waitFor(() => {
    expect(discovery.state()).toMatchObject({ isComplete: true, failing: [] })
  }, SECONDS_10)
}

/** It reads namespaces only once it is let. */
class GatedApi extends KubeApi {
  readonly gate = Promise.withResolvers<void>()
  readonly asked: string[] = []

  override async send(...[asked, signal]: Parameters<KubeApi['send']>): Promise<unknown> {
    this.asked.push(asked.path)
    await this.gate.promise
    return super.send(asked, signal)
  }
}

describe('a namespace that is being deleted', () => {
  it('is read before any of its services is told to be without pods', async () => {
    const world = await aWorld()
    for (const namespace of ['one', 'two']) await world.addService({ name: 'web', namespace })
    const options = { kubeconfig: aKubeconfig(world), accountRoot: '/nowhere', timeoutMs: 10_000 }
    const api = new GatedApi(options)
    const told: string[] = []
    const onChange = () => {
      if (!discovery.state().isComplete) return
      for (const { name, targets } of discovery.current().services)
        if (targets.length === 0) told.push(name)
    }
    const discovery = aDiscovery(world, { api, onChange })
    await complete(discovery)

    world.beginNamespaceDeletion('one')
    world.beginNamespaceDeletion('two')
    for (const pod of world.podsOf('web.one')) await world.removePod(pod)
    await vi.waitFor(() => {
      expect(api.asked).toEqual(['/api/v1/namespaces/one'])
    }, SECONDS_10)
    for (const pod of world.podsOf('web.two')) await world.removePod(pod)
    api.gate.resolve()
    await vi.waitFor(() => {
      expect(namesOf(discovery)).toEqual([])
    }, SECONDS_10)

    expect(told).toEqual([])
  })
})

describe('what operators do', () => {
  it.each(['true', 'True', 'TRUE', '1', 't', 'T'])(
    '%s labels a Service to be watched',
    async (text) => {
      const world = await aWorld()
      await world.addService({ name: 'web', labels: { hasHealthcheck: text } })
      await world.addService({ name: 'other', labels: { hasHealthcheck: 'false' } })

      const discovery = aDiscovery(world)
      await complete(discovery)

      expect(namesOf(discovery)).toEqual(['web'])
      expect(discovery.current().services[0]?.targets).toHaveLength(1)
    },
  )

  it('is seen within two seconds, without a restart', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web', replicas: 2 })
    const discovery = aDiscovery(world)
    await complete(discovery)

    await world.addService({ name: 'api' })
    await vi.waitFor(() => {
      expect(namesOf(discovery)).toEqual(['api', 'web'])
    }, SECONDS_2)

    world.api.patch(
      { kind: 'Service', namespace: 'default', name: 'api' },
      { metadata: { labels: { hasHealthcheck: null } } },
    )
    await vi.waitFor(() => {
      expect(namesOf(discovery)).toEqual(['web'])
    }, SECONDS_2)

    world.addCategory({ name: 'read', services: ['web'], settings: { refreshrate: '7' } })
    await vi.waitFor(() => {
      expect(discovery.current()).toMatchObject({
        categories: [{ name: 'read', refreshSeconds: 7 }],
        services: [{ name: 'web', periodSeconds: 7 }],
      })
    }, SECONDS_2)

    await world.scale('web', 3)
    await vi.waitFor(() => {
      const [web] = discovery.current().services
      expect([web?.desired, web?.targets.length]).toEqual([3, 3])
    }, SECONDS_2)
  })

  it('is told while it goes on, however fast one change follows another', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    let told = 0
    const discovery = aDiscovery(world, { onChange: () => (told += 1) })
    await complete(discovery)
    told = 0

    const service = { kind: 'Service', namespace: 'default', name: 'web' }
    let changes = 0
    while (told < 2 && changes < 5000) {
      changes += 1
      world.api.patch(service, {
        metadata: { annotations: { 'pilotlight.dev/panic-guide': String(changes) } },
      })
      await turn()
    }

    expect(told).toBe(2)
  })

  it('is seen in the named namespaces alone', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    await world.addService({ name: 'billing', namespace: 'finance' })
    await world.addService({ name: 'secret', namespace: 'vault' })

    const discovery = aDiscovery(world, { namespaces: ['default', 'finance'] })
    await complete(discovery)

    expect(namesOf(discovery)).toEqual(['web', 'billing.finance'])
    expect(world.api.seen.requests.every(({ path }) => !path.includes('vault'))).toBe(true)
  })

  it('is listed page by page when there is much of it', async () => {
    const world = await aWorld()
    for (let i = 0; i < 501; i++) {
      world.api.create({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `s${i}`, namespace: 'default', labels: { hasHealthcheck: 'true' } },
        spec: { selector: { app: `s${i}` }, ports: [{ port: 80 }] },
      })
    }

    const discovery = aDiscovery(world)
    await complete(discovery)

    expect(namesOf(discovery)).toHaveLength(501)
    const lists = world.api.seen.requests.filter((r) => r.path === '/api/v1/services' && !r.watch)
    expect(lists).toHaveLength(2)
  })

  it('includes slices made by hand for a Service without a selector', async () => {
    const world = await aWorld()
    world.api.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'legacy', namespace: 'default', labels: { hasHealthcheck: 'true' } },
      spec: { ports: [{ name: 'app', port: 80 }] },
    })
    const discovery = aDiscovery(world)
    await complete(discovery)
    const before = discovery.current()

    world.api.create({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: 'legacy-1',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'legacy' },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.9'] }],
      ports: [{ name: 'app', port: 9090 }],
    })

    await vi.waitFor(() => {
      expect(discovery.current().services).toMatchObject([
        { name: 'legacy', targets: [{ id: '10.0.0.9', port: 9090, pod: null }] },
      ])
    }, SECONDS_2)
    expect(before.warnings).toMatchObject([{ subject: 'Service legacy' }])
  })
})

describe('slices that were made by hand', () => {
  function addByHand(world: World, namespace: string, name: string, selector?: object): void {
    world.api.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace, labels: { hasHealthcheck: 'true' } },
      spec: { ports: [{ port: 80 }], ...selector },
    })
    addSlice(world, namespace, name)
  }

  function addSlice(world: World, namespace: string, name: string): void {
    world.api.create({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.9'] }],
      ports: [{ name: 'app', port: 9090 }],
    })
  }

  it('are found by one watch, however many Services there are', async () => {
    const world = await aWorld()
    world.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
    for (let i = 0; i < 40; i++) addByHand(world, i % 2 === 0 ? 'default' : 'shop', `s-${i}`)
    for (let i = 0; i < 40; i++) addSlice(world, 'default', `of-a-mesh-${i}`)

    const discovery = aDiscovery(world)
    await complete(discovery)
    await vi.waitFor(() => {
      expect(world.api.seen.openWatches).toBe(8)
    }, SECONDS_10)

    const { services } = discovery.current()
    expect(services.map(({ targets }) => targets.length)).toEqual(Array(40).fill(1))
    expect(world.api.seen.requests.filter(({ path }) => path.includes('slices'))).toHaveLength(4)
  })

  it('are found for a Service that comes later, or loses its selector', async () => {
    const world = await aWorld()
    addSlice(world, 'default', 'late')
    addByHand(world, 'default', 'turned', { selector: { app: 'turned' } })
    const discovery = aDiscovery(world, { timings: { ...REFLECTOR_TIMINGS, refillMs: 100 } })
    await complete(discovery)

    const selectorless = { labels: { hasHealthcheck: 'true' }, name: 'late', namespace: 'default' }
    world.api.create({ apiVersion: 'v1', kind: 'Service', metadata: selectorless, spec: {} })
    world.api.patch(
      { kind: 'Service', namespace: 'default', name: 'turned' },
      { spec: { selector: null } },
    )

    await vi.waitFor(() => {
      const { services } = discovery.current()
      expect(services.map(({ name, targets }) => [name, targets.length])).toEqual([
        ['late', 1],
        ['turned', 1],
      ])
    }, SECONDS_10)
  })
})

describe('more Services than are kept', () => {
  it('cost another namespace nothing, and make categories incomplete', async () => {
    const world = await aWorld()
    world.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flood' } })
    await world.addService({ name: 'web' })
    world.addCategory({ name: 'mine', services: ['web'] })
    world.addCategory({ name: 'theirs', services: ['web', 's0000.flood', 's2000.flood'] })
    const addFlood = (i: number) => {
      const name = `s${String(i).padStart(4, '0')}`
      const metadata = { name, namespace: 'flood', labels: { hasHealthcheck: 'true' } }
      const spec = { selector: { app: 'none' } }
      world.api.create({ apiVersion: 'v1', kind: 'Service', metadata, spec })
    }
    for (let i = 0; i < 2001; i++) addFlood(i)

    const discovery = aDiscovery(world, { timings: { ...REFLECTOR_TIMINGS, refillMs: 500 } })
    await complete(discovery)

    const { services, incomplete, categories, warnings } = discovery.current()
    expect(services).toHaveLength(2001)
    expect(services.find(({ name }) => name === 'web')?.targets).toHaveLength(1)
    expect(incomplete).toEqual(['default', 'theirs'])
    expect(categories?.map((category) => category.services)).toEqual([
      ['web'],
      ['web', 's0000.flood'],
    ])
    expect(warnings.slice(0, 2).map(({ subject }) => subject)).toEqual([
      'Namespace flood',
      'category theirs',
    ])

    world.api.remove({ kind: 'Service', namespace: 'flood', name: 's0007' })
    await vi.waitFor(() => {
      expect(discovery.current().incomplete).toEqual([])
      expect(namesOf(discovery)).toContain('s2000.flood')
    }, SECONDS_10)
  })
})

describe('a watch that', () => {
  it.each([
    [
      'is cut',
      (world: World) => {
        world.api.faults.dropWatches()
      },
    ],
    [
      'is too old',
      (world: World) => {
        world.api.faults.expireWatches()
      },
    ],
  ])('%s costs no change that comes meanwhile', async (_, strike) => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const discovery = aDiscovery(world)
    await complete(discovery)
    await vi.waitFor(() => {
      expect(world.api.seen.openWatches).toBe(8)
    }, SECONDS_10)

    strike(world)
    await world.addService({ name: 'api' })

    await vi.waitFor(() => {
      expect(namesOf(discovery)).toEqual(['api', 'web'])
      expect(discovery.current().services[0]?.targets).toHaveLength(1)
    }, SECONDS_10)
  })
})

describe('an API server that', () => {
  it('is away leaves everything as it was, and is found again', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.addCategory({ name: 'read', services: ['web'] })
    const discovery = aDiscovery(world)
    await complete(discovery)
    const before = discovery.current()

    await world.api.faults.goAway()
    await vi.waitFor(() => {
      expect(discovery.state().away).toMatch(/ECONNREFUSED|other side closed|terminated|socket/i)
    }, SECONDS_10)
    const during = discovery.current()
    await world.api.faults.comeBack()

    expect({ ...during, warnings: [] }).toEqual(before)
    await vi.waitFor(() => {
      expect(discovery.state()).toMatchObject({ away: null, failing: [] })
    }, SECONDS_10)
  })

  it('forbids ConfigMaps leaves the categories unknown, not empty', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.addCategory({ name: 'read', services: ['web'] })
    world.api.faults.answer({ status: 403, path: /configmaps/ })

    const discovery = aDiscovery(world)

    await vi.waitFor(() => {
      expect(discovery.state().isComplete).toBe(true)
    }, SECONDS_10)
    expect(discovery.state().away).toBeNull()
    expect(discovery.current()).toMatchObject({
      services: [{ name: 'web', desired: 1 }],
      categories: null,
      acks: null,
    })
    const { warnings } = discovery.current()
    expect(warnings.map(({ message }) => message.replace(/: HTTP 403.*/, ''))).toEqual([
      '/api/v1/namespaces/default/configmaps?labelSelector=healthcheck-categories-for=aggregate-healthcheck',
      '/api/v1/namespaces/default/configmaps?labelSelector=healthcheck-acknowledgements-for=aggregate-healthcheck',
    ])
  })

  it('forbids workloads leaves the desired replicas unsaid', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.api.faults.answer({ status: 403, path: /statefulsets/ })

    const discovery = aDiscovery(world)

    await vi.waitFor(() => {
      expect(discovery.state().isComplete).toBe(true)
    }, SECONDS_10)
    expect(discovery.current().services[0]?.desired).toBeUndefined()
  })

  it('forbids Services is never taken for an empty cluster', async () => {
    const world = await aWorld()
    const remove = world.api.faults.answer({ status: 403, path: /services/ })
    const discovery = aDiscovery(world)
    await vi.waitFor(() => {
      expect(discovery.state().failing.join()).toContain('HTTP 403')
    }, SECONDS_10)

    expect(discovery.state().isComplete).toBe(false)
    remove()

    await complete(discovery)
  })

  it('is slow to answer is waited for', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.api.faults.delay(300)

    const discovery = aDiscovery(world)

    await complete(discovery)
    expect(namesOf(discovery)).toEqual(['web'])
  })

  it('hangs is given up after the time limit, and asked again', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    world.api.faults.hangRequests(true)
    const api = new KubeApi({
      kubeconfig: aKubeconfig(world),
      accountRoot: '/nowhere',
      timeoutMs: 1000,
    })
    const discovery = aDiscovery(world, { api })
    await vi.waitFor(() => {
      expect(discovery.state().away).toBe('no answer in time')
    }, SECONDS_10)

    world.api.faults.hangRequests(false)

    await complete(discovery)
  })
})

describe('the way to the API', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('is one connection, kept', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const timings = { ...REFLECTOR_TIMINGS, watchSeconds: SECOND, relistMs: 1 }
    const discovery = aDiscovery(world, { timings })
    await complete(discovery)

    await vi.waitFor(() => {
      expect(world.api.seen.requests.length).toBeGreaterThan(40)
    }, SECONDS_10)

    expect(world.api.seen.connections).toBeLessThanOrEqual(2)
  })

  it('takes a token that was rotated on disk', async () => {
    const world = await aWorld()
    await world.addService({ name: 'web' })
    const accountRoot = aFolder()
    const folder = `${accountRoot}/var/run/secrets/kubernetes.io/serviceaccount`
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/ca.crt`, world.api.caPem)
    writeFileSync(`${folder}/token`, [...world.api.tokens][0] ?? '')
    const { hostname, port } = new URL(world.api.url)
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname)
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port)
    const api = new KubeApi({ kubeconfig: undefined, accountRoot, timeoutMs: 10_000 })
    const discovery = aDiscovery(world, { api })
    await complete(discovery)

    writeFileSync(`${folder}/token`, 'rotated')
    world.api.tokens.clear()
    world.api.tokens.add('rotated')
    world.api.faults.dropWatches()
    await world.addService({ name: 'api' })

    await vi.waitFor(() => {
      expect(namesOf(discovery)).toEqual(['api', 'web'])
    }, SECONDS_10)
    expect(world.api.seen.requests.at(-1)?.token).toBe('rotated')
  })

  it.each([
    ['/nowhere/kubeconfig', 'ENOENT'],
    [undefined, 'KUBECONFIG is not set, and there is no service account'],
  ])('that leads nowhere is told in one line: %s', async (kubeconfig, word) => {
    const world = await aWorld()
    const api = new KubeApi({ kubeconfig, accountRoot: '/nowhere', timeoutMs: 1000 })

    const discovery = aDiscovery(world, { api })

    await vi.waitFor(() => {
      expect(discovery.state().away).toContain(word)
    }, SECONDS_10)
    expect(discovery.state().away).not.toContain('\n')
    expect(discovery.state().isComplete).toBe(false)
  })
})
