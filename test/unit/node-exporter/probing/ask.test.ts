/** What pods send, byte by byte, and what is read of it: as Go's HTTP client and a browser read it. */
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { askDirectly } from '../../../../node-exporter/probing/ask.ts'
import { aKnownTarget } from '../../../support/exporter/a-discovered.ts'
import { serve, serveRaw } from '../../../support/exporter/local-server.ts'

const LIMIT = 256 * 1024
const TEXT = '{"checks":[{"id":"é","ok":true}]}'
const BODY = Buffer.from(TEXT)
const LENGTH = `content-length: ${BODY.length}`
const CHUNK = BODY.length.toString(16)

function ask(port: number) {
  return askDirectly(aKnownTarget({ address: '127.0.0.1', port }), 5000)
}

/** Asks a server that sends these bytes and closes. */
async function askRaw(...pieces: (string | Buffer)[]) {
  const bytes = pieces.map((piece) => Buffer.from(piece)) // a text is UTF-8
  const server = await serveRaw((socket) => {
    socket.end(Buffer.concat(bytes))
  })
  return ask(server.port)
}

/** Asks a server whose body is these bytes. */
async function askForBody(body: Buffer, contentEncoding?: string) {
  const server = await serve((_, response) => {
    if (contentEncoding !== undefined) response.setHeader('content-encoding', contentEncoding)
    response.end(body)
  })
  return ask(server.port)
}

