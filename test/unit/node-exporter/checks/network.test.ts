/** DNS and the default gateway, side by side: servers are doubles on loopback, the kernel's tables are files. */
import dgram from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { endianness, tmpdir } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCheck } from '../../../../node-exporter/checks/check.ts'
import {
  createNetwork,
  judgeConnected,
  type NetworkOptions,
} from '../../../../node-exporter/checks/network.ts'
import { aNodeFacts } from '../../../support/exporter/a-node.ts'
import { findDeadPort, serve } from '../../../support/exporter/local-server.ts'

/** `asked`: how often, with this time. */
type Reply = (query: Buffer, asked: number) => Buffer | null

// RFC 1035, section 4.1.1: the first byte of the flags carries "this is an answer", the second one the code.
const rcode = (code: number) => {
  return (query: Buffer): Buffer => {
    const reply = Buffer.from(query)
    reply.writeUInt8(reply.readUInt8(2) | 0x80, 2)
    reply.writeUInt8(code, 3)
    return reply
  }
}

/** One A record for whatever is asked: a pointer to the question's name, A, IN, 60 s, four bytes. */
const address = (query: Buffer): Buffer => {
  const reply = rcode(0)(query)
  reply.writeUInt16BE(1, 6)
  return Buffer.concat([reply, Buffer.from('c00c000100010000003c0004c0000201', 'hex')])
}

const REPLIES = {
  address,
  NXDOMAIN: rcode(3),
  NODATA: rcode(0),
  FORMERR: rcode(1),
  SERVFAIL: rcode(2),
  NOTIMP: rcode(4),
  REFUSED: rcode(5),
  silence: () => null,
  garbage: () => Buffer.from('garbage'),
  'half a header': (query) => rcode(0)(query).subarray(0, 6),
} satisfies Record<string, Reply>

/** `address`: with its port. */
async function aDnsServer(given: keyof typeof REPLIES | Reply = 'NXDOMAIN') {
  const answer = typeof given === 'string' ? REPLIES[given] : given
  const socket = dgram.createSocket('udp4')
  const queries: Buffer[] = []
  socket.on('message', (query, from) => {
    queries.push(query)
    const reply = answer(query, queries.length)
    if (reply !== null) socket.send(reply, from.port, from.address)
  })
  return { address: `127.0.0.1:${await bindUdp(socket)}`, queries }
}

async function bindUdp(socket: dgram.Socket): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.bind(0, '127.0.0.1', resolve)
  await promise
  onTestFinished(() => {
    socket.close()
  })
  return socket.address().port
}

const toHex = (ip: string) => {
  const bytes = ip.split('.').map(Number)
  return Buffer.from(endianness() === 'LE' ? bytes.toReversed() : bytes).toString('hex')
}
const VIA_LOOPBACK = `lo\t00000000\t${toHex('127.0.0.1')}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n`
const VIA_DEAD = VIA_LOOPBACK.replace(toHex('127.0.0.1'), toHex('127.0.0.9'))
const DEAD_NEIGHBOUR = '127.0.0.9  0x1  0x0  00:00:00:00:00:00  *  lo\n'
const VIA_TUNNEL = 'wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n'
const NONE6 = '0'.repeat(32)
const VIA_LOOPBACK6 = `${NONE6} 00 ${NONE6} 00 ${'1'.padStart(32, '0')} 00000400 00000001 00000000 00000003       lo\n`
const aNeighbour = (flags: string) => `127.0.0.1  0x1  ${flags}  00:00:00:00:00:00  *  lo\n`

/** Like /proc/net on a node that is well, but for what is given. null: the file isn't there. */
function aNetRoot(given: Record<string, string | null> = {}): string {
  const root = mkdtempSync(`${tmpdir()}/pilotlight-network-`)
  onTestFinished(() => {
    rmSync(root, { recursive: true })
  })
  const tables = { route: VIA_LOOPBACK, ipv6_route: null, arp: aNeighbour('0x2'), ...given }
  for (const [name, text] of Object.entries(tables)) {
    if (text !== null) writeFileSync(`${root}/${name}`, text)
  }
  return root
}

/** A run on a node whose network is well, but for what is given. */
async function run(given: Partial<NetworkOptions> = {}) {
  const { duration_ms: _, ...result } = await runCheck(
    createNetwork({
      netRoot: given.netRoot ?? aNetRoot(),
      servers: given.servers ?? [(await aDnsServer()).address],
      dnsTimeoutMs: 100,
      neighbourWaitMs: 5,
      connectTimeoutMs: 500,
      gatewayPort: await findDeadPort(),
      ...given,
    }),
    aNodeFacts(),
  )
  return result
}

