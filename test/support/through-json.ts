/** A value as storage gives it back. It throws where JSON loses something, so nothing can hide in what it drops. */

export function throughJson<T>(value: T): T {
  const back: unknown = JSON.parse(JSON.stringify(value))
  if (!isSame(value, back)) throw new Error('JSON does not give this value back')
  return back
}

function isSame<T>(value: T, back: unknown): back is T {
  if (!isObject(value) || !isObject(back)) return Object.is(value, back)
  const inner = new Map(Object.entries(back))
  const entries = Object.entries(value)
  if (Array.isArray(value) !== Array.isArray(back) || entries.length !== inner.size) return false
  return entries.every(([key, one]) => inner.has(key) && isSame(one, inner.get(key)))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
