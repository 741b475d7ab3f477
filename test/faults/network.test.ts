/**
 * The check of the network on a network: two namespaces that each case makes, with a cable (veth) between a node and its
 * gateway, and the kernel's own tables. Only root may make them; where it can't be done, the cases are skipped and say so.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'

const CHECK = new URL('../../node-exporter/checks/', import.meta.url)

const NODE = ['10.77.0.2/24', 'fd77::2/64'] as const
const GATEWAY = ['10.77.0.1/24', 'fd77::1/64'] as const
const VIA = ['10.77.0.1', 'fd77::1'] as const
const DEAD = '10.77.0.1 by plnode'

/** A DNS server that knows no name; `address` is in quotes. */
const writeDns = (port: number, address: string) => `
  import dgram from 'node:dgram'
  const type = ${address}.includes(':') ? 'udp6' : 'udp4'
  const dns = dgram.createSocket(type).on('message', (query, from) => {
    query[2] |= 0x80
    query[3] = 3 // NXDOMAIN
    dns.send(query, from.port, from.address)
  })
  await new Promise((listening) => dns.bind(${port}, ${address}, listening))
`

/** Runs the check once where it is started, beside such a server, and prints the result. */
const writeScript = (servers: string) => `
  import { runCheck } from '${CHECK.href}check.ts'
  import { createNetwork } from '${CHECK.href}network.ts'
  ${writeDns(0, "'127.0.0.1'")}
  const check = createNetwork({ servers: ${servers} })
  console.log(JSON.stringify(await runCheck(check, { name: 'node-a' })))
  dns.close()
`
const BESIDE = "['127.0.0.1:' + dns.address().port]"
const OF_RESOLV_CONF = '[]'

let made = 0

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function aNamespace(role: string): string {
  const name = `pilotlight-${process.pid}-${made++}-${role}`
  ip('netns', 'add', name)
  onTestFinished(() => {
    ip('netns', 'del', name) // and what is in it
  })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  return name
}

/** A node and its gateway, each at its end of the cable, up and with their addresses; the node has no route yet. */
function aCable() {
  const node = aNamespace('node')
  const gateway = aNamespace('gateway')
  const peer = ['peer', 'name', 'plgateway', 'netns', gateway]
  ip('-n', node, 'link', 'add', 'plnode', 'type', 'veth', ...peer)
  for (const address of NODE) addAddress(node, 'plnode', address)
  for (const address of GATEWAY) addAddress(gateway, 'plgateway', address)
  ip('-n', node, 'link', 'set', 'plnode', 'up')
  ip('-n', gateway, 'link', 'set', 'plgateway', 'up')
  return { node, gateway }
}

function addAddress(namespace: string, device: string, address: string): void {
  // IPv6 would first ask for a second whether somebody else has it.
  const nodad = address.includes(':') ? ['nodad'] : []
  ip('-n', namespace, 'address', 'add', address, 'dev', device, ...nodad)
}

function run(namespace: string, servers = BESIDE): unknown {
  const script = ['--input-type=module', '--eval', writeScript(servers)]
  const words = ['netns', 'exec', namespace, process.execPath, ...script]
  const { duration_ms: _, ...result } = parse(execFileSync('ip', words, { encoding: 'utf8' }))
  return result
}

function parse(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text)
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** A DNS server as a process of its own. */
async function startDns(namespace: string, address: string): Promise<void> {
  const text = `${writeDns(53, `'${address}'`)} console.log('ready')`
  const script = ['--input-type=module', '--eval', text]
  const dns = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...script])
  onTestFinished(() => {
    dns.kill()
  })
  await once(dns.stdout, 'data')
}

/** What stands at /etc/resolv.conf for whatever `ip netns exec` runs there. */
function setResolvConf(namespace: string, text: string): void {
  const folder = `/etc/netns/${namespace}`
  mkdirSync(folder, { recursive: true })
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  writeFileSync(`${folder}/resolv.conf`, text)
}

