/** The exporter's own health over real HTTP: statuses, bodies and words as probes and people know them. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { HealthManager } from '../../../../node-exporter/self/health-manager.ts'
import {
  HEALTH_LIMITS,
  PORT_RETRIES,
  startHealthServer,
} from '../../../../node-exporter/self/health-server.ts'
import { Metrics } from '../../../../node-exporter/self/metrics.ts'
import { aLog } from '../../../support/exporter/a-log.ts'
import { serveRaw } from '../../../support/exporter/local-server.ts'

const RELEASE = { version: '0.1.0', commit: 'b414fdb' }
const STARTED_AT_MS = Date.parse('2026-11-21T12:00:00Z')

/** A cluster's exporter a minute after its start, of which nothing is wrong unless a case makes it so. */
async function aServer({ loaded = 6, limits = {} } = {}) {
  const { log, lines } = aLog()
  const clock = { nowMs: STARTED_AT_MS }
  const health = new HealthManager(log, () => clock.nowMs)
  health.addSources(() => ({ loaded, total: 7 }))
  health.register('leader')
  clock.nowMs += 60_000
  health.update('push', 'healthy')
  const server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    health,
    metrics: new Metrics(RELEASE, 'demo'),
    release: RELEASE,
    log,
    limits: { ...HEALTH_LIMITS, ...limits },
  })
  onTestFinished(() => server.stop())
  return { url: `http://127.0.0.1:${server.port}`, port: server.port, health, clock, lines }
}

async function ask(url: string, method = 'GET') {
  const response = await fetch(url, { method })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

describe('/healthz and /readyz', () => {
  it('tell all that there is, in the same fields', async () => {
    const { url, health } = await aServer()
    health.update('kube_api', 'degraded', { message: 'refused', metadata: { tries: 3 } })
    const body = {
      version: '0.1.0',
      commit: 'b414fdb',
      uptime: 60,
      checks_loaded: 6,
      checks_total: 7,
      components: {
        leader: { status: 'unspecified' },
        push: { status: 'healthy' },
        kube_api: { status: 'degraded', message: 'refused' },
      },
    }

    const [live, ready] = await Promise.all([ask(`${url}/healthz`), ask(`${url}/readyz`)])

    expect([live.status, ready.status]).toEqual([200, 200])
    expect(JSON.parse(live.body)).toEqual({ status: 'healthy', ...body })
    expect(JSON.parse(ready.body)).toEqual({ status: 'ready', ...body })
    expect(live.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(live.headers.get('cache-control')).toBe('no-store')
  })

  it('say why not, each for itself', async () => {
    const { url, health } = await aServer({ loaded: 0 })

    const [live, ready] = await Promise.all([ask(`${url}/healthz`), ask(`${url}/readyz`)])
    health.update('prober', 'unhealthy', 'stalled')
    const stalled = await ask(`${url}/healthz`)

    expect([live.status, ready.status, stalled.status]).toEqual([200, 503, 503])
    expect(JSON.parse(ready.body)).toMatchObject({
      status: 'not_ready',
      error: 'no source of checks is loaded yet, of 7',
    })
    expect(JSON.parse(stalled.body)).toMatchObject({
      status: 'unhealthy',
      error: 'prober: stalled',
    })
    expect(JSON.parse(live.body)).not.toHaveProperty('error')
  })

  it('are not ready, and live, from the word to stop on', async () => {
    const { url, health } = await aServer()

    health.startDraining()

    expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503 })
    expect(await ask(`${url}/healthz`)).toMatchObject({ status: 200 })
  })
})

describe('/liveness and /readiness', () => {
  it('are plain words', async () => {
    const { url } = await aServer()

    const live = await ask(`${url}/liveness`)

    expect(live).toMatchObject({ status: 200, body: 'OK\n' })
    expect(live.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await ask(`${url}/readiness`)).toMatchObject({ status: 200, body: 'Ready\n' })
  })

  it('say why not', async () => {
    const { url, health } = await aServer()
    health.update('prober', 'unhealthy', 'stalled')
    health.startDraining()

    expect(await ask(`${url}/liveness`)).toMatchObject({
      status: 503,
      body: 'Unhealthy: prober: stalled\n',
    })
    expect(await ask(`${url}/readiness`)).toMatchObject({
      status: 503,
      body: 'Not ready: draining: the process was told to stop\n',
    })
  })
})

describe('/components/{name}', () => {
  it('tells one, with what else it knows', async () => {
    const { url, health } = await aServer()
    health.update('leader', 'healthy', { message: 'leads', metadata: { epoch: 7 } })

    const [leader, push] = await Promise.all([
      ask(`${url}/components/leader`),
      ask(`${url}/components/push`),
    ])

    expect(leader.status).toBe(200)
    expect(JSON.parse(leader.body)).toEqual({
      status: 'healthy',
      message: 'leads',
      metadata: { epoch: 7 },
    })
    expect(JSON.parse(push.body)).toEqual({ status: 'healthy', message: '', metadata: {} })
  })

  it.each(['nobody', 'toString', '__proto__', '', 'push/more', '%zz'])(
    'is 404 for %j, which there is not',
    async (name) => {
      const { url } = await aServer()

      const { status, body } = await ask(`${url}/components/${name}`)

      expect(status).toBe(404)
      expect(JSON.parse(body)).toHaveProperty('error')
    },
  )
})

