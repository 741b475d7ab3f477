/** What the manifests say against what the exporter reads, asks for and listens on: one of them moves, the other fails here. */
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { NODE_FLAGS, NODE_ROLE_FLAGS } from '../../../deploy/bundle.ts'
import { readConfig } from '../../../node-exporter/config.ts'
import { LAST_PUSH_MS } from '../../../node-exporter/exporter.ts'
import { readCategories } from '../../../node-exporter/discovery/categories.ts'
import { parseConfigMap, parseExporterPod } from '../../../node-exporter/discovery/kube-objects.ts'
import { readNodeConfig } from '../../../node-exporter/node/node-config.ts'
import { readSelfConfig } from '../../../node-exporter/self/self-config.ts'
import packageJson from '../../../package.json' with { type: 'json' }
import {
  containerOf,
  environmentOf,
  findInBase,
  labelsOf,
  literalsOf,
  readManifests,
  ROOT,
} from '../../support/exporter/manifests.ts'
import { readList, readPath, readRecord, readText } from '../../sandbox/api-server/kube-object.ts'

const NODE = findInBase('DaemonSet', 'pilotlight-node')
const CLUSTER = findInBase('Deployment', 'pilotlight-cluster')
const WORKLOADS = [
  ['the node role', NODE],
  ['the cluster role', CLUSTER],
] as const

/** What the Secret and the downward API say. */
const GIVEN = {
  NODE_NAME: 'node-a',
  NODE_CHECKS: 'node_ready,kubelet',
  POD_NAME: 'pilotlight-cluster-0',
  LEASE_NAMESPACE: 'pilotlight',
  PUSH_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
}

