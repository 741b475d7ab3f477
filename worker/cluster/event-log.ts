/** The history of a cluster's object in SQLite: one row a step, bounded, searched by name. */
import * as v from 'valibot'
import type { Transition } from '../domain/history.ts'
import { PIECE_MAX_BYTES } from './storage.ts'

/** Steps with transitions whose events are kept, and their bytes, which a search reads all; older ones go. */
const EVENT_ROWS_MAX = 2000
const EVENT_BYTES_MAX = 4_000_000
/** Bytes of events in one row: half of a piece, for one more may come on top. */
const EVENT_ROW_BYTES = PIECE_MAX_BYTES / 2

const eventSchema: v.GenericSchema<unknown, Transition> = v.object({
  atMs: v.number(),
  subject: v.picklist(['service', 'category', 'node', 'ack', 'trip', 'hold', 'cluster']),
  name: v.string(),
  from: v.nullable(v.string()),
  to: v.nullable(v.string()),
  cause: v.picklist([
    'report',
    'silence',
    'threshold',
    'configmap',
    'hand',
    'restored',
    'expired',
    'recovered',
    'changed',
  ]),
  actor: v.nullable(v.object({ by: v.string(), address: v.string() })),
  note: v.string(),
})

/** One row for all that a step turned: an outage of a thousand services is one thing that happened. */
export function addEvents(sql: SqlStorage, transitions: Transition[]): void {
  if (transitions.length === 0) return
  for (const row of packRows(transitions)) {
    sql.exec(
      'INSERT INTO history (events, total) VALUES (?, ? + COALESCE((SELECT total FROM history ORDER BY id DESC LIMIT 1), 0))',
      `[${row.texts.join(',')}]`,
      row.bytes,
    )
  }
  sql.exec('DELETE FROM history WHERE id <= (SELECT MAX(id) FROM history) - ?', EVENT_ROWS_MAX)
  // Oldest first, one by one: a search by bytes would read the whole table with every event.
  while (isHistoryTooLarge(sql)) {
    sql.exec('DELETE FROM history WHERE id = (SELECT MIN(id) FROM history)')
  }
}

function packRows(transitions: Transition[]): { texts: string[]; bytes: number }[] {
  const rows: { texts: string[]; bytes: number }[] = []
  for (const transition of transitions) {
    const text = JSON.stringify(transition)
    const bytes = new TextEncoder().encode(text).length
    const last = rows.at(-1)
    if (last === undefined || last.bytes + bytes > EVENT_ROW_BYTES) {
      rows.push({ texts: [text], bytes })
    } else {
      last.texts.push(text)
      last.bytes += bytes
    }
  }
  return rows
}

function isHistoryTooLarge(sql: SqlStorage): boolean {
  const oldest = 'SELECT total FROM history ORDER BY id LIMIT 1'
  const newest = 'SELECT total FROM history ORDER BY id DESC LIMIT 1'
  const { bytes } = sql.exec(`SELECT (${newest}) - (${oldest}) AS bytes`).one()
  return Number(bytes) >= EVENT_BYTES_MAX
}

/** Which part of the history is asked for: all of it, a service with its acks, a category with its trips, or a node. */
export type HistoryOf = { kind: keyof typeof SUBJECTS_OF; name: string } | null

const SUBJECTS_OF = {
  service: ['service', 'ack'],
  category: ['category', 'trip'],
  node: ['node', 'node'],
} as const

/** Newest first, `limit` at most. */
export function loadEvents(sql: SqlStorage, of: HistoryOf, limit: number): Transition[] {
  const rows = sql.exec(
    `SELECT one.value FROM history, json_each(history.events) AS one
      WHERE ?1 OR (json_extract(one.value, '$.name') = ?2 AND json_extract(one.value, '$.subject') IN (?3, ?4))
      ORDER BY history.id DESC, one.key DESC LIMIT ?5`,
    of === null ? 1 : 0,
    of?.name ?? '',
    ...SUBJECTS_OF[of?.kind ?? 'service'],
    limit,
  )
  return rows.toArray().flatMap((row) => {
    const event = v.safeParse(v.pipe(v.string(), v.parseJson(), eventSchema), row['value'])
    return event.success ? [event.output] : []
  })
}
