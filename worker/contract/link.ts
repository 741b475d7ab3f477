/**
 * The live link: one WebSocket from the leading exporter to its cluster's object. Up go the same reports, gzipped JSON in
 * binary frames, and what pods said, JSON in text frames; down come an answer to each report, and commands.
 * Which place it takes in the order of reports stands in its URL, so an upgrade that was overheard opens nothing twice.
 */
import * as v from 'valibot'
import { acceptedSchema, commandSchema, placeSchema, refusedSchema, type Place } from './report.ts'

/** Path and query of the upgrade. It is what its signature covers, as a push's covers its body. */
export function linkTarget(cluster: string, { epoch, sequence }: Place): string {
  return `/v1/clusters/${cluster}/link?epoch=${epoch}&sequence=${sequence}`
}

/** What the signature of an upgrade covers. */
export function linkBytes(target: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`GET ${target}`)
}

const { epoch, sequence } = placeSchema.entries
const numeric = v.pipe(v.string(), v.regex(/^\d{1,16}$/, 'is not a whole number'), v.toNumber())

/** The query of an upgrade. */
export const linkQuerySchema = v.object({
  epoch: v.pipe(numeric, epoch),
  sequence: v.pipe(numeric, sequence),
})

/** Bytes of a pod's own answer that travel up: as much as a probe reads. */
export const POD_BODY_MAX_BYTES = 256 * 1024

/** What a pod itself says now, or why it can't be had. */
export const podAnswerSchema = v.object({
  kind: v.literal('pod'),
  /** Of the command. */
  id: v.pipe(v.string(), v.maxLength(64)),
  answer: v.variant('ok', [
    v.object({
      ok: v.literal(true),
      status: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599)),
      contentType: v.pipe(v.string(), v.maxLength(256)),
      body: v.pipe(v.string(), v.maxBytes(POD_BODY_MAX_BYTES)),
    }),
    v.object({ ok: v.literal(false), reason: v.pipe(v.string(), v.maxLength(1024)) }),
  ]),
})
export type PodAnswer = v.InferOutput<typeof podAnswerSchema>

/** What comes down. `answer`: to the report of that sequence, as HTTP would have it; `date`: ms, the edge's time. */
export const downSchema = v.variant('kind', [
  v.object({
    kind: v.literal('answer'),
    sequence,
    date: v.number(),
    status: v.number(),
    body: v.union([acceptedSchema, refusedSchema]),
  }),
  v.object({ kind: v.literal('command'), command: commandSchema }),
])
export type Down = v.InferOutput<typeof downSchema>

/** Why the edge closes a link, besides 1008 (a message that can't be read) and 1009 (too large a one). */
export const CLOSED = {
  normal: 1000,
  /** Another link of this cluster is newer. */
  superseded: 4000,
  /** The object was emptied: come again. */
  again: 1012,
} as const
