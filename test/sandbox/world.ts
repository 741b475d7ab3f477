/** A small Kubernetes cluster on loopback: the API server double, and pods that answer. Its verbs are what operators do. */
import { startApiServer, type ApiServer, type ApiServerOptions } from './api-server/api-server.ts'
import { LoopbackPods, type Behaviour } from './pods.ts'

export interface ServiceSpec {
  name: string
  namespace?: string
  replicas?: number
  workload?: 'Deployment' | 'StatefulSet' | 'DaemonSet'
  /** Beside hasHealthcheck. */
  labels?: Record<string, string>
  annotations?: Record<string, string>
  /** Of its pods when they start. */
  behaviour?: Behaviour
}

export interface CategorySpec {
  name: string
  services?: string[]
  /** Further keys of the ConfigMap, without `category.`. */
  settings?: Record<string, string>
}

/** What every world begins with. */
export const NODES = ['node-a', 'node-b', 'node-c']

/** Where the node role's pods live. */
const NODE_NAMESPACE = 'pilotlight'

export class World {
  readonly api: ApiServer
  readonly pods = new LoopbackPods()
  /** Pods by `namespace/service`. */
  readonly #podsOf = new Map<string, string[]>()
  #podCount = 0

  constructor(api: ApiServer) {
    this.api = api
    for (const name of NODES) this.addNode(name)
  }

