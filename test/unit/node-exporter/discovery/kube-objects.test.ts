/** Kubernetes objects as they come: lists that are null or missing are empty, and what is no such object is left out. */
import { describe, expect, it } from 'vitest'
import {
  parseConfigMap,
  parseService,
  parseSlice,
  parseWorkload,
} from '../../../../node-exporter/discovery/kube-objects.ts'

const metadata = { name: 'web', namespace: 'default' }
const bare = { ...metadata, labels: {}, annotations: {} }

describe('what is kept of an object', () => {
  const long = 'x'.repeat(300_000)

  it('is of a Service what is read of it, and little of a long text', () => {
    const service = parseService({
      metadata: {
        ...metadata,
        managedFields: [{ long }],
        labels: { isDaemon: 'true', hasHealthcheck: 'true', other: 'x' },
        annotations: { other: long, 'pilotlight.dev/panic-guide': long },
      },
      spec: { selector: { app: 'web' }, ports: [] },
    })

    expect(service?.metadata.labels).toEqual({ isDaemon: 'true' })
    expect(Object.keys(service?.metadata.annotations ?? {})).toEqual(['pilotlight.dev/panic-guide'])
    expect(JSON.stringify(service).length).toBeLessThan(5000)
  })

  it('is no selector and no labels of a pod over 4 KiB', () => {
    const labels = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`k${i}`, 'v'.repeat(60)]),
    )
    const service = parseService({ metadata, spec: { selector: labels } })
    const workload = parseWorkload({ metadata, spec: { template: { metadata: { labels } } } })

    expect([service?.spec.selector, workload?.podLabels]).toEqual([null, null])
  })

  it('is of an endpoint its first address, and no text that is too long for a name', () => {
    const targetRef = { kind: 'Pod', name: long, uid: long, namespace: long }
    const endpoints = [{ addresses: ['10.0.0.1', long], nodeName: long, targetRef }]
    const slice = parseSlice({ metadata, addressType: 'IPv4', endpoints })

    expect(slice?.endpoints?.[0]?.addresses).toEqual(['10.0.0.1'])
    expect(JSON.stringify(slice).length).toBeLessThan(500)
  })
})

describe('an object with as little as the API server ever sends', () => {
  it.each([
    ['left out', {}],
    ['null', { labels: null, annotations: null }],
  ])('has no labels where they are %s', (_, labels) => {
    const service = parseService({ metadata: { ...metadata, ...labels }, spec: {} })

    expect(service).toEqual({
      metadata: bare,
      spec: { type: 'ClusterIP', selector: {}, ipFamilies: [] },
    })
  })

  it.each([
    ['left out', {}],
    ['null', { endpoints: null, ports: null }],
  ])('has no endpoints and ports where they are %s', (_, lists) => {
    const slice = parseSlice({ metadata, addressType: 'IPv4', ...lists })

    expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: [], ports: [] })
  })

  it.each([
    ['left out', {}],
    ['null', { conditions: null, nodeName: null, targetRef: null }],
  ])('has an endpoint of an address alone where the rest is %s', (_, rest) => {
    const slice = parseSlice({
      metadata,
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], ...rest }],
    })

    expect(slice?.endpoints).toMatchObject([{ addresses: ['10.0.0.1'], conditions: {} }])
  })

  it.each([
    ['left out', { metadata }],
    ['null', { metadata, data: null }],
  ])('has no data where it is %s', (_, object) => {
    const configMap = parseConfigMap(object)

    expect(configMap).toEqual({ metadata: bare, data: {} })
  })

  it('has a workload of one pod without labels', () => {
    const workload = parseWorkload({ metadata, spec: { template: { metadata: null } } })

    expect(workload).toEqual({ namespace: 'default', podLabels: {}, desired: 1, hasPods: false })
  })
})

describe('an object that is not what it should be', () => {
  it.each<[string, (object: unknown) => unknown, unknown]>([
    ['nothing', parseService, null],
    ['a text', parseService, 'web'],
    ['a service without a name', parseService, { metadata: {}, spec: {} }],
    ['a service without a spec', parseService, { metadata }],
    ['a label that is a number', parseService, { metadata: { ...metadata, labels: { a: 1 } } }],
    ['a slice without its address type', parseSlice, { metadata }],
    [
      'an endpoint without addresses',
      parseSlice,
      { metadata, addressType: 'IPv4', endpoints: [{}] },
    ],
    ['a workload without a template', parseWorkload, { metadata, spec: {} }],
    [
      'replicas in words',
      parseWorkload,
      { metadata, spec: { replicas: 'two', template: { metadata: {} } } },
    ],
    ['data that is a list', parseConfigMap, { metadata, data: [1] }],
  ])('is left out: %s', (_, parse, object) => {
    const parsed = parse(object)

    expect(parsed).toBeNull()
  })
})
