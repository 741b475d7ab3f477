/**
 * The edge's time, as its replies tell it. Runs on the monotonic clock, so that neither a wrong clock on the node
 * nor one that jumps makes a report late or a signature invalid.
 */
import { SIGNATURE_TOLERANCE_MS } from '../../worker/contract/limits.ts'

/** When a question left, and its answer came: ms, monotonic. */
export interface Exchange {
  sentMs: number
  receivedMs: number
}

export class EdgeClock {
  #isAdopted = false
  #offsetMs = Date.now() - performance.now()

  /** Whole ms since 1970; the node's own word until the first reply. */
  now(): number {
    return Math.round(this.#offsetMs + performance.now())
  }

  /**
   * `date`: a reply's Date header. `sentMs`, `receivedMs`: monotonic. True when the clock was moved so far that a
   * signature may have been refused for it.
   */
  adjust(date: string | undefined, sentMs: number, receivedMs: number): boolean {
    const edgeMs = Date.parse(date ?? '')
    if (Number.isNaN(edgeMs)) return false
    // Date is cut to whole seconds; an offset that was adopted has that doubt in it too.
    const doubtMs = this.#isAdopted ? 1000 : 500
    return this.#compare(edgeMs + 500, doubtMs, { sentMs, receivedMs })
  }

  /** As adjust, by an edge that tells its time in whole ms. */
  adjustTo(edgeMs: number, exchange: Exchange): boolean {
    return this.#compare(edgeMs, 1, exchange)
  }

  /** When within the exchange the reply was made is known only roughly. */
  #compare(edgeMs: number, doubtMs: number, { sentMs, receivedMs }: Exchange): boolean {
    const offsetMs = edgeMs - (sentMs + receivedMs) / 2
    const movedMs = Math.abs(offsetMs - this.#offsetMs)
    if (movedMs <= doubtMs + (receivedMs - sentMs) / 2) return false
    this.#offsetMs = offsetMs
    this.#isAdopted = true
    return movedMs > SIGNATURE_TOLERANCE_MS - 60_000
  }
}
