/** deploy/ by kubectl itself: what kustomize makes of it, and what an API server says to it. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findSchemaFaults } from '../support/exporter/kube-schema.ts'
import { containerOf, parseDocuments, ROOT } from '../support/exporter/manifests.ts'
import { readList, readPath, readRecord, readText } from '../sandbox/api-server/kube-object.ts'
import { openBench } from './api-server/a-server.ts'

const run = promisify(execFile)
const version = readVersion()
const HAS_KUBECTL = version !== null
/** Components and folders as resources came with kubectl 1.21; deploy/base needs neither. */
const HAS_COMPONENTS = (version ?? 0) >= 21

const OVERLAYS = ['overlays/sample', 'overlays/openshift', 'overlays/openshift-host']
const COMPONENTS = ['container-runtime', 'pod-proxy', 'some-namespaces']

describe('kubectl kustomize', () => {
  it.skipIf(!HAS_KUBECTL)('renders the base and the categories: kubectl', async () => {
    const [base, categories] = await Promise.all([render('base'), render('categories')])

    expect(base.map(kindAndName)).toHaveLength(20)
    expect(categories.map(kindAndName)).toEqual([
      'ConfigMap category.default',
      'ConfigMap category.publish',
      'ConfigMap category.read',
    ])
    for (const object of [...base, ...categories]) expect(findSchemaFaults(object)).toEqual([])
  })

  it.skipIf(!HAS_COMPONENTS).each(OVERLAYS)('renders %s: kubectl 1.21', async (folder) => {
    const objects = await render(folder)

    const node = find(objects, 'DaemonSet pilotlight-node')
    const cluster = find(objects, 'Deployment pilotlight-cluster')
    const name = readList(containerOf(cluster), 'envFrom').map((each) =>
      readText(each, 'configMapRef.name'),
    )[0]
    expect(objects.flatMap((object) => findSchemaFaults(object))).toEqual([])
    expect(readText(containerOf(node), 'image')).toMatch(/^registry\.example\.com\/.+:\d/)
    expect(readRecord(find(objects, `ConfigMap ${name}`), 'data')).toEqual({
      CLUSTER_ID: 'prod-eu',
      WORKER_URL: 'https://health.example.com',
    })
  })

  it.skipIf(!HAS_COMPONENTS)('leaves no hostPath to hostnetwork-v2: kubectl 1.21', async () => {
    const [stock, own] = await Promise.all([
      render('overlays/openshift'),
      render('overlays/openshift-host'),
    ])

    const template = 'spec.template.spec'
    const bare = find(stock, 'DaemonSet pilotlight-node')
    const whole = find(own, 'DaemonSet pilotlight-node')
    expect(readList(bare, `${template}.volumes`)).toEqual([])
    expect(readList(containerOf(bare), 'volumeMounts')).toEqual([])
    expect(readText(whole, `${template}.securityContext.seLinuxOptions.type`)).toBe('spc_t')
    expect(readList(whole, `${template}.volumes`)).toHaveLength(1)
    expect(find(stock, 'RoleBinding pilotlight-node-hostnetwork')).toMatchObject({
      roleRef: { name: 'system:openshift:scc:hostnetwork-v2' },
    })
    expect(find(own, 'SecurityContextConstraints pilotlight-node')).toMatchObject({
      users: ['system:serviceaccount:pilotlight:pilotlight-node'],
    })
  })

  it.skipIf(!HAS_COMPONENTS)('takes all components together: kubectl 1.21', async () => {
    const objects = await renderWith(COMPONENTS)

    const node = find(objects, 'DaemonSet pilotlight-node')
    const map = objects.find((each) => kindAndName(each).startsWith('ConfigMap pilotlight-cluster'))
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
    expect(said).toContain('daemonset.apps/pilotlight-node unchanged (server dry run)')
    expect(server.list('Deployment')).toEqual(before)
  })
})

/** The minor one; null: there is no kubectl. */
function readVersion(): number | null {
  try {
    const said = execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return Number.parseInt(readText(JSON.parse(said), 'clientVersion.minor'), 10)
  } catch {
    return null // not installed, so its tests are skipped
  }
}

function pathOf(folder: string): string {
  return new URL(`deploy/${folder}`, ROOT).pathname
}

async function render(folder: string): Promise<unknown[]> {
  return parseDocuments(await kubectl(['kustomize', pathOf(folder)]))
}

/** The sample, as somebody would copy it, with these components. */
async function renderWith(components: string[]): Promise<unknown[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'overlay-')))
  onTestFinished(() => rm(folder, { recursive: true }))
  const wayTo = (name: string) => relative(folder, pathOf(name)) // kustomize takes no absolute paths
  const kustomization = {
    resources: [wayTo('overlays/sample')],
    components: components.map((name) => wayTo(`components/${name}`)),
  }
  await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
  return parseDocuments(await kubectl(['kustomize', folder]))
}

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

function kindAndName(object: unknown): string {
  return `${readText(object, 'kind')} ${readText(object, 'metadata.name')}`
}

function find(objects: unknown[], name: string): unknown {
  const found = objects.find((object) => kindAndName(object) === name)
  if (found === undefined)
    throw new Error(`${name} is not among ${objects.map(kindAndName).join()}`)
  return found
}
