/**
 * The PROXY protocol header, versions 1 and 2, that a load balancer writes before the first byte of a connection. Pure; the
 * addresses in it are not used. https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt, section 2
 */
import { isIPv4, isIPv6 } from 'node:net'

/**
 * What the first bytes of a connection are: too few to tell; no header; one of `length` bytes that the request follows; or
 * one that breaks the protocol.
 */
export type ProxyHeader =
  { kind: 'incomplete' } | { kind: 'none' } | { kind: 'header'; length: number } | { kind: 'bad' }

const V1_START = Buffer.from('PROXY ')
const V1_MAX_BYTES = 107 // section 2.1, with its CRLF
const V1_FAMILIES = new Map([
  ['TCP4', isIPv4],
  ['TCP6', isIPv6],
])
const V2_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_FIXED_BYTES = 16
/** Addresses take 216 bytes at most; the rest is for TLVs, which load balancers fill with a few hundred bytes. */
const V2_MAX_BYTES = V2_FIXED_BYTES + 4096
/** Bytes of the addresses of each family: unspecified, IPv4, IPv6, UNIX. */
const V2_ADDRESS_BYTES = [0, 12, 36, 216]

export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, V1_START)) return readVersion1(bytes)
  if (startsAlike(bytes, V2_START)) return readVersion2(bytes)
  return { kind: 'none' }
}

/** As far as both go: `GET` is told from `PROXY` by its first byte, `PUT` by its second. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

function readVersion1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\r\n')
  if (end === -1) return { kind: bytes.length < V1_MAX_BYTES ? 'incomplete' : 'bad' }
  const [, family = '', ...rest] = bytes.toString('latin1', 0, end).split(' ')
  const isKnown = family === 'UNKNOWN' || areAddresses(family, rest)
  return isKnown ? { kind: 'header', length: end + 2 } : { kind: 'bad' }
}

function areAddresses(family: string, [from = '', to = '', ...ports]: string[]): boolean {
  const isAddress = V1_FAMILIES.get(family)
  return isAddress?.(from) === true && isAddress(to) && ports.length === 2 && ports.every(isPort)
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function readVersion2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_FIXED_BYTES) return { kind: 'incomplete' }
  const [versionAndCommand = 0, familyAndProtocol = 0] = bytes.subarray(V2_START.length)
  const addressBytes = bytes.readUInt16BE(V2_START.length + 2)
  const length = V2_FIXED_BYTES + addressBytes
  const least = findAddressBytes(versionAndCommand, familyAndProtocol)
  if (least === null || addressBytes < least || length > V2_MAX_BYTES) return { kind: 'bad' }
  return bytes.length < length ? { kind: 'incomplete' } : { kind: 'header', length }
}

/** What at least follows the fixed part; LOCAL may say anything of addresses. null: no header of version 2. */
function findAddressBytes(versionAndCommand: number, familyAndProtocol: number): number | null {
  if (versionAndCommand === 0x20) return 0 // LOCAL: the load balancer's own check
  const protocol = familyAndProtocol & 0x0f // unspecified, STREAM, DGRAM
  if (versionAndCommand !== 0x21 || protocol > 2) return null
  return V2_ADDRESS_BYTES[familyAndProtocol >> 4] ?? null
}
