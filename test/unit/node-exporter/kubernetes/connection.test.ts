/** The kept connection to the API server: over HTTP/2 as pings prove it, and over HTTP/1.1 where that can't be had. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { makeAccess, type AccessOptions } from '../../../../node-exporter/kubernetes/access.ts'
import { Connection } from '../../../../node-exporter/kubernetes/connection.ts'
import { readText } from '../../../../node-exporter/kubernetes/read-body.ts'
import { aTcpFront } from '../../../support/exporter/a-tcp-front.ts'
import { anApi, aServiceAccount, sayNode } from '../../../support/exporter/an-api.ts'
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
