/** Texts cut to bytes of UTF-8: never over, never within a character, and told by … where something is missing. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutText } from '../../../../worker/contract/cut-text.ts'

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

it.each([
  ['nothing', '', 10, ''],
  ['far below the limit', 'abc', 10, 'abc'],
  ['at the limit', 'abcdefghij', 10, 'abcdefghij'],
  ['one byte over it', 'abcdefghijk', 10, 'abcdefg…'],
  ['characters of two bytes at the limit', 'ééééé', 10, 'ééééé'],
  ['characters of two bytes over it', 'éééééé', 10, 'ééé…'],
  ['characters of three bytes', '€€€€', 10, '€€…'],
  ['a surrogate pair at the cut', 'abcd😀xyz', 10, 'abcd…'],
  ['a surrogate pair just before it', 'abc😀xyzw', 10, 'abc😀…'],
  ['nothing but pairs', '😀😀😀', 10, '😀…'],
  ['no room but for the sign', 'abcd', 3, '…'],
])('cuts %s', (_, text, maxBytes, expected) => {
  const cut = cutText(text, maxBytes)

  expect(cut).toBe(expected)
})

it('never exceeds its bytes and never splits a character', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 })
  const maxBytes = fc.integer({ min: 3, max: 80 })
  fc.assert(
    fc.property(text, maxBytes, (given, max) => {
      const cut = cutText(given, max)

      expect(bytesOf(cut)).toBeLessThanOrEqual(max)
      expect(cut.isWellFormed()).toBe(true)
      expect(given.startsWith(cut === given ? cut : cut.slice(0, -1))).toBe(true)
      expect(cut === given).toBe(bytesOf(given) <= max)
    }),
  )
})
