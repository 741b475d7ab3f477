/**
 * The order of what this exporter sends: one epoch, and a sequence that every try takes anew, be it a report or a live
 * link. One of it in a term: whoever had a sequence of its own would overtake the others, or be refused.
 */
import type { Place } from '../../worker/contract/report.ts'

export class Order {
  #epoch: number
  #sequence = 0

  constructor(epoch: number) {
    this.#epoch = epoch
  }

  get epoch(): number {
    return this.#epoch
  }

  next(): Place {
    this.#sequence += 1
    return { epoch: this.#epoch, sequence: this.#sequence }
  }

  /** From now on above all that another has sent. */
  exceed(held: Place): void {
    this.#epoch = held.epoch + 1
  }

  /** A place that was handed out here. */
  hasGiven({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && sequence <= this.#sequence
  }
}
