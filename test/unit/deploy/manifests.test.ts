/** What the rendered manifests say against what the exporter reads and listens on: one of them moves, the other fails here. */
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { NODE_FLAGS, NODE_ROLE_FLAGS } from '../../../deploy/bundle.ts'
import { readConfig } from '../../../node-exporter/config.ts'
import { LAST_PUSH_MS } from '../../../node-exporter/exporter.ts'
import { joinCategories, readCategory } from '../../../node-exporter/discovery/categories.ts'
import { parseConfigMap, parseExporterPod } from '../../../node-exporter/discovery/kube-objects.ts'
import { readNodeConfig } from '../../../node-exporter/node/node-config.ts'
import { readSelfConfig } from '../../../node-exporter/self/self-config.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import { containerOf, labelsOf, readManifests, ROOT } from '../../support/exporter/manifests.ts'
import {
  environmentOf,
  findObject,
  HAS_COMPONENTS,
  kindAndName,
  render,
  renderWith,
} from '../../support/exporter/rendered.ts'
import { readList, readPath, readRecord, readText } from '../../sandbox/api-server/kube-object.ts'

const SAMPLE = HAS_COMPONENTS ? render('overlays/sample') : []
/** undefined only where kubectl is missing, and no case runs. */
const find = (name: string) => SAMPLE.find((each) => kindAndName(each) === name)
const NODE = find('DaemonSet pilotlight-node')
const CLUSTER = find('Deployment pilotlight-cluster')
const WORKLOADS = [
  ['the node role', NODE],
  ['the cluster role', CLUSTER],
] as const

/** What the Secret and the downward API say. */
const GIVEN = {
  NODE_NAME: 'node-a',
  POD_NAME: 'pilotlight-cluster-0',
  LEASE_NAMESPACE: 'pilotlight',
  PUSH_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
}

describe.skipIf(!HAS_COMPONENTS)('the environment: kubectl 1.21', () => {
  const sources = readdirSync(new URL('node-exporter/', ROOT), {
    recursive: true,
    encoding: 'utf8',
  })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(`node-exporter/${file}`, ROOT), 'utf8'))
    .join('\n')
  const isRead = (name: string) =>
    new RegExp(`^ +${name}: v\\.|env\\['${name}'\\]`, 'm').test(sources)

  it.each(WORKLOADS)('of %s holds only what the exporter reads', (_, workload) => {
    const names = Object.keys(environmentOf(SAMPLE, workload, GIVEN))

    expect(names.filter((name) => !isRead(name))).toEqual([])
  })

  it('of components holds only what the exporter reads', () => {
    const objects = renderWith(['pod-proxy', 'some-namespaces'])
    const workload = findObject(objects, 'Deployment pilotlight-cluster')
    const names = Object.keys(environmentOf(objects, workload, GIVEN))

    expect(names).toEqual(expect.arrayContaining(['PROBE_VIA', 'NAMESPACES']))
    expect(names.filter((name) => !isRead(name))).toEqual([])
  })

  it('starts the node role, and its probes find its port', () => {
    const environment = environmentOf(SAMPLE, NODE, GIVEN)
    const read = readNodeConfig(environment)
    const self = readSelfConfig(environment)

    expect(environment['ROLE']).toBe('node')
    expect(read).toMatchObject({ ok: true, config: { nodeName: 'node-a', hostRoot: '/host' } })
    expect(read).toMatchObject({ config: { listenPort: portOf(NODE, 'health') } })
    expect(self).toMatchObject({ ok: true, config: { healthPort: portOf(NODE, 'self-health') } })
  })

  it('starts the cluster role once it knows its cluster, and its probes find its port', () => {
    const environment = environmentOf(SAMPLE, CLUSTER, GIVEN)
    const base = render('base')
    const blank = environmentOf(base, findObject(base, 'Deployment pilotlight-cluster'), GIVEN)

    expect(environment['ROLE']).toBe('cluster')
    expect(readConfig(environment)).toMatchObject({ ok: true, config: { clusterId: 'prod-eu' } })
    expect(readConfig(blank)).toMatchObject({
      ok: false,
      faults: [
        expect.stringContaining('CLUSTER_ID is not set'),
        expect.stringContaining('WORKER_URL is not set'),
      ],
    })
    expect(readSelfConfig(environment)).toMatchObject({
      ok: true,
      config: { healthPort: portOf(CLUSTER, 'health') },
    })
  })
})

