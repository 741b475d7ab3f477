/** An API server that says only what a case wants of it, over TLS: for what the double, which is well-behaved, never does. */
import type { IncomingMessage, RequestListener } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Access } from '../../../node-exporter/node/api-access.ts'
import { makeCertificates } from '../../sandbox/api-server/certificates.ts'

const certificates = makeCertificates()

export interface Api {
  access: () => Promise<Access>
  sockets: Socket[]
  requests: IncomingMessage[]
  /** From now on. */
  answer: (listener: RequestListener) => void
}

export async function anApi(first: RequestListener): Promise<Api> {
  const { caPem, certPem, keyPem } = await certificates
  const sockets: Socket[] = []
  const requests: IncomingMessage[] = []
  let listener = first
  const server = https.createServer({ cert: certPem, key: keyPem }, (request, response) => {
    requests.push(request)
    listener(request, response)
  })
  server.on('secureConnection', (socket: Socket) => {
    sockets.push(socket)
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return {
    access: () =>
      Promise.resolve({ server: new URL(`https://127.0.0.1:${port}`), ca: caPem, headers: {} }),
    sockets,
    requests,
    answer: (next) => {
      listener = next
    },
  }
}

/** A Node as the API server writes it, with its Ready condition. */
export function aNodeObject(ready = 'True'): object {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: 'node-a' },
    spec: { taints: null },
    status: { conditions: [{ type: 'Ready', status: ready, reason: 'KubeletSays' }] },
  }
}

/** `seconds`: how far the server's clock is ahead of the real one. */
export function sayNode(node = aNodeObject(), seconds = 0): RequestListener {
  return (_, response) => {
    response.setHeader('date', new Date(Date.now() + seconds * 1000).toUTCString())
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(node))
  }
}
