/** An API server over HTTP/2 that says only what a case wants of it: silent watches, few streams, refused ones. */
import {
  createSecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import { onTestFinished } from 'vitest'
import { makeCertificates } from '../../sandbox/api-server/certificates.ts'
import { aServiceAccount } from './an-api.ts'

const certificates = makeCertificates()

/** `path` with its query. */
export type AnswerStream = (stream: ServerHttp2Stream, path: string) => void

export async function anHttp2Api(answer: AnswerStream, settings: Settings = {}) {
  const { caPem, certPem, keyPem } = await certificates
  const paths: string[] = []
  const sessions = new Set<ServerHttp2Session>()
  const seen = { sessions: 0 }
  const server = createSecureServer({ cert: certPem, key: keyPem, settings })
  server.on('session', (session) => {
    seen.sessions += 1
    sessions.add(session)
    session.on('error', () => undefined) // a client that goes away in the middle
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, { ':path': path = '' }) => {
    stream.on('error', () => undefined)
    paths.push(path)
    answer(stream, path)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  onTestFinished(() => {
    server.close()
    for (const session of sessions) session.destroy()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  const access = aServiceAccount(`https://127.0.0.1:${port}`, { caPem, token: 'a-token' })
  return { access, paths, seen }
}

/** A whole answer. */
export function answerWith(stream: ServerHttp2Stream, text: string, status = 200): void {
  stream.respond({ ':status': status, 'content-type': 'application/json' })
  stream.end(text)
}

/** A watch that has begun and says nothing. `endMs`: the server ends it then. */
export function saySilence(stream: ServerHttp2Stream, endMs?: number): void {
  stream.respond({ ':status': 200 })
  if (endMs === undefined) return
  const timer = setTimeout(() => stream.end(), endMs)
  stream.on('close', () => {
    clearTimeout(timer)
  })
}
