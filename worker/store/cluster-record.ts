/**
 * The one KV record of a cluster: its verdicts as last published, with a version. Written by the cluster's object
 * alone, on change; read where the object can't be reached. Its age says nothing: a stable cluster is not written.
 */
import * as v from 'valibot'
import { severitySchema } from '../contract/report.ts'

const timeMs = v.nullable(v.number())

export const leaseSchema = v.object({
  freshAtMs: timeMs,
  validUntilMs: timeMs,
  heldUntilMs: timeMs,
})

export const categoryStandingSchema = v.object({
  name: v.string(),
  passes: v.boolean(),
  reason: v.picklist(['healthy', 'unhealthy', 'disabled', 'empty']),
  severity: v.nullable(severitySchema),
  failing: v.array(v.string()),
  missing: v.array(v.string()),
  sinceMs: v.number(),
})

const recordSchema = v.object({
  version: v.number(),
  publishedAtMs: v.number(),
  /** It was dead when this was published: there is nothing to hold. */
  isDead: v.boolean(),
  view: v.object({
    lease: leaseSchema,
    intervalSeconds: v.number(),
    categories: v.array(categoryStandingSchema),
  }),
})
export type ClusterRecord = v.InferOutput<typeof recordSchema>

export function recordKey(cluster: string): string {
  return `cluster/${cluster}`
}

/** null when there is none, or none that this version can read. */
export async function readRecord(kv: KVNamespace, cluster: string): Promise<ClusterRecord | null> {
  const text = await kv.get(recordKey(cluster), { cacheTtl: 30 }) // the platform's minimum, seconds
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), recordSchema), text)
  return result.success ? result.output : null
}

export async function writeRecord(
  kv: KVNamespace,
  cluster: string,
  record: ClusterRecord,
): Promise<void> {
  await kv.put(recordKey(cluster), JSON.stringify(record))
}
