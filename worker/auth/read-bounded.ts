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

/** Unpacked and counted while unpacking, so that a bomb costs no more than its bound. Rejects on malformed gzip. */
export async function unpackBounded(
  bytes: Uint8Array<ArrayBuffer>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const packed = new Response(bytes).body
  return readBounded(packed?.pipeThrough(new DecompressionStream('gzip')) ?? null, maxBytes)
}
