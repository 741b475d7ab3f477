/** Reads a stream into memory and stops at the first byte too many: what it will hold is known before it is held. */

/** null when the stream is longer than `maxBytes`. Rejects when the stream itself fails. */
export async function readBounded(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of stream ?? []) {
    length += piece.length
    if (length > maxBytes) return null
    pieces.push(piece)
  }
  const bytes = new Uint8Array(length)
  pieces.reduce((offset, piece) => {
    bytes.set(piece, offset)
    return offset + piece.length
  }, 0)
  return bytes
}

/** RFC 1952: how a file begins; and ISIZE, its last bytes: how many come out, as the packer says. */
const GZIP_MAGIC = [0x1f, 0x8b]
const ISIZE_BYTES = 4

/**
 * Unpacked by the runtime itself, and no further than the trailer says, so that a bomb costs no more than its bound. null when
 * that would be over `maxBytes`. Rejects on malformed gzip, and where the trailer lies.
 */
export async function unpackBounded(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (bytes.length < ISIZE_BYTES || GZIP_MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new Error('no gzip')
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(
    bytes.length - ISIZE_BYTES,
    true,
  )
  if (length > maxBytes) return null
  // To count piece by piece in JavaScript would take ten times as long as to unpack.
  const unpacked = new Response(bytes).body
    ?.pipeThrough(new DecompressionStream('gzip'))
    .pipeThrough(new FixedLengthStream(length))
  return new Uint8Array(await new Response(unpacked ?? null).arrayBuffer())
}