/** '' where namespaces and cables can be made. */
function findObstacle(): string {
  const name = `pilotlight-${process.pid}-try`
  try {
    ip('netns', 'add', name)
  } catch (error) {
    return error instanceof Error && 'code' in error ? 'ip is missing' : 'namespaces are forbidden'
  }
  try {
    ip('-n', name, 'link', 'add', 'pltry', 'type', 'veth', 'peer', 'name', 'pltry2')
    return ''
  } catch {
    return 'the kernel makes no veth'
  } finally {
    ip('netns', 'del', name)
  }
}

const obstacle = findObstacle()
const skipped = obstacle === '' ? '' : ` (skipped: ${obstacle})`
const PASSED = { name: 'network', passed: true }

describe.skipIf(obstacle !== '')(`the network of a node${skipped}`, () => {
  it('passes while its gateway answers', () => {
    const { node } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0])

    expect(run(node)).toStrictEqual(PASSED)
  })

  it('fails when nobody has the address of its gateway', () => {
    const { node, gateway } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0])
    ip('-n', gateway, 'address', 'del', GATEWAY[0], 'dev', 'plgateway')

    const reason = `default gateway: ${DEAD} does not answer (neighbour incomplete)`
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it('fails when the cable is out at the other end', () => {
    const { node, gateway } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0])
    ip('-n', gateway, 'link', 'set', 'plgateway', 'down')

    // Its entry is incomplete, or already gone: the kernel forgets neighbours when it notices the cable.
    const saying: unknown = expect.stringContaining(`${DEAD} does not answer`)
    expect(run(node)).toMatchObject({ passed: false, reason: saying })
  })

  it('passes when the gateway swallows every packet but lives', () => {
    const { node, gateway } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0])
    run(node)
    ip('-n', gateway, 'route', 'add', 'blackhole', '10.77.0.2/32')

    expect(run(node)).toStrictEqual(PASSED)
  })

  it('fails without a default route, whatever its kernel rejects', () => {
    const { node } = aCable()
    ip('-n', node, 'route', 'add', 'unreachable', 'default', 'metric', '5000')
    ip('-n', node, 'route', 'add', 'blackhole', 'default', 'metric', '6000')

    const reason = 'default gateway: no default route'
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it('takes the default route with the lowest metric', () => {
    const { node } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', '10.77.0.9', 'metric', '50')
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0], 'metric', '100')

    const reason = 'default gateway: 10.77.0.9 by plnode does not answer (neighbour incomplete)'
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it.each([
    ['one lives', ['10.77.0.9', VIA[0]], true, 'warning'],
    ['none does', ['10.77.0.9', '10.77.0.8'], false, 'reason'],
  ] as const)('asks every gateway of the lowest metric: %s', (_, hops, passed, field) => {
    const { node } = aCable()
    for (const via of hops) ip('-n', node, 'route', 'append', 'default', 'via', via)

    const result = run(node)

    const saying: unknown = expect.stringContaining('10.77.0.9 by plnode does not answer')
    expect(result).toMatchObject({ passed, [field]: saying })
  })

  it.each([
    [
      'over an IPv6 neighbour',
      ['-4', 'route', 'add', 'default', 'via', 'inet6', 'fe80::9', 'dev', 'plnode'],
    ],
    [
      'over an IPv6 neighbour first',
      ['-4', 'route', 'add', 'default']
        .concat(['nexthop', 'via', 'inet6', 'fe80::9', 'dev', 'plnode'])
        .concat(['nexthop', 'via', VIA[0]]),
    ],
    ['to a device', ['route', 'add', 'default', 'dev', 'plnode', 'scope', 'link']],
  ])('cannot tell by a default route %s', (_, words) => {
    const { node } = aCable()
    ip('-n', node, ...words)

    const warning = 'default gateway: the default route by plnode names no gateway'
    expect(run(node)).toStrictEqual({ ...PASSED, warning })
  })

  it.each(['blackhole', 'unreachable', 'prohibit', 'throw'])(
    'fails where the lowest metric is %s',
    (kind) => {
      const { node } = aCable()
      ip('-n', node, 'route', 'add', kind, 'default', 'metric', '50')
      ip('-n', node, 'route', 'add', 'default', 'via', VIA[0], 'metric', '100')

      const reason = 'default gateway: no default route'
      expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
    },
  )

  it('passes beside a route that rejects with a higher metric', () => {
    const { node } = aCable()
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0], 'metric', '50')
    ip('-n', node, 'route', 'add', 'unreachable', 'default', 'metric', '100')

    expect(run(node)).toStrictEqual(PASSED)
  })

  it('fails where the nexthop object of its route is a blackhole', () => {
    const { node } = aCable()
    ip('-n', node, 'nexthop', 'add', 'id', '7', 'blackhole')
    ip('-n', node, 'route', 'add', 'default', 'nhid', '7')

    const reason = 'default gateway: no default route'
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it('warns where devices resolve nobody and nothing answers', () => {
    const { node } = aCable()
    ip('-n', node, 'link', 'set', 'plnode', 'arp', 'off')
    ip('-n', node, 'route', 'add', 'default', 'via', VIA[0])

    const warning = `default gateway: ${DEAD} is filtered, dead or alive (timeout)`
    expect(run(node)).toStrictEqual({ ...PASSED, warning })
  })
})

