/**
 * One question over HTTP: GET, no redirect followed, no connection kept (a stale one reads as a failing pod), bounded in
 * time and bytes. What the answer means is its caller's business.
 */
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import type { Readable } from 'node:stream'
import * as v from 'valibot'
import { KubeError, type KubeApi } from '../discovery/kube-api.ts'
import type { Place } from '../discovery/targets.ts'
import { BODY_MAX_BYTES, readText } from './answer-text.ts'

/**
 * `mayRetry`: the connection failed, which another try may mend; a timeout is not tried again.
 * null: nothing was learned of the pod, for the way to it is gone (PROBE_VIA=apiserver and the API server away).
 */
export type Asked =
  | { isAnswer: true; status: number; contentType: string; text: string }
  | { isAnswer: false; reason: string; mayRetry: boolean }
  | null

export type Ask = (place: Place, timeoutMs: number) => Promise<Asked>

interface Answer {
  status: number
  /** Both empty: not named. */
  contentType: string
  contentEncoding: string
  body: Readable
}

/**
 * Pods answer in ways that Go's client and a browser take and Node's strict parser refuses: lines that end with LF alone,
 * control characters in a header, a folded header, spaces after a chunk's size, 16 KiB of headers. The lenient parser can't
 * smuggle a second answer in here, because each connection carries one question.
 */
const LENIENT = { insecureHTTPParser: true, maxHeaderSize: BODY_MAX_BYTES }

/** A connection of its own for each question, closed after it. Without an agent, which would only count them. */
const CONNECT = {
  http: ({ address: host, port }: Place) => net.connect({ host, port }),
  // A pod is addressed by its IP: no certificate names it.
  https: ({ address: host, port }: Place) => tls.connect({ host, port, rejectUnauthorized: false }),
}

export const askDirectly: Ask = (place, timeoutMs) =>
  askOnce(timeoutMs, (deadline) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const { get } = place.scheme === 'https' ? https : http
    const options = {
      host: place.address,
      port: place.port,
      path: place.path,
      ...LENIENT,
      createConnection: () => CONNECT[place.scheme](place),
      headers: { accept: 'application/json', 'user-agent': 'pilotlight' },
    }
    const request = get(options, (response) => {
      if (hasTwoLengths(response.headers)) {
        request.destroy(new Error('the answer has both Content-Length and Transfer-Encoding'))
      } else {
        resolve({ status: response.statusCode ?? 0, ...describe(response.headers), body: response })
      }
    })
      .on('error', reject) // more than one may come, and none may go unheard
      // "101 Switching Protocols" is neither an answer nor an error to Node.
      .on('close', () => {
        reject(new Error('the connection ended without an answer'))
      })
    deadline.giveUp = () => {
      request.destroy()
    }
    return promise
  })

/** RFC 9112, 6.3: which of the two is the body's length depends on who reads it. The lenient parser lets both pass. */
function hasTwoLengths(headers: http.IncomingHttpHeaders): boolean {
  return headers['content-length'] !== undefined && headers['transfer-encoding'] !== undefined
}

/** undici gives a header that was sent twice as a list. */
function describe(headers: NodeJS.Dict<string | string[]>) {
  return {
    contentType: String(headers['content-type'] ?? ''),
    contentEncoding: String(headers['content-encoding'] ?? ''),
  }
}

/**
 * Through the API server's pod proxy, for exporters that run where pod addresses are out of reach. What the API
 * server refuses or, while it is `away`, leaves unanswered, says nothing of the pod.
 */
export function askThrough(api: KubeApi, isAway: () => boolean): Ask {
  return (place, timeoutMs) => {
    if (place.pod === null) {
      const reason = 'no pod behind this address, so no proxy to it'
      return Promise.resolve({ isAnswer: false, reason, mayRetry: false })
    }
    const scheme = place.scheme === 'https' ? 'https:' : ''
    const pod = encodeURIComponent(`${scheme}${place.pod}:${place.port}`)
    const path = `/api/v1/namespaces/${place.namespace}/pods/${pod}/proxy${place.path}`
    return askOnce(
      timeoutMs,
      async (deadline) => {
        const timeout = new AbortController()
        deadline.giveUp = () => {
          timeout.abort()
        }
        const { statusCode, headers, body } = await api.proxy(path, timeout.signal)
        return { status: statusCode, ...describe(headers), body }
      },
      (status, text) => (status === null ? isAway() : isRefusedByApi(status, text)),
    )
  }
}

/** Of one question. No AbortSignal: at 500 questions a second each of its listeners is felt. */
interface Deadline {
  isOver: boolean
  /** Set by whoever asks. */
  giveUp: () => void
}

/** `saysNothing`: an answer, or none in time (`status` null), that is not the pod's. */
async function askOnce(
  timeoutMs: number,
  open: (deadline: Deadline) => Promise<Answer>,
  saysNothing: (status: number | null, text: string) => boolean = () => false,
): Promise<Asked> {
  const deadline: Deadline = { isOver: false, giveUp: () => undefined }
  const timer = setTimeout(() => {
    deadline.isOver = true
    deadline.giveUp()
  }, timeoutMs)
  try {
    const { status, contentType, contentEncoding, body } = await open(deadline)
    const text = await readText(body, contentEncoding)
    if (text === null) {
      const reason = `the answer is over ${BODY_MAX_BYTES} bytes`
      return { isAnswer: false, reason, mayRetry: false }
    }
    return saysNothing(status, text) ? null : { isAnswer: true, status, contentType, text }
  } catch (error) {
    if (deadline.isOver) {
      const reason = `no answer in ${timeoutMs / 1000} s`
      return saysNothing(null, '') ? null : { isAnswer: false, reason, mayRetry: false }
    }
    if (error instanceof KubeError || isOwnFault(error)) return null
    const reason = error instanceof Error ? error.message : String(error)
    return { isAnswer: false, reason, mayRetry: true }
  } finally {
    clearTimeout(timer)
  }
}

/** This machine has run out of something: no word about the pod. */
function isOwnFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return OWN_FAULTS.some((own) => own === code)
}

const OWN_FAULTS = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']

const statusSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    kind: v.literal('Status'),
    apiVersion: v.literal('v1'),
    message: v.optional(v.string(), ''),
  }),
)

/** The API server's own word (no right, no such pod, too many requests), but for "the pod did not answer me". */
function isRefusedByApi(status: number, text: string): boolean {
  const said = v.safeParse(statusSchema, text)
  return status >= 400 && said.success && !said.output.message.includes('trying to reach service')
}