describe('/status', () => {
  it('tells who has spoken, and when', async () => {
    const { url, health, clock } = await aServer()
    clock.nowMs += 1500
    health.update('kube_api', 'degraded', 'refused')

    const { status, body } = await ask(`${url}/status`)

    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      healthy: true,
      ready: true,
      components: {
        leader: { initialized: false, message: '', updatedAt: null },
        push: { initialized: true, message: '', updatedAt: '2026-11-21T12:01:00.000Z' },
        kube_api: {
          initialized: true,
          message: 'refused',
          updatedAt: '2026-11-21T12:01:01.500Z',
        },
      },
      message: '',
      lastUpdate: '2026-11-21T12:01:01.500Z',
    })
  })

  it('is 503 while not ready, with why', async () => {
    const { url } = await aServer({ loaded: 0 })

    const { status, body } = await ask(`${url}/status`)

    expect(status).toBe(503)
    expect(JSON.parse(body)).toMatchObject({
      healthy: true,
      ready: false,
      message: 'no source of checks is loaded yet, of 7',
    })
  })

  it('says that it stands by', async () => {
    const { url, health } = await aServer()

    health.setStandby(true)

    expect(JSON.parse((await ask(`${url}/status`)).body)).toMatchObject({ message: 'standing by' })
  })
})

describe('an answer', () => {
  it('of /metrics is Prometheus’ text', async () => {
    const { url } = await aServer()

    const { status, headers, body } = await ask(`${url}/metrics`)

    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(body).toContain('\npilotlight_exporter_ready{cluster="demo"} 1\n')
  })

  it.each(['/healthz', '/readyz', '/status', '/liveness', '/components/push'])(
    'to HEAD of %s has GET’s status and length, and nothing in it',
    async (path) => {
      const { url } = await aServer()

      const [get, head] = await Promise.all([ask(`${url}${path}`), ask(`${url}${path}`, 'HEAD')])

      expect(head).toMatchObject({ status: get.status, body: '' })
      expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('to %s is 405', async (method) => {
    const { url } = await aServer()

    const { status, headers } = await ask(`${url}/healthz`, method)

    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET, HEAD')
  })

  it.each(['/', '/health', '/healthz/', '/constructor', '//healthz'])(
    'at %s is 404, as JSON',
    async (path) => {
      const { url } = await aServer()

      const { status, body } = await ask(`${url}${path}`)

      expect(status).toBe(404)
      expect(JSON.parse(body)).toHaveProperty('error')
    },
  )

  it('is 500 without a word of why when a part of it throws, and the log has it', async () => {
    const { url, health, lines } = await aServer()
    health.addSources(() => {
      throw new Error('inner trouble')
    })

    const { status, body } = await ask(`${url}/healthz`)

    expect(status).toBe(500)
    expect(JSON.parse(body)).toEqual({ error: 'internal' })
    expect(lines.join('')).toContain('inner trouble')
  })
})

describe('a client', () => {
  it('that sends half of a request loses its connection', async () => {
    const { port } = await aServer({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\n')

    expect(await text(socket)).toMatch(/^HTTP\/1.1 408 /)
  })
})

describe('a taken port', () => {
  async function startOn(port: number, wait: (ms: number) => Promise<unknown>) {
    const { log, lines } = aLog()
    const health = new HealthManager(log)
    const metrics = new Metrics(RELEASE, 'demo')
    const settings = { port, host: '127.0.0.1', health, metrics, release: RELEASE, log, wait }
    return { starting: startHealthServer(settings), lines }
  }

  it('is tried again three times, five seconds apart, and then given up in words', async () => {
    const { port } = await serveRaw(() => undefined)
    const wait = vi.fn<(ms: number) => Promise<void>>(() => Promise.resolve())

    const { starting, lines } = await startOn(port, wait)

    await expect(starting).rejects.toThrow(
      `HEALTH_PORT ${port} can't be had: listen EADDRINUSE: address already in use 127.0.0.1:${port}, after 4 tries`,
    )
    expect(wait.mock.calls).toEqual(Array.from({ length: PORT_RETRIES }, () => [5000]))
    expect(lines).toHaveLength(PORT_RETRIES)
  })

  it('is had as soon as it is free', async () => {
    const holder = createServer()
    const { promise: listening, resolve } = Promise.withResolvers<void>()
    holder.listen(0, '127.0.0.1', resolve)
    await listening
    const address = holder.address()
    const port = address === null || typeof address === 'string' ? 0 : address.port

    const { starting } = await startOn(port, async () => {
      const { promise: closed, resolve: close } = Promise.withResolvers<void>()
      holder.close(() => {
        close()
      })
      await closed
    })

    const server = await starting
    onTestFinished(() => server.stop())
    expect(server.port).toBe(port)
  })

  it('that nobody may have is not tried again', async () => {
    const wait = vi.fn<(ms: number) => Promise<void>>(() => Promise.resolve())
    const { log } = aLog()
    const settings = { health: new HealthManager(log), metrics: new Metrics(RELEASE, 'demo'), wait }

    const starting = startHealthServer({
      ...settings,
      port: 0,
      host: '192.0.2.1', // TEST-NET: no address of this machine
      release: RELEASE,
      log,
    })

    await expect(starting).rejects.toThrow(/HEALTH_PORT 0 can't be had: .*EADDRNOTAVAIL/)
    expect(wait).not.toHaveBeenCalled()
  })
})

it('answers the kubelet though as many hold on to it as may', async () => {
  const { url, port } = await aServer({ limits: { connections: 2 } })
  const held = await Promise.all([hold(port), hold(port)])

  expect((await ask(`${url}/liveness`)).status).toBe(200)
  await vi.waitFor(() => {
    expect(held.filter((socket) => socket.readyState === 'closed')).toHaveLength(1)
  })
})

/** Connected, and silent. */
async function hold(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // it is hung up on
  socket.resume()
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}
