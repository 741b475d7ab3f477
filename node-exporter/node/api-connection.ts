/**
 * GETs to the API server over one kept connection: bounded in time and size, never redirected. A kept connection that
 * the server had closed meanwhile costs no answer: the question is asked once more, on a new one.
 */
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Access } from './api-access.ts'

export interface ApiQuestion {
  access: Access
  path: string
  timeoutMs: number
}

export interface ApiAnswer {
  status: number
  /** The header, as it came. */
  date: string | undefined
  /** ms by this machine's clock. */
  sentAtMs: number
  receivedAtMs: number
  text: string
}

/** Bytes of a Node object; one with thousands of images is about 1 MB. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

export class ApiConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #stop = new AbortController()

  /** Rejects, in words for an operator, where there was no whole answer in time. One question at a time. */
  async get(question: ApiQuestion): Promise<ApiAnswer> {
    const stop = new AbortController()
    this.#stop = stop
    const { timeoutMs } = question
    const timer = setTimeout(() => {
      stop.abort(new Error(`the API server did not answer in ${timeoutMs / 1000} s`))
    }, timeoutMs)
    try {
      return await this.#ask(question, stop.signal)
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error
    } finally {
      clearTimeout(timer)
    }
  }

  stop(): void {
    this.#stop.abort(new Error('stopped'))
    this.#agent.destroy()
  }

  #ask(question: ApiQuestion, signal: AbortSignal): Promise<ApiAnswer> {
    const { server, ...access } = question.access
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>()
    const sentAtMs = Date.now()
    const asked = request(new URL(question.path, server), { ...access, agent: this.#agent, signal })
    asked.on('response', (response) => {
      const receivedAtMs = Date.now()
      const { statusCode: status = 0, headers } = response
      readText(response).then((text) => {
        resolve({ status, date: headers.date, sentAtMs, receivedAtMs, text })
      }, reject)
    })
    asked.on('error', (error) => {
      // Once an answer has begun, this is heard by who reads it as well, and nothing here changes any more.
      if (asked.reusedSocket && !signal.aborted) resolve(this.#ask(question, signal))
      else reject(error)
    })
    asked.end()
    return promise
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > ANSWER_MAX_BYTES) throw new Error('the answer of the API server is too large')
  }
  return text
}