const PASSED = { name: 'network', passed: true }
const saying = (words: string): unknown => expect.stringContaining(words)

describe('DNS', () => {
  it.each(['address', 'NXDOMAIN', 'NODATA'] as const)('passes on an answer: %s', async (kind) => {
    const server = await aDnsServer(kind)

    const result = await run({ servers: [server.address] })

    expect(result).toStrictEqual(PASSED)
    expect(server.queries).toHaveLength(1)
  })

  it.each([
    ['silence', 'ETIMEOUT'],
    ['garbage', 'EBADRESP'],
    ['half a header', 'EBADRESP'],
  ] as const)('fails after two tries on %s', async (kind, code) => {
    const server = await aDnsServer(kind)

    const result = await run({ servers: [server.address] })

    const reason = `DNS: no answer for node-a. in 2 tries from ${server.address} (${code})`
    expect(result).toStrictEqual({ name: 'network', passed: false, reason })
    expect(server.queries).toHaveLength(2)
  })

  it.each([
    ['SERVFAIL', 'ESERVFAIL'],
    ['REFUSED', 'EREFUSED'],
    ['FORMERR', 'EFORMERR'],
    ['NOTIMP', 'ENOTIMP'],
  ] as const)('cannot tell after two tries on %s', async (kind, code) => {
    const server = await aDnsServer(kind)

    const result = await run({ servers: [server.address] })

    const warning = `DNS: nothing but refusals for node-a. in 2 tries from ${server.address} (${code})`
    expect(result).toStrictEqual({ ...PASSED, warning })
    expect(server.queries).toHaveLength(2)
  })

  it('fails where nobody listens', async () => {
    const result = await run({ servers: [`127.0.0.1:${await findDeadPort()}`] })

    expect(result).toMatchObject({ passed: false, reason: saying('ECONNREFUSED') })
  })

  it.each(['SERVFAIL', 'REFUSED', 'silence', 'garbage'] as const)(
    'passes when one server answers beside one with %s',
    async (kind) => {
      const servers = [await aDnsServer(kind), await aDnsServer('NXDOMAIN')]

      expect(await run({ servers: servers.map(({ address: at }) => at) })).toStrictEqual(PASSED)
    },
  )

  it('passes when a server answers only the second time', async () => {
    const server = await aDnsServer((query, asked) => rcode(asked === 1 ? 2 : 3)(query))

    expect(await run({ servers: [server.address] })).toStrictEqual(PASSED)
    expect(server.queries).toHaveLength(2)
  })

  it.each([
    ['fails when none answers', 'garbage', 'EBADRESP', false],
    ['cannot tell when one refuses', 'SERVFAIL', 'ESERVFAIL', true],
  ] as const)('names every server and its code: %s', async (_, kind, code, passed) => {
    const servers = [await aDnsServer(kind), await aDnsServer('silence')]

    const result = await run({ servers: servers.map(({ address: at }) => at) })

    expect(result.passed).toBe(passed)
    expect(result.reason ?? result.warning).toContain(`${servers[0]?.address} (${code})`)
    expect(result.reason ?? result.warning).toContain(`${servers[1]?.address} (ETIMEOUT)`)
  })

  it.each([
    [null, '\u0006node-a\0'],
    ['ready.example.org.', '\u0005ready\u0007example\u0003org\0'],
  ])('asks for the name that is set, %s, and no other', async (name, wire) => {
    const server = await aDnsServer('NXDOMAIN')

    await run({ servers: [server.address], name })

    const asked = server.queries.map((query) => query.subarray(12, 12 + wire.length).toString())
    expect(asked).toEqual([wire])
  })

  it('cannot tell by a name that nobody can be asked for', async () => {
    const result = await run({ name: 'a..b.' })

    expect(result).toEqual({ ...PASSED, warning: 'DNS: a..b. was not asked for: EBADNAME' })
  })
})

