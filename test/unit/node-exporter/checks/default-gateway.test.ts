/** The kernel's route and neighbour tables, as they were copied from machines, and as they may be broken. */
import { endianness } from 'node:os'
import { describe, expect, it } from 'vitest'
import {
  findDefaultRoutes,
  findDefaultRoutes6,
  findNeighbour,
  type DefaultRoute,
} from '../../../../node-exporter/checks/default-gateway.ts'

const ROUTE_HEAD =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT         '
const LOCAL = 'eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0         '
const VIA_ETH0 = 'eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0         '
const VIA_ETH1 = 'eth1\t00000000\t01004D0A\t0003\t0\t0\t50\t00000000\t0\t0\t0         '

const NONE6 = '00000000000000000000000000000000'
const UNREACHABLE6 = `${NONE6} 00 ${NONE6} 00 ${NONE6} ffffffff 00000001 00000000 00200200       lo`
const LOCAL6 = `fd000000000000000000000000000000 40 ${NONE6} 00 ${NONE6} 00000100 00000001 00000000 00000001     eth0`

const ARP_HEAD = 'IP address       HW type     Flags       HW address            Mask     Device'

const eth0: DefaultRoute = { device: 'eth0', gateway: '192.0.2.1' }
const eth1: DefaultRoute = { device: 'eth1', gateway: '10.77.0.1' }

function aTable(...lines: string[]): string {
  return `${lines.join('\n')}\n`
}

function aRoute6(
  gateway: string,
  { metric = '00000400', flags = '00000003', device = 'eth0' } = {},
) {
  return `${NONE6} 00 ${NONE6} 00 ${gateway} ${metric} 00000003 00000000 ${flags}     ${device}`
}

describe.runIf(endianness() === 'LE')('the default route', () => {
  it.each<[string, string, DefaultRoute[]]>([
    ['is found', aTable(ROUTE_HEAD, VIA_ETH0, LOCAL), [eth0]],
    ['is found after others', aTable(ROUTE_HEAD, LOCAL, VIA_ETH0), [eth0]],
    ['is the one with the lowest metric', aTable(ROUTE_HEAD, VIA_ETH0, VIA_ETH1), [eth1]],
    ['is the lowest in any order', aTable(ROUTE_HEAD, VIA_ETH1, VIA_ETH0), [eth1]],
    [
      'is compared by number, not by text',
      aTable(ROUTE_HEAD, VIA_ETH0.replace('\t100\t', '\t9\t'), VIA_ETH1),
      [eth0],
    ],
    [
      'is each of equals',
      aTable(ROUTE_HEAD, VIA_ETH0, VIA_ETH1.replace('\t50\t', '\t100\t')),
      [eth0, eth1],
    ],
    [
      'has its metric printed as if signed',
      aTable(ROUTE_HEAD, VIA_ETH0.replace('\t100\t', '\t-1\t'), VIA_ETH1),
      [eth1],
    ],
    [
      'leads out of a tunnel to no gateway',
      aTable(ROUTE_HEAD, 'ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0'),
      [{ device: 'ppp0', gateway: null }],
    ],
    [
      'is never the gateway 0.0.0.0, which stands for an IPv6 neighbour',
      aTable(ROUTE_HEAD, 'eth0\t00000000\t00000000\t0003\t0\t0\t20\t00000000\t0\t0\t0'),
      [{ device: 'eth0', gateway: null }],
    ],
    [
      'is none where one that rejects has the lowest metric',
      aTable(ROUTE_HEAD, '*\t00000000\t00000000\t0201\t0\t0\t49\t00000000\t0\t0\t0', VIA_ETH1),
      [],
    ],
    [
      'is kept beside one that rejects with a higher metric',
      aTable(ROUTE_HEAD, '*\t00000000\t00000000\t0001\t0\t0\t51\t00000000\t0\t0\t0', VIA_ETH1),
      [eth1],
    ],
    [
      'is never a nexthop object that is a blackhole',
      aTable(ROUTE_HEAD, 'lo\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0'),
      [],
    ],
    ['is never one that is down', aTable(ROUTE_HEAD, VIA_ETH0.replace('0003', '0002')), []],
    ['is never one that rejects', aTable(ROUTE_HEAD, VIA_ETH0.replace('0003', '0203')), []],
    [
      'is never a blackhole',
      aTable(ROUTE_HEAD, '*\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0'),
      [],
    ],
    [
      'is never a route to half of the world',
      aTable(ROUTE_HEAD, VIA_ETH0.replace('\t00000000\t0\t0\t0', '\t00000080\t0\t0\t0')),
      [],
    ],
    ['is not among local routes', aTable(ROUTE_HEAD, LOCAL), []],
    ['is not in an empty table', '', []],
    ['is not in the head alone', ROUTE_HEAD, []],
    ['is not in a line cut short', aTable(ROUTE_HEAD, 'eth0\t00000000\t010200C0\t0003\t0'), []],
    ['is found beside a line cut short', `${aTable(ROUTE_HEAD, VIA_ETH0)}eth1\t000000`, [eth0]],
  ])('%s', (_, table, routes) => {
    expect(findDefaultRoutes(table)).toStrictEqual(routes)
  })
})

