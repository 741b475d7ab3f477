/**
 * The edge's time, as its replies tell it. Runs on the monotonic clock, so that neither a wrong clock on the node
 * nor one that jumps makes a report late or a signature invalid.
 */
import { SIGNATURE_TOLERANCE_MS } from '../../worker/contract/limits.ts'

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
    // Date is cut to whole seconds, and says when within the exchange the reply was made only roughly; an offset
    // that was adopted has that doubt in it too.
    const offsetMs = edgeMs + 500 - (sentMs + receivedMs) / 2
    const doubtMs = (this.#isAdopted ? 1000 : 500) + (receivedMs - sentMs) / 2
    if (Math.abs(offsetMs - this.#offsetMs) <= doubtMs) return false
    const movedMs = Math.abs(offsetMs - this.#offsetMs)
    this.#offsetMs = offsetMs
    this.#isAdopted = true
    return movedMs > SIGNATURE_TOLERANCE_MS - 60_000
  }
}
