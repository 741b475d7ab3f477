/** What a pod's answer says of it (behaviour, section 1). Pure: status and text in, outcome out. */
import * as v from 'valibot'
import { TARGET_CHECKS_MAX, TEXT_MAX_BYTES } from '../../worker/contract/limits.ts'
import type { PodCheck, Target } from '../../worker/contract/report.ts'
import { cutText } from '../../worker/contract/cut-text.ts'
import { copyText } from '../discovery/keep-text.ts'
import { type HealthDocument, readHealthDocument } from './health-document.ts'
import { ENTRIES_MAX } from './health-shape.ts'

/** The part of a Target that a probe finds out. */
export type Outcome = Pick<Target, 'ok' | 'answered' | 'checks'> & { reason?: string }

const jsonSchema = v.pipe(v.string(), v.parseJson())

/** `warning`: what the pods do that is taken as available although it may not be meant so, as in "say …". */
export type Judged = Outcome & { warning?: string }

export function judgeAnswer(status: number, body: string): Judged {
  const json = v.safeParse(jsonSchema, body)
  const document = json.success ? readHealthDocument(json.output, status !== 200) : null
  const isHealth = document !== null && (status === 200 || isWholeDocument(status, document))
  if (!isHealth) return notAnswered(status === 200 ? 'the answer is not JSON' : `HTTP ${status}`)
  const checks =
    body.length <= KEPT_MAX_LENGTH ? keepFirst(document.checks) : keepWithin(document.checks)
  const saysBad = status !== 200 || document.state === 'bad'
  const ok = !saysBad && !document.isFailing
  const warning = ok ? findWarning(document) : null
  const reason = status === 200 ? 'it says so itself' : `HTTP ${status}`
  return {
    ok,
    answered: true,
    checks,
    ...(saysBad && !document.isFailing ? { reason } : {}),
    ...(warning === null ? {} : { warning }),
  }
}

export function notAnswered(reason: string): Outcome {
  return { ok: false, answered: false, checks: [], reason: cutText(reason, TEXT_MAX_BYTES) }
}

/** A proxy, a router or a framework refuses with these by itself: the pod's health is what has checks. */
const REFUSALS = [401, 403, 404, 405, 407, 429]

/**
 * With a status that says "no", the body may be a router's or a proxy's own: `{"status": "error", "message": "not found"}`.
 * Only a document with checks, or one with a state and no word of an error, is the pod's health.
 */
function isWholeDocument(
  status: number,
  { state, checks, hasChecks, isErrorReport }: HealthDocument,
): boolean {
  const says = checks.length > 0 || (state !== null && state !== 'unknown')
  return hasChecks || (says && !isErrorReport && !REFUSALS.includes(status))
}

/** Characters that are kept of the names of one pod's checks, and of their texts: those of ten thousand must fit into memory. */
const KEPT_MAX_LENGTH = 8192

function keepFirst(checks: PodCheck[]): PodCheck[] {
  if (checks.length <= TARGET_CHECKS_MAX) return checks
  return checks.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, TARGET_CHECKS_MAX)
}

/** Failing ones first, the worst of them before the others. */
function rankOf({ ok, severity = 2 }: PodCheck): number {
  return ok ? 4 : severity
}

/**
 * Of a long answer: the first checks, and then the first of their texts, so that no text decides which checks there are. Each is
 * copied, for a piece of a text holds all of it.
 */
function keepWithin(checks: PodCheck[]): PodCheck[] {
  let left = KEPT_MAX_LENGTH
  const take = (length: number) => {
    left -= length
    return left >= 0
  }
  const worstFirst = checks.toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, TARGET_CHECKS_MAX)
  const named = worstFirst.filter(({ id, name }) => take(id.length + name.length))
  left = KEPT_MAX_LENGTH
  return named.map(({ id, name, ok, severity, ...texts }) => ({
    id: copyText(id),
    name: copyText(name),
    ok,
    ...(severity === undefined ? {} : { severity }),
    ...Object.fromEntries(
      Object.entries(texts).flatMap(([key, text]) =>
        text !== undefined && take(text.length) ? [[key, copyText(text)] as const] : [],
      ),
    ),
  }))
}

function findWarning(document: HealthDocument): string | null {
  const { state, checks, hasChecks, isCut, unknownWord } = document
  if (checks.some((check) => !check.ok)) return 'list failing checks that do not decide'
  if (isCut) return `answer more than ${ENTRIES_MAX} entries, of which the rest is not read`
  if (unknownWord !== null) return `say ${unknownWord}, which is no known state`
  const saysNothing = state === null && !hasChecks && checks.length === 0
  return saysNothing ? 'answer JSON without checks' : null
}
