/** The history of a cluster's object in SQLite: one row a step, bounded, searched by name. */
import * as v from 'valibot'
import type { Transition } from '../domain/history.ts'

/** Rows of events that are kept, and their bytes, which a search looks through; older ones go. */
const EVENT_ROWS_MAX = 2000
const EVENT_BYTES_MAX = 4_000_000
/**
 * Bytes of events in one row, unless a single one is larger. It bounds what a search has to parse for one event that it finds.
 * A row for each event would be searched as fast; but rows are what the platform bills, and an outage of a thousand
 * services is a thousand events.
 */
const EVENT_ROW_BYTES = 2000

export const eventSchema: v.GenericSchema<unknown, Transition> = v.object({
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

/** What a step turned, as few rows as may be. */
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

/** Rows of a version that wrote a whole step in one become small ones. No event is lost. Called once in an object's life. */
export function splitLargeRows(sql: SqlStorage): void {
  const large = sql.exec('SELECT 1 FROM history WHERE length(events) > ?', EVENT_ROW_BYTES)
  if (large.toArray().length === 0) return
  const rows = sql.exec('SELECT events FROM history ORDER BY id').toArray()
  const events = rows.flatMap((row) => parseRow(row['events']))
  sql.exec('DELETE FROM history')
  addEvents(sql, events)
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
export type HistoryOf = { kind: Kind; name: string } | null

type Kind = 'service' | 'category' | 'node'

const SUBJECTS_OF: Record<Kind, Transition['subject'][]> = {
  service: ['service', 'ack'],
  category: ['category', 'trip'],
  node: ['node'],
}

/**
 * Newest first, `limit` at most. The rows that may have what is asked for are found in SQL, by the name as it stands in them, so
 * that only those are parsed; each gives at least one event of that name, but for one of another kind.
 */
export function loadEvents(sql: SqlStorage, of: HistoryOf, limit: number): Transition[] {
  const rows =
    of === null
      ? sql.exec('SELECT events FROM history ORDER BY id DESC LIMIT ?', limit)
      : sql.exec(
          'SELECT events FROM history WHERE instr(events, ?) ORDER BY id DESC',
          `"name":${JSON.stringify(of.name)}`,
        )
  const found: Transition[] = []
  for (const row of rows) {
    found.push(
      ...parseRow(row['events'])
        .filter((event) => isOf(event, of))
        .toReversed(),
    )
    if (found.length >= limit) break
  }
  return found.slice(0, limit)
}

function isOf({ subject, name }: Transition, of: HistoryOf): boolean {
  return of === null || (name === of.name && SUBJECTS_OF[of.kind].includes(subject))
}

const rowSchema = v.pipe(v.string(), v.parseJson(), v.array(v.unknown()))

/** Without what another version wrote that this one can't read. */
function parseRow(row: unknown): Transition[] {
  const events = v.safeParse(rowSchema, row)
  if (!events.success) return []
  return events.output.flatMap((one) => {
    const event = v.safeParse(eventSchema, one)
    return event.success ? [event.output] : []
  })
}
