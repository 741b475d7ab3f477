/** PROXY protocol headers as load balancers write them. */

export const PROXY_V1 = 'PROXY TCP4 192.0.2.1 192.0.2.11 40000 25001\r\n'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

interface V2 {
  /** Version and command: 0x21 is PROXY, 0x20 is LOCAL. */
  command?: number
  /** Family and protocol: 0x11 is TCP over IPv4. */
  family?: number
  /** Addresses and TLVs: as many bytes of them. */
  rest?: number
  /** What the header says that `rest` is, where it lies. */
  length?: number
}

export function proxyV2({ command = 0x21, family = 0x11, rest = 12, length = rest }: V2 = {}) {
  const size = Buffer.alloc(2)
  size.writeUInt16BE(length)
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), size, Buffer.alloc(rest, 1)])
}

/** AWS NLB's own checks: LOCAL, without addresses. */
export const PROXY_V2_LOCAL = proxyV2({ command: 0x20, family: 0, rest: 0 })
