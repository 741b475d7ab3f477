/** One question to the API server: over the kept connection, within its time, and once more where that had been closed. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Access } from '../../../../node-exporter/node/api-access.ts'
import { ApiConnection } from '../../../../node-exporter/node/api-connection.ts'
import { anApi, sayNode, type Api } from '../../../support/exporter/an-api.ts'

function aConnection({ access }: Pick<Api, 'access'>, timeoutMs = 2000) {
  const connection = new ApiConnection()
  onTestFinished(() => {
    connection.stop()
  })
  const ask = (path = '/') => connection.get({ access, path, timeoutMs })
  return { connection, ask }
}

describe('the kept connection', () => {
  it('serves question after question', async () => {
    const api = await anApi(sayNode())
    const { ask } = aConnection(api)

    await ask('/a')
    await ask('/b')

    expect(api.requests.map(({ url }) => url)).toEqual(['/a', '/b'])
    expect(api.sockets).toHaveLength(1)
  })

  it('costs no answer where the server had closed it', async () => {
    const api = await anApi(sayNode())
    const { ask } = aConnection(api)
    await ask()
    const [old] = api.sockets
    api.answer((request, response) => {
      if (request.socket === old) old.destroy()
      else sayNode()(request, response)
    })

    const { status } = await ask()

    expect([status, api.sockets.length]).toEqual([200, 2])
  })

  it('is left for a new one after it hung', async () => {
    const api = await anApi(sayNode())
    const { ask } = aConnection(api, 300)
    await ask()
    const [old] = api.sockets
    api.answer((request, response) => {
      if (request.socket !== old) sayNode()(request, response)
    })
    await expect(ask()).rejects.toThrow('the API server did not answer in 0.3 s')

    expect((await ask()).status).toBe(200)
  })
})

describe('a question', () => {
  it('keeps the path that the server has of its own', async () => {
    const api = await anApi(sayNode())
    const found = await api.access()
    const server = new URL('/k8s/clusters/c-1/', found.server)
    const { ask } = aConnection({ access: () => Promise.resolve({ ...found, server }) })

    await ask('/api/v1/nodes/a?resourceVersion=0')

    const path = '/k8s/clusters/c-1/api/v1/nodes/a?resourceVersion=0'
    expect(api.requests.map(({ url }) => url)).toEqual([path])
  })

  it.each([
    ['with what it is asked to switch to', 'Upgrade: websocket\r\nConnection: Upgrade\r\n'],
    ['with nothing else', ''],
  ])('is over when it is answered 101, and the next one is asked: %s', async (_, headers) => {
    const api = await anApi((request) => {
      request.socket.end(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`)
    })
    const { ask } = aConnection(api)

    const first = await ask()
    api.answer(sayNode())
    const next = await ask()

    expect([first.status, next.status]).toEqual([101, 200])
  })

  it('has its time for the way to the API server as well', async () => {
    const { ask } = aConnection({ access: () => new Promise(() => undefined) }, 50)

    await expect(ask()).rejects.toThrow('no way to the API server was found in 0.05 s')
  })

  it('is not asked any more when the way is found too late', async () => {
    const api = await anApi(sayNode())
    const { promise, resolve } = Promise.withResolvers<Access>()
    const { ask } = aConnection({ access: () => promise }, 50)
    await expect(ask()).rejects.toThrow('no way')

    resolve(await api.access())
    await setImmediate()

    expect(api.sockets).toEqual([])
  })

  it('is asked once where a new connection is hung up on', async () => {
    const api = await anApi((request) => {
      request.socket.destroy()
    })
    const { ask } = aConnection(api)

    await expect(ask()).rejects.toThrow('socket hang up')

    expect(api.requests).toHaveLength(1)
  })

  it('is refused an answer over 4 MiB', async () => {
    const api = await anApi((_, response) => {
      response.end('x'.repeat(5 * 1024 * 1024))
    })

    await expect(aConnection(api).ask()).rejects.toThrow('too large')
  })

  it('is given up in the middle of its answer, in time', async () => {
    const api = await anApi((_, response) => {
      response.write('{"kind":')
    })

    await expect(aConnection(api, 200).ask()).rejects.toThrow('did not answer in 0.2 s')
  })

  it('ends when the connection is stopped', async () => {
    const api = await anApi(() => undefined)
    const { connection, ask } = aConnection(api)
    const asked = ask()
    void Promise.resolve().then(() => {
      connection.stop()
    })

    await expect(asked).rejects.toThrow('stopped')
  })
})
