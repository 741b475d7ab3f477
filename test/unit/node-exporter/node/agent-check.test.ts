/** HAProxy's agent-check as HAProxy reads it: one line over TCP, then the end. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { CheckResult } from '../../../../node-exporter/checks/check.ts'
import { startAgent } from '../../../../node-exporter/node/agent-check.ts'

const WELL: CheckResult = { name: 'node_ready', passed: true, duration_ms: 1 }

interface Given {
  result?: CheckResult
  isCordoned?: boolean | null | (() => boolean)
  readyForMs?: number
  nodeName?: string | undefined
  ask?: () => Promise<CheckResult>
  /** What the client says first, as HAProxy's `agent-send` has it. */
  said?: string
}

async function anAgent({
  result = WELL,
  isCordoned = false,
  readyForMs = 60_000,
  ...given
}: Given = {}) {
  const server = await startAgent(0, {
    nodeName: 'nodeName' in given ? given.nodeName : 'node-a',
    checks: [result.name],
    ask: given.ask ?? (() => Promise.resolve(result)),
    isCordoned: () => (typeof isCordoned === 'function' ? isCordoned() : isCordoned),
    readyForMs,
  })
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  return { port, server }
}

async function lineOf(given: Given): Promise<string> {
  const { port } = await anAgent(given)
  return read(port, given)
}

function read(port: number, given: Given = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  if (given.said !== undefined) socket.write(given.said)
  return text(socket)
}

it.each([
  ['all is well', WELL, false, 'up ready\n'],
  ['it is cordoned', WELL, true, 'drain up\n'],
  [
    'a check fails',
    { ...WELL, passed: false, reason: 'KubeletNotReady' },
    false,
    'down#node_ready down #node_ready: KubeletNotReady\n',
  ],
  [
    'a check fails while cordoned',
    { ...WELL, passed: false, reason: 'x' },
    true,
    'down#node_ready down #node_ready: x\n',
  ],
  [
    'a reason has lines',
    { ...WELL, passed: false, reason: 'a\nup\u2028b' },
    false,
    'down#node_ready down #node_ready: a up b\n',
  ],
  [
    'a reason is long',
    { ...WELL, passed: false, reason: 'x'.repeat(500) },
    false,
    `down#node_ready down #${'node_ready: '.padEnd(200, 'x')}\n`,
  ],
])('says in a line that %s', async (_, result, isCordoned, line) => {
  expect(await lineOf({ result, isCordoned })).toBe(line)
})

it('leaves a drain as it is while nobody knows whether it is cordoned', async () => {
  expect(await lineOf({ isCordoned: null })).toBe('up\n')
})

it('is ready only for a while after the start, so that what is set by hand stays', async () => {
  expect(await lineOf({ readyForMs: 0 })).toBe('up\n')
})

it('is ready again for a while after a drain', async () => {
  const readyForMs = 200
  let isCordoned = true
  const startedAtMs = performance.now()
  const { port } = await anAgent({ readyForMs, isCordoned: () => isCordoned })
  await vi.waitFor(async () => {
    expect(performance.now() - startedAtMs).toBeGreaterThan(readyForMs)
    expect(await read(port)).toBe('drain up\n')
  })

  isCordoned = false

  expect(await read(port)).toBe('up ready\n')
  await vi.waitFor(async () => {
    expect(await read(port)).toBe('up\n')
  })
})

it('is down without NODE_NAME, and says what to set', async () => {
  expect(await lineOf({ nodeName: undefined })).toBe('down#NODE_NAME down #NODE_NAME is not set\n')
})

it.each([
  ['agent-send', 'web-1 of pool a\n'.repeat(1000)],
  ['PROXY, version 1', 'PROXY TCP4 192.0.2.1 192.0.2.11 40000 25002\r\n'],
  ['PROXY, version 2', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'],
])('gives the whole line to a client that speaks first: %s', async (_, said) => {
  expect(await lineOf({ said })).toBe('up ready\n')
})

it('lets go at once of who hangs up, whatever they said', async () => {
  const { port, server } = await anAgent()
  const socket = connect(port, '127.0.0.1')
  socket.write('web-1\n')

  await text(socket)

  const count = promisify(server.getConnections.bind(server))
  await vi.waitFor(async () => {
    expect(await count()).toBe(0)
  })
})

it('lets go of who never hangs up', async () => {
  const { port } = await anAgent()
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => {
    socket.destroy()
  })
  const gone = new Promise((resolve) => {
    socket.once('error', resolve).once('close', resolve)
  })

  socket.resume()
  const knocking = setInterval(() => socket.write('.'), 100) // answered by a reset once it is gone
  onTestFinished(() => {
    clearInterval(knocking)
  })

  expect(await gone).toBeDefined()
})

it('takes 512 connections at a time, and the next one when there is room', async () => {
  const { promise, resolve } = Promise.withResolvers<CheckResult>()
  let asked = 0
  const ask = () => {
    asked += 1
    return promise
  }
  const { port } = await anAgent({ ask })
  const waiting = Array.from({ length: 512 }, () => read(port))
  await vi.waitFor(() => {
    expect(asked).toBe(512)
  }, 10_000)

  expect(await read(port).catch(() => '')).toBe('')
  resolve(WELL)

  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['up ready\n']))
  await vi.waitFor(async () => {
    expect(await read(port).catch(() => '')).toBe('up ready\n')
  })
})
