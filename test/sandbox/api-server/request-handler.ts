/** From a path and a method to the list, watch or write that answers it. Authentication and faults come before. */
import { findDocument, ROOT_PATHS } from './discovery-documents.ts'
import type { Exchange, Reply } from './exchange.ts'
import { listPage } from './list.ts'
import { OPENAPI_PATH, OPENAPI_TYPE, writeOpenApi } from './openapi-document.ts'
import { forward, parseTarget } from './pod-proxy.ts'
import {
  chooseShape,
  presentEvents,
  presentList,
  presentObject,
  type Representation,
} from './representation.ts'
import { findResource, GROUPS, type Resource } from './resources.ts'
import { ApiError } from './status.ts'
import { DryRun } from './store.ts'
import { isTrue, type Watches } from './watch.ts'
import { type Author, type Place, Writer } from './write.ts'

export interface Backend {
  writer: Writer
  watches: Watches
  tooLargeWaitMs: number
}

/** A path under /api/v1 or /apis/GROUP/VERSION, taken apart. */
interface Target {
  resource: Resource
  namespace: string | undefined
  name: string | undefined
  subresource: string
  rest: string
}

interface Call {
  exchange: Exchange
  backend: Backend
  target: Target
  how: Representation
}

const AUTHOR: Author = 'client'
const CREATED = 201
const NO_PAGE = '404 page not found\n'
const PATCH_TYPES = ['application/merge-patch+json', 'application/strategic-merge-patch+json']
/** What the real server names in a 415; of these only PATCH_TYPES are served here. */
const KNOWN_PATCH_TYPES = [
  'application/json-patch+json',
  ...PATCH_TYPES,
  'application/apply-patch+yaml',
].join(', ')

export async function handleRequest(exchange: Exchange, backend: Backend): Promise<void> {
  const { path } = exchange
  if (['/healthz', '/livez', '/readyz'].includes(path)) {
    return exchange.reply({ status: 200, body: 'ok' })
  }
  if (path === OPENAPI_PATH) {
    return exchange.reply({ status: 200, body: writeOpenApi(), type: OPENAPI_TYPE })
  }
  const document = findDocument(path, exchange.host)
  if (document !== undefined) return exchange.reply({ status: 200, body: document })
  const target = parsePath(path)
  if (target === undefined) {
    // Inside a group that is served the router answers in plain text; elsewhere the index of paths does.
    const served = ['/api/v1/', ...GROUPS.map((group) => `/apis/${group}/v1/`)]
    const isInside = served.some((each) => path.startsWith(each))
    const body = isInside ? NO_PAGE : { paths: ROOT_PATHS }
    return exchange.reply({ status: 404, body })
  }
  const shape = chooseShape(exchange.header('accept'))
  if (shape === undefined) {
    throw new ApiError(406, 'only the following media types are accepted: application/json')
  }
  const includeObject = exchange.query.get('includeObject') ?? 'Metadata'
  const how = { shape, includeObject, resource: target.resource }
  const isDryRun = exchange.query.get('dryRun') === 'All'
  const writer = isDryRun ? new Writer(new DryRun(backend.writer.store)) : backend.writer
  await callResource({ exchange, backend: { ...backend, writer }, target, how })
}

function parsePath(path: string): Target | undefined {
  const [, group, version, rest] = /^\/(?:api|apis\/([^/]+))\/(v[^/]+)\/(.+)$/.exec(path) ?? []
  if (version === undefined || rest === undefined) return undefined
  const parts = rest.split('/').map(decodeURIComponent)
  // `namespaces/x` is an object; `namespaces/x/pods` is where pods live.
  const isInNamespace = parts[0] === 'namespaces' && parts[2] !== undefined && parts[2] !== 'status'
  const namespace = isInNamespace ? parts[1] : undefined
  const [plural = '', name, subresource = '', ...tail] = isInNamespace ? parts.slice(2) : parts
  const apiVersion = group === undefined ? version : `${group}/${version}`
  const resource = findResource(apiVersion, plural)
  if (resource === undefined) return undefined
  // An object of a namespaced kind is reached through its namespace only, a Node never.
  if (resource.namespaced ? name !== undefined && !isInNamespace : isInNamespace) return undefined
  return { resource, namespace, name, subresource, rest: tail.join('/') }
}

