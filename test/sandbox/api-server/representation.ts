/** One object, list or event in the shape the Accept header asks for: plain JSON, Table, or metadata alone. */
import type { KubeObject } from './kube-object.ts'
import type { ListPage } from './list.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import { describeCells, describeColumns } from './table.ts'
import type { WatchEvent } from './watch.ts'

export type Shape = 'plain' | 'table' | 'metadata'

export interface Representation {
  shape: Shape
  resource: Resource
  /** What a Table row carries besides its cells: includeObject of the query. */
  includeObject: string
}

/** undefined when nothing in the Accept header can be served. */
export function chooseShape(accept: string): Shape | undefined {
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const as = parameters.find((each) => each.startsWith('as='))?.slice(3)
    const isV1 = !parameters.includes('v=v1beta1')
    if (!['', '*/*', 'application/*', 'application/json'].includes(type)) continue
    if (as === undefined) return 'plain'
    if (as === 'Table' && isV1) return 'table'
    if (as.startsWith('PartialObjectMetadata') && isV1) return 'metadata'
  }
  return undefined
}

export function presentObject(object: KubeObject, how: Representation): unknown {
  if (how.shape === 'table') return presentTable([object], how)
  return how.shape === 'metadata' ? metadataOf(object) : object
}

export function presentList({ items, metadata }: ListPage, how: Representation): unknown {
  const { resource, shape } = how
  if (shape === 'table') return { ...presentTable(items, how), metadata }
  if (shape === 'metadata') {
    const list = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList' }
    return { ...list, metadata, items: items.map(metadataOf) }
  }
  const list = { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource) }
  return { ...list, metadata, items: items.map(withoutType) }
}

/** Columns are described once per watch, in its first Table. */
export function presentEvents(how: Representation): (event: WatchEvent) => unknown {
  let isFirst = true
  return ({ type, object }) => {
    // A Status or a bookmark is nobody's row.
    if (how.shape === 'plain' || !isStored(object) || type === 'BOOKMARK') return { type, object }
    if (how.shape === 'metadata') return { type, object: metadataOf(object) }
    const { columnDefinitions, ...table } = presentTable([object], how)
    const described = isFirst
      ? { ...table, columnDefinitions }
      : { ...table, columnDefinitions: null }
    isFirst = false
    return { type, object: described }
  }
}

function isStored(object: object): object is KubeObject {
  return 'metadata' in object && 'kind' in object && object.kind !== 'Status'
}

function presentTable(objects: KubeObject[], { resource, includeObject }: Representation) {
  const resourceVersion = objects[0]?.metadata.resourceVersion ?? ''
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: describeColumns(resource),
    rows: objects.map((object) => ({
      cells: describeCells(resource, object),
      ...(includeObject === 'None'
        ? {}
        : { object: includeObject === 'Object' ? object : metadataOf(object) }),
    })),
  }
}

function metadataOf({ metadata }: KubeObject) {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}

/** The items of a built-in kind's list carry neither kind nor apiVersion: only the list does. */
function withoutType(object: KubeObject) {
  const { kind: _, apiVersion: __, ...content } = object
  return content
}