describe('the environment', () => {
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
    const names = Object.keys(environmentOf(workload, GIVEN))

    expect(names.filter((name) => !isRead(name))).toEqual([])
  })

  it('of components holds only what the exporter reads', () => {
    const names = ['pod-proxy', 'some-namespaces'].flatMap((name) =>
      Object.keys(literalsOf(`components/${name}/kustomization.yaml`, 'pilotlight-cluster')),
    )

    expect(names).toEqual(['PROBE_VIA', 'NAMESPACES'])
    expect(names.filter((name) => !isRead(name))).toEqual([])
  })

  it('starts the node role, and its probes find its port', () => {
    const environment = environmentOf(NODE, GIVEN)
    const read = readNodeConfig(environment)
    const self = readSelfConfig(environment)

    expect(environment['ROLE']).toBe('node')
    expect(read).toMatchObject({ ok: true, config: { nodeName: 'node-a', hostRoot: '/host' } })
    expect(read).toMatchObject({ config: { listenPort: portOf(NODE, 'health') } })
    expect(self).toMatchObject({ ok: true, config: { healthPort: portOf(NODE, 'self-health') } })
  })

  it('starts the cluster role once it knows its cluster, and its probes find its port', () => {
    const environment = environmentOf(CLUSTER, GIVEN)
    const blank = { ...environment, ...literalsOf('base/kustomization.yaml', 'pilotlight-cluster') }

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

describe('the pods', () => {
  it('of the node role are those that the cluster role looks for', () => {
    const read = readConfig(environmentOf(CLUSTER, GIVEN))
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
      findInBase('PodDisruptionBudget', 'pilotlight-cluster'),
      'spec.selector.matchLabels',
      CLUSTER,
    ],
    [
      'the network policy',
      findInBase('NetworkPolicy', 'pilotlight-cluster'),
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
    const budget = findInBase('PodDisruptionBudget', 'pilotlight-cluster')
    const { selector, ...rest } = readRecord(budget, 'spec')

    expect(selector).toBeDefined()
    expect(rest).toEqual({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' })
  })

  it('of the cluster role are let be reached at ports that they have', () => {
    const policy = findInBase('NetworkPolicy', 'pilotlight-cluster')
    const ports = readList(policy, 'spec.ingress').flatMap((rule) => readList(rule, 'ports'))

    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(portOf(CLUSTER, readText(port, 'port'))).toBeGreaterThan(0)
  })

  it('of the cluster role have the time for a drain, a last push and the Lease', () => {
    const self = readSelfConfig({})
    const read = readConfig(environmentOf(CLUSTER, GIVEN))
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
    const maps = [
      ...readList(containerOf(workload), 'envFrom').map((each) =>
        readText(each, 'configMapRef.name'),
      ),
      ...readList(containerOf(workload), 'env').map((each) =>
        readText(each, 'valueFrom.configMapKeyRef.name'),
      ),
    ].filter((name) => name !== '')

    expect(findInBase('ServiceAccount', account)).toBeDefined()
    expect(findInBase('PriorityClass', String(pod['priorityClassName']))).toBeDefined()
    expect(maps.length).toBeGreaterThan(0)
    for (const name of maps) {
      expect(literalsOf('base/kustomization.yaml', name)).not.toEqual({})
    }
  })
})

describe('the rights', () => {
  /** Which line of code asks: a right more is too much, a right less is a fault at three in the morning. */
  const ASKED: [account: string, namespace: string, rule: string, by: string][] = [
    ['pilotlight-node', '*', 'nodes: list, watch', 'node/node-watch.ts'],
    ['pilotlight-cluster', '*', 'services: list, watch', 'discovery/discovery.ts'],
    [
      'pilotlight-cluster',
      '*',
      'discovery.k8s.io/endpointslices: list, watch',
      'discovery/discovery.ts',
    ],
    [
      'pilotlight-cluster',
      '*',
      'apps/deployments, apps/statefulsets, apps/daemonsets: list, watch',
      'discovery/discovery.ts',
    ],
    ['pilotlight-cluster', '*', 'nodes: list, watch', 'discovery/nodes.ts'],
    ['pilotlight-cluster', 'default', 'configmaps: list, watch', 'discovery/discovery.ts'],
    ['pilotlight-cluster', 'pilotlight', 'pods: list, watch', 'discovery/nodes.ts'],
    [
      'pilotlight-cluster',
      'pilotlight',
      'coordination.k8s.io/leases: create',
      'leader/lease-store.ts',
    ],
    [
      'pilotlight-cluster',
      'pilotlight',
      'coordination.k8s.io/leases pilotlight-cluster: get, update',
      'leader/lease-store.ts',
    ],
  ]

  it('are exactly what the code asks for', () => {
    const granted = findGranted('base/')

    expect(granted.toSorted()).toEqual(ASKED.map((row) => row.slice(0, 3).join(' ')).toSorted())
  })

  it.each(ASKED)('are asked for: %s %s %s', (_account, _namespace, rule, by) => {
    const [, resource = ''] = /([a-z]+)( [a-z-]+)?: /.exec(rule) ?? []
    const source = readFileSync(new URL(`node-exporter/${by}`, ROOT), 'utf8')

    expect(source).toContain(resource)
  })

  it('name the Lease that the Deployment leads by', () => {
    const names = findGranted('base/').flatMap((line) => /leases (\S+):/.exec(line)?.[1] ?? [])

    expect(names).toEqual([environmentOf(CLUSTER, GIVEN)['LEASE_NAME']])
  })

  it('to the pod proxy come only with its component', () => {
    expect(findGranted('components/pod-proxy/')).toEqual(['pilotlight-cluster * pods/proxy: get'])
  })
})

describe('deploy/', () => {
  it('has no secret in it, only the name of one', () => {
    const texts = readManifests().map(({ object }) => JSON.stringify(object))

    expect(texts.filter((text) => /whsec_|"kind":"Secret"/.test(text))).toEqual([])
  })

  it('ships the version of package.json', () => {
    const images = WORKLOADS.map(([, workload]) => readText(containerOf(workload), 'image'))
    const sample = readManifests().find(({ file }) => file === 'overlays/sample/kustomization.yaml')

    expect(images).toEqual(images.map(() => `pilotlight-exporter:${packageJson.version}`))
    expect(readList(sample?.object, 'images')).toMatchObject([
      { name: 'pilotlight-exporter', newTag: packageJson.version },
    ])
  })

  it('has categories that the exporter reads without a warning', () => {
    const maps = readManifests()
      .filter(({ object }) => readText(object, 'kind') === 'ConfigMap')
      .map(({ object }) => parseConfigMap(object))
      .filter((map) => map !== null)

    const { categories, warnings } = readCategories(maps)

    expect(warnings).toEqual([])
    expect(categories).toMatchObject([
      { name: 'default' },
      { name: 'publish', services: ['ledger', 'queue.shop', 'nodes'], isSticky: true },
      { name: 'read', services: ['web', 'search.shop'] },
    ])
  })
})

function portOf(workload: unknown, name: string): number | undefined {
  const ports = readList(containerOf(workload), 'ports')
  const port = ports.find((each) => readText(each, 'name') === name)
  return port === undefined ? undefined : Number(readText(port, 'containerPort'))
}

/** `account namespace resources: verbs` of each rule that is bound; the namespace is * where it is bound in all. */
function findGranted(folder: string): string[] {
  const objects = readManifests()
    .filter(({ file }) => file.startsWith(folder))
    .map(({ object }) => object)
  const bindings = objects.filter((each) => readText(each, 'kind').endsWith('Binding'))
  return bindings.flatMap((binding) => {
    const role = objects.find(
      (each) =>
        readText(each, 'kind') === readText(binding, 'roleRef.kind') &&
        readText(each, 'metadata.name') === readText(binding, 'roleRef.name') &&
        readText(each, 'metadata.namespace') === readText(binding, 'metadata.namespace'),
    )
    const namespace = readText(binding, 'metadata.namespace') || '*'
    return readList(binding, 'subjects').flatMap((subject) =>
      readList(role, 'rules').map(
        (rule) => `${readText(subject, 'name')} ${namespace} ${describeRule(rule)}`,
      ),
    )
  })
}

function describeRule(rule: unknown): string {
  const [group = ''] = readList(rule, 'apiGroups').map(String)
  const resources = readList(rule, 'resources').map(
    (each) => `${group && `${group}/`}${String(each)}`,
  )
  const names = readList(rule, 'resourceNames').map((name) => ` ${String(name)}`)
  return `${resources.join(', ')}${names.join()}: ${readList(rule, 'verbs').join(', ')}`
}