describe.skipIf(obstacle !== '')(`the network of a node with IPv6 alone${skipped}`, () => {
  it('passes while its gateway refuses connections', () => {
    const { node } = aCable()
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', VIA[1])

    expect(run(node)).toStrictEqual(PASSED)
  })

  it('passes by a link-local gateway, with its zone', () => {
    const { node, gateway } = aCable()
    addAddress(gateway, 'plgateway', 'fe80::77/64')
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', 'fe80::77', 'dev', 'plnode')

    expect(run(node)).toStrictEqual(PASSED)
  })

  it('fails where a route that rejects has the lowest metric', () => {
    const { node } = aCable()
    ip('-n', node, '-6', 'route', 'add', 'unreachable', 'default', 'metric', '50')
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', VIA[1], 'metric', '100')

    const reason = 'default gateway: no default route'
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it('fails when nobody has the address of its gateway', () => {
    const { node } = aCable()
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', 'fd77::9')

    const reason = 'default gateway: fd77::9 by plnode does not answer (EHOSTUNREACH)'
    expect(run(node)).toStrictEqual({ name: 'network', passed: false, reason })
  })

  it('warns when its gateway swallows every connection', () => {
    const { node, gateway } = aCable()
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', VIA[1])
    ip('-n', gateway, '-6', 'route', 'add', 'blackhole', 'fd77::2/128')

    const warning = 'default gateway: fd77::1 by plnode is filtered, dead or alive (timeout)'
    expect(run(node)).toStrictEqual({ ...PASSED, warning })
  })

  it('passes when one next hop of its route answers, and warns of the other', () => {
    const { node } = aCable()
    const hops = ['nexthop', 'via', 'fd77::9', 'nexthop', 'via', VIA[1]]
    ip('-n', node, '-6', 'route', 'add', 'default', ...hops)

    const warning = 'default gateway: fd77::9 by plnode does not answer (EHOSTUNREACH)'
    expect(run(node)).toStrictEqual({ ...PASSED, warning })
  })

  it('asks a DNS server with a link-local address, with its zone', async () => {
    const { node, gateway } = aCable()
    ip('-n', node, '-6', 'route', 'add', 'default', 'via', VIA[1])
    addAddress(gateway, 'plgateway', 'fe80::77/64')
    setResolvConf(node, 'nameserver 127.0.0.9\nnameserver fe80::77%plnode\n')
    await startDns(gateway, 'fe80::77%plgateway')

    expect(run(node, OF_RESOLV_CONF)).toStrictEqual(PASSED)
  })
})
