/** Services, slices and workloads into what is probed: each rule of behaviour, section 1, from Services to Workload. */
import { describe, expect, it } from 'vitest'
import { parseSlice, parseWorkload } from '../../../../node-exporter/discovery/kube-objects.ts'
import type { KubeService, KubeSlice } from '../../../../node-exporter/discovery/kube-objects.ts'
import { SERVICE_NAME_LABEL } from '../../../../node-exporter/discovery/labels.ts'
import {
  joinTargets,
  type Found,
  type JoinOptions,
} from '../../../../node-exporter/discovery/targets.ts'
import {
  aKubeService,
  anEndpoint,
  aPort,
  aSlice,
  aWorkload,
} from '../../../support/exporter/a-kube-object.ts'
import { containing, having, matching } from '../../../support/like.ts'

const BOTH = ['web-1', 'web-2']

type Given = Partial<Parameters<typeof joinTargets>[0]>

function join(given: Given = {}, options: Partial<JoinOptions> = {}): Found {
  return joinTargets(
    { services: [aKubeService()], slices: [], workloads: [], ...given },
    {
      homeNamespace: 'default',
      refuse: () => null,
      cutSlices: new Set(),
      cutWorkloads: new Set(),
      ...options,
    },
  )
}

function targetsOf(slices: KubeSlice[], service = aKubeService()) {
  return join({ services: [service], slices }).services.flatMap(({ targets }) => targets)
}

function warningsOf(service: KubeService, slices: KubeSlice[] = [aSlice()]): string[] {
  return join({ services: [service], slices }).warnings.map(({ message }) => message)
}

function annotated(annotations: Record<string, string>): KubeService {
  return aKubeService({
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`pilotlight.dev/${key}`, value]),
    ),
  })
}

describe('a service', () => {
  it('of the home namespace goes by its plain name', () => {
    const { services } = join({ services: [aKubeService({ name: 'web', namespace: 'default' })] })

    expect(services.map(({ name }) => name)).toEqual(['web'])
  })

  it('of any other namespace goes by name and namespace', () => {
    const { services } = join({ services: [aKubeService({ name: 'web', namespace: 'shop' })] })

    expect(services.map(({ name }) => name)).toEqual(['web.shop'])
  })

  it('gets no slice and no workload of its namesake elsewhere', () => {
    const services = [aKubeService(), aKubeService({ namespace: 'shop' })]
    const slices = [aSlice({ namespace: 'shop' })]
    const workloads = [aWorkload({ namespace: 'shop', desired: 3 })]

    const found = join({ services, slices, workloads }).services

    expect(found.map(({ targets, desired }) => [targets.length, desired])).toEqual([
      [0, null],
      [1, 3],
    ])
  })

  it('carries the texts of its annotations', () => {
    const service = annotated({ 'business-impact': 'no sales', 'panic-guide': 'call Ann\n' })

    const { services } = join({ services: [service] })

    expect(services[0]).toMatchObject({ businessImpact: 'no sales', panicGuide: 'call Ann' })
  })

  it('has texts cut to what the wire takes', () => {
    const service = annotated({ 'panic-guide': 'é'.repeat(1000) })

    const { services } = join({ services: [service] })

    expect(Buffer.byteLength(services[0]?.panicGuide ?? '')).toBe(1023)
  })
})

describe('the labels isResilient and isDaemon', () => {
  it.each([
    ['isResilient', undefined, true],
    ['isResilient', 'true', true],
    ['isResilient', 'false', false],
    ['isResilient', '0', false],
    ['isResilient', 'F', false],
    ['isDaemon', undefined, false],
    ['isDaemon', 'True', true],
    ['isDaemon', 't', true],
    ['isDaemon', '1', true],
    ['isDaemon', 'FALSE', false],
    ['isDaemon', 'tRuE', true],
  ] as const)('%s: %s reads as %s', (label, value, expected) => {
    const labels = value === undefined ? {} : { [label]: value }

    const { services, warnings } = join({ services: [aKubeService({ labels })] })

    expect(services[0]?.[label]).toBe(expected)
    expect(warnings).toEqual([])
  })

  it.each([
    ['isResilient', 'yes', true],
    ['isResilient', '', true],
    ['isDaemon', 'on', false],
    ['isDaemon', '2', false],
  ] as const)('%s: %j takes the default %s with a warning', (label, value, expected) => {
    const { services, warnings } = join({
      services: [aKubeService({ labels: { [label]: value } })],
    })

    expect(services[0]?.[label]).toBe(expected)
    expect(warnings).toEqual([
      {
        subject: 'Service web',
        message: `${label} is "${value}", not a boolean: taken as ${expected}`,
      },
    ])
  })
})

