/** An operator's hold: the last verdict stands for a while, also where no report comes any more (behaviour, section 6). */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../env.ts'
import { linksOf } from '../views/links.ts'
import { act, boundedWrite, replyDone } from './act.ts'
import { replyProblem } from './answer.ts'
import { readFields, secondsOf, wordsSchema } from './fields.ts'
import { operators } from './guard.ts'
import { baseOf } from './paths.ts'

export const hold = new Hono<AppEnv>()

/** s; who needs longer disables a category, or says it again tomorrow. */
const HOLD_MAX_SECONDS = 86_400
const FOR_FORM = 'must be a time such as 30m or 4h, up to 24h; 0 ends the hold'

const fieldsSchema = v.object({
  for: v.pipe(
    v.optional(v.string(FOR_FORM), ''),
    v.transform((text) => (text.trim() === '0' ? 0 : secondsOf(text))),
    v.number(FOR_FORM),
    v.minValue(0, FOR_FORM),
    v.maxValue(HOLD_MAX_SECONDS, FOR_FORM),
  ),
  why: v.optional(wordsSchema, ''),
})

hold.post('/hold', operators, boundedWrite, answer)
hold.post('/clusters/:cluster/hold', operators, boundedWrite, answer)

async function answer(c: Parameters<typeof act>[0]): Promise<Response> {
  const read = await readFields(c, Object.keys(fieldsSchema.entries))
  if (!read.ok) return replyProblem(c, read.problem)
  const said = v.safeParse(fieldsSchema, read.fields)
  if (!said.success) {
    const [issue] = said.issues
    const message = `${v.getDotPath(issue) ?? 'for'}: ${issue.message}.`
    return replyProblem(c, { status: 400, code: 'invalid', message })
  }
  const { for: seconds, why } = said.output
  const untilMs = seconds === 0 ? null : Date.now() + seconds * 1000
  return replyDone(c, await act(c, { kind: 'hold', untilMs, why }), linksOf(baseOf(c)).categories)
}
