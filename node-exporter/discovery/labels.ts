/** The labels, annotations and keys that people write, and how their values are read. */
import type { Warning } from '../../worker/contract/report.ts'

export const SERVICE_SELECTOR = 'hasHealthcheck=true'
export const CATEGORY_SELECTOR = 'healthcheck-categories-for=aggregate-healthcheck'
export const ACK_SELECTOR = 'healthcheck-acknowledgements-for=aggregate-healthcheck'
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'
export const ANNOTATION = 'pilotlight.dev/'

/** Where a malformed value is told: the caller's default stands, and somebody should know. */
export type Warn = (message: Warning['message']) => void

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

export function isBoolean(text: string | undefined): boolean {
  return text !== undefined && (TRUE.includes(text) || FALSE.includes(text))
}

/** As Go's ParseBool reads it, for that is what wrote and read these labels so far. */
export function readBoolean(
  values: Record<string, string>,
  { key, fallback, warn }: { key: string; fallback: boolean; warn: Warn },
): boolean {
  const text = values[key]
  if (text === undefined) return fallback
  if (isBoolean(text)) return TRUE.includes(text)
  warn(`${key} is "${text}", not a boolean: taken as ${fallback}`)
  return fallback
}

/** A number from 1; whole when `isWhole`. */
export function readNumber(
  values: Record<string, string>,
  { key, isWhole, warn }: { key: string; isWhole: boolean; warn: Warn },
): number | undefined {
  const text = values[key]?.trim()
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (value >= 1 && value <= 86_400 && (!isWhole || Number.isInteger(value))) return value
  warn(`${key} is "${text}", not a ${isWhole ? 'whole ' : ''}number from 1: the default stands`)
  return undefined
}
