/** CRI's Status on the wire: a real gRPC server's answers, and what else may come out of a unix socket. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { askStatus } from '../../../../node-exporter/checks/cri-status.ts'
import {
  CriRuntime,
  encodeBytes,
  encodeStatus,
  type RuntimeBehaviour,
} from '../../../sandbox/cri-runtime.ts'
import { matching } from '../../../support/like.ts'

const RUNTIME = { type: 'RuntimeReady', status: true, reason: '', message: '' }
const NETWORK = { type: 'NetworkReady', status: false, reason: 'NoCni', message: 'ü'.repeat(200) }
const STATUS = encodeStatus([RUNTIME, NETWORK])

let path = ''

beforeEach(async () => {
  const folder = await mkdtemp(`${tmpdir()}/pilotlight-test-`)
  path = `${folder}/cri.sock`
  return () => rm(folder, { recursive: true, force: true })
})

async function start(behaviour: RuntimeBehaviour): Promise<void> {
  const runtime = new CriRuntime(path)
  onTestFinished(() => runtime.stop())
  await runtime.set(behaviour)
}

/** These bytes, in hex, and the end. */
function frames(hex: string): RuntimeBehaviour {
  return { kind: 'raw', talk: (socket) => socket.end(Buffer.from(hex, 'hex')) }
}

describe('a StatusResponse', () => {
  it('is read as it was meant, false ones too', async () => {
    await start({ kind: 'message', message: STATUS })

    expect(await askStatus(path, 5000)).toEqual({ said: 'status', conditions: [RUNTIME, NETWORK] })
  })

  it('may spell out what is false', async () => {
    const spelled = Buffer.concat([encodeBytes(1, Buffer.from('X')), Buffer.from([2 << 3, 0])])
    await start({ kind: 'message', message: encodeBytes(1, encodeBytes(1, spelled)) })

    expect(await askStatus(path, 5000)).toMatchObject({
      conditions: [{ type: 'X', status: false }],
    })
  })

  it('may be empty', async () => {
    await start({ kind: 'message', message: Buffer.alloc(0) })

    expect(await askStatus(path, 5000)).toEqual({ said: 'status', conditions: [] })
  })

  it.each([
    ['a text', encodeBytes(3, Buffer.from('a handler'))],
    ['a number', Buffer.from([5 << 3, 0xff, 0x01])],
    ['four bytes', Buffer.from([(6 << 3) | 5, 1, 2, 3, 4])],
    ['eight bytes', Buffer.from([(7 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8])],
    ['as much as is read', encodeBytes(2, Buffer.alloc(256 * 1024 - STATUS.length - 9))],
  ])('may hold more than is understood: %s', async (_, more) => {
    await start({ kind: 'message', message: Buffer.concat([more, STATUS]) })

    expect(await askStatus(path, 5000)).toEqual({ said: 'status', conditions: [RUNTIME, NETWORK] })
  })

  it.each([
    ['cut short', STATUS.subarray(0, -1)],
    ['no protobuf', Buffer.from('hello')],
    ['a number without an end', Buffer.alloc(20, 0xff)],
    ['one byte more than is read', encodeBytes(2, Buffer.alloc(256 * 1024 - 8))],
  ])('is nonsense when it is %s', async (_, message) => {
    await start({ kind: 'message', message })

    expect(await askStatus(path, 5000)).toMatchObject({ said: 'nonsense' })
  })
})

describe('an error of gRPC', () => {
  it.each([
    ['plain', 'not yet'],
    ['not ASCII', '50 % über'],
  ])('keeps its code and its words: %s', async (_, details) => {
    await start({ kind: 'error', code: 14, details })

    expect(await askStatus(path, 5000)).toEqual({ said: 'error', code: 14, message: details })
  })

  it('is what a server without CRI gives', async () => {
    await start({ kind: 'unimplemented' })

    expect(await askStatus(path, 5000)).toMatchObject({ said: 'error', code: 12 })
  })
})

describe('what is no answer', () => {
  it.each<[string, RuntimeBehaviour, string]>([
    ['HTTP/1', frames(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex')), 'nonsense'],
    ['noise', frames('78'.repeat(1000)), 'nonsense'],
    ['a hang-up at once', frames(''), 'nothing'],
    ['a hang-up after the settings', frames('000000040000000000'), 'nothing'],
    ['a GOAWAY', frames('0000000400000000000000080700000000000000000000000002'), 'nothing'],
    ['a reset of the call', frames('00000004000000000000000403000000000100000002'), 'nothing'],
    ['a call that hangs', { kind: 'hang' }, 'nothing'],
    ['a connection that hangs', { kind: 'silent' }, 'nothing'],
  ])('is told by its kind: %s', async (_, behaviour, said) => {
    await start(behaviour)

    expect(await askStatus(path, 200)).toMatchObject({ said })
  })

  it.each([
    ['another status', { ':status': 404, 'content-type': 'application/grpc' }, 'nonsense'],
    ['another type', { ':status': 200, 'content-type': 'text/html' }, 'nonsense'],
    ['no type', { ':status': 200 }, 'nonsense'],
    ['no word of how it went', { ':status': 200, 'content-type': 'application/grpc' }, 'nothing'],
  ])('is told by its headers: %s', async (_, headers, said) => {
    const server = http2.createServer().on('stream', (stream) => {
      stream.respond(headers)
      stream.end()
    })
    onTestFinished(() => {
      server.close()
    })
    await once(server.listen(path), 'listening')

    expect(await askStatus(path, 5000)).toMatchObject({ said })
  })

  it('throws the code of what stands before the socket', async () => {
    await start({ kind: 'refuse' })

    await expect(askStatus(path, 5000)).rejects.toMatchObject({ code: matching(/ECONNREFUSED/) })
  })
})

it.each<RuntimeBehaviour>([{ kind: 'ready' }, { kind: 'hang' }, { kind: 'silent' }])(
  'leaves no connection behind: $kind',
  async (behaviour) => {
    await start(behaviour)
    const before = countSockets()

    await Promise.all(Array.from({ length: 20 }, () => askStatus(path, 100)))

    await expect.poll(countSockets).toBe(before)
  },
)

function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length
}
