/**
 * How a cluster's object keeps its state in SQLite: one small row that changes with every report, one for the
 * standing, the content as one packed text in pieces. Never a row per pod: rows are what the platform bills.
 */
import * as v from 'valibot'
import { byName } from '../contract/fields.ts'
import {
  contentSchema,
  exporterSchema,
  placeSchema,
  severitySchema,
  type Content,
} from '../contract/report.ts'
import { compactContent } from '../contract/compact.ts'
import { NAME_MAX_LENGTH } from '../contract/limits.ts'
import { ifPlain, isBoolean, isByName, isNameUpTo, isNumber, isShape } from '../contract/plain.ts'
import type { ClusterState, Pulse, Standing } from '../domain/cluster.ts'
import type { Decisions } from '../domain/decisions.ts'
import { isNodesService } from '../domain/nodes.ts'
import {
  categoryStandingSchema,
  decisionsSchema,
  factsSchema,
  leaseSchema,
  memorySchema,
  nodesSchema,
} from '../store/state-schemas.ts'
import type { Counters } from './counters.ts'

/** Bytes of one piece; the platform bounds a row at 2 MB. */
export const PIECE_MAX_BYTES = 1_500_000

export const pulseSchema: v.GenericSchema<unknown, Pulse> = v.object({
  environment: v.optional(v.nullable(v.string()), null),
  epoch: v.number(),
  sequence: v.number(),
  digest: v.nullable(v.string()),
  lease: leaseSchema,
  intervalSeconds: v.number(),
  blindSinceMs: v.nullable(v.number()),
  resendAskedAtMs: v.nullable(v.number()),
  streaks: byName(v.number()),
  streaksEpoch: v.nullable(v.number()),
  freshSinceMs: v.optional(v.nullable(v.number()), null),
  aliveSinceMs: v.optional(v.nullable(v.number()), null),
  counts: v.array(v.object({ category: v.string(), service: v.string(), failed: v.number() })),
  // Where another version's can't be read, the next snapshot brings it anew.
  nodes: v.fallback(
    v.optional(
      v.nullable(
        v.object({
          minReady: v.union([v.object({ share: v.number() }), v.object({ count: v.number() })]),
          failing: v.nullable(v.object({ sinceMs: v.number(), countedAtMs: v.number() })),
          untoldSinceMs: v.nullable(v.number()),
          forgetAtMs: v.nullable(v.number()),
        }),
      ),
      null,
    ),
    null,
  ),
  freshness: v.picklist(['no-data', 'fresh', 'late', 'held', 'dead']),
  recovery: v.nullable(v.object({ epoch: v.number(), sinceMs: v.number() })),
  exporter: v.nullable(exporterSchema),
})

type Health = Standing['services'][string]

const servicesSchema = ifPlain(
  isByName(
    isNameUpTo(NAME_MAX_LENGTH),
    isShape<Health>(
      {
        ok: (input) => input === null || isBoolean(input),
        severity: (input) => input === null || input === 1 || input === 2 || input === 3,
        sinceMs: isNumber,
      },
      {},
    ),
  ),
  byName(
    v.object({
      ok: v.nullable(v.boolean()),
      severity: v.nullable(severitySchema),
      sinceMs: v.number(),
    }),
  ),
)

/** The version of what is to be published, and how far it got. */
const publicationSchema = v.object({
  version: v.number(),
  putVersion: v.number(),
  /** The last that must not wait: later ones only turn verdicts. */
  urgentVersion: v.optional(v.number(), 0),
  lastPutAtMs: v.number(),
  failures: v.number(),
})
export type Publication = v.InferOutput<typeof publicationSchema>

export const NOTHING_PUT: Publication = {
  version: 0,
  putVersion: 0,
  urgentVersion: 0,
  lastPutAtMs: 0,
  failures: 0,
}

export const countersSchema: v.GenericSchema<unknown, Counters> = v.object({
  gtg: byName(v.number()),
  reports: byName(v.number()),
  ignored: v.optional(byName(v.number()), {}),
})
const withCountersSchema = v.object({ counters: countersSchema })

/** The newest live link: its place in the order, and that no end of it was seen. */
const linkSchema = v.object({ ...placeSchema.entries, isOpen: v.boolean() })
export type LinkRow = v.InferOutput<typeof linkSchema>

export function createTables(sql: SqlStorage): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS state (key TEXT, piece INTEGER, value BLOB, PRIMARY KEY (key, piece)) WITHOUT ROWID',
  )
  sql.exec(
    'CREATE TABLE IF NOT EXISTS history (id INTEGER PRIMARY KEY, events TEXT NOT NULL, total INTEGER NOT NULL)',
  )
}