describe('a workload that is scaled to zero', () => {
  it.each([
    ['still has pods', [aWorkload({ desired: 0, hasPods: true })], true],
    ['has none left', [aWorkload({ desired: 0, hasPods: false })], false],
    ['is one of two that wants none', both(0, 0), true],
    ['is one of two, the other wants some', both(0, 2), false],
    ['wants some', [aWorkload({ desired: 1 })], false],
  ])('is scaling down while it has pods of its own: it %s', (_, workloads, expected) => {
    const [service] = join({ workloads }).services

    expect(service?.scalingDown).toBe(expected)
  })

  function both(...desired: number[]) {
    return desired.map((count) => aWorkload({ desired: count, hasPods: true }))
  }

  it.each([
    ['Deployment', { replicas: 2 }, true],
    ['Deployment at zero', {}, false],
    ['DaemonSet', { desiredNumberScheduled: 0, currentNumberScheduled: 1 }, true],
    ['DaemonSet without nodes', { desiredNumberScheduled: 0, currentNumberScheduled: 0 }, false],
  ])('tells its own pods by its status: %s', (_, status, expected) => {
    const template = { metadata: { labels: { app: 'web' } } }
    const object = { metadata: { name: 'web', namespace: 'default' }, spec: { template }, status }

    expect(parseWorkload(object)?.hasPods).toBe(expected)
  })
})

describe('targets', () => {
  it('say all that a probe and a page need', () => {
    const targets = targetsOf([aSlice()])

    expect(targets).toEqual([
      {
        id: 'web-1',
        namespace: 'default',
        pod: 'web-1',
        uid: 'uid-web-1',
        node: 'node-1',
        ready: true,
        terminating: false,
        scheme: 'http',
        address: '10.0.0.1',
        port: 8080,
        path: '/__health',
      },
    ])
  })

  it('are the union of all slices of the service', () => {
    const slices = [
      aSlice({ endpoints: [anEndpoint('web-2'), anEndpoint('web-1')] }),
      aSlice({ endpoints: [anEndpoint('web-3')] }),
      aSlice({ of: 'other', endpoints: [anEndpoint('other-1')] }),
    ]

    const targets = targetsOf(slices)

    expect(targets.map(({ id }) => id)).toEqual(['web-1', 'web-2', 'web-3'])
  })

  it('count a pod once that stands in two slices', () => {
    const slices = [aSlice(), aSlice({ endpoints: [anEndpoint('web-1'), anEndpoint('web-2')] })]

    const targets = targetsOf(slices)

    expect(targets.map(({ id }) => id)).toEqual(['web-1', 'web-2'])
  })

  it.each([
    ['terminating', { ready: false, serving: false, terminating: true }, []],
    ['terminating, of an API server without serving', { ready: false, terminating: true }, []],
    ['not ready', { ready: false, serving: false }, [false]],
    ['not ready, its address published', { ready: true, serving: false }, [false]],
    ['ready', { ready: true, terminating: false }, [true]],
    ['of unknown readiness', { ready: null }, [true]],
    ['without conditions', {}, [true]],
  ])('hold or leave out a pod that is %s', (_, conditions, ready) => {
    const slices = [aSlice({ endpoints: [anEndpoint('web-1', { conditions })] })]

    const targets = targetsOf(slices)

    expect(targets.map((target) => target.ready)).toEqual(ready)
  })

  it.each([
    ['alone', {}, ['web-1']],
    ['beside one that is not ready', { ready: false, serving: false }, ['web-1', 'web-2']],
    ['beside one that is ready', { ready: true, serving: true }, ['web-2']],
    ['beside one that leaves, too', { ready: false, serving: true, terminating: true }, BOTH],
    [
      'beside one that serves no more',
      { ready: false, serving: false, terminating: true },
      ['web-1'],
    ],
  ])('hold a terminating pod that serves while no other is ready: %s', (_, other, expected) => {
    const leaving = { ready: false, serving: true, terminating: true }
    const others = 'ready' in other ? [anEndpoint('web-2', { conditions: other })] : []
    const slices = [
      aSlice({ endpoints: [anEndpoint('web-1', { conditions: leaving })] }),
      aSlice({ endpoints: others }),
    ]

    const targets = targetsOf(slices)

    expect(targets.map(({ id }) => id)).toEqual(expected)
    expect(targets.find(({ id }) => id === 'web-1')?.terminating ?? true).toBe(true)
  })

  it.each([
    ['IPv4', '10.0.0.1'],
    ['IPv6', 'fd00::5'],
  ])('have one address per pod of two, of the first family: %s', (family, address) => {
    const service = aKubeService({}, { ipFamilies: [family, 'any other'] })
    const four = aSlice()
    const six = aSlice({
      addressType: 'IPv6',
      endpoints: [anEndpoint('web-1', { addresses: ['fd00::5'] })],
    })

    const oneWay = targetsOf([four, six], service)
    const otherWay = targetsOf([six, four], service)

    expect(oneWay.map((target) => target.address)).toEqual([address])
    expect(otherWay).toEqual(oneWay)
  })

  it('have an address of the other family where that is all', () => {
    const six = aSlice({
      addressType: 'IPv6',
      endpoints: [anEndpoint('web-1', { addresses: ['fd00::5'] })],
    })

    const targets = targetsOf([six])

    expect(targets.map(({ address }) => address)).toEqual(['fd00::5'])
  })

  it('go by their address where no pod is behind it', () => {
    const endpoints = [
      { addresses: ['192.0.2.7'], conditions: {} },
      { addresses: ['192.0.2.8'], conditions: {} },
    ]

    const targets = targetsOf([aSlice({ endpoints })])

    expect(targets.map(({ id, pod, node }) => [id, pod, node])).toEqual([
      ['192.0.2.7', null, null],
      ['192.0.2.8', null, null],
    ])
  })

  it('leave out an endpoint without any address', () => {
    const targets = targetsOf([aSlice({ endpoints: [anEndpoint('web-1', { addresses: [] })] })])

    expect(targets).toEqual([])
  })
})