describe('an answer’s head', () => {
  it.each([
    ['lines end with LF alone', `HTTP/1.1 200 OK\n${LENGTH}\n\n`],
    ['some lines end with LF alone', `HTTP/1.1 200 OK\r\nx-a: b\n${LENGTH}\r\n\r\n`],
    ['a header has a control character', `HTTP/1.1 200 OK\r\nx-a: \u001b[1m\r\n${LENGTH}\r\n\r\n`],
    ['a header has a NUL', `HTTP/1.1 200 OK\r\nx-a: a\0b\r\n${LENGTH}\r\n\r\n`],
    ['a header is folded', `HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n${LENGTH}\r\n\r\n`],
    [
      'a header is latin1',
      Buffer.from(`HTTP/1.1 200 OK\r\nx: \xe9\r\n${LENGTH}\r\n\r\n`, 'latin1'),
    ],
    ['a header is 100 KB', `HTTP/1.1 200 OK\r\nx-a: ${'x'.repeat(1e5)}\r\n${LENGTH}\r\n\r\n`],
    ['the reason phrase is missing', `HTTP/1.1 200\r\n${LENGTH}\r\n\r\n`],
    ['it is HTTP/1.0 without a length', 'HTTP/1.0 200 OK\r\n\r\n'],
    ['it names no length', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['the minor version is odd', `HTTP/1.2 200 OK\r\n${LENGTH}\r\n\r\n`],
    ['100 comes before it', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n`],
    [
      '103 comes before it',
      `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n`,
    ],
    ['it offers an upgrade', `HTTP/1.1 200 OK\r\nupgrade: h2,h2c\r\n${LENGTH}\r\n\r\n`],
  ])('is read although %s', async (_, head) => {
    const asked = await askRaw(head, BODY)

    expect(asked).toMatchObject({ isAnswer: true, status: 200, text: TEXT })
  })

  it.each([
    ['is longer than its length says', `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n`, `${TEXT}more`],
    [
      'has extensions of chunks',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      `${CHUNK};a=b\r\n${TEXT}\r\n0\r\n\r\n`,
    ],
    [
      'has spaces after the size of a chunk',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      `${CHUNK}  \r\n${TEXT}\r\n0\r\n\r\n`,
    ],
    [
      'has trailers',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n',
      `${CHUNK}\r\n${TEXT}\r\n0\r\nx-a: b\r\n\r\n`,
    ],
  ])('has a body that %s', async (_, head, body) => {
    const asked = await askRaw(head, body)

    expect(asked).toMatchObject({ isAnswer: true, status: 200, text: TEXT })
  })

  const chunked = `${CHUNK}\r\n${TEXT}\r\n0\r\n\r\n`
  it.each([
    ['before', `HTTP/1.1 200 OK\r\n${LENGTH}\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`],
    ['after', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n${LENGTH}\r\n\r\n${chunked}`],
    ['of nothing, before', `HTTP/1.1 200 OK\r\n${LENGTH}\r\ntransfer-encoding: x\r\n\r\n${TEXT}`],
  ])('is refused with Content-Length %s Transfer-Encoding', async (_, answer) => {
    const asked = await askRaw(answer)

    expect(asked).toEqual({
      isAnswer: false,
      reason: 'the answer has both Content-Length and Transfer-Encoding',
      mayRetry: true,
    })
  })

  it.each([
    ['is cut short', `HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length + 1}\r\n\r\n${TEXT}`],
    ['lacks its last chunk', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n`],
    ['has two lengths', `HTTP/1.1 200 OK\r\n${LENGTH}\r\ncontent-length: 1\r\n\r\n${TEXT}`],
    ['is HTTP/0.9', TEXT],
    ['has no end of its headers', `HTTP/1.1 200 OK\r\nx-a: ${'x'.repeat(LIMIT)}`],
  ])('is refused when the answer %s', async (_, answer) => {
    const asked = await askRaw(answer)

    expect(asked).toMatchObject({ isAnswer: false, mayRetry: true })
  })
})

describe('a body that is packed without being asked', () => {
  it.each([
    ['gzip', zlib.gzipSync(BODY)],
    ['x-gzip', zlib.gzipSync(BODY)],
    [' GZip ', zlib.gzipSync(BODY)],
    ['deflate', zlib.deflateSync(BODY)],
    ['deflate', zlib.deflateRawSync(BODY)],
    ['br', zlib.brotliCompressSync(BODY)],
    ['identity', BODY],
    ['gzip', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), BODY])],
    ['gzip', BODY],
    ['constructor', BODY],
  ])('is read by its Content-Encoding: %s', async (contentEncoding, body) => {
    const asked = await askForBody(body, contentEncoding)

    expect(asked).toMatchObject({ isAnswer: true, status: 200, text: TEXT })
  })

  it.each([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['br', zlib.brotliCompressSync],
  ])('is read up to 256 KiB unpacked: %s', async (contentEncoding, pack) => {
    const atLimit = await askForBody(pack(Buffer.alloc(LIMIT, ' ')), contentEncoding)
    const over = await askForBody(pack(Buffer.alloc(LIMIT + 1, ' ')), contentEncoding)
    const bomb = await askForBody(pack(Buffer.alloc(64 * LIMIT, ' ')), contentEncoding)

    expect(atLimit).toMatchObject({ isAnswer: true, text: ' '.repeat(LIMIT) })
    const refused = {
      isAnswer: false,
      reason: `the answer is over ${LIMIT} bytes`,
      mayRetry: false,
    }
    expect([over, bomb]).toEqual([refused, refused])
  })

  it('is no text when it was cut short', async () => {
    const packed = zlib.gzipSync(BODY)

    const asked = await askForBody(packed.subarray(0, -4), 'gzip')

    expect(asked).toMatchObject({ isAnswer: true })
    expect(asked).not.toMatchObject({ text: TEXT })
  })
})

describe('a body with a byte order mark', () => {
  it.each([
    ['UTF-8', Buffer.from(`\u{feff}${TEXT}`)],
    ['UTF-16, little end first', Buffer.from(`\u{feff}${TEXT}`, 'utf16le')],
    ['UTF-16, big end first', Buffer.from(`\u{feff}${TEXT}`, 'utf16le').swap16()],
  ])('is read without it: %s', async (_, body) => {
    const asked = await askForBody(body)

    expect(asked).toMatchObject({ isAnswer: true, text: TEXT })
  })

  it('may be packed too', async () => {
    const asked = await askForBody(zlib.gzipSync(Buffer.from(`\u{feff}${TEXT}`)), 'gzip')

    expect(asked).toMatchObject({ isAnswer: true, text: TEXT })
  })
})
