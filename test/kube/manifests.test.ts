/** deploy/ by kubectl itself: what kustomize makes of it, and what an API server says to it. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { NEVER_ASKED } from '../../node-exporter/discovery/never-asked.ts'
import { findSchemaFaults } from '../support/exporter/kube-schema.ts'
import { containerOf, ROOT } from '../support/exporter/manifests.ts'
import { aFolder } from '../support/exporter/a-setup.ts'
import {
  findObject,
  HAS_COMPONENTS,
  HAS_KUBECTL,
  HAS_PRUNE,
  kindAndName,
  pathOf,
  render,
  renderText,
  renderWith,
} from '../support/exporter/rendered.ts'
import { readList, readPath, readRecord, readText } from '../sandbox/api-server/kube-object.ts'
import { openBench } from './api-server/a-server.ts'

const run = promisify(execFile)

const RBAC = 'rbac.authorization.k8s.io/v1'
const DEPLOYING = readFileSync(new URL('docs/deploying.md', ROOT), 'utf8')

const OVERLAYS = ['overlays/sample', 'overlays/openshift', 'overlays/openshift-host']
const COMPONENTS = ['container-runtime', 'egress', 'pod-proxy', 'some-namespaces']

describe('kubectl kustomize', () => {
  it.skipIf(!HAS_KUBECTL)('renders the base and the categories: kubectl', () => {
    const [base, categories] = [render('base'), render('categories')]

    expect(base.map(kindAndName)).toHaveLength(20)
    expect(categories.map(kindAndName)).toEqual([
      'ConfigMap category.default',
      'ConfigMap category.publish',
      'ConfigMap category.read',
    ])
    for (const object of [...base, ...categories]) expect(findSchemaFaults(object)).toEqual([])
  })

  it.skipIf(!HAS_COMPONENTS).each(OVERLAYS)('renders %s: kubectl 1.21', (folder) => {
    const objects = render(folder)

    const node = findObject(objects, 'DaemonSet pilotlight-node')
    const cluster = findObject(objects, 'Deployment pilotlight-cluster')
    const name = readList(containerOf(cluster), 'envFrom').map((each) =>
      readText(each, 'configMapRef.name'),
    )[0]
    expect(objects.flatMap((object) => findSchemaFaults(object))).toEqual([])
    expect(readText(containerOf(node), 'image')).toMatch(/^registry\.example\.com\/.+:\d/)
    expect(readRecord(findObject(objects, `ConfigMap ${name}`), 'data')).toEqual({
      CLUSTER_ID: 'prod-eu',
      WORKER_URL: 'https://health.example.com',
    })
  })

  it.skipIf(!HAS_COMPONENTS)('leaves no hostPath to hostnetwork-v2: kubectl 1.21', () => {
    const [stock, own] = [render('overlays/openshift'), render('overlays/openshift-host')]

    const template = 'spec.template.spec'
    const bare = findObject(stock, 'DaemonSet pilotlight-node')
    const whole = findObject(own, 'DaemonSet pilotlight-node')
    expect(readList(bare, `${template}.volumes`)).toEqual([])
    expect(readList(containerOf(bare), 'volumeMounts')).toEqual([])
    expect(readText(whole, `${template}.securityContext.seLinuxOptions.type`)).toBe('spc_t')
    expect(readList(whole, `${template}.volumes`)).toHaveLength(1)
    expect(findObject(stock, 'RoleBinding pilotlight-node-hostnetwork')).toMatchObject({
      roleRef: { name: 'system:openshift:scc:hostnetwork-v2' },
    })
    expect(findObject(own, 'SecurityContextConstraints pilotlight-node')).toMatchObject({
      users: ['system:serviceaccount:pilotlight:pilotlight-node'],
    })
  })

  it.skipIf(!HAS_COMPONENTS)('takes all components together: kubectl 1.21', () => {
    const objects = renderWith(COMPONENTS)

    const node = findObject(objects, 'DaemonSet pilotlight-node')
    const map = objects.find((each) =>
      kindAndName(each).startsWith('ConfigMap pilotlight-cluster-settings'),
    )
    expect(objects.flatMap((object) => findSchemaFaults(object))).toEqual([])
    expect(readPath(node, 'spec.template.spec.securityContext')).toMatchObject({
      runAsUser: 0,
      runAsNonRoot: false,
    })
    expect(readRecord(map, 'data')).toMatchObject({
      PROBE_VIA: 'apiserver',
      NAMESPACES: 'default,shop',
    })
    expect(objects.map(kindAndName)).not.toContain('ClusterRoleBinding pilotlight-services')
    expect(objects.map(kindAndName)).toContain('ClusterRoleBinding pilotlight-pod-proxy')
  })
})

describe('the egress policy', () => {
  const policy = () => findObject(renderWith(['egress']), 'NetworkPolicy pilotlight-cluster-egress')
  const blocks = () =>
    readList(policy(), 'spec.egress')
      .flatMap((rule) => readList(rule, 'to'))
      .map((to) => readPath(to, 'ipBlock'))
      .filter((block) => block !== undefined)

  it.skipIf(!HAS_COMPONENTS)(
    'lets out to no address that the exporter never asks: kubectl 1.21',
    () => {
      const excluded = blocks().flatMap((block) => readPath(block, 'except') ?? [])

      expect(new Set(excluded)).toEqual(new Set(NEVER_ASKED))
    },
  )

  it.skipIf(!HAS_COMPONENTS)(
    'lets out to pods, DNS, the API server, nodes and the edge: kubectl 1.21',
    () => {
      const rules = readList(policy(), 'spec.egress')
      const ports = rules.map((rule) =>
        readPath(rule, 'ports') === undefined
          ? null
          : readList(rule, 'ports').map((port) => readPath(port, 'port')),
      )

      expect(readPath(policy(), 'spec.podSelector')).toEqual({
        matchLabels: { 'app.kubernetes.io/name': 'pilotlight-cluster' },
      })
      expect(ports).toEqual([null, [53, 53], [443, 6443, 25_001]])
      expect(blocks().map((block) => readPath(block, 'cidr'))).toEqual([
        '169.254.20.10/32',
        '0.0.0.0/0',
        '::/0',
      ])
    },
  )
})

describe('kubectl apply --dry-run=server', () => {
  it.skipIf(!HAS_KUBECTL)('is taken, object by object, and stores nothing: kubectl', async () => {
    const { server } = await openBench()
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pilotlight' } }
    const { metadata } = server.create(namespace) // as on a real server: nothing goes where there is none
    const kubeconfig = server.kubeconfig()

    const said = await kubectl(['apply', '--dry-run=server', '-k', pathOf('base')], kubeconfig)

    const lines = said.trim().split('\n')
    expect(lines).toHaveLength(20)
    expect(lines.filter((line) => !/ (created|configured) \(server dry run\)$/.test(line))).toEqual(
      [],
    )
    expect(server.list('DaemonSet')).toEqual([])
    expect(server.list('ClusterRole')).toEqual([])
    expect(server.get({ kind: 'Namespace', name: 'pilotlight' })).toMatchObject({ metadata })
  })

  it.skipIf(!HAS_COMPONENTS)('changes nothing after a real one: kubectl 1.21', async () => {
    const { server } = await openBench()
    const kubeconfig = server.kubeconfig()
    const folder = pathOf('overlays/sample')
    await kubectl(['apply', '-k', folder], kubeconfig)
    const before = server.list('Deployment')

    const said = await kubectl(['apply', '--dry-run=server', '-k', folder], kubeconfig)

    expect(before).toHaveLength(1)
    const lines = said.trim().split('\n')
    expect(lines.length).toBeGreaterThan(15)
    // kubectl sends a budget's selector every time: its patchStrategy is `replace`. The object stays as it is.
    expect(lines.filter((line) => !line.endsWith(' unchanged (server dry run)'))).toEqual([
      'poddisruptionbudget.policy/pilotlight-cluster configured (server dry run)',
    ])
    expect(server.list('Deployment')).toEqual(before)
  })
})

describe('kubectl apply --prune', () => {
  /** The options that docs/deploying.md gives. */
  const [, options = ''] = /--prune (-l .+?)\nkubectl get roles/s.exec(DEPLOYING) ?? []
  const PRUNE = [
    '--prune',
    ...options.replaceAll('$RBAC', RBAC).replaceAll('\\', '').trim().split(/\s+/),
  ]

  it.skipIf(!HAS_PRUNE)(
    'removes the rights of what the overlay no longer has: kubectl 1.26',
    async () => {
      const { server } = await openBench()
      server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
      const kubeconfig = server.kubeconfig()
      const bindings = () => server.list('ClusterRoleBinding').map(({ metadata }) => metadata.name)
      const apply = async (components: string[]) => {
        const file = `${aFolder()}/all.yaml`
        writeFileSync(file, renderText(components))
        await kubectl(['apply', '-f', file, ...PRUNE], kubeconfig)
        return bindings()
      }

      const everywhere = await apply([])
      const somewhere = await apply(['pod-proxy', 'some-namespaces'])
      const again = await apply([])

      expect(PRUNE).toHaveLength(7)
      expect(everywhere).toEqual(['pilotlight-node', 'pilotlight-nodes', 'pilotlight-services'])
      expect(somewhere).toEqual(['pilotlight-node', 'pilotlight-nodes', 'pilotlight-pod-proxy'])
      expect(again).toEqual(everywhere)
      expect(server.list('ConfigMap', 'pilotlight').length).toBeGreaterThan(2) // for `rollout undo`
    },
  )
})

/** With a home of its own: kubectl caches what it discovers. */
async function kubectl(command: string[], kubeconfig = ''): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'kubectl-'))
  try {
    const KUBECONFIG = join(home, 'config')
    await writeFile(KUBECONFIG, kubeconfig)
    const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG }
    const { stdout } = await run('kubectl', command, { env })
    return stdout
  } finally {
    await rm(home, { recursive: true })
  }
}
