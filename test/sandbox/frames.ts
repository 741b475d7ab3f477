/** Reads what passes over a WebSocket while it passes: data in one frame each, as both ends here send them. */

/** `bytes`: on the wire, the frame's head included. */
export type OnFrame = (payload: Buffer, frame: { isBinary: boolean; bytes: number }) => void

/** Opcodes of RFC 6455; the others end a link or keep it awake. */
const TEXT = 1
const BINARY = 2

/** Gives a function that takes the bytes as they come, however they are cut. */
export function createFrameReader(onFrame: OnFrame): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
      const { opcode, payload } = frame
      rest = rest.subarray(frame.bytes)
      const isBinary = opcode === BINARY
      if (isBinary || opcode === TEXT) onFrame(payload, { isBinary, bytes: frame.bytes })
    }
  }
}

/** null: not all of it has come. */
function readFrame(from: Buffer): { opcode: number; payload: Buffer; bytes: number } | null {
  if (from.length < 2) return null
  const isMasked = from.readUInt8(1) >= 128
  const short = from.readUInt8(1) % 128
  const lengthAt = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
  const payloadAt = lengthAt + (isMasked ? 4 : 0)
  if (from.length < payloadAt) return null
  const long = () => (short === 126 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2)))
  const end = payloadAt + (short < 126 ? short : long())
  if (from.length < end) return null
  const payload = Buffer.from(from.subarray(payloadAt, end))
  const mask = from.subarray(lengthAt, payloadAt)
  if (isMasked) for (const [i, byte] of payload.entries()) payload[i] = byte ^ (mask[i % 4] ?? 0)
  return { opcode: from.readUInt8(0) % 16, payload, bytes: end }
}