  /** Ready and schedulable. No exporter comes with it. */
  addNode(name: string): void {
    this.api.create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: { conditions: [READY] },
    })
  }

  removeNode(name: string): void {
    this.api.remove({ kind: 'Node', name })
  }

  setReady(name: string, isReady: boolean): void {
    const conditions = [isReady ? READY : NOT_READY]
    this.api.patch({ kind: 'Node', name }, { status: { conditions } })
  }

  /** With `kubectl cordon`'s effect, or `uncordon`'s. */
  setCordoned(name: string, isCordoned: boolean): void {
    this.api.patch({ kind: 'Node', name }, { spec: { unschedulable: isCordoned || null } })
  }

  /** A pod of the node role's DaemonSet, with a server behind it. Gives its name. */
  async addNodeExporter(node: string, behaviour: Behaviour = { kind: 'node' }): Promise<string> {
    const name = this.#nextName('pilotlight-node')
    this.addNodePod(node, { name, ...(await this.pods.start(name, behaviour)) })
    return name
  }

  async removeNodeExporter(name: string): Promise<void> {
    this.api.remove({ kind: 'Pod', namespace: NODE_NAMESPACE, name })
    await this.pods.remove(name)
  }

  /** Such a pod for something that answers already. */
  addNodePod(
    node: string,
    { name, address, port }: { name: string; address: string; port: number },
  ): void {
    const labels = { 'app.kubernetes.io/name': 'pilotlight-node' }
    const ports = [
      { name: 'metrics', containerPort: 9091 },
      { name: 'health', containerPort: port },
    ]
    this.api.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NODE_NAMESPACE, labels },
      spec: { nodeName: node, hostNetwork: true, containers: [{ name: 'exporter', ports }] },
      status: runningAt(address),
    })
  }

  /** A labelled Service, its workload and its running pods. Gives the names of the pods. */
  async addService(spec: ServiceSpec): Promise<string[]> {
    const { name, namespace = 'default', replicas = 1, workload = 'Deployment' } = spec
    this.api.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name,
        namespace,
        labels: { hasHealthcheck: 'true', app: name, ...spec.labels },
        ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
      },
      spec: {
        selector: { app: name },
        ports: [{ name: 'app', port: 8080, protocol: 'TCP', targetPort: 'app' }],
      },
    })
    this.api.create({
      apiVersion: 'apps/v1',
      kind: workload,
      metadata: { name, namespace },
      spec: {
        ...(workload === 'DaemonSet' ? {} : { replicas }),
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app' }] } },
      },
      status: workload === 'DaemonSet' ? { desiredNumberScheduled: replicas } : {},
    })
    this.#podsOf.set(`${namespace}/${name}`, [])
    await this.#fill(spec, replicas)
    return this.podsOf(`${name}.${namespace}`)
  }

  /** Names as the exporter gives them: plain in the home namespace, else `name.namespace`. */
  services(): string[] {
    return [...this.#podsOf.keys()].map((key) => {
      const [namespace, name = ''] = key.split('/')
      return namespace === 'default' ? name : `${name}.${namespace}`
    })
  }

  /** By the name as the exporter gives it; none when there is no such service. */
  podsOf(service: string): string[] {
    const [name, namespace = 'default'] = service.split('.')
    return [...(this.#podsOf.get(`${namespace}/${name}`) ?? [])]
  }

  /** The workload says so first, then the pods come or go. */
  async scale(name: string, replicas: number): Promise<void> {
    this.api.patch({ kind: 'Deployment', namespace: 'default', name }, { spec: { replicas } })
    const surplus = this.podsOf(name).slice(replicas)
    for (const pod of surplus) this.api.remove({ kind: 'Pod', namespace: 'default', name: pod })
    this.#podsOf.set(`default/${name}`, this.podsOf(name).slice(0, replicas))
    await Promise.all(surplus.map((pod) => this.pods.remove(pod)))
    await this.#fill({ name }, replicas)
  }

  /** One pod more of a service, as a rollout makes it: running, not ready yet, and refusing. Gives its name. */
  async surge(service: string, given?: string): Promise<string> {
    const [app = '', namespace = 'default'] = service.split('.')
    const name = given ?? this.#nextName(app)
    const place = await this.pods.start(name, { kind: 'refuse' })
    this.#podsOf.set(`${namespace}/${app}`, [...this.podsOf(service), name])
    this.#createPod({ name, namespace, app }, { ...place, isReady: false })
    return name
  }

  /** As the kubelet writes it after the readiness probe. */
  setPodReady(pod: string, isReady: boolean): void {
    const conditions = [readyCondition(isReady)]
    this.api.patch(this.#refOf(pod), { status: { conditions } })
  }

  /** It is told to stop, and may go on serving for its grace period. */
  beginTermination(pod: string): void {
    const metadata = { deletionTimestamp: toTime(Date.now()) }
    this.api.patch(this.#refOf(pod), { metadata })
  }

  /** The readiness probe passes, for the pod answers. */
  async finishStart(pod: string): Promise<void> {
    await this.pods.set(pod, { kind: 'ok' })
    this.setPodReady(pod, true)
  }

  /** `kubectl delete namespace`: it stands until everything in it is gone. */
  beginNamespaceDeletion(name: string): void {
    const metadata = { deletionTimestamp: toTime(Date.now()) }
    this.api.patch({ kind: 'Namespace', name }, { metadata, status: { phase: 'Terminating' } })
  }

  /** It has ended and is gone. */
  async removePod(pod: string): Promise<void> {
    this.api.remove(this.#refOf(pod))
    for (const [service, pods] of this.#podsOf) {
      this.#podsOf.set(
        service,
        pods.filter((name) => name !== pod),
      )
    }
    await this.pods.remove(pod)
  }

  addCategory({ name, services = [], settings = {} }: CategorySpec): void {
    this.api.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: `category.${name}`,
        namespace: 'default',
        labels: { 'healthcheck-categories-for': 'aggregate-healthcheck' },
      },
      data: {
        'category.name': name,
        'category.services': services.join(', '),
        ...Object.fromEntries(Object.entries(settings).map(([key, v]) => [`category.${key}`, v])),
      },
    })
  }

  async stop(): Promise<void> {
    await this.api.stop()
    await this.pods.stop()
  }

  async #fill(spec: ServiceSpec, replicas: number): Promise<void> {
    const { name, namespace = 'default' } = spec
    const pods = this.#podsOf.get(`${namespace}/${name}`) ?? []
    while (pods.length < replicas) {
      const pod = spec.workload === 'StatefulSet' ? `${name}-${pods.length}` : this.#nextName(name)
      // One after the other, so that names and addresses are the same in every run.
      // oxlint-disable-next-line no-await-in-loop
      const { address, port } = await this.pods.start(pod, spec.behaviour)
      pods.push(pod)
      this.#createPod({ name: pod, namespace, app: name }, { address, port })
    }
    this.#podsOf.set(`${namespace}/${name}`, pods)
  }

  #createPod(
    { name, namespace, app }: Record<'name' | 'namespace' | 'app', string>,
    { address, port, isReady = true }: { address: string; port: number; isReady?: boolean },
  ): void {
    this.api.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app } },
      spec: {
        nodeName: NODES[this.#podCount % NODES.length],
        containers: [{ name: 'app', ports: [{ name: 'app', containerPort: port }] }],
      },
      status: {
        ...runningAt(address, isReady),
        containerStatuses: [{ name: 'app', ready: isReady, restartCount: 0 }],
      },
    })
  }

  #refOf(pod: string) {
    const [service = 'default/'] = [...this.#podsOf].find(([, pods]) => pods.includes(pod)) ?? []
    const [namespace = ''] = service.split('/')
    return { kind: 'Pod', namespace, name: pod }
  }

  #nextName(service: string): string {
    this.#podCount += 1
    return `${service}-${(this.#podCount * 7919 + 123_456).toString(36)}`
  }
}

const READY = { type: 'Ready', status: 'True', reason: 'KubeletReady' }
const NOT_READY = { type: 'Ready', status: 'False', reason: 'KubeletNotReady' }

/** A pod that is not ready has never been: the kubelet set its condition when it started it. */
function runningAt(address: string, isReady = true) {
  return {
    phase: 'Running',
    startTime: toTime(Date.now() - (isReady ? STARTED_BEFORE_MS : 0)),
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: [readyCondition(isReady)],
  }
}

/** ms; how long a pod that is ready has been running. */
const STARTED_BEFORE_MS = 60_000

function readyCondition(isReady: boolean) {
  return {
    type: 'Ready',
    status: isReady ? 'True' : 'False',
    lastTransitionTime: toTime(Date.now()),
  }
}

/** As Kubernetes writes times: in whole seconds. */
function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

export async function startWorld(options: ApiServerOptions = {}): Promise<World> {
  return new World(await startApiServer(options))
}
