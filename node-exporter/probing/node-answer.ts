/** What a node's exporter answered on `/health` (behaviour, section 7). Pure: status and text in, checks out. */
import * as v from 'valibot'
import { NAME_MAX_LENGTH, NODE_CHECKS_MAX, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { Node } from '../../worker/contract/report.ts'
import { cutText } from '../../worker/contract/cut-text.ts'

export type NodeCheck = Node['checks'][number]

const text = v.nullish(
  v.pipe(
    v.string(),
    v.transform((said) => cutText(said, TEXT_MAX_BYTES)),
  ),
)
const bodySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    checks: v.pipe(
      v.array(
        v.object({
          name: v.pipe(
            v.string(),
            v.nonEmpty(),
            v.transform((name) => name.slice(0, NAME_MAX_LENGTH)),
          ),
          passed: v.boolean(),
          reason: text,
          warning: text,
        }),
      ),
      v.minLength(1), // it names every check that it was asked for: whoever names none is somebody else
    ),
  }),
)

/** An exporter of an older version doesn't know a new check: while they are replaced, that is no failing node. */
function isUnknownThere({
  name,
  passed,
  reason,
}: {
  name: string
  passed: boolean
  reason?: string | null | undefined
}): boolean {
  return !passed && reason === `Unknown check: ${name}`
}

/** 200 and 503 alike: the checks say what is wrong. null: no answer of a node's exporter that knows its node. */
export function readNodeAnswer(status: number, body: string): NodeCheck[] | null {
  if (status !== 200 && status !== 503) return null
  const parsed = v.safeParse(bodySchema, body)
  if (!parsed.success) return null
  const known = parsed.output.checks.filter((check) => !isUnknownThere(check))
  const checks = known.map(({ name, passed, reason, warning }) => ({
    name,
    passed,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof warning === 'string' ? { warning } : {}),
  }))
  if (checks.length <= NODE_CHECKS_MAX) return checks
  return checks.toSorted((a, b) => Number(a.passed) - Number(b.passed)).slice(0, NODE_CHECKS_MAX)
}
