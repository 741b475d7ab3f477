/** vitest's own matchers within an expected value, without their `any`. */
import { expect } from 'vitest'

export function containing(text: string): unknown {
  return expect.stringContaining(text)
}

export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

/** An object with at least these properties. */
export function having(properties: object): unknown {
  return expect.objectContaining(properties)
}
