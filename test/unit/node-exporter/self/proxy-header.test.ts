/** The PROXY protocol's two headers, byte by byte (haproxy.org, proxy-protocol.txt, section 2). */
import { describe, expect, it } from 'vitest'
import { readProxyHeader } from '../../../../node-exporter/self/proxy-header.ts'
import { PROXY_V1, PROXY_V2_LOCAL, proxyV2 } from '../../../support/exporter/proxy-headers.ts'

const REQUEST = 'GET /health HTTP/1.1\r\n\r\n'
/** The longest that there may be, with its line's end. */
const LONGEST_V1 = `PROXY UNKNOWN ${'f'.repeat(91)}\r\n`

function read(bytes: string | Buffer) {
  return readProxyHeader(Buffer.from(bytes.toString('latin1'), 'latin1'))
}

describe('a header', () => {
  it.each([
    ['version 1, TCP4', PROXY_V1],
    ['version 1, TCP6', 'PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n'],
    ['version 1, UNKNOWN', 'PROXY UNKNOWN\r\n'],
    ['version 1, UNKNOWN with more', 'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'],
    ['version 1, 107 bytes', LONGEST_V1],
    ['version 2, LOCAL', PROXY_V2_LOCAL],
    ['version 2, LOCAL with addresses', proxyV2({ command: 0x20 })],
    ['version 2, LOCAL of an unknown family', proxyV2({ command: 0x20, family: 0xff, rest: 3 })],
    ['version 2, unspecified', proxyV2({ family: 0, rest: 0 })],
    ['version 2, TCP over IPv4', proxyV2()],
    ['version 2, with TLVs', proxyV2({ rest: 12 + 400 })],
    ['version 2, UDP over IPv6', proxyV2({ family: 0x22, rest: 36 })],
    ['version 2, a UNIX socket', proxyV2({ family: 0x31, rest: 216 })],
    ['version 2, 4 KiB of TLVs', proxyV2({ rest: 4096 })],
  ])('ends where the request begins: %s', (_, header) => {
    const bytes = Buffer.concat([Buffer.from(header), Buffer.from(REQUEST)])

    expect(read(bytes)).toEqual({ kind: 'header', length: header.length })
    expect(read(bytes.subarray(0, header.length - 1))).toEqual({ kind: 'incomplete' })
    expect(read(bytes.subarray(0, 1))).toEqual({ kind: 'incomplete' })
  })
})

describe('a rubbish header', () => {
  it.each([
    ['version 1, 108 bytes', LONGEST_V1.replace('\r', 'f\r')],
    ['version 1 without end', `PROXY UNKNOWN ${'f'.repeat(100)}`],
    ['version 1, another family', 'PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n'],
    ['version 1, a family that every object has', 'PROXY hasOwnProperty 1 1 1 1\r\n'],
    ['version 1, no family', 'PROXY \r\n'],
    ['version 1, IPv6 as TCP4', 'PROXY TCP4 ::1 ::1 1 2\r\n'],
    ['version 1, no second address', 'PROXY TCP4 192.0.2.1 1 2\r\n'],
    ['version 1, a port too high', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n'],
    ['version 1, a port with a zero before it', 'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n'],
    ['version 1, no ports', 'PROXY TCP4 192.0.2.1 192.0.2.2\r\n'],
    ['version 1, two spaces', 'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n'],
    ['version 1, a line that ends with LF', `PROXY UNKNOWN\n${REQUEST}`],
    ['version 2, version 1 in it', proxyV2({ command: 0x11 })],
    ['version 2, another command', proxyV2({ command: 0x22 })],
    ['version 2, another family', proxyV2({ family: 0x41, rest: 216 })],
    ['version 2, another protocol', proxyV2({ family: 0x13 })],
    ['version 2, too short for IPv4', proxyV2({ rest: 11 })],
    ['version 2, too short for IPv6', proxyV2({ family: 0x21, rest: 35 })],
    ['version 2, one byte over 4 KiB', proxyV2({ rest: 0, length: 4097 })],
  ])('is bad: %s', (_, header) => {
    expect(read(header)).toEqual({ kind: 'bad' })
  })
})

describe('anything else', () => {
  it.each([
    'GET / HTTP/1.1\r\n',
    'POST / HTTP/1.1\r\n',
    'PROPFIND / HTTP/1.1\r\n',
    'PROXYING',
    'proxy TCP4',
    '\r\nGET / HTTP/1.1\r\n',
    '\r\n\r\n\0\r\nQUIT!',
    '\u0016\u0003\u0001', // TLS
  ])('is no header: %j', (bytes) => {
    expect(read(bytes)).toEqual({ kind: 'none' })
  })
})
