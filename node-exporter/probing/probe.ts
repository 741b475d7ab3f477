/** One question to one pod: GET, no redirect followed, no connection kept (a stale one reads as a failing pod), bounded. */
import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import * as v from 'valibot'
import type { DiscoveredTarget } from '../discovery/targets.ts'
import { KubeError, type KubeApi } from '../discovery/kube-api.ts'
import { judgeAnswer, notAnswered, type Outcome } from './health-answer.ts'

/** Bytes of an answer that are read; a health document is a few kilobytes. */
const BODY_MAX_BYTES = 256 * 1024

/**
 * `mayRetry`: the connection failed, which another try may mend; a timeout is not tried again.
 * null: nothing was learned of the pod, for the way to it is gone (PROBE_VIA=apiserver and the API server away).
 */
export type Probed = (Outcome & { mayRetry: boolean; hasWarning?: true }) | null

export type Probe = (target: DiscoveredTarget, timeoutMs: number) => Promise<Probed>

interface Answer {
  status: number
  body: Readable
}

export const probeDirectly: Probe = (target, timeoutMs) =>
  ask(timeoutMs, (signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const { get } = target.scheme === 'https' ? https : http
    const options = {
      host: target.address,
      port: target.port,
      path: target.path,
      agent: false, // a connection of its own, closed after
      headers: { accept: 'application/json', 'user-agent': 'pilotlight' },
      signal,
      rejectUnauthorized: false, // a pod is addressed by its IP: no certificate names it
    }
    get(options, (response) => {
      resolve({ status: response.statusCode ?? 0, body: response })
    })
      .on('error', reject) // more than one may come, and none may go unheard
      // "101 Switching Protocols" is neither an answer nor an error to Node.
      .on('close', () => {
        reject(new Error('the connection ended without an answer'))
      })
    return promise
  })

/**
 * Through the API server's pod proxy, for exporters that run where pod addresses are out of reach. What the API
 * server refuses or, while it is `away`, leaves unanswered, says nothing of the pod.
 */
export function probeThrough(api: KubeApi, isAway: () => boolean): Probe {
  return (target, timeoutMs) => {
    if (target.pod === null) {
      return Promise.resolve({
        ...notAnswered('no pod behind this address, so no proxy to it'),
        mayRetry: false,
      })
    }
    const scheme = target.scheme === 'https' ? 'https:' : ''
    const pod = encodeURIComponent(`${scheme}${target.pod}:${target.port}`)
    const path = `/api/v1/namespaces/${target.namespace}/pods/${pod}/proxy${target.path}`
    return ask(
      timeoutMs,
      async (signal) => {
        const { statusCode, body } = await api.proxy(path, signal)
        return { status: statusCode, body }
      },
      (status, text) => (status === null ? isAway() : isRefusedByApi(status, text)),
    )
  }
}

/** `saysNothing`: an answer, or none in time (`status` null), that is not the pod's. */
async function ask(
  timeoutMs: number,
  open: (signal: AbortSignal) => Promise<Answer>,
  saysNothing: (status: number | null, text: string) => boolean = () => false,
): Promise<Probed> {
  // Not AbortSignal.timeout, which would outlive the probe: at 500 probes a second that is memory.
  const timeout = new AbortController()
  const timer = setTimeout(() => {
    timeout.abort()
  }, timeoutMs)
  try {
    const { status, body } = await open(timeout.signal)
    const text = await readText(body)
    if (text === null) {
      return { ...notAnswered(`the answer is over ${BODY_MAX_BYTES} bytes`), mayRetry: false }
    }
    return saysNothing(status, text) ? null : { ...judgeAnswer(status, text), mayRetry: false }
  } catch (error) {
    if (timeout.signal.aborted) {
      const reason = `no answer in ${timeoutMs / 1000} s`
      return saysNothing(null, '') ? null : { ...notAnswered(reason), mayRetry: false }
    }
    if (error instanceof KubeError || isOwnFault(error)) return null
    const reason = error instanceof Error ? error.message : String(error)
    return { ...notAnswered(reason), mayRetry: true }
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

async function readText(body: Readable): Promise<string | null> {
  let text = ''
  let length = 0
  for await (const piece of body.setEncoding('utf8')) {
    length += Buffer.byteLength(String(piece))
    if (length > BODY_MAX_BYTES) return null // leaving the loop destroys the stream
    text += String(piece)
  }
  return text
}
