/**
 * The bytes of an answer as text, as Go's HTTP client and a browser read them: unpacked where `Content-Encoding` says so,
 * and without a byte order mark. The limit counts for the bytes on the wire and again for the unpacked ones.
 */
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'

/** Bytes of an answer that are read; a health document is a few kilobytes. */
export const BODY_MAX_BYTES = 256 * 1024

type Unpack = (bytes: Buffer) => Promise<Buffer>

/** zlib stops at this many unpacked bytes, so a small answer that unpacks to gigabytes costs no more than another. */
const LIMIT = { maxOutputLength: BODY_MAX_BYTES }

const gunzip = promisify(zlib.gunzip)
const inflate = promisify(zlib.inflate)
const inflateRaw = promisify(zlib.inflateRaw)
const brotliDecompress = promisify(zlib.brotliDecompress)

/** RFC 9110, 8.4.1. Old IIS sends "deflate" without the zlib header, whose first byte ends in 8. */
const UNPACK = new Map<string, Unpack>([
  ['gzip', (bytes) => gunzip(bytes, LIMIT)],
  ['x-gzip', (bytes) => gunzip(bytes, LIMIT)],
  ['deflate', (bytes) => ((bytes[0] ?? 0) % 16 === 8 ? inflate : inflateRaw)(bytes, LIMIT)],
  ['br', (bytes) => brotliDecompress(bytes, LIMIT)],
])

/** null: the answer is over BODY_MAX_BYTES, and was not read further. Rejects when the connection ends within it. */
export async function readText(body: Readable, contentEncoding: string): Promise<string | null> {
  const packed = await readBytes(body)
  const bytes = packed && (await unpack(packed, contentEncoding))
  return bytes && decode(bytes)
}

function readBytes(body: Readable): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>()
  const pieces: Buffer[] = []
  let length = 0
  body
    .on('data', (piece: Buffer) => {
      length += piece.length
      pieces.push(piece)
      if (length <= BODY_MAX_BYTES) return
      resolve(null)
      body.destroy()
    })
    .on('end', () => {
      resolve(Buffer.concat(pieces))
    })
    .on('error', reject)
    .on('close', () => {
      reject(new Error('the connection ended within the answer'))
    })
  return promise
}

/** null: too long when unpacked. Bytes that are not what the header says stay as they are: often they are plain JSON. */
async function unpack(bytes: Buffer, contentEncoding: string): Promise<Buffer | null> {
  const unpackBytes = UNPACK.get(contentEncoding.trim().toLowerCase())
  if (unpackBytes === undefined) return bytes
  try {
    return await unpackBytes(bytes)
  } catch (error) {
    const isTooLong = error instanceof RangeError
    return isTooLong ? null : bytes
  }
}

/** By the byte order mark, as https://encoding.spec.whatwg.org/#decode does; without one it is UTF-8. */
function decode(bytes: Buffer): string {
  const found = MARKS.find(({ mark }) => bytes.subarray(0, mark.length).equals(mark))
  return (found?.decoder ?? UTF8).decode(bytes) // each decoder drops its own mark
}

const UTF8 = new TextDecoder()
const MARKS = [
  { mark: Buffer.from([0xff, 0xfe]), decoder: new TextDecoder('utf-16le') },
  { mark: Buffer.from([0xfe, 0xff]), decoder: new TextDecoder('utf-16be') },
]
