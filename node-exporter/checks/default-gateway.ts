/**
 * Reads the kernel's tables under `/proc/net`: which default gateways this machine uses, and whether one is a live
 * neighbour. Texts in, answers out: it opens no file and sends nothing.
 */
import { SocketAddress } from 'node:net'
import { endianness } from 'node:os'

export interface DefaultRoute {
  device: string
  /**
   * As a socket takes it, with the zone where it is link-local. null: the table names none that could be asked. The route
   * leads out of the device (ppp, WireGuard, `scope link`), or an IPv4 route leads over an IPv6 neighbour (RFC 5549).
   */
  gateway: string | null
}

/** `absent`: the kernel keeps no entry, as on a tunnel, which resolves nobody. */
export type Neighbour = 'complete' | 'incomplete' | 'absent'

interface Candidate extends DefaultRoute {
  metric: number
  /** blackhole, unreachable, prohibit or throw: the kernel sends nothing by it. */
  isRejected: boolean
}

// linux/route.h; the column is hexadecimal in both tables.
const RTF_UP = 0x1
const RTF_GATEWAY = 0x2
const RTF_REJECT = 0x200
const UNSPECIFIED = new Set(['0.0.0.0', '::'])
const ATF_COM = 0x2 // linux/if_arp.h: a complete entry, its hardware address is known

/**
 * `/proc/net/route`: the IPv4 default routes with the lowest metric, those of the main table. Of a route with several
 * next hops the kernel shows the first alone.
 */
export function findDefaultRoutes(table: string): DefaultRoute[] {
  return pickBest(readRows(table).map(readRoute))
}

/** `/proc/net/ipv6_route`, likewise, but with every next hop in a line of its own. */
export function findDefaultRoutes6(table: string): DefaultRoute[] {
  return pickBest(readRows(table).map(readRoute6))
}

/** `/proc/net/arp`: what the kernel knows of an IPv4 gateway behind its own device. There is no such table for IPv6. */
export function findNeighbour(table: string, { gateway, device }: DefaultRoute): Neighbour {
  const row = readRows(table).find((columns) => columns[0] === gateway && columns[5] === device)
  if (row === undefined) return 'absent'
  return (Number(row[2]) & ATF_COM) === 0 ? 'incomplete' : 'complete'
}

function readRows(table: string): string[][] {
  return table.split('\n').map((line) => line.trim().split(/\s+/))
}

function readRoute(columns: string[]): Candidate | null {
  const [device = '', destination, gateway = '', flagsHex = '', , , metric, mask] = columns
  if (destination !== '00000000' || mask !== '00000000') return null
  const signed = Number(metric) // the kernel prints it as if it were signed
  return toCandidate({ device, gateway: toIPv4(gateway), metric: signed >>> 0, flagsHex })
}

function readRoute6(columns: string[]): Candidate | null {
  const [destination = '', length, , , gateway = '', metric = '', , , flagsHex = '', device] =
    columns
  if (device === undefined || !/^0{32}$/.test(destination) || length !== '00') return null
  const best = { gateway: toIPv6(gateway, device), metric: Number.parseInt(metric, 16) }
  return toCandidate({ device, flagsHex, ...best })
}

/** `gateway`: what stands in its column. Of an IPv4 route over an IPv6 neighbour that is 0.0.0.0, a socket's own host. */
function toCandidate(row: {
  device: string
  gateway: string
  metric: number
  flagsHex: string
}): Candidate | null {
  const { device, metric } = row
  const flags = Number.parseInt(row.flagsHex, 16)
  const isVia = (flags & RTF_GATEWAY) !== 0 && !UNSPECIFIED.has(row.gateway)
  const isNowhere = device === '*' || (device === 'lo' && !isVia) // a blackhole, a nexthop object that is one
  const isRejected = isNowhere || (flags & RTF_REJECT) !== 0
  if (!isRejected && (flags & RTF_UP) === 0) return null // IPv6 shows one that rejects without RTF_UP
  return { device, gateway: isVia ? row.gateway : null, metric, isRejected }
}

/**
 * All equals, for the kernel may use each of them. One that rejects competes: with a lower metric than every other it
 * wins, and then no packet leaves.
 */
function pickBest(candidates: (Candidate | null)[]): DefaultRoute[] {
  const found = candidates.filter((one) => one !== null)
  const least = Math.min(...found.map(({ metric }) => metric))
  return found
    .filter(({ metric, isRejected }) => metric === least && !isRejected)
    .map(({ device, gateway }) => ({ device, gateway }))
}

/** The bytes stand as the machine holds a number: turned round, but on s390x. */
function toIPv4(hex: string): string {
  const bytes = [...Buffer.from(hex, 'hex')]
  return (endianness() === 'LE' ? bytes.toReversed() : bytes).join('.')
}

function toIPv6(hex: string, device: string): string {
  const address = hex.replaceAll(/(.{4})(?!$)/g, '$1:')
  const short = new SocketAddress({ address, family: 'ipv6' }).address
  return /^fe[89ab]/.test(short) ? `${short}%${device}` : short
}
