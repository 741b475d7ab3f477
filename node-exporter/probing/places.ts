/**
 * The places in which pods are asked side by side, and who gets the next one. Targets that answer quickly wait in one lane, all
 * others in another. One rule keeps it fair: a service may take a place while it, its namespace and its lane, added up, hold
 * less than three times the places that are free. So a service never holds more than half of the places, a lane three
 * quarters, and whatever hangs, there is room for the next one.
 */

export interface PlacesOptions {
  /** How many there are. */
  places: number
  /** ms; an answer that takes longer is slow. */
  slowMs: number
}

/** Of a target, by its last answers. `unknown`: it was quick, or never asked, and the last answer of its service was not quick. */
export type Speed = 'quick' | 'slow' | 'unknown'

/** Whom a place is for. `speed`: as it is known by then. */
export interface Applicant {
  service: string
  namespace: string
  speed: () => Speed
}

/** Of a service that holds places. */
interface Account {
  held: number
  /** Those in which one target of a service is asked of which nothing is known: until it has answered, the others wait. */
  trying: number
  /** Those that began in the quick lane, and in which an answer stays away. */
  hanging: number
}

interface Held {
  applicant: Applicant
  as: 'quick' | 'slow' | 'trying' | 'hanging'
  /** ms, monotonic. */
  sinceMs: number
}

interface Waiting {
  applicant: Applicant
  run: () => Promise<void>
}

/** Who waits, by namespace and service. Of equals the next in turn: who had a place goes to the end, and so does its namespace. */
interface Lane {
  held: number
  namespaces: Map<string, Map<string, Waiting[]>>
}

/** Places that a service, its namespace and its lane may hold, added up, for each that is free. */
const HELD_PER_FREE = 3

export class Places {
  readonly #slowMs: number
  readonly #quick: Lane = { held: 0, namespaces: new Map() }
  /** They borrow what is idle: a quarter of the places stays free for targets that answer quickly. */
  readonly #slow: Lane = { held: 0, namespaces: new Map() }
  readonly #services = new Map<string, Account>()
  /** Places that each namespace holds. */
  readonly #namespaces = new Map<string, number>()
  /** Of the quick lane, oldest first. */
  readonly #heldByQuick = new Set<Held>()
  #free: number

  constructor({ places, slowMs }: PlacesOptions) {
    this.#free = places
    this.#slowMs = slowMs
  }

  /** Does the work once there is a place for it, and gives what comes of it. */
  take<T>(applicant: Applicant, work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const run = () => work().then(resolve, reject)
    this.#wait(applicant.speed() === 'slow' ? this.#slow : this.#quick, { applicant, run })
    this.#fill()
    return promise
  }

