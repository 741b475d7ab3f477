/** Which of the types that a resource has answers an `Accept` header (RFC 9110, section 12.5.1). */
import { parseAccept } from 'hono/utils/accept'

interface Offer<T> {
  type: T
  q: number
  /** 0 where the type is named, 1 for `text/*`, 2 for any. */
  wildcards: number
  /** Of the range in the header. */
  place: number
}

/**
 * The type of the highest quality. Among equals a type that is named wins over one that a wildcard covers, then the one that
 * the client names first, then the first of `types`: the default header of axios, which begins with application/json, means
 * JSON. Where nothing fits it is the first of `types` and never a 406: a prober would take that for an outage.
 */
export function pickType<T extends string>(
  accept: string | undefined,
  types: readonly [T, ...T[]],
): T {
  const ranges = parseAccept(accept ?? '').map(({ type, q }) => ({ type: type.toLowerCase(), q }))
  const offers = types.flatMap((type): Offer<T>[] => {
    const names = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']
    // The most specific range decides, also where it refuses by q=0 what a wildcard takes.
    const wildcards = names.findIndex((name) => ranges.some((range) => range.type === name))
    const place = ranges.findIndex((range) => range.type === names[wildcards])
    const q = ranges[place]?.q ?? 0
    return q === 0 ? [] : [{ type, q, wildcards, place }]
  })
  const [best] = offers.toSorted(
    (a, b) => b.q - a.q || a.wildcards - b.wildcards || a.place - b.place,
  )
  return best?.type ?? types[0]
}
