/** A pod that is asked through the API server's pod proxy, over real TLS: its answer is read as if it were asked directly. */
import zlib from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { KubeApi } from '../../node-exporter/discovery/kube-api.ts'
import { askThrough } from '../../node-exporter/probing/ask.ts'
import { aPod } from '../sandbox/api-server/sample-objects.ts'
import { aKnownTarget } from '../support/exporter/a-discovered.ts'
import { aKubeconfig, aWorld } from '../support/exporter/a-setup.ts'
import { serve } from '../support/exporter/local-server.ts'

const LIMIT = 256 * 1024
const TEXT = '{"checks":[]}'

async function askThroughServer(body: Buffer, contentEncoding: string) {
  const world = await aWorld()
  const server = await serve((_, response) => {
    response.setHeader('content-encoding', contentEncoding).end(body)
  })
  world.api.create(aPod({ name: 'web-1', podIP: '127.0.0.1' }))
  const kubeconfig = aKubeconfig(world)
  const api = new KubeApi({ kubeconfig, accountRoot: '/nowhere', timeoutMs: 10_000 })
  onTestFinished(() => api.stop())
  const ask = askThrough(api, () => false)
  return ask(aKnownTarget({ id: 'web-1', port: server.port }), 10_000)
}

it.each([
  ['gzip', zlib.gzipSync(TEXT)],
  ['deflate', zlib.deflateSync(TEXT)],
  ['identity', Buffer.from(`\u{feff}${TEXT}`)],
])('unpacks an answer that comes through the API server: %s', async (coding, body) => {
  const asked = await askThroughServer(body, coding)

  expect(asked).toMatchObject({ isAnswer: true, status: 200, text: TEXT })
})

it('refuses an answer that unpacks to more than 256 KiB', async () => {
  const asked = await askThroughServer(zlib.gzipSync(Buffer.alloc(64 * LIMIT)), 'gzip')

  const reason = `the answer is over ${LIMIT} bytes`
  expect(asked).toEqual({ isAnswer: false, reason, mayRetry: false })
})
