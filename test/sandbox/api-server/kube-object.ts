/** The shape every stored object has, and how outside data becomes one. It knows no kind and no verb. */
import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { ApiError } from './status.ts'

export type KubeObject = {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    resourceVersion?: string
    uid?: string
    [key: string]: unknown
  }
  [key: string]: unknown
}

export interface Ref {
  kind: string
  namespace?: string
  name: string
}

const strings = v.record(v.string(), v.string())

const bodySchema = v.looseObject({
  apiVersion: v.exactOptional(v.string()),
  kind: v.exactOptional(v.string()),
  metadata: v.exactOptional(
    v.looseObject({
      name: v.exactOptional(v.string()),
      generateName: v.exactOptional(v.string()),
      namespace: v.exactOptional(v.string()),
      labels: v.exactOptional(strings),
      annotations: v.exactOptional(strings),
      resourceVersion: v.exactOptional(v.string()),
      uid: v.exactOptional(v.string()),
    }),
    {},
  ),
  data: v.exactOptional(strings), // only ConfigMap and Secret have it among the kinds served
})

export type Body = v.InferOutput<typeof bodySchema>

/** A request body, or what a direct write hands in: 400 when it cannot be an object of this kind. */
export function parseBody(input: unknown, kind: string): Body {
  const parsed = v.safeParse(bodySchema, withoutNulls(input))
  if (parsed.success) return parsed.output
  const where = v.getDotPath(parsed.issues[0]) ?? ''
  throw ApiError.badRequest(
    `${kind} in version "v1" cannot be handled as a ${kind}: ${where}: ${parsed.issues[0].message}`,
  )
}

/** JSON's null means "not given" to Go: labels: null is no labels. Only for what the schema reads. */
function withoutNulls(input: unknown): unknown {
  if (!isRecord(input)) return input
  const { metadata, data, ...content } = input
  return {
    ...content,
    ...(isRecord(metadata) ? { metadata: dropNulls(metadata) } : dropNulls({ metadata })),
    ...dropNulls({ data }),
  }
}

function dropNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null))
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at `spec.nodeName`, or undefined where the way there ends. */
export function readPath(object: unknown, path: string): unknown {
  let value = object
  for (const part of path.split('.')) value = isRecord(value) ? value[part] : undefined
  return value
}

export function readText(object: unknown, path: string): string {
  const value = readPath(object, path)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

export function readNumber(object: unknown, path: string): number {
  const value = readPath(object, path)
  return typeof value === 'number' ? value : 0
}

export function readList(object: unknown, path: string): unknown[] {
  const value = readPath(object, path)
  return Array.isArray(value) ? value : []
}

export function readRecord(object: unknown, path: string): Record<string, unknown> {
  const value = readPath(object, path)
  return isRecord(value) ? value : {}
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, change: unknown): unknown {
  if (!isRecord(change)) return change
  const merged = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

export function isSameContent(a: KubeObject, b: KubeObject): boolean {
  const resourceVersion = ''
  return isDeepStrictEqual(
    { ...a, metadata: { ...a.metadata, resourceVersion } },
    { ...b, metadata: { ...b.metadata, resourceVersion } },
  )
}
