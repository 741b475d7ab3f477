/**
 * Which addresses are never asked (behaviour, section 1). An EndpointSlice may name any address, and the exporter stands where
 * some of them give secrets: who may write a slice must not read those through it (CVE-2021-25740 is of the same kind).
 */
import { BlockList, isIP, SocketAddress } from 'node:net'

/** By what it is called in a warning. Networks as the IANA registries of special-purpose addresses have them. */
const NEVER: [what: string, networks: string[]][] = [
  ['a loopback address', ['127.0.0.0/8', '::1/128']],
  ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
  ['an unspecified address', ['0.0.0.0/8', '::/128']],
  ['a multicast or broadcast address', ['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8']],
  [
    "the address of a cloud's metadata or platform service",
    [
      '168.63.129.16/32', // Azure: WireServer
      '100.100.100.200/32', // Alibaba Cloud
      'fd00:100::100:200/128',
      '192.0.0.192/32', // Oracle Cloud, classic
      'fd00:c1::a9fe:a9fe/128',
      'fd00:ec2::/32', // AWS: metadata, EKS Pod Identity, DNS, time
      'fd20:ce::254/128', // Google Cloud
      'fd00:42::42/128', // Scaleway
      'fd00:a9fe:a9fe::1/128', // Akamai
    ],
  ],
  [
    'an IPv4 address written as IPv6',
    [
      '::/96', // IPv4-compatible
      '::ffff:0:0/96', // IPv4-mapped
      '::ffff:0:0:0/96', // SIIT, RFC 7915
      '64:ff9b::/96', // NAT64, RFC 6052
      '64:ff9b:1::/48', // NAT64, RFC 8215
      '2002::/16', // 6to4
      '2001::/32', // Teredo
    ],
  ],
]

/** All of them: deploy/components/egress excludes the same. */
export const NEVER_ASKED: readonly string[] = NEVER.flatMap(([, networks]) => networks)

/** A list of one: the sole address of a network is written without a prefix as well. null: neither. */
export function readNetwork(text: string): { address: string; prefix: number } | null {
  const [, address = '', digits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  const most = family === 4 ? 32 : 128
  const prefix = digits === undefined ? most : Number(digits)
  if (family === 0 || address.includes('%') || prefix > most) return null
  return { address, prefix }
}

/** What is wrong with asking an address; null: nothing. */
export class NeverAsked {
  readonly #never = NEVER.map(([what, networks]) => [what, listNetworks(networks)] as const)
  readonly #allowed: Networks
  /** null: they are not known yet. */
  #nodes: ReadonlySet<string> | null = null
  #apiServer: ReadonlySet<string> = new Set()
  readonly #service: string | undefined

  /** `allowed`: networks of PROBE_ALLOW_CIDRS. `service`: the API server's own address in the cluster, if it is known. */
  constructor(allowed: string[], service?: string) {
    this.#allowed = listNetworks(allowed)
    this.#service = service
  }

  /** true: they are others than before. null: not known yet. Empty: they may not be read, and so nothing is refused for them. */
  followNodes(addresses: string[] | null): boolean {
    const before = this.#nodes
    this.#nodes = addresses && setOf(addresses)
    return !isSame(before, this.#nodes)
  }

  followApiServer(addresses: string[]): void {
    this.#apiServer = setOf([...addresses, ...(this.#service === undefined ? [] : [this.#service])])
  }

  /** Of any address, whoever it belongs to. */
  refuse(address: string): string | null {
    // Not even looked up: a resolver reads `127.1` and `0x7f000001` as addresses, too.
    if (isIP(address) === 0 || address.includes('%')) return 'which is no IP address'
    if (has(this.#allowed, address)) return null
    const found = this.#never.find(([, networks]) => has(networks, address))
    return found === undefined ? null : `which is ${found[0]}`
  }

  /** Of an address in an EndpointSlice. `namesPod`: it is said to be that of a Pod of the slice's namespace. */
  refuseTarget(address: string, namesPod: boolean): string | null {
    const refused = this.refuse(address)
    if (refused !== null || namesPod || has(this.#allowed, address)) return refused
    const spelled = spellOne(address)
    if (this.#apiServer.has(spelled)) return "which is the API server's, and names no Pod"
    if (this.#nodes === null) return "which names no Pod, while the nodes' addresses are not known"
    return this.#nodes.has(spelled) ? "which is a node's, and names no Pod" : null
  }
}

/** Each family by itself: BlockList takes every IPv4 address for one of `::ffff:0:0/96`. */
interface Networks {
  ipv4: BlockList
  ipv6: BlockList
}

function listNetworks(networks: string[]): Networks {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of networks) {
    const network = readNetwork(text)
    if (network === null) throw new Error(`not a network: ${text}`)
    const family = familyOf(network.address)
    lists[family].addSubnet(network.address, network.prefix, family)
  }
  return lists
}

function has(networks: Networks, address: string): boolean {
  const family = familyOf(address)
  return networks[family].check(address, family)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** In one spelling; names are none. */
function setOf(addresses: string[]): Set<string> {
  return new Set(addresses.filter((address) => isIP(address) !== 0).map(spellOne))
}

function spellOne(address: string): string {
  return new SocketAddress({ address, family: familyOf(address) }).address
}

function isSame(a: ReadonlySet<string> | null, b: ReadonlySet<string> | null): boolean {
  if (a === null || b === null) return a === b
  return a.size === b.size && [...a].every((one) => b.has(one))
}