describe('what a slice made by hand refers to', () => {
  const refs: [string, NonNullable<KubeSlice['endpoints']>[number]['targetRef']][] = [
    ['nothing', null],
    ['a pod without a name', { kind: 'Pod' }],
    ['a pod with an empty name', { kind: 'Pod', name: '' }],
    ['a pod with a name that is too long', { kind: 'Pod', name: 'x'.repeat(254) }],
    ['a pod with a name that is a path', { kind: 'Pod', name: '../secrets' }],
    ['a node', { kind: 'Node', name: 'node-1', uid: 'uid-1' }],
  ]

  it.each(refs)('is not trusted: %s', (_, targetRef) => {
    const endpoints = ['10.0.0.1', '10.0.0.2'].map((address) =>
      anEndpoint('', { addresses: [address], targetRef }),
    )

    const targets = targetsOf([aSlice({ endpoints })])

    expect(targets.map(({ id, pod }) => [id, pod])).toEqual([
      ['10.0.0.1', null],
      ['10.0.0.2', null],
    ])
  })
})

describe('a service that can not be probed', () => {
  const fqdn = aSlice({
    addressType: 'FQDN',
    endpoints: [{ addresses: ['db.example.com'], conditions: {} }],
  })
  const external = aKubeService({}, { type: 'ExternalName', selector: {} })
  const bare = aKubeService({}, { selector: {} })

  it.each<[string, KubeService, KubeSlice[]]>([
    ['ExternalName', external, []],
    ['no selector and no slices', bare, []],
    ['no selector and slices of names alone', bare, [fqdn]],
  ])('is left out and told as unsupported: %s', (_, service, slices) => {
    const found = join({ services: [service], slices })

    expect(found.services).toEqual([])
    expect(found.warnings).toEqual([{ subject: 'Service web', message: containing('unsupported') }])
  })

  it('is probed where slices were made by hand', () => {
    const slices = [aSlice({ endpoints: [{ addresses: ['192.0.2.7'], conditions: {} }] })]

    const found = join({ services: [bare], slices })

    expect(found.services.map(({ desired, targets }) => [desired, targets.length])).toEqual([
      [null, 1],
    ])
    expect(found.warnings).toEqual([])
  })

  it('is probed where only some of its slices hold names', () => {
    const found = join({ services: [bare], slices: [fqdn, aSlice()] })

    expect(found.services.map(({ targets }) => targets.map(({ id }) => id))).toEqual([['web-1']])
    expect(found.warnings).toEqual([{ subject: 'Service web', message: containing('unsupported') }])
  })

  it('disturbs none of the others', () => {
    const other = aKubeService({ name: 'shop' })

    const { services } = join({ services: [external, other], slices: [aSlice({ of: 'shop' })] })

    expect(services.map(({ name, targets }) => [name, targets.length])).toEqual([['shop', 1]])
  })
})