  #wait({ namespaces }: Lane, waiting: Waiting): void {
    const { service, namespace } = waiting.applicant
    const services = namespaces.get(namespace) ?? new Map<string, Waiting[]>()
    namespaces.set(namespace, services)
    const queue = services.get(service) ?? []
    services.set(service, queue)
    queue.push(waiting)
  }

  #fill(): void {
    this.#moveHanging()
    while (this.#free > 0) {
      const held = this.#pick(this.#quick) ?? this.#pick(this.#slow)
      if (held === null) return
      void this.#run(held)
    }
  }

  /** Of those that may have a place, the one that holds the fewest. */
  #pick(lane: Lane): Picked | null {
    for (;;) {
      const found = this.#findNext(lane)
      if (found === null || !this.#isWithin(lane.held + found.held)) return null
      const { queue, as } = found
      takeOut(lane, found)
      if (as === 'slow' && lane === this.#quick) {
        for (const waiting of queue) this.#wait(this.#slow, waiting)
        continue
      }
      const next = queue.shift()
      if (queue.length > 0) putLast(lane, found)
      return next === undefined ? null : { ...next, as, sinceMs: performance.now() }
    }
  }

  /** Only holders of places are passed over, so it never looks at many. */
  #findNext(lane: Lane): Next | null {
    let least: Next | null = null
    for (const [namespace, services] of lane.namespaces) {
      const heldByNamespace = this.#namespaces.get(namespace) ?? 0
      for (const [service, queue] of services) {
        const account = this.#services.get(service) ?? NO_ACCOUNT
        const held = heldByNamespace + account.held
        const as = lane === this.#slow ? 'slow' : this.#findPart(account, queue)
        if (as !== 'waiting' && held < (least?.held ?? Infinity)) {
          least = { namespace, service, queue, as, held }
        }
        if (account.held === 0) break
      }
      if (least?.held === 0) break
    }
    return least
  }

  /** As what the next of a service is asked that waits in the quick lane. */
  #findPart({ trying, hanging }: Account, [next]: Waiting[]): Held['as'] | 'waiting' {
    // It answered quickly until now: its other targets are not sent after those that hang.
    if (hanging > 0) return 'slow'
    const speed = next?.applicant.speed() ?? 'quick'
    if (speed !== 'unknown') return speed
    if (trying > 0) return 'waiting'
    // It may be one that hangs, too.
    return this.#isWithin(this.#slow.held) ? 'trying' : 'slow'
  }

  #isWithin(held: number): boolean {
    return held < HELD_PER_FREE * this.#free
  }

  /** Answers that stay away count for the lane of the slow from then on: the quick lane is free for others. */
  #moveHanging(): void {
    const nowMs = performance.now()
    for (const held of this.#heldByQuick) {
      if (nowMs - held.sinceMs <= this.#slowMs) return
      this.#count(held, -1)
      held.as = 'hanging'
      this.#count(held, 1)
    }
  }

  async #run(picked: Picked): Promise<void> {
    this.#count(picked, 1)
    await picked.run()
    this.#count(picked, -1)
    if (picked.applicant.speed() === 'quick') this.#bringBack(picked.applicant)
    this.#fill()
  }

  /** Those that wait with the slow ones for others of their service, and needn't any more. */
  #bringBack({ service, namespace }: Applicant): void {
    const queue = this.#slow.namespaces.get(namespace)?.get(service)
    if (queue === undefined || (this.#services.get(service)?.hanging ?? 0) > 0) return
    const stay = queue.findIndex(({ applicant }) => applicant.speed() !== 'quick')
    const back = queue.splice(0, stay === -1 ? queue.length : stay)
    for (const waiting of back) this.#wait(this.#quick, waiting)
    if (queue.length === 0) takeOut(this.#slow, { service, namespace })
  }

  #count(held: Held, by: 1 | -1): void {
    const { service, namespace } = held.applicant
    const account = this.#services.get(service) ?? { ...NO_ACCOUNT }
    account.held += by
    if (held.as === 'trying' || held.as === 'hanging') account[held.as] += by
    if (account.held > 0) this.#services.set(service, account)
    else this.#services.delete(service)
    const heldByNamespace = (this.#namespaces.get(namespace) ?? 0) + by
    if (heldByNamespace > 0) this.#namespaces.set(namespace, heldByNamespace)
    else this.#namespaces.delete(namespace)
    const isQuick = held.as === 'quick' || held.as === 'trying'
    const lane = isQuick ? this.#quick : this.#slow
    lane.held += by
    if (isQuick && by > 0) this.#heldByQuick.add(held)
    else this.#heldByQuick.delete(held)
    this.#free -= by
  }
}

type Picked = Held & Waiting

/** `held`: by it and its namespace, added up. */
interface Next {
  namespace: string
  service: string
  queue: Waiting[]
  as: Held['as']
  held: number
}

const NO_ACCOUNT: Account = { held: 0, trying: 0, hanging: 0 }

function takeOut(lane: Lane, { namespace, service }: { namespace: string; service: string }): void {
  const services = lane.namespaces.get(namespace)
  services?.delete(service)
  if (services?.size === 0) lane.namespaces.delete(namespace)
}

function putLast(
  lane: Lane,
  { namespace, service, queue }: { namespace: string; service: string; queue: Waiting[] },
): void {
  const services = lane.namespaces.get(namespace) ?? new Map<string, Waiting[]>()
  lane.namespaces.delete(namespace)
  lane.namespaces.set(namespace, services.set(service, queue))
}
