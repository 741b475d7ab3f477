/** What an answer may never be, whatever was sent (docs/behaviour.md, sections 2, 4 and 5). */
import * as v from 'valibot'
import type { Answer, Sent } from './send.ts'

/** Codes of a 503 that is no verdict. `internal` and `misconfigured` are none: behind them stands a thrown error. */
const CODES_503 = new Set(['no-data', 'unavailable', 'session-unchecked', 'busy', 'too-many'])
/** The page of a 503 that stands for a thrown error says this. */
const UNSERVED = 'The request could not be served.'

const GTG_STATUSES = new Set([200, 400, 405, 503])
const GTG_TEXT =
  /^(OK\ngtg=pass\n|UNAVAILABLE\ngtg=fail reason=[a-z-]+( meant=[a-z-]+)?\n|Ask with one of: [A-Z, ]+\n)$/
const GTG_LINE = /^gtg=(pass|fail reason=[a-z-]+( meant=[a-z-]+)?)$/
const REPORT_STATUSES = new Set([202, 400, 401, 403, 409, 413, 415, 422])

const errorSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: v.object({ code: v.string(), message: v.string() }) }),
)
const lineSchema = v.pipe(v.string(), v.parseJson(), v.object({ line: v.string() }))

/** What is wrong about it; none: all is well. */
export function findFaults({ method }: Sent, answer: Answer): string[] {
  const { status, headers, body } = answer
  const isGtg = headers.has('x-gtg')
  return [
    ...(headers.get('x-content-type-options') === 'nosniff' ? [] : ['no nosniff']),
    ...(isGtg ? findGtgFaults(method, answer) : find5xxFaults(answer)),
    ...(status >= 300 && status < 400 && ![303, 304].includes(status)
      ? [`redirect ${status}`]
      : []),
    ...(/^\/(?!\/)/.test(headers.get('location') ?? '/') ? [] : ['leads elsewhere']),
    ...(/\n\s+at .+:\d+:\d+/.test(body) ? ['a stack is told'] : []),
  ]
}

/** The same of a path that is `__gtg` for certain. */
export function findProbeFaults(sent: Sent, answer: Answer): string[] {
  const isProbe = answer.headers.has('x-gtg') || answer.status === 405
  return [...findFaults(sent, answer), ...(isProbe ? [] : [`${answer.status} without X-GTG`])]
}

/** The same of a report that is signed, or ought to be. */
export function findReportFaults(sent: Sent, answer: Answer): string[] {
  const isKnown = REPORT_STATUSES.has(answer.status)
  return [
    ...findFaults(sent, answer),
    ...(isKnown ? [] : [`status ${answer.status} to a report`]),
    ...(answer.headers.has('date') ? [] : ['no Date']),
  ]
}

function findGtgFaults(method: string, { status, headers, body }: Answer): string[] {
  const isBodyless = method === 'HEAD' || method === 'OPTIONS'
  const isJson = headers.get('content-type')?.startsWith('application/json') === true
  return [
    ...(GTG_STATUSES.has(status) ? [] : [`gtg status ${status}`]),
    ...(headers.get('x-gtg-reason') === 'internal' ? ['gtg internal'] : []),
    ...(headers.get('x-gtg') === (status === 200 ? 'pass' : 'fail') ? [] : ['X-GTG is another']),
    ...(headers.get('cache-control') === 'no-store' ? [] : ['gtg may be cached']),
    ...(headers.has('set-cookie') ? ['gtg sets a cookie'] : []),
    ...(isBodyless ? (body === '' ? [] : [`a body: ${body}`]) : findBodyFaults(body, isJson)),
  ]
}

function findBodyFaults(body: string, isJson: boolean): string[] {
  if (!isJson) return GTG_TEXT.test(body) ? [] : ['gtg says something else']
  const read = v.safeParse(lineSchema, body)
  return read.success && GTG_LINE.test(read.output.line) ? [] : ['gtg JSON without its line']
}

function find5xxFaults({ status, headers, body }: Answer): string[] {
  if (status < 500) return []
  if (status !== 503) return [`status ${status}`]
  const error = v.safeParse(errorSchema, body)
  if (error.success) {
    return CODES_503.has(error.output.error.code) ? [] : [`503 ${error.output.error.code}`]
  }
  const type = headers.get('content-type') ?? ''
  // The draft's answer says by its status how the cluster is.
  if (type.startsWith('application/health+json')) return []
  return type.startsWith('text/html') && !body.includes(UNSERVED) ? [] : ['undefined 503']
}
