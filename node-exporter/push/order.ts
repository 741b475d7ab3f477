/**
 * The order of what this exporter sends: one epoch, and a sequence that every try takes anew, be it a report or a live
 * link. One of it in a term: whoever had a sequence of its own would overtake the others, or be refused.
 */
import type { Place } from '../../worker/contract/report.ts'
import { findNextEpoch } from '../../worker/domain/order.ts'

export class Order {
  #epoch: number
  #sequence = 0
  /** The last of them that had another epoch. */
  #before = 0

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

  /** From now on just above what is held, be that higher or lower. False: no epoch can exceed it. */
  exceed(held: Place): boolean {
    const next = findNextEpoch(held.epoch)
    if (next === null) return false
    this.#epoch = next
    this.#before = this.#sequence
    return true
  }

  /** A place that was handed out here. */
  hasGiven({ epoch, sequence }: Place): boolean {
    return epoch === this.#epoch && sequence > this.#before && sequence <= this.#sequence
  }
}
