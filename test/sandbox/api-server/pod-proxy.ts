/** `pods/NAME/proxy/PATH`: passes a request on to the pod's own address and the pod's answer back. No redirects, no HTML rewriting. */
import http from 'node:http'
import https from 'node:https'
import type { Exchange } from './exchange.ts'
import { type KubeObject, readList, readNumber, readText } from './kube-object.ts'
import { ApiError } from './status.ts'

/** How a path names a pod's port: `name`, `name:port` or `scheme:name:port`. */
export interface ProxyTarget {
  scheme: string
  name: string
  port: string
}

/** Never the caller's credentials, and nothing that belongs to the connection to us. */
const NOT_PASSED_ON = /^(:.*|authorization|connection|host|keep-alive|transfer-encoding|upgrade)$/

export function parseTarget(text: string): ProxyTarget {
  const parts = text.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  return { scheme, name, port }
}

/** Settles when the answer is under way; a pod that cannot be reached is a 503, as the real server words it. */
export function forward(
  exchange: Exchange,
  { target, pod, path }: { target: ProxyTarget; pod: KubeObject; path: string },
): Promise<void> {
  const { request, response } = exchange
  const hostname = readText(pod, 'status.podIP')
  const port = target.port || firstPort(pod)
  const options = {
    method: exchange.method,
    hostname,
    ...(port === '' ? {} : { port }),
    path: `/${path}${exchange.rawQuery === '' ? '' : `?${exchange.rawQuery}`}`,
    headers: passOn(request.headers),
    rejectUnauthorized: false,
    agent: false as const,
  }
  return new Promise((resolve, reject) => {
    if (hostname === '') return reject(unreachable(`pod ${target.name} has no IP address`))
    const outgoing = (target.scheme === 'https' ? https : http).request(options, (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, passOn(incoming.headers))
      incoming.on('error', () => response.destroy()).pipe(response)
      resolve()
    })
    outgoing.on('error', (error) => reject(unreachable(error.message)))
    response.on('close', () => outgoing.destroy())
    request.pipe(outgoing)
  })
}

function firstPort(pod: KubeObject): string {
  const ports = readList(pod, 'spec.containers').flatMap((each) => readList(each, 'ports'))
  return ports.length > 0 ? String(readNumber(ports[0], 'containerPort')) : ''
}

function passOn(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.test(name)))
}

function unreachable(why: string): ApiError {
  return new ApiError(503, `error trying to reach service: ${why}`)
}
