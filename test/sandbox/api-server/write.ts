/**
 * Create, replace, patch and remove with the server's own rules: names, optimistic concurrency, what a client may not
 * set, defaults. It answers no HTTP. A write that changes nothing leaves resourceVersion alone, as the real one does.
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { fillDefaults } from './defaults.ts'
import {
  type Body,
  isSameContent,
  type KubeObject,
  mergePatch,
  parseBody,
  readText,
} from './kube-object.ts'
import { checkLease } from './lease-rules.ts'
import {
  apiVersionOf,
  keyOf,
  qualifiedName,
  type Resource,
  RESOURCES,
  resourceOfKind,
} from './resources.ts'
import { ApiError } from './status.ts'
import type { Store } from './store.ts'

/**
 * `client` is anyone over HTTP: status and deletionTimestamp are the server's, a namespace must exist first.
 * `operator` is the test itself, which plays kubelet and controllers too: what it hands in is kept.
 */
export type Author = 'client' | 'operator'

/** Where a write goes; the name is known but for a create. */
export interface Place {
  resource: Resource
  namespace: string | undefined
  name: string
}

interface Replacement {
  author: Author
  subresource?: 'status'
  /** Bumps resourceVersion even where nothing changes. */
  always?: boolean
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const NAME_MAX = 253 // DNS-1123 subdomain limit

export class Writer {
  readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  create(
    resource: Resource,
    input: unknown,
    by: { author: Author; namespace?: string },
  ): KubeObject {
    const body = parseBody(input, resource.kind)
    checkType(body, resource)
    const place = this.#placeOf(resource, body, by.namespace)
    if (resource.kind === 'Lease') checkLease(place.name, body)
    if (by.author === 'client') this.#checkCreate(place, body)
    else this.#ensureNamespace(place)
    const key = keyOf(resource, place.namespace, place.name)
    if (this.store.get(resource, key) !== undefined) {
      throw ApiError.alreadyExists(qualifiedName(resource), place.name)
    }
    const { status, metadata, ...content } = body
    const keepsStatus = by.author === 'operator' || !resource.hasStatus || resource.kind === 'Node'
    const object = named(place, {
      ...content,
      ...(keepsStatus && status !== undefined ? { status } : {}),
      metadata: {
        ...metadata,
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        ...(resource.generationOf.length > 0 ? { generation: 1 } : {}),
      },
    })
    return this.store.put(resource, key, fillDefaults(object, { seed: this.store.revision }))
  }

  replace(place: Place, input: unknown, how: Replacement): KubeObject {
    const { resource } = place
    const body = parseBody(input, resource.kind)
    checkType(body, resource)
    if (body.metadata.name !== undefined && body.metadata.name !== place.name) {
      throw ApiError.badRequest(
        `the name of the object (${body.metadata.name}) does not match the name on the URL (${place.name})`,
      )
    }
    const previous = this.find(place)
    if (resource.kind === 'Lease') checkLease(place.name, body)
    this.#checkVersion(place, body, previous)
    const seed = this.store.revision
    const merged = merge(place, body, { previous, how })
    const kept = keepServerFields(merged, { previous, resource, author: how.author })
    const next = fillDefaults(kept, { seed, previous })
    if (how.always !== true && isSameContent(previous, next)) return previous
    return this.store.put(resource, keyOf(resource, place.namespace, place.name), next)
  }

  patch(place: Place, change: unknown, how: Replacement): KubeObject {
    return this.replace(place, mergePatch(this.find(place), change), how)
  }

  /** Takes a Namespace's objects with it. 409 when a precondition of the DeleteOptions does not hold. */
  remove(place: Place, options?: unknown): KubeObject {
    const { resource, name, namespace } = place
    const { uid, resourceVersion } = this.find(place).metadata
    for (const [field, actual] of Object.entries({ uid, resourceVersion })) {
      const expected = readText(options, `preconditions.${field}`)
      if (expected !== '' && expected !== actual) {
        const why = `Precondition failed: ${field} in precondition: ${expected}, in object meta: ${actual}`
        throw ApiError.conflict(qualifiedName(resource), name, why)
      }
    }
    if (resource.kind === 'Namespace') this.#empty(name)
    const removed = this.store.remove(resource, keyOf(resource, namespace, name))
    if (removed === undefined) throw ApiError.notFound(qualifiedName(resource), name)
    return removed
  }

  find(place: Place): KubeObject {
    const found = this.store.get(place.resource, keyOf(place.resource, place.namespace, place.name))
    if (found === undefined) throw ApiError.notFound(qualifiedName(place.resource), place.name)
    return found
  }