/** Facts that another version wrote so that this one can't read them; they can be made anew from the content. */
export function areFactsUnreadable(sql: SqlStorage): boolean {
  return hasRow(sql, 'facts') && load(sql, 'facts', v.array(factsSchema)) === null
}

/**
 * State that another version wrote so that this one can't read it is as good as lost: all but the history and what was
 * decided goes, and is restored. Called once in an object's life; later all rows are its own.
 */
export function dropUnreadable(sql: SqlStorage): void {
  const parts: [string, v.GenericSchema][] = [
    ['pulse', pulseSchema],
    ['categories', v.array(categoryStandingSchema)],
    ['decisions', decisionsSchema],
    ['publication', publicationSchema],
  ]
  const isLost = parts.some(([key, schema]) => hasRow(sql, key) && load(sql, key, schema) === null)
  if (!isLost) return
  const areKept = load(sql, 'decisions', decisionsSchema) !== null
  sql.exec('DELETE FROM state WHERE key <> ?', areKept ? 'decisions' : '')
}

/** True once for a storage that has a history: `splitLargeRows` reads all of it, and need not do so each time it wakes. */
export function takeUnsplitHistory(sql: SqlStorage): boolean {
  const hasHistory = sql.exec('SELECT 1 FROM history LIMIT 1').toArray().length > 0
  if (!hasHistory || hasRow(sql, 'history-split')) return false
  save(sql, 'history-split', true)
  return true
}

function hasRow(sql: SqlStorage, key: string): boolean {
  return sql.exec('SELECT 1 FROM state WHERE key = ? LIMIT 1', key).toArray().length > 0
}

/** All of it is gone afterwards, the history too. */
export function deleteAll(sql: SqlStorage): void {
  sql.exec('DELETE FROM state')
  sql.exec('DELETE FROM history')
}

export function loadPulse(sql: SqlStorage): Pulse | null {
  return load(sql, 'pulse', pulseSchema)
}

export function loadCategories(sql: SqlStorage): Standing['categories'] {
  return load(sql, 'categories', v.array(categoryStandingSchema)) ?? []
}

export function loadFacts(sql: SqlStorage): Standing['facts'] {
  return load(sql, 'facts', v.array(factsSchema)) ?? []
}

/** null: there is no row of them. */
export function loadDecisions(sql: SqlStorage): Decisions | null {
  return load(sql, 'decisions', decisionsSchema)
}

/** They stand in the pulse's row, for a row of their own would double what a heartbeat writes. */
export function loadCounters(sql: SqlStorage): Counters {
  const stored = load(sql, 'pulse', withCountersSchema) ?? load(sql, 'counters', withCountersSchema)
  return stored?.counters ?? { gtg: {}, reports: {} }
}

/** Of a cluster that never reported. */
export function saveCounters(sql: SqlStorage, counters: Counters): void {
  save(sql, 'counters', { counters })
}

/** null: there never was one. */
export function loadLink(sql: SqlStorage): LinkRow | null {
  return load(sql, 'link', linkSchema)
}

export function saveLink(sql: SqlStorage, link: LinkRow): void {
  save(sql, 'link', link)
}

/** No place of a link is held any more. */
export function deleteLink(sql: SqlStorage): void {
  sql.exec("DELETE FROM state WHERE key = 'link'")
}

export function loadServices(sql: SqlStorage): Standing['services'] {
  return load(sql, 'services', servicesSchema) ?? {}
}

export function loadContent(sql: SqlStorage): Content | null {
  return parseContent(loadContentTexts(sql))
}

/** The content without the services that came with its report, which are nearly all of it. null: nothing is held. */
export function loadFrame(sql: SqlStorage): Content | null {
  return hasRow(sql, 'content') ? loadContent(sql) : load(sql, 'frame', contentSchema)
}

export function loadMemory(sql: SqlStorage): Standing['memory'] {
  return load(sql, 'memory', memorySchema)
}

export function loadNodes(sql: SqlStorage): Standing['nodes'] {
  return parseNodes(loadNodesText(sql))
}

export function loadNodesText(sql: SqlStorage): string | null {
  return loadText(sql, 'nodes')
}

/** A state whose large parts are still as they are stored. */
export interface StoredState extends Omit<ClusterState, 'content' | 'standing'> {
  standing: Omit<Standing, 'services' | 'nodes'>
  /** The whole content, or the report that has its services and a frame with the rest. */
  content: string | null
  report: string | null
  frame: string | null
  services: string | null
  nodes: string | null
}

type ContentTexts = Pick<StoredState, 'content' | 'report' | 'frame'>

function loadContentTexts(sql: SqlStorage): ContentTexts {
  return {
    content: loadText(sql, 'content'),
    report: loadText(sql, 'report'),
    frame: loadText(sql, 'frame'),
  }
}

