/** The edge as its clients see it: requests over its own fetch, in the Workers runtime. */
import { env, exports } from 'cloudflare:workers'
import { importSecret, signBody } from '../../worker/contract/signature.ts'
import type { Report } from '../../worker/contract/report.ts'
import type { SignedWire } from '../../worker/cluster/parse-report.ts'
import { parseState } from '../../worker/cluster/read-state.ts'
import type { ClusterState } from '../../worker/domain/cluster.ts'
import type { Env } from '../../worker/env.ts'
import type * as main from '../../worker/index.ts'
import { CLUSTERS, PUSH_SECRET, type VARS } from '../support/secrets.ts'

declare global {
  // Namespaces are how the runtime's types take the bindings of a project.
  // oxlint-disable-next-line typescript/no-namespace
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof main
    }
    interface Env extends EdgeEnv {}
  }
}
type EdgeEnv = Env & typeof VARS

export const ORIGIN = 'https://edge.example'
let taken = 0

/** A cluster that no other case of this file uses. */
export function takeCluster(): string {
  const cluster = CLUSTERS[taken++]
  if (cluster === undefined) throw new Error('no cluster left: add some to CLUSTERS')
  return cluster
}

export function ask(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, { redirect: 'manual', ...init }))
}

/** As a script that reads JSON. */
export function askJson(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('accept', 'application/json')
  return ask(path, { ...init, headers })
}

/** What the case changes about an otherwise right push. */
export interface PushOptions {
  secret?: string
  /** Seconds since 1970; now, where it is left out. */
  timestampSeconds?: number
  headers?: Record<string, string>
  /** Of the path; the report's, where it is left out. */
  cluster?: string
  /** The bytes to sign and send, instead of the report's. */
  body?: Uint8Array<ArrayBuffer>
  gzip?: boolean
}

/** Signs and sends; `report` may be anything at all. */
export async function push(
  report: Report | Record<string, unknown>,
  options: PushOptions = {},
): Promise<Response> {
  const plain = options.body ?? bytesOf(JSON.stringify(report))
  const body = options.gzip ? await gzip(plain) : plain
  const id = 'msg_1'
  const timestampSeconds = options.timestampSeconds ?? Math.floor(Date.now() / 1000)
  const key = await importSecret(options.secret ?? PUSH_SECRET)
  const cluster = options.cluster ?? String(report.cluster)
  return ask(`/v1/clusters/${cluster}/reports`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      ...(options.gzip ? { 'content-encoding': 'gzip' } : {}),
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': await signBody({ id, timestampSeconds }, body, [key]),
      ...options.headers,
    },
  })
}

/** A report as the object takes it from a Worker; signed now, where nothing else is said. */
export function wireOf(report: Report, signedAtMs = Date.now()): SignedWire {
  const bytes = bytesOf(JSON.stringify(report))
  const signedAtSeconds = Math.floor(signedAtMs / 1000)
  return { bytes, contentType: 'application/json', contentEncoding: 'identity', signedAtSeconds }
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text))
}

export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(bytes).body?.pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed ?? null).arrayBuffer())
}

/** All that the object holds of a cluster. */
export async function readAll(cluster: string): Promise<ClusterState | null> {
  return parseState(await env.CLUSTER.getByName(cluster).read())
}

/** The same as a text, to see that nothing changed. */
export async function heldOf(cluster: string): Promise<string> {
  return JSON.stringify(await readAll(cluster))
}
