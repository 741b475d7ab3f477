/** One check of a health document, as the report tells it. */
import { NAME_MAX_LENGTH, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import type { PodCheck } from '../../worker/contract/report.ts'
import { readFields } from './health-shape.ts'
import { type Fields, isStateKey, readState, toBoolean } from './vocabulary.ts'

/** How a check is named: `prefix` stands before its own name; `key`: its name in a map, null in a list. */
export interface Naming {
  prefix: string
  key: string | null
  index: number
}

/** Whole when it fails; id, name and severity alone when it passes. */
export function toCheck(fields: Fields, place: Naming, ok: boolean): PodCheck {
  const { id, name } = nameOf(fields, place)
  const check: PodCheck = {
    id: shorten(`${place.prefix}${id}`),
    name: shorten(`${place.prefix}${name}`),
    ok,
  }
  const severity = fields.get('severity')
  if (severity === 1 || severity === 2 || severity === 3) check.severity = severity
  if (ok) return check
  for (const [key, names] of TEXTS) {
    const text = findText(fields, names) ?? (key === 'checkOutput' ? findDetail(fields) : null)
    if (text !== null) check[key] = cutText(String(text), TEXT_MAX_BYTES)
  }
  return check
}

const TEXTS = [
  ['businessImpact', ['businessimpact']],
  ['technicalSummary', ['technicalsummary']],
  ['panicGuide', ['panicguide']],
  [
    'checkOutput',
    [
      'checkoutput',
      'output',
      'message',
      'error',
      'exception',
      'description',
      'reason',
      'cause',
      'symptom',
      'notificationmessage',
    ],
  ],
  ['lastUpdated', ['lastupdated', 'timestamp', 'time']],
] as const

/** It says of itself that nothing hangs on it. */
export function isOptional(fields: Fields): boolean {
  const isNeeded = ['critical', 'fatal', 'required'].map((key) => toBoolean(fields.get(key)))
  return isNeeded.includes(false) || toBoolean(fields.get('optional')) === true
}

/** Spring tells an error in `details`. Where there is no text at all, the word itself is the output. */
function findDetail(fields: Fields): string | number | null {
  const details = readFields(fields.get('details'))
  const error = details && findText(details, ['error', 'message'])
  const said = [...fields].find(([key, value]) => isStateKey(key) && readState(value) === 'bad')
  return error ?? (typeof said?.[1] === 'string' ? said[1] : null)
}

export function nameOf(
  fields: Fields,
  { key, index }: Pick<Naming, 'key' | 'index'>,
): { id: string; name: string } {
  const id = key ?? findText(fields, ['id', 'checkid', 'componentid'])
  const name =
    findText(fields, ['name', 'componentname', 'checkname', 'checker']) ??
    id ??
    `check ${index + 1}`
  return { id: String(id ?? name), name: String(name) }
}

/** A text or a number under the first of these keys that has one. */
function findText(fields: Fields, keys: readonly string[]): string | number | null {
  for (const key of keys) {
    const value = fields.get(key)
    if (typeof value === 'string' || typeof value === 'number') return value
  }
  return null
}

export function shorten(value: string): string {
  return value.slice(0, NAME_MAX_LENGTH) || 'unnamed'
}
