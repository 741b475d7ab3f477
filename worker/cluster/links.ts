/**
 * The live links of a cluster's object, of which only the newest counts. What a heartbeat moves stands in the attachment of
 * the socket that it came over: that outlives hibernation, and is no row.
 */
import * as v from 'valibot'
import { CLOSED, type Down } from '../contract/link.ts'
import { placeSchema, type Place } from '../contract/report.ts'
import type { Pulse } from '../domain/cluster.ts'
import { isLater } from '../domain/order.ts'
import type { Counters } from './counters.ts'
import { countersSchema, pulseSchema } from './storage.ts'

/** What one socket carries of its cluster. */
export interface Carried {
  pulse: Pulse
  counters: Counters
}

const attachmentSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    place: placeSchema,
    signedAtSeconds: v.optional(v.number(), 0), // of a version that did not tell it
    carried: v.unknown(),
  }),
)
type Attachment = v.InferOutput<typeof attachmentSchema>

const carriedSchema = v.object({ pulse: pulseSchema, counters: countersSchema })

export class Links {
  readonly #ctx: DurableObjectState

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /** Takes the place of all before. */
  accept(upgrade: Pick<Attachment, 'place' | 'signedAtSeconds'>): Response {
    const { 0: client, 1: server } = new WebSocketPair()
    const older = this.#open()
    this.#ctx.acceptWebSocket(server)
    attach(server, { ...upgrade, carried: null })
    for (const { socket } of older) closeSocket(socket, CLOSED.superseded)
    return new Response(null, { status: 101, webSocket: client })
  }

  /** null: none is open. */
  newest(): WebSocket | null {
    return this.#newest()?.socket ?? null
  }

  isNewest(socket: WebSocket): boolean {
    const place = placeOf(socket)
    const newest = this.#newest()
    return place !== null && newest !== null && !isLater(newest.place, place)
  }

  /** What the newest carries. null: nothing, or there is none. */
  carried(): Carried | null {
    const newest = this.#newest()
    return newest === null ? null : readCarried(newest.socket)
  }

  /** True when what the newest carries is another version's, that can't be read: it carries nothing then. */
  dropUnreadable(): boolean {
    const newest = this.#newest()
    if (newest === null) return false
    const { socket } = newest
    const isReadable =
      (readAttachment(socket)?.carried ?? null) === null || readCarried(socket) !== null
    return !isReadable && carry(socket, null)
  }

  /** False where there is no link, or it is too much for one: then it must stand in rows. */
  carry(carried: Carried): boolean {
    const newest = this.#newest()
    return newest !== null && carry(newest.socket, carried)
  }

  /** False where nobody listens. */
  send(message: Down): boolean {
    const socket = this.newest()
    if (socket === null) return false
    socket.send(JSON.stringify(message))
    return true
  }

  /** Who pushes over HTTP, a newer leader or the same, has no link open that is older: what seems so leads nowhere. */
  closeOlder(report: Place): void {
    for (const { socket, place } of this.#open()) {
      if (isLater(report, place)) closeSocket(socket, CLOSED.superseded)
    }
  }

  /** For good: a side that answers the close late, or never, must not bring back what its link carried, or its place. */
  closeAll(): void {
    for (const { socket } of this.#open()) {
      socket.serializeAttachment(null)
      closeSocket(socket, CLOSED.again)
    }
  }

  #newest(): { socket: WebSocket; place: Place } | null {
    return this.#open().reduce<{ socket: WebSocket; place: Place } | null>(
      (newest, one) => (newest === null || isLater(one.place, newest.place) ? one : newest),
      null,
    )
  }

  #open(): { socket: WebSocket; place: Place }[] {
    return this.#ctx.getWebSockets().flatMap((socket) => {
      const place = socket.readyState === WebSocket.OPEN ? placeOf(socket) : null
      return place === null ? [] : [{ socket, place }]
    })
  }
}

/** Also of one that has just closed. */
export function readCarried(socket: WebSocket): Carried | null {
  const read = v.safeParse(carriedSchema, readAttachment(socket)?.carried)
  return read.success ? read.output : null
}

export function placeOf(socket: WebSocket): Place | null {
  return readAttachment(socket)?.place ?? null
}

/** Of its upgrade: its reports are as old as that. Seconds since 1970. */
export function signedAtOf(socket: WebSocket): number {
  return readAttachment(socket)?.signedAtSeconds ?? 0
}

function readAttachment(socket: WebSocket): Attachment | null {
  const read = v.safeParse(attachmentSchema, socket.deserializeAttachment())
  return read.success ? read.output : null
}

function carry(socket: WebSocket, carried: Carried | null): boolean {
  const attachment = readAttachment(socket)
  return attachment !== null && attach(socket, { ...attachment, carried })
}

function attach(socket: WebSocket, attachment: Attachment): boolean {
  try {
    socket.serializeAttachment(JSON.stringify(attachment))
    return true
  } catch {
    return false // over the platform's 16 KiB, as of a cluster with hundreds of failing services
  }
}

/** The other side waits for it, also where it has closed itself. */
export function closeSocket(socket: WebSocket, code: number): void {
  try {
    socket.close(code)
  } catch {
    // It is closed already, which is what was wanted.
  }
}