describe.skipIf(!HAS_COMPONENTS)('the pods: kubectl 1.21', () => {
  it('of the node role are those that the cluster role looks for', () => {
    const read = readConfig(environmentOf(SAMPLE, CLUSTER, GIVEN))
    const terms = (read.ok ? read.config.nodeSelector : '').split(',')
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'pilotlight' },
      spec: { ...readRecord(NODE, 'spec.template.spec'), nodeName: 'node-a' },
      status: { podIP: '192.0.2.1', phase: 'Running' },
    }

    expect(Object.entries(labelsOf(NODE)).map((label) => label.join('='))).toEqual(
      expect.arrayContaining(terms),
    )
    expect(parseExporterPod(pod)).toMatchObject({ node: 'node-a', port: 25_001 })
  })

  it.each([
    ['the DaemonSet', NODE, 'spec.selector.matchLabels', NODE],
    ['the Deployment', CLUSTER, 'spec.selector.matchLabels', CLUSTER],
    [
      'the disruption budget',
      find('PodDisruptionBudget pilotlight-cluster'),
      'spec.selector.matchLabels',
      CLUSTER,
    ],
    [
      'the network policy',
      find('NetworkPolicy pilotlight-cluster'),
      'spec.podSelector.matchLabels',
      CLUSTER,
    ],
    [
      'one replica, to keep away from the other',
      readList(
        CLUSTER,
        'spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution',
      )[0],
      'podAffinityTerm.labelSelector.matchLabels',
      CLUSTER,
    ],
  ])('are the ones that %s selects', (_, object, path, workload) => {
    const selected = readRecord(object, path)

    expect(Object.keys(selected).length).toBeGreaterThan(0)
    expect(labelsOf(workload)).toMatchObject(selected)
  })

  it.each(WORKLOADS)('of %s are probed as [D] is, on a port that is there', (_, workload) => {
    const container = containerOf(workload)
    const probes = ['startup', 'liveness', 'readiness'].map((kind) => {
      const probe = readRecord(container, `${kind}Probe`)
      const { path, port, ...rest } = readRecord(probe, 'httpGet')
      expect(rest).toEqual({})
      expect(portOf(workload, String(port))).toBeGreaterThan(0)
      return [path, probe['periodSeconds'], probe['failureThreshold'], probe['timeoutSeconds']]
    })

    expect(probes).toEqual([
      ['/liveness', 30, 10, 3],
      ['/liveness', 10, 3, 3],
      ['/readiness', 5, 3, 3],
    ])
  })

  it('of the cluster role leave a drained node one at a time, and at once when they are not ready', () => {
    const budget = find('PodDisruptionBudget pilotlight-cluster')
    const { selector, ...rest } = readRecord(budget, 'spec')

    expect(selector).toBeDefined()
    expect(rest).toEqual({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
  })

  it('of the cluster role are let be reached at ports that they have', () => {
    const policy = find('NetworkPolicy pilotlight-cluster')
    const ports = readList(policy, 'spec.ingress').flatMap((rule) => readList(rule, 'ports'))

    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(portOf(CLUSTER, readText(port, 'port'))).toBeGreaterThan(0)
  })

  it('of the cluster role have the time for a drain, a last push and the Lease', () => {
    const self = readSelfConfig({})
    const read = readConfig(environmentOf(SAMPLE, CLUSTER, GIVEN))
    const drainMs = self.ok ? self.config.drainMs : Infinity
    const renewMs = read.ok ? (read.config.lease?.renewMs ?? Infinity) : Infinity

    expect(drainMs + LAST_PUSH_MS + renewMs).toBeLessThan(
      Number(readPath(CLUSTER, 'spec.template.spec.terminationGracePeriodSeconds')) * 1000,
    )
  })

  it.each([
    ['the node role', NODE, NODE_ROLE_FLAGS],
    ['the cluster role', CLUSTER, NODE_FLAGS],
  ])('of %s run the bundle with the flags that were measured', (_, workload, flags) => {
    expect(readList(containerOf(workload), 'args')).toEqual([...flags, '/app/exporter.mjs'])
  })

  it.each(WORKLOADS)('of %s may do next to nothing', (_, workload) => {
    const pod = readRecord(workload, 'spec.template.spec')
    const container = containerOf(workload)
    const drain = readSelfConfig({})

    expect(readList(pod, 'containers')).toHaveLength(1)
    expect(pod['securityContext']).toEqual({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(readRecord(container, 'securityContext')).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    })
    expect(
      readList(container, 'volumeMounts').filter((each) => !readPath(each, 'readOnly')),
    ).toEqual([])
    expect(Object.keys(readRecord(container, 'resources.limits'))).toEqual(['memory'])
    expect(Object.keys(readRecord(container, 'resources.requests'))).toEqual(['cpu', 'memory'])
    expect(drain.ok && drain.config.drainMs / 1000).toBeLessThan(
      Number(pod['terminationGracePeriodSeconds']),
    )
  })

  it.each(WORKLOADS)('of %s name only what is there', (_, workload) => {
    const pod = readRecord(workload, 'spec.template.spec')
    const account = String(pod['serviceAccountName'])
    expect(find(`ServiceAccount ${account}`)).toBeDefined()
    expect(find(`PriorityClass ${String(pod['priorityClassName'])}`)).toBeDefined()
  })
})

