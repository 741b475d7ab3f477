/**
 * An API server that says only what a case wants of it, over TLS and HTTP/1.1: for what the double, which is well-behaved,
 * never does.
 */
import type { IncomingMessage, RequestListener } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import type { AccessOptions } from '../../../node-exporter/kubernetes/access.ts'
import { makeCertificates } from '../../sandbox/api-server/certificates.ts'
import { aFolder } from './a-setup.ts'

const certificates = makeCertificates()

export interface Api {
  url: string
  /** As in a pod with a service account. */
  access: AccessOptions
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
    url: `https://127.0.0.1:${port}`,
    access: aServiceAccount(`https://127.0.0.1:${port}`, { caPem, token: 'a-token' }),
    sockets,
    requests,
    answer: (next) => {
      listener = next
    },
  }
}

/** What a pod has mounted for the API server at `url`. */
export function aServiceAccount(
  url: string,
  { caPem, token }: { caPem: string; token: string },
): AccessOptions & { folder: string; env: Record<string, string> } {
  const accountRoot = aFolder()
  const folder = `${accountRoot}/var/run/secrets/kubernetes.io/serviceaccount`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/ca.crt`, caPem)
  writeFileSync(`${folder}/token`, token)
  const { hostname, port } = new URL(url)
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  return { kubeconfig: undefined, accountRoot, env, folder }
}

/** A Node as the API server lists it, with its Ready condition. */
export function aNodeObject(ready = 'True'): object {
  return {
    metadata: { name: 'node-a', resourceVersion: '7' },
    spec: { taints: null },
    status: { conditions: [{ type: 'Ready', status: ready, reason: 'KubeletSays' }] },
  }
}

/** Lists that Node, and ends each watch at once. `seconds`: how far the server's clock is ahead of the real one. */
export function sayNode(node = aNodeObject(), seconds = 0): RequestListener {
  return ({ url = '' }, response) => {
    response.setHeader('date', new Date(Date.now() + seconds * 1000).toUTCString())
    response.setHeader('content-type', 'application/json')
    const list = { kind: 'NodeList', metadata: { resourceVersion: '7' }, items: [node] }
    response.end(url.includes('watch=true') ? '' : JSON.stringify(list))
  }
}
