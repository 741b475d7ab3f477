/** Fields of the wire that many of its schemas have, and objects by names from outside. */
import * as v from 'valibot'
import { NAME_MAX_LENGTH, TEXT_MAX_BYTES } from './limits.ts'
import { isNameUpTo, isTextUpTo } from './plain.ts'

export const text = v.pipe(v.string(), v.maxBytes(TEXT_MAX_BYTES))
export const name = v.pipe(v.string(), v.nonEmpty(), v.maxLength(NAME_MAX_LENGTH))
export const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const TIME_MAX_MS = 8_640_000_000_000_000 // the last that a Date can hold
export const timeMs = v.pipe(counter, v.maxValue(TIME_MAX_MS))
export const seconds = v.pipe(v.number(), v.finite(), v.gtValue(0), v.maxValue(86_400)) // a day: beyond it nothing here makes sense

/**
 * An object by names from outside. A service may be called `constructor`, whose key v.record would drop; read what
 * comes out with Object.entries or Object.hasOwn.
 */
export function byName<T>(value: v.GenericSchema<unknown, T>) {
  return v.pipe(
    v.custom<object>(
      (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
      'is not an object',
    ),
    v.transform((input) => Object.entries(input)),
    v.array(v.tuple([name, value])),
    v.transform((entries): Record<string, T> => Object.fromEntries(entries)),
  )
}

export const isName = isNameUpTo(NAME_MAX_LENGTH)
export const isText = isTextUpTo(TEXT_MAX_BYTES)
