/**
 * Whether the node is on the network: DNS answers, and the default gateway lives. It says nothing about what lies
 * behind the gateway, and sends no ICMP, which would need rights that the exporter hasn't got.
 */
import { createSocket } from 'node:dgram'
import { BADNAME, CANCELLED, FORMERR, NODATA, NOTFOUND, NOTIMP, REFUSED, SERVFAIL } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Check, NodeFacts, Outcome } from './check.ts'
import {
  findDefaultRoutes,
  findDefaultRoutes6,
  findNeighbour,
  type DefaultRoute,
  type Neighbour,
} from './default-gateway.ts'

export interface NetworkOptions {
  /** The folder of the kernel's tables; the host's own, for the exporter shares its network. */
  netRoot: string
  /** Each `address` or `address:port`. Empty: those of /etc/resolv.conf, which are the node's under dnsPolicy Default. */
  servers: readonly string[]
  /**
   * What is asked for, with the dot at its end. null: the node's own name. The node's servers are the ones for it, and
   * where they don't know it their NXDOMAIN is an answer too. A name of the cluster (`kubernetes.default.svc…`) is
   * unknown to them under dnsPolicy Default, and some refuse `.local` altogether (RFC 6762).
   */
  name: string | null
  /** For one try at one server. */
  dnsTimeoutMs: number
  /** What the gateway has for its first word after the UDP byte. */
  neighbourWaitMs: number
  connectTimeoutMs: number
  /** Of the gateway. Nobody need listen: to be refused is to be answered. */
  gatewayPort: number
}

const OPTIONS: NetworkOptions = {
  netRoot: '/proc/net',
  servers: [],
  name: null,
  dnsTimeoutMs: 1000,
  neighbourWaitMs: 400, // a live neighbour answers within a few ms
  connectTimeoutMs: 4000, // the kernel gives a neighbour up after 3 s: 3 solicitations, 1 s each
  gatewayPort: 9, // discard (RFC 863): nothing listens there that one byte could disturb
}

const TRIES = 2
const SERVERS_MAX = 3 // glibc's MAXNS: more of them than that at once is no node's
/** Of a server that is there: the network is well, whatever is wrong behind it or with the question. */
const ANSWERED = new Set<string>([SERVFAIL, REFUSED, FORMERR, NOTIMP])
const SPARE_MS = 1000 // so that both parts speak before the frame ends the run: it would pass

export function createNetwork(given: Partial<NetworkOptions> = {}): Check {
  const options = { ...OPTIONS, ...given }
  const { dnsTimeoutMs, neighbourWaitMs, connectTimeoutMs } = options
  return {
    name: 'network',
    timeoutMs:
      Math.max(TRIES * SERVERS_MAX * dnsTimeoutMs, neighbourWaitMs + connectTimeoutMs) + SPARE_MS,
    cannotTell: 'pass',
    run: async (node, signal) =>
      joinParts(
        await Promise.all([
          runPart('DNS', () => judgeDns(options, node, signal)),
          runPart('default gateway', () => judgeGateways(options, signal)),
        ]),
      ),
  }
}

/** A part that throws can't tell; the other one still speaks. */
async function runPart(part: string, run: () => Promise<Outcome>): Promise<Outcome> {
  const { passed, reason, warning } = await run().catch((error: unknown): Outcome => {
    return { passed: 'unknown', reason: error instanceof Error ? error.message : String(error) }
  })
  return {
    passed,
    ...(reason === undefined ? {} : { reason: `${part}: ${reason}` }),
    ...(warning === undefined ? {} : { warning: `${part}: ${warning}` }),
  }
}

function joinParts(parts: Outcome[]): Outcome {
  const reasons = parts.filter(({ passed }) => passed === false).map(({ reason }) => reason)
  const warnings = parts
    .map(({ passed, reason, warning }) => (passed === 'unknown' ? reason : warning))
    .filter((text) => text !== undefined)
  const warned = warnings.length === 0 ? {} : { warning: warnings.join('; ') }
  if (reasons.length > 0) return { passed: false, reason: reasons.join('; '), ...warned }
  if (parts.some(({ passed }) => passed === 'unknown')) {
    return { passed: 'unknown', reason: warnings.join('; ') }
  }
  return { passed: true, ...warned }
}

/** The servers are asked side by side, and the first answer will do. */
async function judgeDns(
  options: NetworkOptions,
  node: NodeFacts,
  signal: AbortSignal,
): Promise<Outcome> {
  const question = options.name ?? `${node.name}.`
  const resolvers = createResolvers(options)
  const cancelAll = () => {
    for (const resolver of resolvers.values()) resolver.cancel()
  }
  signal.addEventListener('abort', cancelAll)
  const failures: string[] = []
  let isAnswered = false
  try {
    return await Promise.any(
      [...resolvers].map(async ([server, resolver]) => {
        const outcome = await askTwice(resolver, question)
        if (typeof outcome !== 'string') return outcome
        failures.push(`${server} (${outcome})`)
        isAnswered ||= ANSWERED.has(outcome)
        throw new Error(outcome)
      }),
    )
  } catch {
    // Every one of them threw, and `failures` says why.
    const told = `${question} in ${TRIES} tries from ${failures.toSorted().join(', ')}`
    return isAnswered
      ? { passed: 'unknown', reason: `nothing but refusals for ${told}` }
      : { passed: false, reason: `no answer for ${told}` }
  } finally {
    signal.removeEventListener('abort', cancelAll)
    cancelAll()
  }
}

