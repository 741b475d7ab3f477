/** A PROXY header before the first request, over real sockets: as AWS NLB, HAProxy and OPNsense write it. */
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { OpenServer } from '../../../../node-exporter/self/open-server.ts'
import { PROXY_V1, PROXY_V2_LOCAL, proxyV2 } from '../../../support/exporter/proxy-headers.ts'

const SOON = { timeout: 10_000, interval: 10 }
const LIMITS = {
  headersTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 60_000,
  connections: 64,
}
const V2 = proxyV2({ rest: 12 + 300 })
const HEADERS: [string, Buffer][] = [
  ['none', Buffer.alloc(0)],
  ['version 1', Buffer.from(PROXY_V1)],
  ['version 2', V2],
  ['version 2, LOCAL', PROXY_V2_LOCAL],
]
const LAST = 'GET /last HTTP/1.1\r\nConnection: close\r\n\r\n'

/** Answers with what it was asked. */
const echo: RequestListener = (request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  request.on('end', () => response.end(`<${request.method} ${request.url} ${body}>`))
}

async function aServer(limits: Partial<typeof LIMITS> = {}) {
  const server = new OpenServer({ ...LIMITS, ...limits }, echo)
  server.listen(0)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  return { server, port: address === null || typeof address === 'string' ? 0 : address.port }
}

function open(port: number, { allowHalfOpen = false } = {}) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen })
  socket.on('error', () => undefined)
  onTestFinished(() => {
    socket.destroy()
  })
  return socket
}

/** What is asked, in the order of the answers. */
async function talk(port: number, bytes: Buffer | string): Promise<string[]> {
  const socket = open(port)
  socket.write(bytes)
  return answersIn(await text(socket))
}

async function readChunk(socket: Socket): Promise<string> {
  const chunks = await once(socket.setEncoding('utf8'), 'data')
  return chunks.join('')
}

function answersIn(reply: string): string[] {
  return [...reply.matchAll(/<(.*?)>/g)].map(([, asked = '']) => asked.trim())
}

async function waitForNone(server: OpenServer): Promise<void> {
  const count = promisify(server.getConnections.bind(server))
  await vi.waitFor(async () => {
    expect(await count()).toBe(0)
  }, SOON)
}

describe.each(HEADERS)('a PROXY header: %s', (_, header) => {
  it('leaves the request behind it whole', async () => {
    const { port } = await aServer()
    const post = 'POST /post HTTP/1.1\r\nHost: n\r\nContent-Length: 5\r\n\r\nhello'

    const answers = await talk(port, Buffer.concat([header, Buffer.from(`${post}${LAST}`)]))

    expect(answers).toEqual(['POST /post hello', 'GET /last'])
  })

  it('may come in single bytes', async () => {
    const { port } = await aServer()
    const socket = open(port)
    const reply = text(socket)

    for (const byte of [...header, ...Buffer.from(LAST)]) {
      // One after the other: each is a segment of its own.
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
    }

    expect(answersIn(await reply)).toEqual(['GET /last'])
  })

  it('is for the whole connection, which is kept', async () => {
    const { port } = await aServer()
    const socket = open(port)
    socket.write(Buffer.concat([header, Buffer.from('GET /first HTTP/1.1\r\n\r\n')]))
    const first = await readChunk(socket)

    socket.write(LAST)

    expect(answersIn(first)).toEqual(['GET /first'])
    expect(answersIn(await text(socket))).toEqual(['GET /last'])
  })

  it('is answered when the client has ended its side', async () => {
    const { port } = await aServer()
    const socket = open(port, { allowHalfOpen: true })

    socket.end(Buffer.concat([header, Buffer.from(LAST)]))

    expect(answersIn(await text(socket))).toEqual(['GET /last'])
  })

  it('without a request ends without a word when the client ends', async () => {
    const { server, port } = await aServer()
    const socket = open(port, { allowHalfOpen: true })

    socket.end(header)

    expect(await text(socket)).toBe('')
    await waitForNone(server)
  })

  it('without a request ends without a word when time is up', async () => {
    const { server, port } = await aServer({ headersTimeoutMs: 100 })
    const socket = open(port)

    socket.write(header)

    expect(await text(socket)).toBe('')
    await waitForNone(server)
  })
})

describe('a header that is no good', () => {
  it.each([
    ['rubbish', 'PROXY TCP4 here there\r\n'],
    ['too long', `PROXY UNKNOWN ${'x'.repeat(200)}`],
    ['version 2 of an unknown command', proxyV2({ command: 0x2f })],
    ['a second one', PROXY_V1 + PROXY_V1],
  ])('is a 400, and the end: %s', async (_, bytes) => {
    const { server, port } = await aServer()
    const socket = open(port)

    socket.write(Buffer.concat([Buffer.from(bytes), Buffer.from(LAST)]))

    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/)
    await waitForNone(server)
  })

  it('in the middle of a connection is a 400', async () => {
    const { port } = await aServer()
    const socket = open(port)

    socket.write('GET /first HTTP/1.1\r\n\r\n')
    const first = await readChunk(socket)

    socket.write(PROXY_V1 + LAST)

    expect(answersIn(first)).toEqual(['GET /first'])
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\n\r\n$/)
  })

  it.each([
    ['version 1', Buffer.from(PROXY_V1)],
    ['version 2', V2],
  ])('is hung up on when it does not go on: %s', async (_, header) => {
    const { server, port } = await aServer({ headersTimeoutMs: 100 })
    const socket = open(port)

    socket.write(header.subarray(0, -1))

    expect(await text(socket)).toBe('')
    await waitForNone(server)
  })

  it.each([
    ['nothing', ''],
    ['half of a header', PROXY_V1.slice(0, 20)],
  ])('and its reset end nothing else: %s', async (_, bytes) => {
    const { server, port } = await aServer()
    const socket = open(port)
    await once(socket, 'connect')
    if (bytes !== '') await new Promise((resolve) => socket.write(bytes, resolve))

    socket.resetAndDestroy()

    await waitForNone(server)
    expect(await talk(port, LAST)).toEqual(['GET /last'])
  })
})

it('makes room for the next one among those that sent no request yet', async () => {
  const { port } = await aServer({ connections: 2 })
  const idle = [open(port), open(port)]
  await Promise.all(idle.map((socket) => once(socket, 'connect')))
  for (const socket of idle) socket.write(PROXY_V2_LOCAL)

  expect(await talk(port, PROXY_V1 + LAST)).toEqual(['GET /last'])
})

it('stops at once with connections that sent no request yet', async () => {
  const { server, port } = await aServer()
  const socket = open(port)
  await once(socket, 'connect')
  socket.write(PROXY_V2_LOCAL)
  const count = promisify(server.getConnections.bind(server))
  await vi.waitFor(async () => {
    expect(await count()).toBe(1)
  }, SOON)

  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()

  await closed
  expect(server.listening).toBe(false)
})