describe.skipIf(!HAS_COMPONENTS)('what is rendered: kubectl 1.21', () => {
  it('has the version of package.json', () => {
    const imagesOf = (folder: string) =>
      ['DaemonSet pilotlight-node', 'Deployment pilotlight-cluster'].map((name) =>
        readText(containerOf(findObject(render(folder), name)), 'image'),
      )
    const image = `pilotlight-exporter:${packageJson.version}`

    expect(imagesOf('base')).toEqual([image, image])
    expect(imagesOf('overlays/sample')).toEqual(
      [image, image].map((each) => `registry.example.com/${each}`),
    )
  })

  it('has categories that the exporter reads without a warning', () => {
    const maps = render('categories')
      .map((object) => parseConfigMap(object))
      .filter((map) => map !== null)

    const { categories, warnings } = joinCategories(maps.map(readCategory))

    expect(warnings).toEqual([])
    expect(categories).toMatchObject([
      { name: 'default' },
      { name: 'publish', services: ['ledger', 'queue.shop'], isSticky: true },
      { name: 'read', services: ['web', 'search.shop'] },
    ])
  })

  it('is labelled as a part of pilotlight, so that it can be found again', () => {
    const objects = [
      ...renderWith(['pod-proxy', 'some-namespaces']),
      ...render('overlays/openshift'),
      ...render('overlays/openshift-host'),
    ]
    const partOf = (object: unknown) =>
      readRecord(object, 'metadata.labels')['app.kubernetes.io/part-of']

    expect(objects.length).toBeGreaterThan(50)
    expect(objects.filter((each) => partOf(each) !== 'pilotlight').map(kindAndName)).toEqual([])
  })
})

describe('deploy/', () => {
  it('has no secret in it, only the name of one', () => {
    const texts = readManifests().map(({ object }) => JSON.stringify(object))

    expect(texts.filter((text) => /whsec_|"kind":"Secret"/.test(text))).toEqual([])
  })
})

function portOf(workload: unknown, name: string): number | undefined {
  const ports = readList(containerOf(workload), 'ports')
  const port = ports.find((each) => readText(each, 'name') === name)
  return port === undefined ? undefined : Number(readText(port, 'containerPort'))
}
