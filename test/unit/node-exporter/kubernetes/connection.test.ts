/** The kept connection to the API server: over HTTP/2 as pings prove it, and over HTTP/1.1 where that can't be had. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  makeAccess,
  type Access,
  type AccessOptions,
} from '../../../../node-exporter/kubernetes/access.ts'
import { Connection } from '../../../../node-exporter/kubernetes/connection.ts'
import { readText } from '../../../../node-exporter/kubernetes/read-body.ts'
import { makeCertificates } from '../../../sandbox/api-server/certificates.ts'
import { aTcpFront } from '../../../support/exporter/a-tcp-front.ts'
import { anApi, aServiceAccount, sayNode } from '../../../support/exporter/an-api.ts'
import { anHttp2Api, answerWith } from '../../../support/exporter/an-http2-api.ts'
import { aWorld } from '../../../support/exporter/a-setup.ts'

const SOON = { timeout: 10_000, interval: 10 }
const FAST = { everyMs: 50, ackMs: 300 }
const NEVER = new AbortController().signal

function aConnection(access: AccessOptions, pings = FAST) {
  const connection = new Connection(makeAccess(access), pings)
  onTestFinished(() => {
    connection.destroy()
  })
  const ask = async (path = '/version') => {
    const link = await connection.open()
    const answer = await link.ask({ method: 'GET', path, headers: {} }, NEVER)
    return { link, status: answer.status, text: await readText(answer.body, 1_000_000) }
  }
  return { connection, ask }
}

async function aDouble() {
  const world = await aWorld()
  const front = await aTcpFront(world.api.url)
  const [token = ''] = world.api.tokens
  const { caPem } = world.api
  const access = aServiceAccount(`https://127.0.0.1:${front.port}`, { caPem, token })
  return { world, front, access }
}

describe('a connection over HTTP/2', () => {
  it('is one for question after question', async () => {
    const { front, access } = await aDouble()
    const { ask } = aConnection(access)

    await Promise.all([ask(), ask()])
    await ask()

    expect(front.connections).toBe(1)
  })

  it('is proven anew by each ping', async () => {
    const { access } = await aDouble()
    const { link } = await aConnection(access).ask()
    const before = link.session?.heardAtMs ?? Infinity

    await vi.waitFor(() => {
      expect(link.session?.heardAtMs).toBeGreaterThan(before)
    }, SOON)
  })

  it('that hangs is given up with what runs on it, and another one is made', async () => {
    const { world, front, access } = await aDouble()
    const { connection, ask } = aConnection(access)
    const link = await connection.open()
    const path = '/api/v1/nodes?watch=true'
    const { body } = await link.ask({ method: 'GET', path, headers: {} }, NEVER)
    const fault = readText(body, 1_000_000).catch(String)
    await vi.waitFor(() => {
      expect(world.api.seen.openWatches).toBe(1)
    }, SOON)

    front.hang()

    expect(await fault).toContain('the connection hangs: no answer to a ping in 0.3 s')
    expect((await ask()).status).toBe(200)
    expect(front.connections).toBe(2)
  })

  it('that was cut, or whose server said goodbye, costs nothing to the next question', async () => {
    const { front, access } = await aDouble()
    const { ask } = aConnection(access)
    const { link } = await ask()

    front.cut()
    await vi.waitFor(() => {
      expect(link.session?.isClosing).toBe(true)
    }, SOON)

    expect((await ask()).status).toBe(200)
  })

  it('that is left ends when its last answer has', async () => {
    const { world, access } = await aDouble()
    const { connection, ask } = aConnection(access)
    const link = await connection.open()
    const path = '/api/v1/nodes?watch=true&timeoutSeconds=1'
    const { body } = await link.ask({ method: 'GET', path, headers: {} }, NEVER)

    link.leave()
    const { link: other } = await ask()

    expect(await readText(body, 1_000_000)).toContain('node-a')
    await vi.waitFor(() => {
      expect(world.api.seen.openWatches).toBe(0)
    }, SOON)
    expect(other.session).not.toBe(link.session)
  })
})

describe('a process that is busy', () => {
  it('for longer than an answer may take keeps its connection', async () => {
    const api = await anHttp2Api((stream) => {
      answerWith(stream, 'OK')
    })
    const everyMs = 200
    const link = await aConnection(api.access, { everyMs, ackMs: 200 }).connection.open()

    // Node runs timers of one length in turn, and writes a ping only after them.
    setTimeout(() => {
      block(600)
    }, everyMs)
    block(400)
    const freeAgainMs = performance.now() + 600

    await vi.waitFor(() => {
      expect(link.session?.isClosing).toBe(false)
      expect(link.session?.heardAtMs).toBeGreaterThan(freeAgainMs)
    }, SOON)
  })
})

function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('a connection whose access has changed', () => {
  const other = makeCertificates()

  it.each<[string, (now: Access, elsewhere: Access) => Access | Promise<Access>, RegExp]>([
    ['the same, read anew', (now) => ({ ...now, tls: { ...now.tls } }), /^A over 1$/],
    ['another server', (now, elsewhere) => ({ ...now, server: elsewhere.server }), /^B over 1$/],
    [
      'another client certificate',
      async (now) => {
        const { certPem: cert, keyPem: key } = await other
        return { ...now, tls: { ...now.tls, cert, key } }
      },
      /^A over 2$/,
    ],
    [
      'another authority',
      async (now) => ({ ...now, tls: { ca: (await other).caPem } }),
      /certificate/,
    ],
  ])('is asked for what the access says now: %s', async (_, change, said) => {
    const [a, b] = [await anApiThatSays('A'), await anApiThatSays('B')]
    let access = await makeAccess(a.access)()
    const connection = new Connection(() => Promise.resolve(access), FAST)
    onTestFinished(() => {
      connection.destroy()
    })
    await askOnce(connection)

    access = await change(access, await makeAccess(b.access)())

    expect(await askOnce(connection).catch(String)).toMatch(said)
  })
})

/** It answers with its name, and over which of its connections. */
async function anApiThatSays(name: string) {
  const api = await anHttp2Api((stream) => {
    answerWith(stream, `${name} over ${api.seen.sessions}`)
  })
  return api
}

