/** Which addresses are never asked, however they are spelled (behaviour, section 1). */
import { describe, expect, it } from 'vitest'
import { NeverAsked, readNetwork } from '../../../../node-exporter/discovery/never-asked.ts'

const never = new NeverAsked([])

describe('an address is never asked that is', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1']],
    ['link-local', ['169.254.0.1', '169.254.169.254', '169.254.170.2', 'fe80::1', 'febf::1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['of many hosts', ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1']],
    ['Azure’s, Alibaba’s, Oracle’s', ['168.63.129.16', '100.100.100.200', '192.0.0.192']],
    ['the metadata of AWS over IPv6', ['fd00:ec2::254', 'fd00:ec2::23', 'FD00:EC2:0::254']],
    ['the metadata of Google, Oracle', ['fd20:ce::254', 'fd00:c1::a9fe:a9fe']],
    ['the metadata of Scaleway, Akamai', ['fd00:42::42', 'fd00:a9fe:a9fe::1']],
    ['the metadata of Alibaba over IPv6', ['fd00:100::100:200']],
    ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::ffff:10.0.0.1', '::7f00:1']],
    ['IPv4 behind a translator', ['64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '::ffff:0:a9fe:a9fe']],
    ['IPv4 in a tunnel', ['2002:7f00:1::', '2001:0:4136:e378::1']],
    [
      'no address',
      ['127.1', '2130706433', '0x7f000001', '0177.0.0.1', 'localhost', '', ' 10.0.0.1'],
    ],
    ['of an interface', ['fe80::1%eth0', '2001:db8::1%1']],
  ])('%s', (_, addresses) => {
    const asked = addresses.filter((address) => never.refuse(address) === null)

    expect(asked).toEqual([])
  })
})

describe('an address is asked that is', () => {
  it.each([
    ['private', ['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', '100.100.100.201']],
    ['public', ['8.8.8.8', '168.63.129.17', '126.255.255.255', '128.0.0.1', '169.253.255.255']],
    ['of class E, which some clusters give pods', ['240.0.0.1']],
    ['IPv6', ['fd00::1', 'fd00:10:244::5', '2001:db8::1', '2a00:1450::1', 'fec0::1']],
  ])('%s', (_, addresses) => {
    const refused = addresses.filter((address) => never.refuse(address) !== null)

    expect(refused).toEqual([])
  })

  it('in a network that is allowed, in its own family alone', () => {
    const allowing = new NeverAsked(['127.0.0.0/8', '::1', '64:ff9b::/96'])

    const asked = ['127.0.0.1', '::1', '64:ff9b::a00:1', '::ffff:127.0.0.1', '169.254.169.254']

    expect(asked.map((address) => allowing.refuse(address) === null)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('an address of a node or of the API server', () => {
  function aNeverAsked(allowed: string[] = []): NeverAsked {
    const given = new NeverAsked(allowed, '10.96.0.1')
    given.followNodes(['10.0.0.4', '2001:DB8:0::4', 'node-a.internal'])
    given.followApiServer(['10.0.0.2'])
    return given
  }

  it.each([
    ['10.0.0.4', 'a node’s'],
    ['2001:db8::4', 'a node’s, spelled another way'],
    ['10.0.0.2', 'the API server’s'],
    ['10.96.0.1', 'that of its Service'],
  ])('is asked only where the slice names a Pod: %s, %s', (address) => {
    const given = aNeverAsked()

    expect(given.refuseTarget(address, false)).toMatch(/^which is (a node|the API server)'s/)
    expect(given.refuseTarget(address, true)).toBeNull()
    expect(aNeverAsked([address]).refuseTarget(address, false)).toBeNull()
  })

  it('isn’t known before the nodes are: without a Pod nothing is asked', () => {
    const given = new NeverAsked([])

    expect(given.refuseTarget('10.1.0.9', false)).toMatch(/nodes' addresses are not known/)
    expect(given.refuseTarget('10.1.0.9', true)).toBeNull()
    given.followNodes([])
    expect(given.refuseTarget('10.1.0.9', false)).toBeNull()
  })

  it('is news only where it is another', () => {
    const given = new NeverAsked([])

    const news = [null, ['10.0.0.4'], ['10.0.0.4'], ['10.0.0.4', '10.0.0.5'], null].map((each) =>
      given.followNodes(each),
    )

    expect(news).toEqual([false, true, false, true, true])
  })
})

describe('a network', () => {
  it.each([
    '10.0.0.0/33',
    '::/129',
    '10.0.0/8',
    'a/8',
    '10.0.0.0/',
    '10.0.0.0/-1',
    'fe80::%1/64',
    '',
  ])('is refused that is none: "%s"', (text) => {
    expect(readNetwork(text)).toBeNull()
  })

  it.each([
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8 }],
    ['10.0.0.1', { address: '10.0.0.1', prefix: 32 }],
    ['fd00::/7', { address: 'fd00::', prefix: 7 }],
    ['::1', { address: '::1', prefix: 128 }],
  ])('is read: %s', (text, network) => {
    expect(readNetwork(text)).toEqual(network)
  })
})