  #placeOf(resource: Resource, body: Body, urlNamespace: string | undefined): Place {
    const { name, generateName, namespace } = body.metadata
    if (urlNamespace !== undefined && namespace !== undefined && namespace !== urlNamespace) {
      throw ApiError.badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      )
    }
    const generated = generateName && `${generateName}${randomUUID().slice(0, 5)}`
    const place = {
      resource,
      namespace: resource.namespaced ? (urlNamespace ?? namespace ?? 'default') : undefined,
      name: name || generated || '',
    }
    if (SUBDOMAIN.test(place.name) && place.name.length <= NAME_MAX) return place
    throw ApiError.invalid(resource.kind, place.name, {
      reason: place.name === '' ? 'FieldValueRequired' : 'FieldValueInvalid',
      message:
        place.name === ''
          ? 'Required value: name or generateName is required'
          : `Invalid value: "${place.name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
      field: 'metadata.name',
    })
  }

  #checkCreate(place: Place, body: Body): void {
    if ((body.metadata.resourceVersion ?? '') !== '') {
      throw new ApiError(500, 'resourceVersion should not be set on objects to be created')
    }
    const namespaces = resourceOfKind('Namespace')
    if (place.namespace !== undefined && !this.store.get(namespaces, place.namespace)) {
      throw ApiError.notFound('namespaces', place.namespace)
    }
  }

  #ensureNamespace({ namespace }: Place): void {
    const resource = resourceOfKind('Namespace')
    if (namespace === undefined || this.store.get(resource, namespace)) return
    this.create(resource, { metadata: { name: namespace } }, { author: 'operator' })
  }

  #checkVersion(place: Place, body: Body, previous: KubeObject): void {
    const { resourceVersion = '', uid = '' } = body.metadata
    const kind = qualifiedName(place.resource)
    if (uid !== '' && uid !== previous.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${previous.metadata.uid}`
      throw ApiError.conflict(kind, place.name, why)
    }
    // Only a Lease refuses an update that does not say what it read: its strategy allows no unconditional update.
    if (resourceVersion === '' && place.resource.kind === 'Lease') {
      throw ApiError.invalid(kind, place.name, {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0x0: must be specified for an update',
        field: 'metadata.resourceVersion',
      })
    }
    if (resourceVersion !== '' && resourceVersion !== previous.metadata.resourceVersion) {
      const why =
        'the object has been modified; please apply your changes to the latest version and try again'
      throw ApiError.conflict(kind, place.name, why)
    }
  }

  #empty(namespace: string): void {
    for (const resource of RESOURCES.filter((each) => each.namespaced)) {
      for (const [key] of this.store.snapshot(resource)) {
        if (key.startsWith(`${namespace}/`)) this.store.remove(resource, key)
      }
    }
  }
}

function checkType(body: Body, resource: Resource): void {
  const expected = { apiVersion: apiVersionOf(resource), kind: resource.kind }
  for (const field of ['apiVersion', 'kind'] as const) {
    const given = body[field] ?? ''
    if (given === '' || given === expected[field]) continue
    throw ApiError.badRequest(
      `the ${field} in the data (${given}) does not match the expected ${field} (${expected[field]})`,
    )
  }
}

/** What the write asks for, before the server's own fields: /status writes status alone, a client never does. */
function merge(
  place: Place,
  body: Body,
  { previous, how }: { previous: KubeObject; how: Replacement },
): KubeObject {
  if (how.subresource === 'status') return { ...previous, status: body['status'] }
  const object = named(place, body)
  if (how.author === 'operator' || !place.resource.hasStatus) return object
  const { status: _, ...content } = object
  return named(place, { ...content, ...('status' in previous ? { status: previous.status } : {}) })
}

/** What no write changes: uid, creation time, the generation's count; for a client the deletion time too. */
function keepServerFields(
  object: KubeObject,
  { previous, resource, author }: { previous: KubeObject; resource: Resource; author: Author },
): KubeObject {
  const { uid, creationTimestamp, generation, deletionTimestamp } = previous.metadata
  const isChanged = resource.generationOf.some(
    (field) => !isDeepStrictEqual(object[field], previous[field]),
  )
  const metadata: KubeObject['metadata'] = {
    ...object.metadata,
    ...(uid === undefined ? {} : { uid }),
    creationTimestamp,
    ...(typeof generation === 'number' ? { generation: generation + Number(isChanged) } : {}),
  }
  if (author === 'client') delete metadata['deletionTimestamp']
  if (author === 'client' && deletionTimestamp !== undefined) {
    metadata['deletionTimestamp'] = deletionTimestamp
  }
  return { ...object, metadata }
}

function named({ resource, namespace, name }: Place, body: Body): KubeObject {
  const { generateName, namespace: _, ...metadata } = body.metadata
  return {
    ...body,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: {
      ...metadata,
      name,
      ...(generateName === undefined ? {} : { generateName }),
      ...(namespace === undefined ? {} : { namespace }),
    },
  }
}
