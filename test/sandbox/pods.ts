/** Pods as real HTTP servers, those of services and those of nodes, each on a loopback address of its own, whose health is scripted. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a pod answers on every path. */
export type Behaviour =
  | { kind: 'ok' }
  | { kind: 'failing'; check?: string; severity?: 1 | 2 | 3; output?: string }
  /** As an exporter in the role node: 200, or 503 when a check fails. */
  | { kind: 'node'; checks?: { name: string; passed: boolean; reason?: string }[] }
  | { kind: 'status'; status: number }
  /** JSON, where nothing else is said, whatever the body is. */
  | { kind: 'body'; body: string; contentType?: string }
  | { kind: 'slow'; ms: number }
  | { kind: 'hang' }
  | { kind: 'refuse' }

interface Pod {
  server: http.Server
  address: string
  port: number
  behaviour: Behaviour
}

export class LoopbackPods {
  readonly #pods = new Map<string, Pod>()
  /** Holds the port on an address that no pod gets, so that no other sandbox on this machine takes it. */
  readonly #holder = http.createServer()
  readonly #holderAddress: string
  #port = 0
  #next = 2
  /** Requests that were answered or left hanging, by pod. */
  readonly asked = new Map<string, number>()

  /** Where 127.1.0.1 can't be had (not every system answers for all of 127.0.0.0/8), pods share 127.0.0.1. */
  constructor(holderAddress = '127.1.0.1') {
    this.#holderAddress = holderAddress
  }

  /** Where the pod listens. All share a port where the machine has 127.0.0.0/8, else each gets one of its own. */
  async start(
    name: string,
    behaviour: Behaviour = { kind: 'ok' },
  ): Promise<{ address: string; port: number }> {
    if (this.#port === 0)
      this.#port = await listen(this.#holder, this.#holderAddress, 0).catch(() => -1)
    const pod: Pod = { server: http.createServer(), address: '127.0.0.1', port: 0, behaviour }
    pod.server.on('request', (_, response) => {
      this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
      answer(pod.behaviour, response)
    })
    if (this.#port > 0) {
      pod.address = this.#nextAddress()
      pod.port = this.#port
    }
    pod.port = await listen(pod.server, pod.address, pod.port)
    this.#pods.set(name, pod)
    if (behaviour.kind === 'refuse') await close(pod.server)
    return { address: pod.address, port: pod.port }
  }

  /** Takes effect with the next request. */
  async set(name: string, behaviour: Behaviour): Promise<void> {
    const pod = this.#find(name)
    const wasRefusing = pod.behaviour.kind === 'refuse'
    pod.behaviour = behaviour
    if (behaviour.kind === 'refuse' && !wasRefusing) await close(pod.server)
    if (behaviour.kind !== 'refuse' && wasRefusing) await listen(pod.server, pod.address, pod.port)
  }

  behaviour(name: string): Behaviour {
    return this.#find(name).behaviour
  }

  async remove(name: string): Promise<void> {
    const { server, behaviour } = this.#find(name)
    this.#pods.delete(name)
    if (behaviour.kind !== 'refuse') await close(server)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pods.keys()].map((name) => this.remove(name)))
    if (this.#port > 0) await close(this.#holder)
  }

  #find(name: string): Pod {
    const pod = this.#pods.get(name)
    if (pod === undefined) throw new Error(`no pod ${name} in the sandbox`)
    return pod
  }

  #nextAddress(): string {
    const n = this.#next++
    return `127.1.${Math.floor(n / 250)}.${(n % 250) + 1}`
  }
}

function answer(behaviour: Behaviour, response: http.ServerResponse): void {
  switch (behaviour.kind) {
    case 'hang':
    case 'refuse':
      return
    case 'slow':
      setTimeout(() => {
        answer({ kind: 'ok' }, response)
      }, behaviour.ms)
      return
    case 'status':
      response.writeHead(behaviour.status).end('no')
      return
    case 'body': {
      const { body, contentType = 'application/json' } = behaviour
      response.writeHead(200, { 'content-type': contentType }).end(body)
      return
    }
    case 'node': {
      const { checks = [{ name: 'node_ready', passed: true }] } = behaviour
      const isReady = checks.every(({ passed }) => passed)
      response
        .writeHead(isReady ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify({ status: isReady ? 'ready' : 'not-ready', checks }))
      return
    }
    case 'ok':
    case 'failing':
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(document(behaviour)))
  }
}

/** A health document in the Financial Times' shape, with two checks. */
function document(behaviour: Extract<Behaviour, { kind: 'ok' | 'failing' }>) {
  const texts = {
    businessImpact: 'Customers notice.',
    technicalSummary: 'One of its dependencies does not answer.',
    panicGuide: 'Look at the dependency first.',
    lastUpdated: new Date().toISOString(),
  }
  const good = { id: 'self', name: 'self', ok: true, severity: 2, checkOutput: 'OK', ...texts }
  const name = behaviour.kind === 'failing' ? (behaviour.check ?? 'database') : 'database'
  const check = { id: name, name, severity: 2, ok: true, checkOutput: 'OK', ...texts }
  if (behaviour.kind === 'ok') return { schemaVersion: 1, checks: [good, check] }
  const { severity = 2, output = 'connection refused' } = behaviour
  return {
    schemaVersion: 1,
    checks: [good, { ...check, ok: false, severity, checkOutput: output }],
  }
}

function listen(server: http.Server, address: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', reject)
  server.listen(port, address, () => {
    server.off('error', reject)
    resolve(portOf(server.address()))
  })
  return promise
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

function close(server: http.Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => {
    resolve()
  })
  server.closeAllConnections()
  return promise
}
