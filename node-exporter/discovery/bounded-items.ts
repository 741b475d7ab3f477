/**
 * Objects of one kind within a bound, per namespace and in all. The oldest of a namespace stay; where all together are too
 * many, the namespaces with the most are cut first, so that a flood in one never costs another anything.
 */

export interface Limit {
  perNamespace: number
  inAll: number
}

/** Where objects are all that is counted, whatever they are. */
export interface CountBound {
  items: Limit
}

export interface Bound<T> {
  /** Objects. */
  items: Limit
  /** What an object holds, such as addresses or names, where that is what needs memory. */
  parts?: Limit & {
    count(item: T): number
    /** The same object with at most so many of its parts. Without it, an object that holds too many is left out. */
    shorten?(item: T, most: number): T
  }
}

/** By what an object is known, and how old it is. */
export interface Known {
  namespace: string
  name: string
  /** RFC 3339 in UTC, so that the later text is the later time. */
  createdAt: string
}

interface Kept<T> extends Known {
  item: T
  parts: number
}

interface Room<T> {
  /** The oldest first. */
  kept: Kept<T>[]
  parts: number
}

export class BoundedItems<T> {
  readonly #bound: Bound<T>
  readonly #byKey = new Map<string, Kept<T>>()
  readonly #rooms = new Map<string, Room<T>>()
  readonly #cut = new Set<string>()
  #parts = 0

  constructor(bound: Bound<T>) {
    this.#bound = bound
  }

  /** Namespaces of which something was left out or shortened. */
  get cut(): ReadonlySet<string> {
    return this.#cut
  }

  /** Something that was kept has gone from a namespace that was cut: one that was left out has room now. */
  hasRoom = false

  get size(): number {
    return this.#byKey.size
  }

  /** In the order of namespace and name. */
  items(): T[] {
    return [...this.#byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { item }]) => item)
  }

  get({ namespace, name }: Omit<Known, 'createdAt'>): T | undefined {
    return this.#byKey.get(keyOf(namespace, name))?.item
  }

  delete({ namespace, name }: Omit<Known, 'createdAt'>): void {
    const kept = this.#byKey.get(keyOf(namespace, name))
    if (kept === undefined) return
    this.#remove(kept)
    if (this.#cut.has(namespace)) this.hasRoom = true
  }

  put({ namespace, name, createdAt }: Known, item: T): void {
    const before = this.#byKey.get(keyOf(namespace, name))
    if (before !== undefined) this.#remove(before)
    this.#add({ namespace, name, createdAt, item, parts: this.#bound.parts?.count(item) ?? 0 })
    this.#trim(namespace)
    while (this.#isOver('inAll', this.#byKey.size, this.#parts)) this.#trimOne(this.#findLargest())
  }

  #trim(namespace: string): void {
    for (;;) {
      const { kept, parts } = this.#rooms.get(namespace) ?? NONE
      if (!this.#isOver('perNamespace', kept.length, parts)) return
      this.#trimOne(namespace)
    }
  }

  #isOver(scope: keyof Limit, items: number, parts: number): boolean {
    return items > this.#bound.items[scope] || parts > (this.#bound.parts?.[scope] ?? Infinity)
  }

  /** The newest goes, or what it holds too much, where it can be shortened. */
  #trimOne(namespace: string): void {
    const room = this.#rooms.get(namespace)
    const newest = room?.kept.at(-1)
    if (room === undefined || newest === undefined) return
    this.#cut.add(namespace)
    this.#remove(newest)
    const { items, parts: limit } = this.#bound
    const isTooMany = room.kept.length >= items.perNamespace || this.#byKey.size >= items.inAll
    if (limit?.shorten === undefined || isTooMany || newest.parts === 0) return
    const most = Math.min(limit.perNamespace - room.parts, limit.inAll - this.#parts)
    const item = limit.shorten(newest.item, Math.max(0, most))
    const parts = limit.count(item)
    if (parts < newest.parts) this.#add({ ...newest, item, parts })
  }

  /** By parts where they are bounded, else by objects. */
  #findLargest(): string {
    let [largest, most] = ['', -1]
    for (const [namespace, { kept, parts }] of this.#rooms) {
      const size = this.#bound.parts === undefined ? kept.length : parts + kept.length
      if (size > most) [largest, most] = [namespace, size]
    }
    return largest
  }

  #add(added: Kept<T>): void {
    const room = this.#rooms.get(added.namespace) ?? { kept: [], parts: 0 }
    this.#rooms.set(added.namespace, room)
    room.kept.splice(findPlace(room.kept, added), 0, added)
    room.parts += added.parts
    this.#parts += added.parts
    this.#byKey.set(keyOf(added.namespace, added.name), added)
  }

  #remove(gone: Kept<T>): void {
    const room = this.#rooms.get(gone.namespace)
    if (room === undefined) return
    room.kept.splice(findPlace(room.kept, gone), 1)
    room.parts -= gone.parts
    this.#parts -= gone.parts
    this.#byKey.delete(keyOf(gone.namespace, gone.name))
    if (room.kept.length === 0) this.#rooms.delete(gone.namespace)
  }
}

const NONE: { kept: readonly unknown[]; parts: number } = { kept: [], parts: 0 }

/** Where it stands or would stand, by age and then by name. */
function findPlace(kept: Kept<unknown>[], { createdAt, name }: Known): number {
  const age = createdAt + name
  let [from, to] = [0, kept.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    const there = kept[middle]
    if (there !== undefined && there.createdAt + there.name < age) from = middle + 1
    else to = middle
  }
  return from
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`
}
