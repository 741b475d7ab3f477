/** Starts the order of a cluster's reports anew, where a leaked secret or a ruined Lease has spoilt it (runbook). */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../env.ts'
import { linksOf } from '../views/links.ts'
import { act, boundedWrite, replyDone } from './act.ts'
import { replyProblem } from './answer.ts'
import { readFields, wordsSchema } from './fields.ts'
import { operators } from './guard.ts'
import { baseOf } from './paths.ts'

export const resetOrder = new Hono<AppEnv>()

const fieldsSchema = v.object({ why: v.optional(wordsSchema, '') })

resetOrder.post('/clusters/:cluster/reset-order', operators, boundedWrite, async (c) => {
  const read = await readFields(c, Object.keys(fieldsSchema.entries))
  if (!read.ok) return replyProblem(c, read.problem)
  const said = v.safeParse(fieldsSchema, read.fields)
  if (!said.success) {
    const message = `why: ${said.issues[0].message}.`
    return replyProblem(c, { status: 400, code: 'invalid', message })
  }
  const { why } = said.output
  return replyDone(c, await act(c, { kind: 'reset-order', why }), linksOf(baseOf(c)).history)
})