/**
 * One for each server, for a Resolver with several stops at the first SERVFAIL or REFUSED and never asks the next one
 * (Node sets ARES_FLAG_NOCHECKRESP). New ones for each run: they read /etc/resolv.conf when they are made, and remember
 * no answer.
 */
function createResolvers({ servers, dnsTimeoutMs }: NetworkOptions): Map<string, Resolver> {
  const settings = { timeout: dnsTimeoutMs, tries: 1 }
  const asked = servers.length > 0 ? servers : new Resolver().getServers()
  return new Map(
    asked.map((server) => {
      const resolver = new Resolver(settings)
      // The zone of a link-local one isn't told, but kept: it is a server that the resolver has read itself.
      resolver.setServers([server])
      return [server, resolver]
    }),
  )
}

/** The code of the last failure, where all tries fail. */
async function askTwice(resolver: Resolver, question: string): Promise<Outcome | string> {
  let code = ''
  for (let tried = 0; tried < TRIES; tried++) {
    try {
      // IPv4 addresses: that a node has none (NODATA) is an answer too.
      await resolver.resolve4(question)
      return { passed: true }
    } catch (error) {
      code = readCode(error)
      if (code === NOTFOUND || code === NODATA) return { passed: true }
      // Nobody was asked, so nobody failed.
      if (code === BADNAME || code === CANCELLED) {
        return { passed: 'unknown', reason: `${question} was not asked for: ${code}` }
      }
    }
  }
  return code
}

/** Of several gateways one that lives will do: traffic takes that one, or some of it does. */
async function judgeGateways(options: NetworkOptions, signal: AbortSignal): Promise<Outcome> {
  const routes = readDefaultRoutes(options.netRoot)
  if (routes.length === 0) return { passed: false, reason: 'no default route' }
  const hops = await Promise.all(routes.map((route) => judgeGateway(route, options, signal)))
  const words = hops.flatMap(({ reason, warning }) => reason ?? warning ?? []).join('; ')
  const isAny = (passed: Outcome['passed']) => hops.some((hop) => hop.passed === passed)
  if (isAny(true)) return words === '' ? { passed: true } : { passed: true, warning: words }
  return { passed: isAny('unknown') ? 'unknown' : false, reason: words }
}

async function judgeGateway(
  route: DefaultRoute,
  options: NetworkOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { gateway, device } = route
  if (gateway === null) {
    return { passed: 'unknown', reason: `the default route by ${device} names no gateway` }
  }
  const place = `${gateway} by ${device}`

  const neighbour = net.isIPv4(gateway) ? await knock(route, gateway, options) : 'absent'
  if (neighbour === 'complete') return { passed: true }
  if (neighbour === 'incomplete') {
    return { passed: false, reason: `${place} does not answer (neighbour incomplete)` }
  }
  return judgeConnected(await connect(gateway, options, signal), place)
}

/** `connected`: `accepted`, `timeout` or the error's code. `place`: what to call the gateway. */
export function judgeConnected(connected: string, place: string): Outcome {
  switch (connected) {
    case 'accepted':
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return { passed: true }
    case 'EHOSTUNREACH':
      return { passed: false, reason: `${place} does not answer (${connected})` }
    default:
      // A firewall swallows it, or says so: then it can be alive and never show it.
      return { passed: true, warning: `${place} is filtered, dead or alive (${connected})` }
  }
}

// The tables are read at once, not by promise: a dead NFS mount may hold every thread that reads files, and proc never
// blocks.
function readDefaultRoutes(netRoot: string): DefaultRoute[] {
  const routes = findDefaultRoutes(readFileSync(`${netRoot}/route`, 'utf8'))
  return routes.length > 0 ? routes : findDefaultRoutes6(readTable(`${netRoot}/ipv6_route`))
}

/** Empty where there is none: a kernel may run without IPv6, and a table that isn't there knows nobody. */
function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * One byte makes the kernel look for the gateway's hardware address. An entry that was good stays so until the kernel
 * doubts it, so a gateway that has just died is seen 8 s later (measured), and 53 s later at the most: up to 45 s of
 * trust, 5 s of delay, 3 s of asking.
 */
async function knock(
  route: DefaultRoute,
  gateway: string,
  { netRoot, neighbourWaitMs, gatewayPort }: NetworkOptions,
): Promise<Neighbour> {
  const socket = createSocket('udp4')
  // Whatever refuses to send it, the neighbour's entry is what counts.
  socket.on('error', () => undefined)
  socket.send(Buffer.of(0), gatewayPort, gateway, () => {
    socket.close()
  })
  await sleep(neighbourWaitMs)
  return findNeighbour(readTable(`${netRoot}/arp`), route)
}

async function connect(
  gateway: string,
  { gatewayPort, connectTimeoutMs }: NetworkOptions,
  signal: AbortSignal,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = net.connect({
    host: gateway,
    port: gatewayPort,
    timeout: connectTimeoutMs,
    signal,
  })
  socket.once('connect', () => {
    resolve('accepted')
  })
  socket.once('timeout', () => {
    resolve('timeout')
  })
  socket.once('error', (error) => {
    resolve(readCode(error))
  })
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

function readCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : String(error)
}
