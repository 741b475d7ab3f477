/**
 * A list of Kubernetes as it comes: each item is parsed by itself and given away, so that a page of a hundred megabytes
 * needs no more memory than its largest item.
 */
import type { Readable } from 'node:stream'
import { tooLarge } from './read-body.ts'

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)]
const [OPEN, CLOSE] = ['{'.charCodeAt(0), '}'.charCodeAt(0)]
const [OPEN_LIST, CLOSE_LIST] = ['['.charCodeAt(0), ']'.charCodeAt(0)]

/** The depth of `items`: inside of the list itself. */
const IN_ITEMS = 2

/** Gives each object of the top level's `items`; resolves with the rest, in which that list is empty. */
export async function readItems(
  body: Readable,
  { maxLength, onItem }: { maxLength: number; onItem: (item: unknown) => void },
): Promise<{ rest: unknown; length: number }> {
  const splitter = new Splitter(maxLength, onItem)
  let length = 0
  for await (const piece of body.setEncoding('utf8')) {
    const text = String(piece)
    length += text.length
    splitter.take(text)
  }
  const rest: unknown = JSON.parse(splitter.rest)
  return { rest, length }
}

class Splitter {
  rest = ''
  readonly #maxLength: number
  readonly #onItem: (item: unknown) => void
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** The list that is open on the second level is `items`. */
  #isInItems = false
  /** Of the item that has begun; null: none has. */
  #item: string | null = null

  constructor(maxLength: number, onItem: (item: unknown) => void) {
    this.#maxLength = maxLength
    this.#onItem = onItem
  }

  take(text: string): void {
    /** What stands before it was put where it belongs. */
    let from = 0
    const put = (to: number) => {
      this.#put(text.slice(from, to))
      from = to
    }
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (this.#isInString) this.#goOnInString(code)
      else if (code === QUOTE) this.#isInString = true
      else if (code === OPEN || code === OPEN_LIST) {
        if (this.#item === null) put(at)
        this.#open(code)
      } else if (code === CLOSE || code === CLOSE_LIST) {
        if (this.#item === null || this.#depth === IN_ITEMS + 1) put(at + 1)
        this.#close(code)
      }
    }
    put(text.length)
  }

  #goOnInString(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (code === BACKSLASH) this.#isEscaped = true
    else if (code === QUOTE) this.#isInString = false
  }

  #open(code: number): void {
    const isList = code === OPEN_LIST
    if (this.#isInItems && this.#depth === IN_ITEMS && !isList) this.#item = ''
    if (this.#depth === 1 && isList) this.#isInItems = /(?<!\\)"items"\s*:\s*$/.test(this.rest)
    this.#depth += 1
  }

  #close(code: number): void {
    this.#depth -= 1
    if (this.#depth === 1 && code === CLOSE_LIST) this.#isInItems = false
    if (this.#item === null || this.#depth !== IN_ITEMS) return
    const item: unknown = JSON.parse(this.#item)
    this.#item = null
    this.#onItem(item)
  }

  #put(text: string): void {
    if (this.#item !== null) this.#item += text
    else if (this.#isInItems)
      this.rest += text.replaceAll(/[,\s]/g, '') // between two items
    else this.rest += text
    if ((this.#item ?? this.rest).length > this.#maxLength) throw tooLarge()
  }
}
