/** What a pod's answer says of it (behaviour, section 1). Pure: status and text in, outcome out. */
import * as v from 'valibot'
import { NAME_MAX_LENGTH, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { PodCheck, Target } from '../../worker/contract/report.ts'
import { cutText } from '../../worker/contract/cut-text.ts'

/** The part of a Target that a probe finds out. */
export type Outcome = Pick<Target, 'ok' | 'answered' | 'checks'> & { reason?: string }

/** Words by which a body as a whole says that it isn't well (Spring, health+json, MicroProfile). */
const BAD_STATUS = ['fail', 'error', 'down', 'out_of_service']

/** Checks of one pod that are kept, failing ones first: nobody reads more, and one pod must not fill the report. */
const CHECKS_MAX = 200

const word = v.fallback(v.nullish(v.union([v.string(), v.number()])), null)
const checkSchema = v.object({
  id: word,
  name: word,
  ok: v.optional(v.unknown()),
  severity: v.optional(v.unknown()),
  businessImpact: word,
  technicalSummary: word,
  panicGuide: word,
  checkOutput: word,
  lastUpdated: word,
})
/** Anything may come: only `ok: false` and the words above are bad news. */
const bodySchema = v.fallback(
  v.object({
    ok: v.optional(v.unknown()),
    status: v.optional(v.unknown()),
    checks: v.optional(v.unknown()),
  }),
  {},
)

/** `hasWarning`: JSON that names no checks and no state; it counts as available. */
export function judgeAnswer(status: number, body: string): Outcome & { hasWarning?: true } {
  if (status !== 200) return notAnswered(`HTTP ${status}`)
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), body)
  if (!json.success) return notAnswered('the answer is not JSON')
  const { ok, status: said, checks: list } = v.parse(bodySchema, json.output)
  const checks = readChecks(list)
  const saysBad = ok === false || isBad(said)
  const isOk = !saysBad && checks.every((check) => check.ok)
  const reason = saysBad && checks.every((check) => check.ok) ? 'it says so itself' : undefined
  const hasWarning = ok === undefined && said === undefined && !Array.isArray(list)
  return {
    ok: isOk,
    answered: true,
    checks,
    ...(reason === undefined ? {} : { reason }),
    ...(hasWarning ? { hasWarning } : {}),
  }
}

function readChecks(list: unknown): PodCheck[] {
  if (!Array.isArray(list)) return []
  const checks = list.flatMap((entry, index) => {
    const parsed = v.safeParse(checkSchema, entry)
    return parsed.success ? [toCheck(parsed.output, index)] : []
  })
  if (checks.length <= CHECKS_MAX) return checks
  return checks.toSorted((a, b) => Number(a.ok) - Number(b.ok)).slice(0, CHECKS_MAX)
}

export function notAnswered(reason: string): Outcome {
  return { ok: false, answered: false, checks: [], reason: cutText(reason, TEXT_MAX_BYTES) }
}

function isBad(status: unknown): boolean {
  return typeof status === 'string' && BAD_STATUS.includes(status.toLowerCase())
}

/** Whole when it fails; id, name and severity alone when it passes. */
function toCheck(entry: v.InferOutput<typeof checkSchema>, index: number): PodCheck {
  const name = shorten(entry.name ?? entry.id ?? `check ${index + 1}`)
  const ok = entry.ok !== false
  const check: PodCheck = { id: shorten(entry.id ?? name), name, ok }
  const { severity } = entry
  if (severity === 1 || severity === 2 || severity === 3) check.severity = severity
  if (ok) return check
  for (const key of TEXTS) {
    const text = entry[key]
    if (text !== null && text !== undefined) check[key] = cutText(String(text), TEXT_MAX_BYTES)
  }
  return check
}

const TEXTS = [
  'businessImpact',
  'technicalSummary',
  'panicGuide',
  'checkOutput',
  'lastUpdated',
] as const

function shorten(value: string | number): string {
  return String(value).slice(0, NAME_MAX_LENGTH) || 'unnamed'
}
