/**
 * GETs to the API server over one kept connection: bounded in time and size, never redirected. A kept connection that
 * the server had closed meanwhile costs no answer: the question is asked once more, on a new one.
 */
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Access } from './api-access.ts'

export interface ApiQuestion {
  /** Its time is part of the question's. */
  access: () => Promise<Access>
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
    const { access, path, timeoutMs } = question
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    stop.signal.addEventListener('abort', () => {
      reject(stop.signal.reason)
    })
    let words = 'no way to the API server was found' // by a credential plugin that hangs
    const timer = setTimeout(() => {
      stop.abort(new Error(`${words} in ${timeoutMs / 1000} s`))
    }, timeoutMs)
    const ask = async () => {
      const found = await access()
      stop.signal.throwIfAborted()
      words = 'the API server did not answer'
      return this.#ask({ access: found, path }, stop.signal)
    }
    try {
      // Not every request that is stopped says so: one whose connection is gone already never does.
      return await Promise.race([ask(), stopped])
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

  #ask(question: { access: Access; path: string }, signal: AbortSignal): Promise<ApiAnswer> {
    const { server, ...access } = question.access
    const url = new URL(server.href.replace(/\/+$/, '') + question.path)
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>()
    const sentAtMs = Date.now()
    const asked = request(url, { ...access, agent: this.#agent, signal })
    const begin = ({ statusCode: status = 0, headers }: IncomingMessage) => {
      return { status, date: headers.date, sentAtMs, receivedAtMs: Date.now() }
    }
    asked.on('response', (response) => {
      const begun = begin(response)
      readText(response).then((text) => {
        resolve({ ...begun, text })
      }, reject)
    })
    // "101 Switching Protocols" is neither a response nor an error to Node.
    asked.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ ...begin(response), text: '' })
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
