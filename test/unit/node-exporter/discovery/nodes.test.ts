/** Node objects and pods of the node role into nodes with an address each. */
import { describe, expect, it } from 'vitest'
import {
  parseExporterPod,
  parseNode,
  type ExporterPod,
} from '../../../../node-exporter/discovery/kube-objects.ts'
import { joinNodes } from '../../../../node-exporter/discovery/nodes.ts'

type Port = { name?: string; containerPort: number }

function aNodeObject(name = 'node-a') {
  return { name, isSchedulable: true, isReady: true }
}

function aPod(given: Partial<ExporterPod> = {}): ExporterPod {
  return {
    namespace: 'pilotlight',
    name: 'exporter-1',
    node: 'node-a',
    address: '10.0.0.1',
    port: 25_001,
    isReady: true,
    isTerminating: false,
    createdAt: '2026-11-01T00:00:00Z',
    ...given,
  }
}

function podObject({ ports = [], status = {} }: { ports?: (Port[] | null)[]; status?: object }) {
  return {
    metadata: { name: 'exporter-1', namespace: 'pilotlight' },
    spec: { nodeName: 'node-a', containers: ports.map((of) => ({ name: 'c', ports: of })) },
    status: { phase: 'Running', podIP: '10.0.0.1', ...status },
  }
}

/** The pod that stands for node-a. */
function standing(...pods: ExporterPod[]): string | null | undefined {
  const nodes = joinNodes({ nodes: [aNodeObject()], pods, local: null })
  return nodes?.[0]?.exporter?.pod
}

describe('a Node', () => {
  const ready = (status: string) => ({ status: { conditions: [{ type: 'Ready', status }] } })
  it.each<[string, object, boolean]>([
    ['True', ready('True'), true],
    ['False', ready('False'), false],
    ['Unknown', ready('Unknown'), false],
    ['absent', { status: { conditions: null } }, false],
    ['absent with all of its status', {}, false],
  ])('is ready only while the condition is True: %s', (_, given, isReady) => {
    expect(parseNode({ metadata: { name: 'node-a' }, ...given })?.isReady).toBe(isReady)
  })

  it.each<[string, object, boolean]>([
    ['cordoned', { spec: { unschedulable: true } }, false],
    ['not cordoned', { spec: { unschedulable: false } }, true],
    ['never cordoned', { spec: {} }, true],
    ['without a spec', {}, true],
  ])('is schedulable unless it is cordoned: %s', (_, given, isSchedulable) => {
    expect(parseNode({ metadata: { name: 'node-a' }, ...given })?.isSchedulable).toBe(isSchedulable)
  })

  it('is kept without the rest of its object', () => {
    const addresses = [{ type: 'InternalIP', address: '10.0.0.4' }]
    const status = { images: [{}], addresses }
    const node = parseNode({ metadata: { name: 'node-a', labels: {} }, status })

    expect(node).toEqual({
      name: 'node-a',
      isSchedulable: true,
      isReady: false,
      addresses: ['10.0.0.4'],
    })
  })
})

describe('the port of an exporter', () => {
  const health = { name: 'health', containerPort: 7000 }
  const metrics = { name: 'metrics', containerPort: 9091 }
  it.each<[string, (Port[] | null)[], number]>([
    ['named health', [[metrics, health]], 7000],
    ['named health in another container', [[metrics], [health]], 7000],
    ['the only one, whatever its name', [[metrics]], 9091],
    ['25001 among several', [[metrics, { containerPort: 8080 }]], 25_001],
    ['25001 where none is declared', [null], 25_001],
  ])('is %s', (_, ports, port) => {
    expect(parseExporterPod(podObject({ ports }))?.port).toBe(port)
  })
})

describe('a pod', () => {
  it.each(['Succeeded', 'Failed'])('that has %s stands for nobody', (phase) => {
    expect(parseExporterPod(podObject({ status: { phase } }))).toBeNull()
  })

  it('that no node has yet stands for nobody', () => {
    expect(parseExporterPod({ ...podObject({}), spec: { nodeName: null } })).toBeNull()
  })

  it('without an address stands for its node, and can’t be asked', () => {
    const nodes = joinNodes({ nodes: null, pods: [aPod({ address: '' })], local: null })

    expect(nodes).toEqual([{ name: 'node-a', isSchedulable: true, isReady: null, exporter: null }])
  })
})

describe('of several pods on one node', () => {
  const old = aPod({ name: 'old' })
  it.each<[string, ExporterPod[], string]>([
    ['the newest', [old, aPod({ name: 'new', createdAt: '2026-11-02T00:00:00Z' })], 'new'],
    [
      'the Ready one before the newest',
      [old, aPod({ name: 'new', createdAt: '2026-11-02T00:00:00Z', isReady: false })],
      'old',
    ],
    [
      'one that stays before one that is Ready',
      [{ ...old, isTerminating: true }, aPod({ name: 'new', isReady: false })],
      'new',
    ],
    ['one with an address', [old, aPod({ name: 'new', address: '' })], 'old'],
    ['a terminating one alone', [{ ...old, isTerminating: true }], 'old'],
  ])('stands for it: %s', (_, pods, expected) => {
    expect(standing(...pods)).toBe(expected)
    expect(standing(...pods.toReversed())).toBe(expected)
  })
})

describe('the nodes', () => {
  it('are those of the API server, with or without a pod', () => {
    const objects = [aNodeObject('node-a'), aNodeObject('node-b')]
    const gone = aPod({ node: 'node-z' })

    const nodes = joinNodes({ nodes: objects, pods: [aPod(), gone], local: null })

    expect(nodes).toMatchObject([
      { name: 'node-a', exporter: { address: '10.0.0.1', port: 25_001, pod: 'exporter-1' } },
      { name: 'node-b', exporter: null },
    ])
  })

  it('are those with a pod where Nodes may not be listed', () => {
    const pods = [aPod({ node: 'node-b' }), aPod({ node: 'node-a' })]

    const nodes = joinNodes({ nodes: null, pods, local: null })

    expect(nodes).toMatchObject([
      { name: 'node-a', isReady: null, isSchedulable: true },
      { name: 'node-b', isReady: null, isSchedulable: true },
    ])
  })

  it('have no exporter where pods may not be listed', () => {
    const nodes = joinNodes({ nodes: [aNodeObject()], pods: null, local: null })

    expect(nodes).toMatchObject([{ name: 'node-a', isReady: true, exporter: null }])
  })

  it('are unknown where neither may be listed', () => {
    expect(joinNodes({ nodes: null, pods: null, local: null })).toBeNull()
  })
})

describe('the node role of this very process', () => {
  const local = { node: 'node-a', port: 4711 }
  const here = { address: '127.0.0.1', port: 4711, pod: null }

  it('stands for its node, and for no other', () => {
    const objects = [aNodeObject('node-a'), aNodeObject('node-b')]

    const nodes = joinNodes({ nodes: objects, pods: [], local })

    expect(nodes).toMatchObject([{ exporter: here }, { exporter: null }])
  })

  it('gives way to a pod', () => {
    const nodes = joinNodes({ nodes: [aNodeObject()], pods: [aPod()], local })

    expect(nodes).toMatchObject([{ exporter: { pod: 'exporter-1' } }])
  })

  it('is known even where nothing may be listed', () => {
    const nodes = joinNodes({ nodes: null, pods: null, local })

    expect(nodes).toMatchObject([{ name: 'node-a', isReady: null, exporter: here }])
  })
})
