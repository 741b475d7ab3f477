/**
 * A fast yes for what a schema would take as it is: thousands of pods arrive in one report, and nearly all of them are as
 * they should be. Whatever a guard doesn't know for sure is for the schema, which finds the fault, or takes it after all.
 */
import * as v from 'valibot'

type Is = (input: unknown) => boolean

/** `isPlain` must never say yes to what `schema` would refuse or change. */
export function ifPlain<T>(
  isPlain: (input: unknown) => input is T,
  schema: v.GenericSchema<unknown, T>,
): v.GenericSchema<unknown, T> {
  const taken = v.custom<T>(() => true)
  return v.lazy((input) => (isPlain(input) ? taken : schema))
}

/** An object with all of the `required` keys, some of the `optional` ones, and no other. */
export function isShape<T extends object>(
  required: Partial<Record<keyof T, Is>>,
  optional: Partial<Record<keyof T, Is>>,
) {
  const checks = new Map<string, Is>(Object.entries({ ...required, ...optional }))
  const needed = Object.keys(required)
  return (input: unknown): input is T => {
    if (typeof input !== 'object' || input === null) return false
    for (const key of Object.keys(input)) {
      const is = checks.get(key)
      if (is === undefined || !is(Reflect.get(input, key))) return false
    }
    return needed.every((key) => Object.hasOwn(input, key))
  }
}

export function isListOf<T>(is: (input: unknown) => input is T, max = Infinity) {
  return (input: unknown): input is T[] =>
    Array.isArray(input) && input.length <= max && input.every((one) => is(one))
}

/** The schema of such a list: one that is too long is refused before any of its items is read. */
export function listOf<T>(
  item: v.GenericSchema<unknown, T>,
  max: number,
): v.GenericSchema<unknown, T[]> {
  return v.pipe(
    v.custom<unknown[]>(Array.isArray, 'is not a list'),
    v.maxLength(max, `has more than ${max} items`),
    v.array(item),
  )
}

export function isBoolean(input: unknown): input is boolean {
  return typeof input === 'boolean'
}

/** Whole and not negative. */
export function isCounter(input: unknown): input is number {
  return Number.isSafeInteger(input) && Number(input) >= 0
}

/** Of one to `max` UTF-16 units. */
export function isNameUpTo(max: number) {
  return (input: unknown): input is string =>
    typeof input === 'string' && input.length > 0 && input.length <= max
}

/** Of `maxBytes` in UTF-8 at most, however many bytes each unit takes. */
export function isTextUpTo(maxBytes: number) {
  return (input: unknown): input is string =>
    typeof input === 'string' && input.length * 3 <= maxBytes
}

export function isString(input: unknown): input is string {
  return typeof input === 'string'
}

/** By names from outside, as `byName` reads it. */
export function isByName<T>(isName: Is, is: (input: unknown) => input is T) {
  return (input: unknown): input is Record<string, T> =>
    typeof input === 'object' &&
    input !== null &&
    !Array.isArray(input) &&
    Object.entries(input).every(([name, value]) => isName(name) && is(value))
}

export function isNumber(input: unknown): input is number {
  return Number.isFinite(input)
}
