/**
 * How a cluster's object keeps its state in SQLite: one small row that changes with every report, one for the
 * standing, the content as one packed text in pieces. Never a row per pod: rows are what the platform bills.
 */
import * as v from 'valibot'
import {
  byName,
  contentSchema,
  exporterSchema,
  severitySchema,
  type Content,
} from '../contract/report.ts'
import type { Pulse, Standing, Transition } from '../domain/cluster.ts'
import { categoryStandingSchema, leaseSchema } from '../store/cluster-record.ts'

/** Bytes of one piece; the platform bounds a row at 2 MB. */
const PIECE_MAX_BYTES = 1_500_000

/** Reports with transitions whose events are kept; older ones go. */
const EVENT_ROWS_MAX = 2000
/** Transitions in one row: at 100 bytes each far below its 2 MB. */
const EVENTS_PER_ROW = 5000

const pulseSchema: v.GenericSchema<unknown, Pulse> = v.object({
  epoch: v.number(),
  sequence: v.number(),
  digest: v.nullable(v.string()),
  lease: leaseSchema,
  intervalSeconds: v.number(),
  blindSinceMs: v.nullable(v.number()),
  resendAskedAtMs: v.nullable(v.number()),
  streaks: byName(v.number()),
  recovery: v.nullable(v.object({ epoch: v.number(), sinceMs: v.number() })),
  exporter: exporterSchema,
})

const categoriesSchema: v.GenericSchema<unknown, Standing['categories']> =
  v.array(categoryStandingSchema)

const servicesSchema: v.GenericSchema<unknown, Standing['services']> = byName(
  v.object({ ok: v.boolean(), severity: v.nullable(severitySchema), sinceMs: v.number() }),
)

/** What was last decided to publish, and how far it got. */
const publicationSchema = v.object({
  version: v.number(),
  /** Of the record as it stands: what must differ for a new one. */
  text: v.string(),
  putVersion: v.number(),
  lastPutAtMs: v.number(),
  failures: v.number(),
})
export type Publication = v.InferOutput<typeof publicationSchema>

export function createTables(sql: SqlStorage): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS state (key TEXT, piece INTEGER, value BLOB, PRIMARY KEY (key, piece)) WITHOUT ROWID',
  )
  sql.exec('CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, value TEXT NOT NULL)')
}

export function loadPulse(sql: SqlStorage): Pulse | null {
  return load(sql, 'pulse', pulseSchema)
}

export function loadCategories(sql: SqlStorage): Standing['categories'] {
  return load(sql, 'categories', categoriesSchema) ?? []
}

export function loadServices(sql: SqlStorage): Standing['services'] {
  return load(sql, 'services', servicesSchema) ?? {}
}

export function loadContent(sql: SqlStorage): Content | null {
  return load(sql, 'content', contentSchema)
}

export function loadPublication(sql: SqlStorage): Publication {
  const none = { version: 0, text: '', putVersion: 0, lastPutAtMs: 0, failures: 0 }
  return load(sql, 'publication', publicationSchema) ?? none
}

export function savePulse(sql: SqlStorage, pulse: Pulse): void {
  save(sql, 'pulse', pulse)
}

export function saveStanding(sql: SqlStorage, standing: Standing): void {
  save(sql, 'categories', standing.categories)
  save(sql, 'services', standing.services)
}

export function saveContent(sql: SqlStorage, content: Content): void {
  save(sql, 'content', content)
}

export function savePublication(sql: SqlStorage, publication: Publication): void {
  save(sql, 'publication', publication)
}

/** One row for all that a report turned: an outage of a thousand services is one thing that happened. */
export function addEvents(sql: SqlStorage, transitions: Transition[]): void {
  for (let i = 0; i < transitions.length; i += EVENTS_PER_ROW) {
    const row = JSON.stringify(transitions.slice(i, i + EVENTS_PER_ROW))
    sql.exec('INSERT INTO event (value) VALUES (?)', row)
  }
  if (transitions.length === 0) return
  sql.exec('DELETE FROM event WHERE id <= (SELECT MAX(id) FROM event) - ?', EVENT_ROWS_MAX)
}

function save(sql: SqlStorage, key: string, value: unknown): void {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  const pieces = Math.ceil(bytes.length / PIECE_MAX_BYTES)
  for (let piece = 0; piece < pieces; piece++) {
    const part = bytes.slice(piece * PIECE_MAX_BYTES, (piece + 1) * PIECE_MAX_BYTES)
    sql.exec('INSERT OR REPLACE INTO state VALUES (?, ?, ?)', key, piece, part.buffer)
  }
  sql.exec('DELETE FROM state WHERE key = ? AND piece >= ?', key, pieces)
}

function load<T>(sql: SqlStorage, key: string, schema: v.GenericSchema<unknown, T>): T | null {
  const rows = sql.exec('SELECT value FROM state WHERE key = ? ORDER BY piece', key).toArray()
  const pieces = rows.map((row) => row['value']).filter((value) => value instanceof ArrayBuffer)
  if (pieces.length === 0) return null
  const decoder = new TextDecoder()
  const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join('')
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text + decoder.decode())
  if (parsed.success) return parsed.output
  // Written by another version: no state at all, for the next report brings it again. To throw would be for ever.
  console.error(`unreadable state: ${key}: ${parsed.issues[0].message}`)
  return null
}