describe('the default gateway', () => {
  const dead = '127.0.0.1 by lo does not answer (neighbour incomplete)'

  it.each<[string, Record<string, string | null>, object]>([
    ['passes as a complete neighbour', {}, { passed: true }],
    [
      'fails as an incomplete neighbour',
      { arp: aNeighbour('0x0') },
      { passed: false, reason: `default gateway: ${dead}` },
    ],
    ['passes when it refuses, without an entry', { arp: '' }, { passed: true }],
    ['passes when it refuses, without a table', { arp: null }, { passed: true }],
    ['passes by IPv6 when it refuses', { route: '', ipv6_route: VIA_LOOPBACK6 }, { passed: true }],
    [
      'fails without a default route',
      { route: '', ipv6_route: '' },
      { passed: false, reason: 'default gateway: no default route' },
    ],
    [
      'fails without one on a machine without IPv6',
      { route: '' },
      { passed: false, reason: 'default gateway: no default route' },
    ],
    [
      'cannot tell where the route names no gateway',
      { route: VIA_TUNNEL },
      { passed: true, warning: 'default gateway: the default route by wg0 names no gateway' },
    ],
    [
      'passes when one of two lives, and warns of the other',
      { route: `${VIA_DEAD}${VIA_LOOPBACK}`, arp: `${aNeighbour('0x2')}${DEAD_NEIGHBOUR}` },
      {
        passed: true,
        warning: 'default gateway: 127.0.0.9 by lo does not answer (neighbour incomplete)',
      },
    ],
    [
      'fails when both of two are dead',
      { route: `${VIA_LOOPBACK}${VIA_DEAD}`, arp: `${aNeighbour('0x0')}${DEAD_NEIGHBOUR}` },
      {
        passed: false,
        reason: `default gateway: ${dead}; 127.0.0.9 by lo does not answer (neighbour incomplete)`,
      },
    ],
    [
      'cannot tell when one is dead and the other is none',
      { route: `${VIA_DEAD}${VIA_TUNNEL}`, arp: DEAD_NEIGHBOUR },
      {
        passed: true,
        warning:
          'default gateway: 127.0.0.9 by lo does not answer (neighbour incomplete); ' +
          'the default route by wg0 names no gateway',
      },
    ],
    [
      'cannot tell without a table of routes',
      { route: null },
      { passed: true, warning: saying('default gateway: ENOENT') },
    ],
  ])('%s', async (_, tables, shown) => {
    expect(await run({ netRoot: aNetRoot(tables) })).toStrictEqual({ name: 'network', ...shown })
  })

  it('passes when it accepts a connection, and lets it go', async () => {
    const gateway = await serve(() => undefined)

    const result = await run({ netRoot: aNetRoot({ arp: '' }), gatewayPort: gateway.port })

    expect(result).toStrictEqual(PASSED)
    await expect.poll(() => gateway.sockets.map((socket) => socket.readyState)).toEqual(['closed'])
  })

  it('gets one byte, and no connection, when its entry is complete', async () => {
    const socket = dgram.createSocket('udp4')
    const bytes: Buffer[] = []
    socket.on('message', (message) => bytes.push(message))

    await run({ gatewayPort: await bindUdp(socket), neighbourWaitMs: 50 })

    expect(bytes).toEqual([Buffer.of(0)])
  })

  const warned = (code: string) => ({
    passed: true,
    warning: `x is filtered, dead or alive (${code})`,
  })

  it.each<[string, object]>([
    ['accepted', { passed: true }],
    ['ECONNREFUSED', { passed: true }],
    ['ECONNRESET', { passed: true }],
    ['EHOSTUNREACH', { passed: false, reason: 'x does not answer (EHOSTUNREACH)' }],
    ['timeout', warned('timeout')],
    ['ETIMEDOUT', warned('ETIMEDOUT')],
    ['EACCES', warned('EACCES')],
  ])('is judged by what came of the connection: %s', (connected, outcome) => {
    expect(judgeConnected(connected, 'x')).toStrictEqual(outcome)
  })
})

describe('both parts', () => {
  it('are named in one reason when both fail', async () => {
    const server = await aDnsServer('silence')

    const { reason } = await run({ servers: [server.address], netRoot: aNetRoot({ route: '' }) })

    expect(reason).toMatch(/^DNS: no answer .* \(ETIMEOUT\); default gateway: no default route$/)
  })

  it('speak for themselves: one fails, one cannot tell', async () => {
    const result = await run({ name: 'a..b.', netRoot: aNetRoot({ route: '' }) })

    expect(result).toMatchObject({ passed: false, reason: 'default gateway: no default route' })
    expect(result.warning).toMatch(/^DNS: a\.\.b\. was not asked for/)
  })

  it('have the time to fail before the frame gives up', () => {
    const network = createNetwork()

    expect(network).toMatchObject({ name: 'network', cannotTell: 'pass' })
    expect(network.timeoutMs).toBeGreaterThan(Math.max(3 * 2 * 1000, 400 + 4000))
  })

  it('end when the frame ends them', async () => {
    const server = await aDnsServer('silence')
    const stop = new AbortController()
    const check = createNetwork({ servers: [server.address], netRoot: aNetRoot() })

    const ended = check.run(aNodeFacts(), stop.signal)
    stop.abort()

    expect(await ended).toMatchObject({ passed: 'unknown', reason: saying('ECANCELLED') })
  })
})