async function callResource(call: Call): Promise<void> {
  const { exchange, backend, target, how } = call
  const { resource, namespace, name, subresource } = target
  if (name === undefined) return callCollection(call)
  const place = { resource, namespace, name }
  if (subresource === 'proxy' && resource.kind === 'Pod') {
    const proxied = parseTarget(name)
    const pod = backend.writer.find({ ...place, name: proxied.name })
    return forward(exchange, { target: proxied, pod, path: target.rest })
  }
  const isStatus = subresource === 'status' && resource.hasStatus
  if (subresource !== '' && !isStatus) return exchange.reply({ status: 404, body: NO_PAGE })
  switch (exchange.method) {
    case 'GET':
      return exchange.reply({ status: 200, body: presentObject(backend.writer.find(place), how) })
    case 'PUT':
    case 'PATCH':
      return exchange.reply(await change(call, place))
    case 'DELETE':
      return exchange.reply(await remove(call, place))
    default:
      throw notAllowed()
  }
}

async function callCollection({ exchange, backend, target, how }: Call): Promise<void> {
  const { resource, namespace } = target
  const { store } = backend.writer
  const scope = { store, resource, namespace, query: exchange.query }
  if (exchange.method === 'GET' && isTrue(exchange.query.get('watch'))) {
    const forget = backend.watches.open(scope, () => exchange.stream(presentEvents(how)))
    exchange.response.on('close', forget)
    return
  }
  if (exchange.method === 'GET') {
    const page = await listPage(scope, backend.tooLargeWaitMs)
    return exchange.reply({ status: 200, body: presentList(page, how) })
  }
  if (exchange.method !== 'POST' || (resource.namespaced && namespace === undefined)) {
    throw notAllowed()
  }
  checkMediaType(exchange, ['application/json'])
  const by = { author: AUTHOR, ...(namespace === undefined ? {} : { namespace }) }
  const created = backend.writer.create(resource, await exchange.readJson(), by)
  exchange.reply({ status: CREATED, body: presentObject(created, how) })
}

async function change({ exchange, backend, target, how }: Call, place: Place): Promise<Reply> {
  const isPatch = exchange.method === 'PATCH'
  checkMediaType(exchange, isPatch ? PATCH_TYPES : ['application/json'])
  const body = await exchange.readJson()
  const replacement = {
    author: AUTHOR,
    ...(target.subresource === 'status' ? { subresource: 'status' as const } : {}),
  }
  const changed = isPatch
    ? backend.writer.patch(place, body, replacement)
    : backend.writer.replace(place, body, replacement)
  return { status: 200, body: presentObject(changed, how) }
}

async function remove({ exchange, backend, how }: Call, place: Place): Promise<Reply> {
  const { resource, name } = place
  const removed = backend.writer.remove(place, await exchange.readJson())
  // These two hand back what was deleted (see their return types in the OpenAPI document), the others a Status.
  if (resource.kind === 'Pod' || resource.kind === 'Service') {
    return { status: 200, body: presentObject(removed, how) }
  }
  const { group, plural: kind } = resource
  const details = { name, ...(group === '' ? {} : { group }), kind, uid: removed.metadata.uid }
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
  return { status: 200, body: status }
}

function checkMediaType(exchange: Exchange, accepted: readonly string[]): void {
  const type = exchange.header('content-type').split(';')[0]?.trim() ?? ''
  if (accepted.includes(type) || (type === '' && exchange.method !== 'PATCH')) return
  const known = exchange.method === 'PATCH' ? KNOWN_PATCH_TYPES : accepted.join(', ')
  throw new ApiError(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${known}`,
  )
}

function notAllowed(): ApiError {
  return new ApiError(405, 'the server does not allow this method on the requested resource')
}