describe('the port', () => {
  const several = [aPort('admin', 9000), aPort('app', 8081), aPort('grpc', 50_051)]
  const noApp = [aPort('admin', 9000), aPort('grpc', 50_051)]

  it.each<[string, Record<string, string>, KubeSlice['ports'], number]>([
    ['is the annotated number', { 'health-port': '9999' }, several, 9999],
    ['is the lowest that there is', { 'health-port': '1' }, several, 1],
    ['is the highest that there is', { 'health-port': '65535' }, several, 65_535],
    ['is the annotated name', { 'health-port': 'admin' }, several, 9000],
    ['is the one named app', {}, several, 8081],
    ['is the annotated name, trimmed', { 'health-port': ' admin\n' }, several, 9000],
    ['is the only one', {}, [aPort('metrics', 9090)], 9090],
    ['is the only one that has a number', {}, [aPort('any', null), aPort('web', 80)], 80],
    ['is 8080 where a headless service names none', {}, [], 8080],
  ])('%s', (_, annotations, ports, expected) => {
    const service = annotated(annotations)

    const targets = targetsOf([aSlice({ ports })], service)

    expect(targets.map(({ port }) => port)).toEqual([expected])
    expect(warningsOf(service, [aSlice({ ports })])).toEqual([])
  })

  it.each([
    ['several and none named app', {}, noApp, 8080, /several ports and none named app/],
    ['zero', { 'health-port': '0' }, several, 8081, /health-port is "0"/],
    ['one too high', { 'health-port': '65536' }, several, 8081, /health-port is "65536"/],
    ['a half', { 'health-port': '80.5' }, several, 8081, /health-port is "80.5"/],
    ['a name there is not', { 'health-port': 'web' }, several, 8081, /health-port is "web"/],
  ])('takes the next choice and warns: %s', (_, annotations, ports, expected, warning) => {
    const service = annotated(annotations)

    const targets = targetsOf([aSlice({ ports })], service)

    expect(targets.map(({ port }) => port)).toEqual([expected])
    expect(warningsOf(service, [aSlice({ ports })])).toEqual([matching(warning)])
  })

  it.each<[string, Record<string, string>, Partial<KubeSlice>]>([
    ['a name', { 'health-port': 'web' }, { endpoints: [], ports: [] }],
    ['several, and none named app', {}, { endpoints: [], ports: noApp }],
  ])('is not warned of while there are no pods: %s', (_, annotations, slice) => {
    expect(warningsOf(annotated(annotations), [aSlice(slice)])).toEqual([])
  })

  it('is not warned of by the placeholder that the controller makes', () => {
    const slice = parseSlice({
      metadata: {
        name: 'web-slice',
        namespace: 'default',
        labels: { [SERVICE_NAME_LABEL]: 'web' },
      },
      addressType: 'IPv4',
      endpoints: null,
      ports: null,
    })

    expect(warningsOf(annotated({ 'health-port': 'web' }), slice === null ? [] : [slice])).toEqual(
      [],
    )
    expect(slice).not.toBeNull()
  })

  it('may have another number in each slice', () => {
    const slices = [
      aSlice({ ports: [aPort('app', 8080)] }),
      aSlice({ ports: [aPort('app', 8081)], endpoints: [anEndpoint('web-2')] }),
    ]

    const targets = targetsOf(slices)

    expect(targets.map(({ port }) => port)).toEqual([8080, 8081])
  })

  it('is warned of once, however many slices there are', () => {
    const slices = [
      aSlice({ ports: noApp }),
      aSlice({ ports: noApp, endpoints: [anEndpoint('web-2')] }),
    ]

    const warnings = warningsOf(aKubeService(), slices)

    expect(warnings).toHaveLength(1)
  })
})

