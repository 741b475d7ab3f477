/** An API server that allows few streams on a connection, or refuses one: what is asked runs all the same. */
import type { ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { KubeApi } from '../../node-exporter/discovery/kube-api.ts'
import type { AccessOptions } from '../../node-exporter/kubernetes/access.ts'
import { readText } from '../../node-exporter/kubernetes/read-body.ts'
import { anHttp2Api, answerWith, saySilence } from '../support/exporter/an-http2-api.ts'

const SOON = { timeout: 20_000, interval: 20 }
const FEW = { maxConcurrentStreams: 3 }

function aKubeApi(access: AccessOptions) {
  const api = new KubeApi({ ...access, timeoutMs: 20_000 })
  const stopping = new AbortController()
  onTestFinished(() => {
    stopping.abort()
    return api.stop()
  })
  const { signal } = stopping
  const probe = async (path: string) => {
    const { body } = await api.proxy(path, signal)
    return readText(body, 1000)
  }
  const watch = (path: string) =>
    api.watch(path, {
      query: {},
      signal,
      limits: () => ({ seconds: 60, silenceMs: 60_000 }),
      onOpen: () => undefined,
      onEvent: () => undefined,
    })
  return { api, signal, probe, watch }
}

describe('a server that allows three streams on a connection', () => {
  it('answers for a healthy pod while others hang', async () => {
    const server = await anHttp2Api((stream, path) => {
      if (!path.startsWith('/hangs')) answerWith(stream, 'OK')
    }, FEW)
    const { probe } = aKubeApi(server.access)
    for (const each of ['a', 'b', 'c', 'd']) probe(`/hangs-${each}`).catch(() => undefined)
    await vi.waitFor(() => {
      expect(server.paths).toHaveLength(4)
    }, SOON)

    expect(await probe('/healthy')).toBe('OK')
    expect(server.seen.sessions).toBe(2)
  })

  it('runs a hundred watches at once', async () => {
    const server = await anHttp2Api((stream) => {
      saySilence(stream)
    }, FEW)
    const { watch } = aKubeApi(server.access)

    for (let each = 0; each < 100; each += 1) watch(`/w${each}`).catch(() => undefined)

    await vi.waitFor(() => {
      expect(new Set(server.paths).size).toBe(100)
    }, SOON)
    expect(server.seen.sessions).toBe(34)
  })
})

describe('a server that allows no stream', () => {
  it('is asked over one connection, to fail in time', async () => {
    const server = await anHttp2Api(() => undefined, { maxConcurrentStreams: 0 })
    const { api } = aKubeApi(server.access)

    await expect(api.send({ method: 'GET', path: '/a' }, AbortSignal.timeout(500))).rejects.toThrow(
      'no answer in time',
    )
    expect(server.seen.sessions).toBe(1)
  })
})

describe('a stream that is refused', () => {
  const refuse = (stream: ServerHttp2Stream) => {
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
  }

  it.each(['GET', 'POST', 'PUT'] as const)('is asked for once more: %s', async (method) => {
    const server = await anHttp2Api((stream) => {
      if (server.paths.length === 1) refuse(stream)
      else answerWith(stream, '{"kind":"A"}')
    })
    const { api, signal } = aKubeApi(server.access)

    const asked = { method, path: '/a', ...(method === 'GET' ? {} : { object: {} }) }

    expect(await api.send(asked, signal)).toEqual({ kind: 'A' })
    expect(server.paths).toHaveLength(2)
  })

  it('is a failure when it is refused again', async () => {
    const server = await anHttp2Api(refuse)
    const { api, signal } = aKubeApi(server.access)

    await expect(api.send({ method: 'GET', path: '/a' }, signal)).rejects.toThrow(
      'the API server refuses the stream',
    )
    expect(server.paths).toHaveLength(2)
  })
})
