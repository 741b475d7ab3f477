/** Acks over HTTP: give one, take it back, and the form for it (behaviour, sections 3 and 5). */
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../env.ts'
import { AckFormPage, EMPTY_ACK, type AckErrors, type AckValues } from '../views/ack-form.tsx'
import { linksOf } from '../views/links.ts'
import { act, boundedWrite, replyDone } from './act.ts'
import { frameOf, isPerson, renderPage, replyPage, replyProblem, titleOf } from './answer.ts'
import {
  expiresSchema,
  nameSchema,
  readFields,
  textOf,
  wordsSchema,
  type Fields,
} from './fields.ts'
import { operators, readers } from './guard.ts'
import { knows } from './known-names.ts'
import { baseOf, placesOf } from './paths.ts'
import { missingQuery, readService } from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'

export const acks = new Hono<AppEnv>()

const ackSchema = v.object({
  'service-name': v.optional(nameSchema, ''),
  'ack-msg': v.optional(v.pipe(wordsSchema, v.nonEmpty('is missing: say what is known')), ''),
  'expires-in': expiresSchema,
  until: v.optional(
    v.picklist(['removed', 'recovery', 'change'], 'must be removed, recovery or change'),
    'removed',
  ),
})

acks.on('POST', placesOf('/add-ack'), operators, boundedWrite, async (c) => {
  const read = await readFields(c, Object.keys(ackSchema.entries))
  if (!read.ok) return replyProblem(c, read.problem)
  const { fields } = read
  const ack = v.safeParse(ackSchema, fields)
  if (!ack.success) return refuseFields(c, fields, ack.issues)
  const done = await act(c, {
    kind: 'add-ack',
    service: ack.output['service-name'],
    message: ack.output['ack-msg'],
    until: ack.output.until,
    expiresAtMs: ack.output['expires-in'] === null ? null : Date.now() + ack.output['expires-in'],
  })
  return replyDone(c, done, linksOf(baseOf(c)).health())
})

acks.on(['POST', 'GET'], placesOf('/rem-ack'), operators, boundedWrite, async (c) => {
  const read = await readFields(c, ['service-name'])
  if (!read.ok) return replyProblem(c, read.problem)
  const service = v.safeParse(nameSchema, read.fields['service-name'])
  if (!service.success) return replyProblem(c, missingQuery('service-name'))
  const done = await act(c, { kind: 'remove-ack', service: service.output })
  return replyDone(c, done, linksOf(baseOf(c)).health())
})

acks.on('GET', placesOf('/add-ack-form'), readers, knows('service-name'), (c) =>
  showForm(c, { values: EMPTY_ACK, errors: {} }),
)

/** A person gets the form again with what was typed, a script the first fault. */
function refuseFields(
  c: Context<AppEnv>,
  fields: Fields,
  issues: v.InferIssue<typeof ackSchema>[],
): Response | Promise<Response> {
  const faults = issues.map((issue) => ({ field: v.getDotPath(issue), words: issue.message }))
  const [first] = faults
  if (!isPerson(c) || faults.some(({ field }) => field === 'service-name')) {
    const message = `${first?.field ?? 'body'}: ${first?.words ?? 'is missing'}.`
    return replyProblem(c, { status: 400, code: 'invalid', message })
  }
  const wordsOf = (name: string) => faults.find(({ field }) => field === name)?.words
  const message = wordsOf('ack-msg')
  const expiresIn = wordsOf('expires-in')
  const until = wordsOf('until')
  return showForm(c, {
    values: {
      message: textOf(fields['ack-msg']) ?? '',
      expiresIn: textOf(fields['expires-in']) ?? '',
      until: textOf(fields['until']) ?? 'removed',
    },
    errors: {
      ...(message === undefined ? {} : { message }),
      ...(expiresIn === undefined ? {} : { expiresIn }),
      ...(until === undefined ? {} : { until }),
    },
  })
}

async function showForm(
  c: Context<AppEnv>,
  { values, errors }: { values: AckValues; errors: AckErrors },
): Promise<Response> {
  const read = await readService(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, service, turnsAtMs } = read
  const about = { title: titleOf(c, cluster), status, service, values, errors }
  const page = () => AckFormPage({ frame: frameOf(c), ...about })
  if (Object.keys(errors).length > 0) return replyPage(c, page(), 400)
  return replyShared(c, read.of, () => ({ turnsAtMs, render: () => renderPage(page()) }))
}