async function askOnce(connection: Connection): Promise<string> {
  const link = await connection.open()
  const { body } = await link.ask({ method: 'GET', path: '/version', headers: {} }, NEVER)
  return readText(body, 1_000_000)
}

describe('a connection over HTTP/1.1', () => {
  it('serves question after question, and nothing proves it', async () => {
    const api = await anApi(sayNode())
    const { ask } = aConnection(api.access)

    const { link } = await ask('/a')
    await ask('/b')

    expect(link.session).toBeNull()
    expect(api.requests.map(({ url }) => url)).toEqual(['/a', '/b'])
    expect(new Set(api.requests.map(({ socket }) => socket)).size).toBe(1)
  })

  it('costs no answer where the server had closed it', async () => {
    const api = await anApi(sayNode())
    const { ask } = aConnection(api.access)
    await ask()
    const old = api.requests[0]?.socket
    api.answer((request, response) => {
      if (request.socket === old) old.destroy()
      else sayNode()(request, response)
    })

    const { status } = await ask()

    expect(status).toBe(200)
  })

  it('is asked once where a new connection is hung up on', async () => {
    const api = await anApi((request) => {
      request.socket.destroy()
    })

    await expect(aConnection(api.access).ask()).rejects.toThrow('socket hang up')

    expect(api.requests).toHaveLength(1)
  })

  it('keeps the path that the server has of its own', async () => {
    const api = await anApi(sayNode())
    const given = makeAccess(api.access)
    const connection = new Connection(async () => {
      return { ...(await given()), server: new URL('/k8s/clusters/c-1/', api.url) }
    })
    onTestFinished(() => {
      connection.destroy()
    })

    const link = await connection.open()
    await link.ask({ method: 'GET', path: '/api/v1/nodes?limit=1', headers: {} }, NEVER)

    expect(api.requests.map(({ url }) => url)).toEqual(['/k8s/clusters/c-1/api/v1/nodes?limit=1'])
  })
})

it('opens nothing once it is destroyed', async () => {
  const { front, access } = await aDouble()
  const { connection } = aConnection(access)
  const opening = connection.open()

  connection.destroy()

  await expect(opening).rejects.toThrow('stopped')
  expect(front.connections).toBe(0)
})
