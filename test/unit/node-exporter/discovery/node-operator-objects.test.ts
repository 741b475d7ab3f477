/** Another operator's objects as they come: where version and commit stand, and which probes can be asked from here. */
import { describe, expect, it } from 'vitest'
import {
  parseNodeOperator,
  parseOperatorPod,
  type NodeOperator,
} from '../../../../node-exporter/discovery/node-operator-objects.ts'
import { aDeployment } from '../../../support/exporter/a-node-operator.ts'

const IMAGE = 'registry:5000/team/operator'
const VERSION = 'app.kubernetes.io/version'

/** With one container of that image. */
function deploymentWith(
  image: string,
  template: object = {},
  metadata: object = {},
): NodeOperator | null {
  return parseNodeOperator({
    metadata: { name: 'c', ...metadata },
    spec: { template: { metadata: template, spec: { containers: [{ image }] } } },
  })
}

describe('a Deployment', () => {
  it('is kept as its counts, its version and since when it is available', () => {
    const operator = parseNodeOperator(aDeployment({ replicas: 3 }))

    expect(operator).toEqual({
      namespace: 'infra',
      name: 'controller',
      podSelector: 'app=node-operator',
      desired: 3,
      ready: 3,
      available: 3,
      isObserved: true,
      version: 'v1.4.2',
      commit: null,
      isAvailable: true,
      since: '2026-11-01T08:00:00Z',
    })
  })

  it.each([
    ['left out', { spec: { template: {} } }],
    [
      'null',
      {
        spec: { replicas: null, selector: null, template: { metadata: null, spec: null } },
        status: null,
      },
    ],
  ])('wants one pod and has none where all is %s', (_, rest) => {
    const operator = parseNodeOperator({ metadata: { name: 'c' }, ...rest })

    expect(operator).toMatchObject({ desired: 1, ready: 0, available: 0, podSelector: '' })
    expect(operator).toMatchObject({ version: null, commit: null, since: null })
  })

  it.each<[string, string, object, object, string | null]>([
    ['its pods’ label', `${IMAGE}:v9`, { labels: { [VERSION]: 'v2' } }, labelled('v1'), 'v2'],
    ['its own label', `${IMAGE}:v9`, {}, labelled('v1'), 'v1'],
    ['the image’s tag', `${IMAGE}:v9`, {}, {}, 'v9'],
    ['a tag beside a digest', `${IMAGE}:v9@sha256:abc`, {}, {}, 'v9'],
    ['nothing: a port is no tag', IMAGE, {}, {}, null],
    ['nothing: a digest is no tag', `${IMAGE}@sha256:abc`, {}, {}, null],
  ])('has its version from %s', (_, image, template, metadata, version) => {
    expect(deploymentWith(image, template, metadata)?.version).toBe(version)
  })

  it.each<[string, object, object]>([
    [
      'its pods’ annotation',
      { annotations: { 'pilotlight.dev/commit': 'abc' }, labels: revision('x') },
      { annotations: revision('y') },
    ],
    ['its pods’ label', { labels: revision('abc') }, { annotations: revision('y') }],
    ['its own annotation', {}, { annotations: revision('abc\n') }],
    ['its own label', { labels: revision('') }, { labels: revision('abc') }],
  ])('has its commit from %s', (_, template, metadata) => {
    expect(deploymentWith(IMAGE, template, metadata)?.commit).toBe('abc')
  })

  it.each([
    ['before its controller has looked', 1, false],
    ['once it has', 2, true],
  ])('says whether its counts are of its spec: %s', (_, observedGeneration, isObserved) => {
    const operator = parseNodeOperator({
      ...aDeployment(),
      metadata: { name: 'c', generation: 2 },
      status: { observedGeneration },
    })

    expect(operator).toMatchObject({ isObserved })
  })

  it.each<[string, object[], boolean, string]>([
    ['its making, without a condition', [], true, '2026-10-01T00:00:00Z'],
    ['when it went down', [available('False')], false, '2026-11-02T00:00:00Z'],
    ['when it came up', [available('True')], true, '2026-11-02T00:00:00Z'],
  ])('is so since %s', (_, conditions, isAvailable, since) => {
    const operator = parseNodeOperator({
      ...aDeployment(),
      metadata: { name: 'c', creationTimestamp: '2026-10-01T00:00:00Z' },
      status: { conditions },
    })

    expect(operator).toMatchObject({ isAvailable, since })
  })

  it('selects its pods by expressions, too', () => {
    const selector = {
      matchLabels: { app: 'c' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'zone', operator: 'NotIn', values: ['x'] },
        { key: 'kept', operator: 'Exists' },
        { key: 'gone', operator: 'DoesNotExist', values: null },
      ],
    }

    const operator = parseNodeOperator({
      metadata: { name: 'c' },
      spec: { selector, template: {} },
    })

    expect(operator?.podSelector).toBe('app=c,tier in (a,b),zone notin (x),kept,!gone')
  })
})

describe('a probe of a pod', () => {
  it.each<[string, object, object]>([
    ['by a number', { path: '/a?b=c', port: 8081 }, { scheme: 'http', port: 8081, path: '/a?b=c' }],
    ['by the name of a port', { path: '/a', port: 'health' }, { port: 9440, path: '/a' }],
    ['by a number in quotes', { path: '/a', port: '8081' }, { port: 8081 }],
    ['without a path', { port: 8081 }, { path: '/' }],
    ['with a path that has no slash', { path: 'a', port: 8081 }, { path: '/a' }],
    ['over TLS', { port: 8081, scheme: 'HTTPS' }, { scheme: 'https' }],
  ])('is asked where the kubelet asks it: %s', (_, httpGet, place) => {
    const pod = podWith({ livenessProbe: { httpGet } })

    expect(pod?.probes.liveness).toMatchObject([{ address: '10.0.0.1', pod: 'c-1', ...place }])
    expect(pod?.probes.readiness).toEqual([])
  })

  it.each<[string, object]>([
    ['a command', { exec: { command: ['true'] } }],
    ['a socket', { tcpSocket: { port: 8081 } }],
    ['gRPC', { grpc: { port: 8081 } }],
    ['a host of its own', { httpGet: { port: 8081, host: '127.0.0.1' } }],
    ['headers of its own', { httpGet: { port: 8081, httpHeaders: [{ name: 'a', value: 'b' }] } }],
    ['a port that no container has', { httpGet: { port: 'nowhere' } }],
    ['a port that there is not', { httpGet: { port: 65_536 } }],
    ['a path out of its pod', { httpGet: { port: 8081, path: '/../../../secrets' } }],
  ])('can’t be asked from here: %s', (_, readinessProbe) => {
    expect(podWith({ readinessProbe })?.probes.readiness).toEqual([null])
  })

  it.each<[string, object]>([
    ['has no address yet', { phase: 'Pending' }],
    ['has ended', { phase: 'Failed', podIP: '10.0.0.1' }],
  ])('is nobody’s once its pod %s', (_, status) => {
    expect(podWith({}, status)).toBeNull()
  })
})

function labelled(version: string): object {
  return { labels: { [VERSION]: version } }
}

function revision(commit: string): Record<string, string> {
  return { 'org.opencontainers.image.revision': commit }
}

function available(status: string): object {
  return { type: 'Available', status, lastTransitionTime: '2026-11-02T00:00:00Z' }
}

function podWith(container: object, status: object = { phase: 'Running', podIP: '10.0.0.1' }) {
  return parseOperatorPod({
    metadata: { name: 'c-1', namespace: 'infra' },
    spec: { containers: [{ ports: [{ name: 'health', containerPort: 9440 }], ...container }] },
    status,
  })
}
