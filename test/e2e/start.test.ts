/** `npm start` as a newcomer runs it: a pod breaks, `__gtg` turns, a pod is mended, `__gtg` turns back. */
import http from 'node:http'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startProcess } from '../sandbox/process.ts'

const UNHEALTHY = 'UNAVAILABLE\ngtg=fail reason=unhealthy\n'

it('watches a pod break and __gtg turn, and tells how long it took', async () => {
  const start = startProcess('test/sandbox/main.ts', { PORT: '0', INTERVAL_SECONDS: '0.5' })
  onTestFinished(() => start.stop())
  const url = (await start.waitFor(/curl -i http/)).trim().split(' ').at(-1) ?? ''
  await start.waitFor(/__gtg frontend: .* → 200/)
  await expectAll(`${url}/frontend`, { status: 200, body: 'OK\ngtg=pass\n' })

  start.write('break web')
  await start.waitFor(/__gtg frontend: 200 → 503 unhealthy {3}\(\d+ ms after the probe ended, /)

  await expectAll(`${url}?categories=frontend`, { status: 503, body: UNHEALTHY })
  await expectAll(`${url}?categories=backend,frontend`, { status: 503, body: UNHEALTHY })
  await expectAll(url, { status: 503, body: UNHEALTHY })
  await expectAll(`${url}?categories=backend,storage`, { status: 200, body: 'OK\ngtg=pass\n' })

  start.write('mend web')
  await start.waitFor(/__gtg frontend: 503 unhealthy → 200/)
  await expectAll(`${url}/frontend`, { status: 200, body: 'OK\ngtg=pass\n' })

  start.write('quit')
  expect(await start.ended).toBe(0)
  expect(start.lines.at(-1)).toBe('all stopped')
}, 60_000)

it('has nodes whose own endpoints turn with what is done to them, and the category that holds them', async () => {
  const start = startProcess('test/sandbox/main.ts', { PORT: '0', INTERVAL_SECONDS: '0.5' })
  onTestFinished(() => start.stop())
  const line = await start.waitFor(/check=node_ready,schedulable/)
  const url = /http:[^?]+/.exec(line)?.[0] ?? ''
  await start.waitFor(/__gtg infrastructure: .* → 200/)
  expect((await ask('GET', url)).status).toBe(200)

  start.write('notready node-a')
  await start.waitFor(/__gtg infrastructure: 200 → 503 unhealthy/)
  await expectStatus(url, 503)
  start.write('ready node-a')
  await start.waitFor(/__gtg infrastructure: 503 unhealthy → 200/)
  await expectStatus(url, 200)
  start.write('cordon node-a')

  await expectStatus(`${url}?check=schedulable`, 503)
  start.write('cordon node-q')
  await start.waitFor(/nodes: node-a, node-b, node-c/)
}, 60_000)

it('stops clean on Ctrl-C and on a word it does not know goes on', async () => {
  const start = startProcess('test/sandbox/main.ts', { PORT: '0' })
  await start.waitFor(/exporter started/)

  start.write('brake web')
  await start.waitFor(/unknown: brake; help lists what there is/)
  start.kill('SIGINT')

  expect(await start.ended).toBe(0)
})

/** GET with the body; HEAD and OPTIONS with the same status and none. The memo may be a second old. */
async function expectAll(url: string, expected: { status: number; body: string }): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await ask('GET', url)).toEqual(expected)
      expect(await ask('HEAD', url)).toEqual({ ...expected, body: '' })
      expect(await ask('OPTIONS', url)).toEqual({ ...expected, body: '' })
    },
    { timeout: 5000, interval: 100 },
  )
}

/** What the API server says reaches a node within some seconds. */
async function expectStatus(url: string, status: number): Promise<void> {
  await vi.waitFor(
    async () => {
      expect((await ask('GET', url)).status).toBe(status)
    },
    { timeout: 10_000, interval: 100 },
  )
}

/** By node:http, for a prober sees bytes: fetch hides what HEAD and OPTIONS carry. */
function ask(method: string, url: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const request = http.request(url, { method }, (response) => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (piece) => (body += String(piece)))
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, body })
    })
  })
  request.once('error', reject).end()
  return promise
}