describe('the default route of IPv6', () => {
  const one = 'fd000000000000000000000000000001'
  const other = 'fd770000000000000000000000000001'
  const linkLocal = 'fe80000000000000047f04fffe5ae226'

  it.each<[string, string, DefaultRoute[]]>([
    [
      'is found among others',
      aTable(LOCAL6, aRoute6(one), UNREACHABLE6),
      [{ device: 'eth0', gateway: 'fd00::1' }],
    ],
    [
      'carries the zone of a link-local gateway',
      aTable(aRoute6(linkLocal, { device: 'bond0' })),
      [{ device: 'bond0', gateway: 'fe80::47f:4ff:fe5a:e226%bond0' }],
    ],
    [
      'is the one with the lowest metric, in hexadecimal',
      aTable(aRoute6(one, { metric: '00000010' }), aRoute6(other, { metric: '0000000f' })),
      [{ device: 'eth0', gateway: 'fd77::1' }],
    ],
    [
      'leads out of a tunnel to no gateway',
      aTable(aRoute6(NONE6, { flags: '00000001', device: 'wg0' })),
      [{ device: 'wg0', gateway: null }],
    ],
    [
      'is each next hop of one route',
      aTable(aRoute6(one), aRoute6(other, { device: 'eth1' }), UNREACHABLE6),
      [
        { device: 'eth0', gateway: 'fd00::1' },
        { device: 'eth1', gateway: 'fd77::1' },
      ],
    ],
    [
      'is never the gateway ::',
      aTable(aRoute6(NONE6, { flags: '00000003' })),
      [{ device: 'eth0', gateway: null }],
    ],
    [
      'is none where one that rejects has the lowest metric',
      aTable(aRoute6(NONE6, { metric: '00000032', flags: '00200200', device: 'lo' }), aRoute6(one)),
      [],
    ],
    ['is never the unreachable one of the kernel', aTable(LOCAL6, UNREACHABLE6), []],
    ['is never one that rejects', aTable(aRoute6(one, { flags: '00000203' })), []],
    ['is not in an empty table', '', []],
    ['is not in a line cut short', aRoute6(one).slice(0, 100), []],
  ])('%s', (_, table, routes) => {
    expect(findDefaultRoutes6(table)).toStrictEqual(routes)
  })
})

describe('the neighbour', () => {
  const entry = (flags: string, { address = '192.0.2.1', device = 'eth0' } = {}) =>
    `${address.padEnd(17)}0x1         ${flags.padEnd(12)}02:fc:00:00:00:05     *        ${device}`

  it.each([
    ['is complete', aTable(ARP_HEAD, entry('0x2')), 'complete'],
    ['is complete when set by hand', aTable(ARP_HEAD, entry('0x6')), 'complete'],
    ['is incomplete', aTable(ARP_HEAD, entry('0x0')), 'incomplete'],
    ['is incomplete where it is only published', aTable(ARP_HEAD, entry('0x8')), 'incomplete'],
    [
      'is told from one with a longer address',
      aTable(ARP_HEAD, entry('0x2', { address: '192.0.2.10' })),
      'absent',
    ],
    [
      'is told from its like behind another device',
      aTable(ARP_HEAD, entry('0x2', { device: 'eth1' }), entry('0x0')),
      'incomplete',
    ],
    ['is absent from an empty table', '', 'absent'],
    ['is absent from the head alone', aTable(ARP_HEAD), 'absent'],
    ['is absent where the line is cut short', '192.0.2.1        0x1         0x2', 'absent'],
  ])('%s', (_, table, neighbour) => {
    expect(findNeighbour(table, eth0)).toBe(neighbour)
  })
})
