/** What a write says: the query's names, and a form's or JSON's fields, each a text. Parsed here, judged by a schema. */
import type { Context } from 'hono'
import * as v from 'valibot'
import { TEXT_MAX_BYTES, NAME_MAX_LENGTH } from '../contract/limits.ts'
import type { AppEnv } from '../env.ts'
import type { Problem } from './answer.ts'
import { findMisspelled, tellMisspelled } from './known-names.ts'

/** What isn't a text stays what it is, so that a schema refuses it: left out, it would read as never said. */
export type Fields = Record<string, unknown>

const bodySchema = v.record(v.string(), v.unknown())

export type ReadFields = { ok: true; fields: Fields } | { ok: false; problem: Problem }

/** The query wins: it stands in the form's own action. `guarded`: the names that the act knows. */
export async function readFields(
  c: Context<AppEnv>,
  guarded: readonly string[],
): Promise<ReadFields> {
  const body = await readBody(c)
  if (body === null) return { ok: false, problem: UNREADABLE }
  const fields = { ...body, ...c.req.query() }
  const wrong = findMisspelled(c, Object.keys(fields), { guarded, place: 'act' })
  return wrong === null ? { ok: true, fields } : { ok: false, problem: tellMisspelled(wrong) }
}

const UNREADABLE = {
  status: 400,
  code: 'invalid',
  message: 'The body can’t be read as what its Content-Type says.',
} as const

export function textOf(field: unknown): string | undefined {
  return typeof field === 'string' ? field : undefined
}

async function readBody(c: Context<AppEnv>): Promise<Fields | null> {
  if (c.req.method === 'GET') return {}
  const type = c.req.header('Content-Type') ?? ''
  try {
    if (/\bjson\b/i.test(type)) return v.parse(bodySchema, await c.req.json())
    return /form/i.test(type) ? await c.req.parseBody() : {}
  } catch {
    return null // rubbish in place of JSON or of a form: told as a 400, nothing of it is repeated
  }
}

/** A form of a page, or a script's that sends one, is led back to the page. */
export function isForm(c: Context<AppEnv>): boolean {
  return /form/i.test(c.req.header('Content-Type') ?? '')
}

export const nameSchema = v.pipe(
  v.string('is missing or no text'),
  v.nonEmpty('is missing'),
  v.maxLength(NAME_MAX_LENGTH, `is longer than ${NAME_MAX_LENGTH} characters`),
)

/** One line or several, for people: an ack's message, a reason. */
export const wordsSchema = v.pipe(
  v.string('is missing or no text'),
  v.trim(),
  v.maxBytes(TEXT_MAX_BYTES, `is longer than ${TEXT_MAX_BYTES} bytes`),
)

const UNIT_SECONDS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
  ['w', 604_800],
])
/** s; who acks for longer means for ever, and leaves the field empty. */
const EXPIRES_MAX_SECONDS = 366 * 86_400
const EXPIRES_FORM = 'must be a time such as 30m, 4h or 2d, up to a year'

/** s of a time such as 30m; NaN where it is none. */
export function secondsOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([smhdw])$/i.exec(text.trim())
  const unit = UNIT_SECONDS.get(match?.[2]?.toLowerCase() ?? '') ?? NaN
  return Number(match?.[1]) * unit
}

/** ms from now; null: it doesn't run out. */
export const expiresSchema = v.pipe(
  v.optional(v.string(EXPIRES_FORM), ''),
  v.trim(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): number | null => {
    if (value === '') return null
    const seconds = secondsOf(value)
    if (seconds > 0 && seconds <= EXPIRES_MAX_SECONDS) return Math.ceil(seconds * 1000)
    addIssue({ message: EXPIRES_FORM })
    return NEVER
  }),
)