describe('path and scheme', () => {
  it.each([
    ['a path', { 'health-path': '/healthz?deep=1' }, { path: '/healthz?deep=1' }],
    ['https', { 'health-scheme': 'https' }, { scheme: 'https' }],
    ['http', { 'health-scheme': 'http' }, { scheme: 'http' }],
    ['https in capitals', { 'health-scheme': 'HTTPS' }, { scheme: 'https' }],
    ['https with a line break', { 'health-scheme': 'https\n' }, { scheme: 'https' }],
    ['a path with a line break', { 'health-path': ' /healthz\n' }, { path: '/healthz' }],
  ])('are what the annotations say: %s', (_, annotations, expected) => {
    const service = annotated(annotations)

    const targets = targetsOf([aSlice()], service)

    expect(targets).toEqual([having(expected)])
    expect(warningsOf(service)).toEqual([])
  })

  it.each([
    ['a path without a slash', { 'health-path': 'health' }],
    ['a path with a blank', { 'health-path': '/a b' }],
    ['a path with a new line', { 'health-path': '/a\r\nx: y' }],
    ['an empty path', { 'health-path': '' }],
    ['a path that climbs out', { 'health-path': '/../../secrets' }],
    ['one that climbs in disguise', { 'health-path': '/%2e%2e/%2e%2e/secrets' }],
    ['one with a slash in disguise', { 'health-path': '/..%2fsecrets' }],
    ['a path with a fragment', { 'health-path': '/health#deep' }],
    ['another scheme', { 'health-scheme': 'ftp' }],
  ])('take the default and warn: %s', (_, annotations) => {
    const service = annotated(annotations)

    const targets = targetsOf([aSlice()], service)

    expect(targets).toEqual([having({ scheme: 'http', path: '/__health' })])
    expect(warningsOf(service)).toHaveLength(1)
  })

  it('warn with the beginning of a value that is long', () => {
    const warnings = warningsOf(annotated({ 'health-path': 'x'.repeat(5000) }))

    expect(warnings.map((warning) => Buffer.byteLength(warning))).toEqual([167])
  })
})

describe('an address that is never asked', () => {
  const refuse: JoinOptions['refuse'] = (address, namesPod) =>
    address === '169.254.169.254' || (address === '10.0.0.4' && !namesPod)
      ? 'which is no pod'
      : null
  const byHand = (address: string, given: object = {}) =>
    anEndpoint('web-1', { addresses: [address], ...given })
  const joined = (...endpoints: ReturnType<typeof anEndpoint>[]) =>
    join({ slices: [aSlice({ endpoints })] }, { refuse })

  it('is left out with its reason, and its service is known in part', () => {
    const { services, warnings, cut } = joined(
      byHand('169.254.169.254'),
      byHand('10.0.0.9', { targetRef: null }),
    )

    expect(services[0]?.targets.map(({ address }) => address)).toEqual(['10.0.0.9'])
    expect(warnings.map(({ subject, message }) => `${subject}: ${message}`)).toEqual([
      'Service web: EndpointSlice web-slice has 169.254.169.254, which is no pod: it is never asked',
    ])
    expect([...cut]).toEqual(['web'])
  })

  it('leaves a service unsupported that has no other', () => {
    const { services, warnings, cut } = joined(byHand('169.254.169.254'))

    expect(services).toEqual([])
    expect(warnings.at(-1)?.message).toMatch(/no address that may be asked: unsupported/)
    expect([...cut]).toEqual(['web'])
  })

  it.each<[string, object | null, boolean]>([
    ['a Pod', { kind: 'Pod', name: 'web-1' }, true],
    ['a Pod of its namespace', { kind: 'Pod', name: 'web-1', namespace: 'default' }, true],
    ['a Pod of another namespace', { kind: 'Pod', name: 'web-1', namespace: 'shop' }, false],
    ['a Node', { kind: 'Node', name: 'web-1' }, false],
    ['a Pod of no name', { kind: 'Pod', name: '../x' }, false],
    ['nothing', null, false],
  ])('may be that of a pod on the host’s network: the endpoint names %s', (...row) => {
    const [, targetRef, isAsked] = row

    const { services } = joined(byHand('10.0.0.4', { targetRef }))

    expect(services).toHaveLength(isAsked ? 1 : 0)
  })
})

