/**
 * An API server that holds far more than an exporter keeps, in lists that are made while they are read: the double would need
 * gigabytes for them. It answers lists and ends watches at once, over plain HTTP; nothing ever changes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { serve } from './local-server.ts'

export interface Flood {
  /** Labelled Services of namespace `flood`, each with a slice and 64 KiB of annotations of no interest. */
  services: number
  /** Services without a selector in `by-hand`, each with a slice. */
  handMade: number
  /** Addresses of Service `web` in `default`, which is the one that matters. */
  pods: number
  /** ConfigMaps of a megabyte, of either kind. */
  configMaps: number
  /** Deployments of `flood`. */
  workloads: number
  nodes: number
  /** Where each address answers. */
  port: number
}

type Lists = [
  pattern: RegExp,
  count: (flood: Flood) => number,
  make: (i: number, flood: Flood) => object,
][]

const LABEL = { hasHealthcheck: 'true' }
const UNREAD = 'x'.repeat(64 * 1024)
const MANY_NAMES = Array.from({ length: 80_000 }, (_, i) => `service-${i}`).join(',')
const MANY_ACKS = Object.fromEntries(
  Array.from({ length: 30_000 }, (_, i) => [`service-${i}`, 'known since yesterday']),
)

const LISTS: Lists = [
  [
    /^\/api\/v1\/services\?/,
    ({ services, handMade }) => services + handMade + 1,
    (i, { services }) => {
      if (i === 0) return serviceOf('default', 'web', { app: 'web' })
      if (i <= services) return serviceOf('flood', `s-${i}`, { app: `s-${i}` })
      return serviceOf('by-hand', `h-${i - services}`, null)
    },
  ],
  [
    /endpointslices\?.*service-name/,
    ({ handMade }) => handMade,
    (i, { port }) =>
      sliceOf({ namespace: 'by-hand', of: `h-${i + 1}` }, [0], { ownLabel: {}, port }),
  ],
  [
    /endpointslices\?/,
    ({ services, pods }) => services + Math.ceil(pods / 100),
    (i, { services, port }) => {
      if (i < services)
        return sliceOf({ namespace: 'flood', of: `s-${i + 1}` }, [0], { ownLabel: LABEL, port })
      const first = (i - services) * 100
      const addresses = Array.from({ length: 100 }, (_, n) => first + n)
      return sliceOf({ namespace: 'default', of: 'web' }, addresses, { ownLabel: LABEL, port })
    },
  ],
  [
    /configmaps\?.*categories/,
    ({ configMaps }) => configMaps,
    (i) => configMapOf(`c-${i}`, { 'category.name': `c-${i}`, 'category.services': MANY_NAMES }),
  ],
  [/configmaps\?.*ack/, ({ configMaps }) => configMaps, (i) => configMapOf(`a-${i}`, MANY_ACKS)],
  [/deployments\?/, ({ workloads }) => workloads, (i) => workloadOf(`d-${i}`)],
  [/\/nodes\?/, ({ nodes }) => nodes, (i) => nodeOf(`node-${i}`)],
]

export async function startFlood(flood: Flood) {
  const server = await serve((request, response) => {
    void answer(request, response, flood)
  })
  return { kubeconfig: kubeconfigOf(server.port) }
}

async function answer(request: IncomingMessage, response: ServerResponse, flood: Flood) {
  const url = new URL(request.url ?? '', 'http://api')
  response.writeHead(200, { 'content-type': 'application/json' })
  if (url.searchParams.has('watch')) {
    setTimeout(() => response.end(), 1000)
    return
  }
  const path = decodeURIComponent(`${url.pathname}?${url.searchParams.toString()}`)
  const [, count, make] = LISTS.find(([pattern]) => pattern.test(path)) ?? [
    null,
    () => 0,
    () => ({}),
  ]
  const from = Number(url.searchParams.get('continue') ?? 0)
  const all = count(flood)
  const to = Math.min(all, from + Number(url.searchParams.get('limit') ?? all))
  const next = to < all ? { continue: String(to) } : {}
  response.write(
    `{"kind":"List","apiVersion":"v1","metadata":${JSON.stringify({ resourceVersion: '1', ...next })},"items":[`,
  )
  for (let i = from; i < to; i++) {
    const isTaken = response.write(`${i === from ? '' : ','}${JSON.stringify(make(i, flood))}`)
    // oxlint-disable-next-line no-await-in-loop -- as fast as it is read
    if (!isTaken) await new Promise((resolve) => response.once('drain', resolve))
  }
  response.end(']}')
}

function metadataOf(namespace: string, name: string, given: object = {}) {
  const annotations = { 'example.com/unread': UNREAD }
  return { name, namespace, creationTimestamp: '2026-01-01T00:00:00Z', annotations, ...given }
}

function serviceOf(namespace: string, name: string, selector: object | null) {
  return {
    metadata: metadataOf(namespace, name, { labels: LABEL }),
    spec: { type: 'ClusterIP', ...(selector === null ? {} : { selector }), ports: [{ port: 80 }] },
  }
}

function sliceOf(
  { namespace, of }: { namespace: string; of: string },
  addresses: number[],
  { ownLabel, port }: { ownLabel: object; port: number },
) {
  const labels = { 'kubernetes.io/service-name': of, ...ownLabel }
  return {
    metadata: metadataOf(namespace, `${of}-${addresses[0] ?? 0}`, { labels, annotations: {} }),
    addressType: 'IPv4',
    endpoints: addresses.map((i) => ({
      addresses: ['127.0.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${i % 50}`,
      targetRef: { kind: 'Pod', namespace, name: `${of}-7d9c8b6f5d-${i}`, uid: uidOf(of, i) },
    })),
    ports: [{ name: 'app', port, protocol: 'TCP' }],
  }
}

function uidOf(of: string, i: number): string {
  return `${String(i).padStart(8, '0')}-${of}`.padEnd(36, '-')
}

function configMapOf(name: string, data: object) {
  return { metadata: metadataOf('default', name, { annotations: {} }), data }
}

function workloadOf(name: string) {
  return {
    metadata: metadataOf('flood', name),
    spec: { replicas: 1, template: { metadata: { labels: { app: name } } } },
    status: { replicas: 1 },
  }
}

function nodeOf(name: string) {
  return {
    metadata: metadataOf('', name),
    spec: {},
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [] },
  }
}

function kubeconfigOf(port: number): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: 'x', context: { cluster: 'c' } }],
    'current-context': 'x',
  })
}