export function loadTexts(sql: SqlStorage): ContentTexts & Pick<StoredState, 'services' | 'nodes'> {
  return {
    ...loadContentTexts(sql),
    services: loadText(sql, 'services'),
    nodes: loadNodesText(sql),
  }
}

export function parseNodes(text: string | null): Standing['nodes'] {
  return parse('nodes', nodesSchema, text)
}

/** A whole content goes first: where there are both, a version that knows no other wrote it last. */
export function parseContent({
  content,
  report = null, // an object of such a version knows none, while a deployment is under way
  frame = null,
}: Pick<ContentTexts, 'content'> & Partial<ContentTexts>): Content | null {
  if (content !== null) return parse('content', contentSchema, content)
  const rest = parse('frame', contentSchema, frame)
  const told = rest && parse('report', v.object({ content: contentSchema }), report)
  if (rest === null || told === null) return null
  const services = told.content.services?.filter((service) => !isNodesService(service)) ?? []
  return { ...rest, services: [...services, ...(rest.services ?? [])] }
}

export function parseServices(text: string | null): Standing['services'] {
  return parse('services', servicesSchema, text) ?? {}
}

/** null: nothing was ever decided here, not even that there is nothing to restore. */
export function loadPublication(sql: SqlStorage): Publication | null {
  return load(sql, 'publication', publicationSchema)
}

export function savePulse(sql: SqlStorage, pulse: Pulse, counters: Counters): void {
  save(sql, 'pulse', { ...pulse, counters })
}

export function saveFacts(sql: SqlStorage, facts: Standing['facts']): void {
  save(sql, 'facts', facts)
}

export function saveCategories(sql: SqlStorage, categories: Standing['categories']): void {
  save(sql, 'categories', categories)
}

export function saveServices(sql: SqlStorage, services: Standing['services']): void {
  save(sql, 'services', services)
}

export function saveMemory(sql: SqlStorage, memory: Standing['memory']): void {
  save(sql, 'memory', memory)
}

export function saveNodes(sql: SqlStorage, nodes: Standing['nodes']): void {
  save(sql, 'nodes', nodes)
}

export function saveDecisions(sql: SqlStorage, decisions: Decisions): void {
  save(sql, 'decisions', decisions)
}

export function saveContent(sql: SqlStorage, content: Content): void {
  save(sql, 'content', compactContent(content))
  sql.exec("DELETE FROM state WHERE key IN ('report', 'frame')")
}

/**
 * The same where all services stand in the report that it came with: its very bytes are kept, and beside them what is told
 * otherwise, or stands in no report. To write a content of thousands of pods out anew would cost as much as to judge it.
 */
export function saveReported(sql: SqlStorage, content: Content, report: Uint8Array): void {
  saveBytes(sql, 'report', report)
  sql.exec("DELETE FROM state WHERE key = 'content'")
  save(sql, 'frame', { ...content, services: content.services?.filter(isNodesService) ?? null })
}

export function savePublication(sql: SqlStorage, publication: Publication): void {
  save(sql, 'publication', publication)
}

function save(sql: SqlStorage, key: string, value: unknown): void {
  saveBytes(sql, key, new TextEncoder().encode(JSON.stringify(value)))
}

function saveBytes(sql: SqlStorage, key: string, bytes: Uint8Array): void {
  const pieces = Math.ceil(bytes.length / PIECE_MAX_BYTES)
  for (let piece = 0; piece < pieces; piece++) {
    const part = bytes.slice(piece * PIECE_MAX_BYTES, (piece + 1) * PIECE_MAX_BYTES)
    sql.exec('INSERT OR REPLACE INTO state VALUES (?, ?, ?)', key, piece, part.buffer)
  }
  sql.exec('DELETE FROM state WHERE key = ? AND piece >= ?', key, pieces)
}

function load<T>(sql: SqlStorage, key: string, schema: v.GenericSchema<unknown, T>): T | null {
  return parse(key, schema, loadText(sql, key))
}

function loadText(sql: SqlStorage, key: string): string | null {
  const rows = sql.exec('SELECT value FROM state WHERE key = ? ORDER BY piece', key).toArray()
  const pieces = rows.map((row) => row['value']).filter((value) => value instanceof ArrayBuffer)
  if (pieces.length === 0) return null
  const decoder = new TextDecoder()
  const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join('')
  return text + decoder.decode()
}

function parse<T>(key: string, schema: v.GenericSchema<unknown, T>, text: string | null): T | null {
  if (text === null) return null
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text)
  if (parsed.success) return parsed.output
  // Written by another version. The content comes again with the next snapshot; to throw would be for ever.
  console.error(`unreadable state: ${key}: ${parsed.issues[0].message}`)
  return null
}
