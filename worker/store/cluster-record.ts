/**
 * The one KV record of a cluster: what was last published of its verdicts and decisions, with a version. Written by the
 * cluster's object alone, on change; read where the object can't be reached, and by an object that lost its storage.
 */
import * as v from 'valibot'
import { NO_DECISIONS } from '../domain/decisions.ts'
import type { Published } from '../domain/restore.ts'
import {
  categoryStandingSchema,
  decisionsSchema,
  factsSchema,
  leaseSchema,
  memorySchema,
  nodesSchema,
} from './state-schemas.ts'

const recordSchema = v.object({
  version: v.number(),
  publishedAtMs: v.number(),
  isDead: v.boolean(),
  environment: v.optional(v.nullable(v.string()), null),
  epoch: v.number(),
  sequence: v.number(),
  intervalSeconds: v.number(),
  lease: leaseSchema,
  // Where another version's can't be read: the verdicts stand until a snapshot brings them again.
  facts: v.fallback(v.array(factsSchema), []),
  categories: v.array(categoryStandingSchema),
  memory: v.fallback(v.optional(memorySchema, null), null),
  nodes: v.fallback(v.optional(nodesSchema, null), null),
  decisions: decisionsSchema,
})
export type ClusterRecord = Published & v.InferOutput<typeof recordSchema>

/** The object was emptied on purpose: nothing from before may come back. */
const tombstoneSchema = v.object({ version: v.number(), erasedAtMs: v.number() })
type Tombstone = v.InferOutput<typeof tombstoneSchema>

/** What must never be lost, read by itself: the rest of a record that another version wrote comes with the next report. */
const decidedSchema = v.object({ version: v.number(), decisions: decisionsSchema })

/** As the first version wrote it, which knew no decisions. */
const viewOnlySchema = v.pipe(
  v.strictObject({
    version: v.number(),
    publishedAtMs: v.number(),
    isDead: v.boolean(),
    view: v.object({}),
  }),
  v.transform(({ version }) => ({ version, decisions: NO_DECISIONS })),
)

const backupSchema = v.union([recordSchema, tombstoneSchema, decidedSchema, viewOnlySchema])
export type Backup = v.InferOutput<typeof backupSchema>

export function recordKey(cluster: string): string {
  return `cluster/${cluster}`
}

/** null when there is none, or none that this version can read. */
export async function readRecord(kv: KVNamespace, cluster: string): Promise<ClusterRecord | null> {
  const result = v.safeParse(
    v.pipe(v.string(), v.parseJson(), recordSchema),
    await get(kv, cluster),
  )
  return result.success ? result.output : null
}

/**
 * null when there never was one. Throws when KV fails, and when what was decided can't be read: then nothing may
 * overwrite it.
 */
export async function readBackup(kv: KVNamespace, cluster: string): Promise<Backup | null> {
  const text = await get(kv, cluster)
  if (text === null) return null
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), backupSchema), text)
  if (result.success) return result.output
  throw new Error(
    `the KV record of ${cluster} can't be read, so its acks and trips can't be restored; POST /clusters/${cluster}/erase starts without them`,
  )
}

export async function writeRecord(
  kv: KVNamespace,
  cluster: string,
  record: ClusterRecord | Tombstone,
): Promise<void> {
  await kv.put(recordKey(cluster), JSON.stringify(record))
}

function get(kv: KVNamespace, cluster: string): Promise<string | null> {
  return kv.get(recordKey(cluster), { cacheTtl: 30 }) // the platform's minimum, seconds
}
