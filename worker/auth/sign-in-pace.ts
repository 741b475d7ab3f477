/**
 * Slows tries to sign in from one network after five failures, in this isolate. It never locks: each try gets its turn,
 * and a right token clears the count. A turn is a moment and not a running counter, so a visitor who goes away while waiting
 * leaves nothing behind.
 */

/** Tries that are looked at without a wait. */
const FREE = 5
/** ms between two tries from then on: doubled with each, up to the last. */
const FIRST_GAP_MS = 250
const LAST_GAP_MS = 2000
/** ms that a try may wait for its turn: five tries of one network wait at most. */
const WAIT_MAX_MS = 10_000
/** Tries that wait at once in this isolate. */
const WAITING_MAX = 100
/** ms after which a network's failures are forgotten. */
const FORGET_MS = 15 * 60_000
/** Networks that are remembered; the longest unheard go first. */
const NETWORKS_MAX = 1000

interface Tries {
  count: number
  /** ms; when the last one has its turn. */
  turnMs: number
}

export class SignInPace {
  readonly #tries = new Map<string, Tries>()
  /** ms; when each of those that wait has its turn. */
  #turns: number[] = []

  /** ms to wait before the token is looked at. null: too many wait already, ask again in LAST_GAP_MS. */
  next(address: string, nowMs: number): number | null {
    const network = networkOf(address)
    const { count, turnMs: lastMs } = this.#recall(network, nowMs)
    const turnMs = Math.max(nowMs, lastMs + gapOf(count))
    this.#turns = this.#turns.filter((ms) => ms > nowMs && ms <= nowMs + WAIT_MAX_MS)
    const mustWait = turnMs > nowMs
    if (mustWait && this.#turns.length >= WAITING_MAX) return null
    if (turnMs - nowMs > WAIT_MAX_MS) return null
    if (mustWait) this.#turns.push(turnMs)
    this.#keep(network, { count: count + 1, turnMs })
    return turnMs - nowMs
  }

  /** A right token came from there. */
  clear(address: string): void {
    this.#tries.delete(networkOf(address))
  }

  #recall(network: string, nowMs: number): Tries {
    const held = this.#tries.get(network)
    const agoMs = nowMs - (held?.turnMs ?? -Infinity)
    // No turn is further ahead, unless the clock was set back.
    const isForgotten = held === undefined || agoMs > FORGET_MS || agoMs < -WAIT_MAX_MS
    return isForgotten ? { count: 0, turnMs: 0 } : held
  }

  #keep(network: string, tries: Tries): void {
    this.#tries.delete(network)
    this.#tries.set(network, tries)
    const [oldest] = this.#tries.keys()
    if (this.#tries.size > NETWORKS_MAX && oldest !== undefined) this.#tries.delete(oldest)
  }
}

function gapOf(count: number): number {
  return count < FREE ? 0 : Math.min(LAST_GAP_MS, FIRST_GAP_MS * 2 ** (count - FREE))
}

/** An IPv4 address, or the /64 of an IPv6 address: a site has all of a /64 to choose from. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')
}
