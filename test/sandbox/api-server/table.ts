/** The columns kubectl prints for each kind. Only what reads sensibly: the real server has more columns. */
import {
  type KubeObject,
  readList,
  readNumber,
  readPath,
  readRecord,
  readText,
} from './kube-object.ts'
import type { Resource } from './resources.ts'

interface Column {
  name: string
  type: 'string' | 'integer'
  cell: (object: KubeObject) => unknown
}

const name = column('Name', (object) => object.metadata.name)
const age = column('Age', (object) => describeAge(readText(object, 'metadata.creationTimestamp')))

const COLUMNS: Record<string, readonly Column[]> = {
  Pod: [
    column('Ready', describeContainers),
    column('Status', (pod) =>
      readPath(pod, 'metadata.deletionTimestamp') === undefined
        ? readText(pod, 'status.reason') || readText(pod, 'status.phase')
        : 'Terminating',
    ),
    column('Restarts', (pod) =>
      readList(pod, 'status.containerStatuses').reduce(
        (sum: number, each) => sum + readNumber(each, 'restartCount'),
        0,
      ),
    ),
  ],
  Service: [
    column('Type', (service) => readText(service, 'spec.type')),
    column('Cluster-IP', (service) => readText(service, 'spec.clusterIP') || '<none>'),
    column('External-IP', (service) => readText(service, 'spec.externalName') || '<none>'),
    column('Port(s)', describePorts),
  ],
  Deployment: [
    column('Ready', describeReplicas),
    count('Up-to-date', 'status.updatedReplicas'),
    count('Available', 'status.availableReplicas'),
  ],
  StatefulSet: [column('Ready', describeReplicas)],
  DaemonSet: [
    count('Desired', 'status.desiredNumberScheduled'),
    count('Current', 'status.currentNumberScheduled'),
    count('Ready', 'status.numberReady'),
    count('Available', 'status.numberAvailable'),
  ],
  Node: [
    column('Status', describeNode),
    column('Version', (node) => readText(node, 'status.nodeInfo.kubeletVersion')),
  ],
  Namespace: [column('Status', (namespace) => readText(namespace, 'status.phase'))],
  ConfigMap: [column('Data', (map) => Object.keys(readRecord(map, 'data')).length)],
  EndpointSlice: [
    column('AddressType', (slice) => readText(slice, 'addressType')),
    column('Ports', (slice) => join(readList(slice, 'ports'), 'port')),
    column('Endpoints', (slice) => join(readList(slice, 'endpoints'), 'addresses.0')),
  ],
  Lease: [column('Holder', (lease) => readText(lease, 'spec.holderIdentity'))],
}

export function describeColumns(resource: Resource) {
  return columnsOf(resource).map(({ name: title, type }) => ({
    name: title,
    type,
    format: title === 'Name' ? 'name' : '',
    description: title,
    priority: 0,
  }))
}

export function describeCells(resource: Resource, object: KubeObject): unknown[] {
  return columnsOf(resource).map(({ cell }) => cell(object))
}

function columnsOf(resource: Resource): readonly Column[] {
  return [name, ...(COLUMNS[resource.kind] ?? []), age]
}

function column(title: string, cell: (object: KubeObject) => unknown): Column {
  return { name: title, type: 'string', cell }
}

function count(title: string, path: string): Column {
  return { name: title, type: 'integer', cell: (object) => readNumber(object, path) }
}

function describeContainers(pod: KubeObject): string {
  const statuses = readList(pod, 'status.containerStatuses')
  const ready = statuses.filter((each) => readPath(each, 'ready') === true).length
  return `${ready}/${readList(pod, 'spec.containers').length}`
}

function describePorts(service: KubeObject): string {
  const ports = readList(service, 'spec.ports')
  return (
    ports.map((each) => `${readText(each, 'port')}/${readText(each, 'protocol')}`).join(',') ||
    '<none>'
  )
}

function describeReplicas(workload: KubeObject): string {
  return `${readNumber(workload, 'status.readyReplicas')}/${readNumber(workload, 'spec.replicas')}`
}

function describeNode(node: KubeObject): string {
  const ready = readList(node, 'status.conditions').find(
    (each) => readText(each, 'type') === 'Ready',
  )
  const state = readText(ready, 'status') === 'True' ? 'Ready' : 'NotReady'
  const isCordoned = readPath(node, 'spec.unschedulable') === true
  return isCordoned ? `${state},SchedulingDisabled` : state
}

function join(list: unknown[], field: string): string {
  const texts = list.map((each) =>
    field === 'addresses.0' ? String(readList(each, 'addresses')[0]) : readText(each, field),
  )
  const more = texts.length > 3 ? ` + ${texts.length - 3} more...` : ''
  return `${texts.slice(0, 3).join(',') || '<unset>'}${more}`
}

function describeAge(since: string): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1_000))
  if (Number.isNaN(seconds)) return '<unknown>'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