describe('more than is kept', () => {
  it('leaves a service unsupported of which no address may have been kept', () => {
    const { services, cut } = join({}, { cutSlices: new Set(['default']) })

    expect(services).toEqual([])
    expect([...cut]).toEqual(['web'])
  })

  it('leaves the desired replicas unknown', () => {
    const given = { slices: [aSlice()], workloads: [aWorkload()] }
    const { services, cut } = join(given, { cutWorkloads: new Set(['default']) })

    expect(services.map(({ desired }) => desired)).toEqual([undefined])
    expect([...cut]).toEqual(['web'])
  })

  it.each([
    ['a selector', { services: [aKubeService({}, { selector: null })], workloads: [aWorkload()] }],
    ['labels', { workloads: [aWorkload({ podLabels: null })] }],
  ])('leaves them unknown for %s that are too long to be kept', (_, given) => {
    const { services } = join({ slices: [aSlice()], ...given })

    expect(services.map(({ desired }) => desired)).toEqual([undefined])
  })

  it('is cut of the services with the most addresses, in the namespaces with the most', () => {
    const names = ['large', 'small']
    const services = ['flood', 'shop'].flatMap((namespace) =>
      names.map((name) => aKubeService({ name, namespace })),
    )
    const slices = services.map(({ metadata: { name, namespace } }) => {
      const count = name === 'small' ? 10 : namespace === 'flood' ? 6000 : 100
      const endpoints = Array.from({ length: count }, (_, i) => anEndpoint(`p-${i}`))
      return aSlice({ of: name, namespace, endpoints })
    })

    const found = join({ services, slices })

    expect(found.services.map(({ name, targets }) => [name, targets.length])).toEqual([
      ['large.flood', 4990],
      ['small.flood', 10],
      ['large.shop', 100],
      ['small.shop', 10],
    ])
    expect([...found.cut]).toEqual(['large.flood'])
    expect(found.warnings).toMatchObject([{ subject: 'Service large.flood' }])
  })
})

describe('desired', () => {
  const web = { app: 'web', track: 'stable' }
  const deployment = { metadata: { name: 'web', namespace: 'default' } }
  const template = { metadata: { labels: { app: 'web' } } }

  it.each([
    ['the replicas of the one that fits', [aWorkload({ desired: 3 })], 3],
    ['a sum where a canary stands beside', [aWorkload({ desired: 3 }), aWorkload()], 4],
    ['that of pods with further labels', [aWorkload({ podLabels: web, desired: 2 })], 2],
    ['zero where it was scaled down', [aWorkload({ desired: 0 })], 0],
    ['null where none fits', [aWorkload({ podLabels: { app: 'shop' } })], null],
    ['null where there is none', [], null],
    ['undefined where none could be listed', null, undefined],
  ])('is %s', (_, workloads, expected) => {
    const { services } = join({ workloads })

    expect(services.map(({ desired }) => desired)).toEqual([expected])
  })

  it('is unknown without a selector, whatever workloads there are', () => {
    const service = aKubeService({}, { selector: {} })

    const { services } = join({
      services: [service],
      slices: [aSlice()],
      workloads: [aWorkload({ desired: 3 })],
    })

    expect(services.map(({ desired }) => desired)).toEqual([null])
  })

  it('asks for every label of the selector', () => {
    const service = aKubeService({}, { selector: web })
    const workloads = [aWorkload({ desired: 5 }), aWorkload({ podLabels: web, desired: 2 })]

    const { services } = join({ services: [service], workloads })

    expect(services.map(({ desired }) => desired)).toEqual([2])
  })

  it.each([
    ['1 where replicas are left out', { spec: { template } }, 1],
    ['1 where replicas are null', { spec: { replicas: null, template } }, 1],
    ['0 where replicas are 0', { spec: { replicas: 0, template } }, 0],
    [
      "a DaemonSet's number of nodes",
      { spec: { template }, status: { desiredNumberScheduled: 7 } },
      7,
    ],
    [
      '0 of a DaemonSet that fits nowhere',
      { spec: { template }, status: { desiredNumberScheduled: 0 } },
      0,
    ],
  ])('is %s', (_, rest, expected) => {
    const workload = parseWorkload({ ...deployment, ...rest })

    const { services } = join({ workloads: workload === null ? [] : [workload] })

    expect(services.map(({ desired }) => desired)).toEqual([expected])
  })
})

it('reads a slice as the API server writes it', () => {
  const slice = parseSlice({
    metadata: {
      name: 'web-x',
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.0.0.9'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'n1',
        targetRef: { kind: 'Pod', namespace: 'default', name: 'web-9', uid: 'u9' },
      },
    ],
    ports: [{ name: '', port: 8088, protocol: 'TCP' }],
  })

  const targets = targetsOf(slice === null ? [] : [slice])

  expect(targets).toEqual([having({ id: 'web-9', address: '10.0.0.9', port: 8088 })])
})
