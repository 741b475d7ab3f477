/** One question to the API server: over the kept connection, within its time, and once more where that had been closed. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiConnection } from '../../../../node-exporter/node/api-connection.ts'
import { anApi, sayNode, type Api } from '../../../support/exporter/an-api.ts'

function aConnection({ access }: Api, timeoutMs = 2000) {
  const connection = new ApiConnection()
  onTestFinished(() => {
    connection.stop()
  })
  const ask = async (path = '/') => connection.get({ access: await access(), path, timeoutMs })
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
