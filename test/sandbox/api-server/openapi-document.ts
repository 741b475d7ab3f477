/**
 * The OpenAPI 2 document in protobuf, as far as an older kubectl (1.20) asks for it: which kinds take a dry run. It holds
 * no schema. Field numbers are those of gnostic's openapiv2/OpenAPIv2.proto.
 */
import { apiVersionOf, type Resource, RESOURCES } from './resources.ts'

export const OPENAPI_PATH = '/openapi/v2'
export const OPENAPI_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

export function writeOpenApi(): Uint8Array {
  const info = field(2, field(1, 'Kubernetes'), field(2, 'v1.36.4'))
  return Buffer.concat([field(1, '2.0'), info, field(8, ...RESOURCES.map(describePath))])
}

function describePath(resource: Resource): Uint8Array {
  const { group, version, kind, plural, namespaced } = resource
  const root = group === '' ? '/api/v1' : `/apis/${apiVersionOf(resource)}`
  const path = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}/{name}`
  const dryRun = field(8, field(1, field(2, field(3, field(4, 'dryRun')))))
  const words = JSON.stringify({ group, version, kind }) // JSON is YAML
  const kindOfPath = field(13, field(1, 'x-kubernetes-group-version-kind'), yaml(words))
  const patch = field(8, dryRun, kindOfPath)
  return field(2, field(1, path), field(2, patch))
}

function yaml(text: string): Uint8Array {
  return field(2, field(2, text))
}

/** A field that has a length, as texts and messages have. */
function field(number: number, ...parts: (string | Uint8Array)[]): Uint8Array {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  )
  return Buffer.concat([Uint8Array.of((number << 3) | 2), varint(body.length), body])
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Uint8Array.of(...bytes, rest)
}
