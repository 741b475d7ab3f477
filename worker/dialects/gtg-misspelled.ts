/** `__gtg` for a question with a parameter that is spelled wrong: nothing was judged. */
import { refuseGtg } from '../domain/gtg.ts'
import type { Misspelling } from '../domain/parameters.ts'
import { asJson } from './gtg-json.ts'
import { lineOf, replyAs } from './gtg-text.ts'

/** The text names only what was meant, a word of ours. The name from outside is in the JSON, and encoded in a header. */
export function replyMisspelled(
  method: string,
  { name, meant }: Misspelling,
  { isJson }: { isJson: boolean },
): Response {
  const gtg = refuseGtg('unknown-parameter')
  const text = {
    body: `UNAVAILABLE\n${lineOf(gtg)} meant=${meant}\n`,
    contentType: 'text/plain; charset=utf-8',
  }
  const { reason, ageSeconds } = gtg
  const told = { gtg: 'fail', reason, ageSeconds, parameter: { name, meant } }
  const reply = replyAs(method, gtg, isJson ? asJson(gtg, told) : text)
  reply.headers.set('X-GTG-Parameter', `${encodeURIComponent(name)}; meant=${meant}`)
  return reply
}
