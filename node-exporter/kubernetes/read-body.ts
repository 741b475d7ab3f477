/** The body of an answer as text: the whole, within a bound, or line by line as it comes. */
import type { Readable } from 'node:stream'

/** Throws when it is longer than `maxLength` characters; the connection that it came by is closed then. */
export async function readText(body: Readable, maxLength: number): Promise<string> {
  let text = ''
  for await (const piece of body.setEncoding('utf8')) {
    text += String(piece)
    if (text.length > maxLength) throw tooLarge()
  }
  return text
}

/** Without what follows the last line break: an event is a whole line. */
export async function* readLines(body: Readable, maxLength: number): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of body.setEncoding('utf8')) {
    const [first = '', ...others] = String(piece).split('\n')
    rest += first // never split again: a line of megabytes comes in hundreds of pieces
    if (rest.length > maxLength) throw tooLarge()
    for (const other of others) {
      yield rest
      rest = other
    }
  }
}

export function tooLarge(): Error {
  return new Error('the answer is too large')
}
