/** Whatever pods answer and operators write: a report of it is one that the edge takes. One odd text must not cost all. */
import { Readable } from 'node:stream'
import { deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import {
  categorySchema,
  honouredAckSchema,
  nodeSchema,
  targetSchema,
} from '../../../../worker/contract/report.ts'
import {
  joinAcks,
  joinCategories,
  readAcks,
  readCategory,
} from '../../../../node-exporter/discovery/categories.ts'
import { BODY_MAX_BYTES, readText } from '../../../../node-exporter/probing/answer-text.ts'
import { judgeAnswer } from '../../../../node-exporter/probing/health-answer.ts'
import { readNodeAnswer } from '../../../../node-exporter/probing/node-answer.ts'

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 200, maxLength: 3000 }))
const word = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null))
const check = fc.record(
  {
    id: word,
    name: word,
    ok: fc.oneof(fc.boolean(), word),
    severity: word,
    checkOutput: word,
    businessImpact: word,
    panicGuide: word,
    technicalSummary: word,
    lastUpdated: word,
  },
  { requiredKeys: [] },
)
const state = fc.oneof(fc.constantFrom('UP', 'DOWN', 'warn', 'brewing', true, false), word)
const name = fc.oneof(text, fc.constantFrom('constructor', '__proto__', '', 'status', 'details'))
/** A check of other formats, with checks below it. */
const { component } = fc.letrec((tie) => ({
  component: fc.oneof(
    { maxDepth: 7, depthSize: 'small' },
    state,
    fc.record({ status: state, message: word }, { requiredKeys: [] }),
    fc.record({ status: state, components: tie('map'), details: tie('map'), checks: tie('map') }),
    fc.array(tie('component'), { maxLength: 3 }),
  ),
  map: fc
    .array(fc.tuple(name, tie('component')), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries)),
}))
const document = fc.oneof(
  component,
  fc.record(
    { ok: word, status: state, checks: fc.oneof(fc.array(fc.oneof(check, component, word)), word) },
    { requiredKeys: [] },
  ),
)
const body = fc.oneof(document, fc.jsonValue()).map((value) => JSON.stringify(value))

it('judges any answer into a target that the schema takes', () => {
  fc.assert(
    fc.property(fc.constantFrom(200, 204, 302, 503), fc.oneof(body, text), (status, answer) => {
      const outcome = judgeAnswer(status, answer)

      const target = { id: 'web-1', ready: true, checkedAt: 0, ...outcome }

      expect(v.safeParse(targetSchema, JSON.parse(JSON.stringify(target))).issues).toBeUndefined()
      expect(outcome.checks.length).toBeLessThanOrEqual(200)
      const isAllWell = outcome.reason === undefined && outcome.checks.every(({ ok }) => ok)
      const isTaken = outcome.reason === undefined && outcome.warning !== undefined
      expect(outcome.ok).toBe(isAllWell || isTaken)
      expect(outcome.answered || outcome.checks.length === 0).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

it('reads any bytes of an answer into a text of bounded length', async () => {
  const coding = fc.constantFrom('', 'gzip', 'deflate', 'br', 'x-gzip', 'gzip, br', '__proto__')
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array().map((plain) => gzipSync(plain)),
    fc.uint8Array().map((plain) => deflateSync(plain)),
    fc.uint8Array().map((plain) => Uint8Array.of(0xff, 0xfe, ...plain)),
  )

  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 3 }), coding, async (pieces, named) => {
      const answer = Readable.from(pieces.map((piece) => Buffer.from(piece)))

      const read = await readText(answer, named)

      expect(read?.length).toBeLessThanOrEqual(BODY_MAX_BYTES)
    }),
    { numRuns: 500 },
  )
})

it('reads any answer of a node’s exporter into checks that the schema takes', () => {
  const nodeCheck = fc.record({ name: text, passed: fc.boolean(), reason: word, warning: word })
  const checks = fc.array(fc.oneof({ weight: 9, arbitrary: nodeCheck }, word), { maxLength: 3 })
  const answer = fc.record({ checks }).map((value) => JSON.stringify(value))
  let known = 0

  fc.assert(
    fc.property(fc.oneof(answer, body, text), (said) => {
      const read = readNodeAnswer(503, said)
      if (read === null) return
      known += 1

      const node = { name: 'node-1', schedulable: true, ready: null, answered: true, checks: read }

      expect(v.safeParse(nodeSchema, JSON.parse(JSON.stringify(node))).issues).toBeUndefined()
    }),
    { numRuns: 1000 },
  )
  expect(known).toBeGreaterThan(10)
})

it('reads any ConfigMap into categories and acks that the schema takes', () => {
  const keys = [
    'name',
    'services',
    'refreshrate',
    'issticky',
    'enabled',
    'failureThreshold',
    'onMissing',
  ]
  const entry = fc.tuple(
    fc.constantFrom(...keys).map((key) => `category.${key}`),
    text,
  )
  const data = fc
    .array(entry, { maxLength: 7 })
    .map((entries) => ({ metadata: aMetadata, data: Object.fromEntries(entries) }))

  fc.assert(
    fc.property(fc.array(data, { maxLength: 3 }), (configMaps) => {
      const { categories } = joinCategories(configMaps.map(readCategory))
      const acks = joinAcks(configMaps.map(readAcks))

      for (const category of categories) {
        expect(v.safeParse(categorySchema, category).issues).toBeUndefined()
      }
      for (const ack of acks) expect(v.safeParse(honouredAckSchema, ack).issues).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

const aMetadata = { name: 'category.read', namespace: 'default', labels: {}, annotations: {} }
