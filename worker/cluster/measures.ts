/**
 * The metrics of one cluster, written in its own object: a large or hostile cluster then takes the time of no isolate that
 * answers `__gtg` of others. All isolates share a text for a second, so scrapes don't keep the object from its reports.
 */
import { writeCluster, type ClusterFormat, type ClusterText } from '../dialects/metrics.ts'
import type { ClusterState } from '../domain/cluster.ts'
import { describeCluster } from '../domain/status.ts'
import type { Counters } from './counters.ts'

/** ms for which a text serves all readers without a token. */
const GOOD_FOR_MS = 1000

export interface Measuring extends ClusterFormat {
  /** A token holder sees what is there now. */
  isKnown: boolean
}

interface Held {
  state: ClusterState | null
  counters: Counters
}

export class Measures {
  readonly #cluster: string
  #last: { format: ClusterFormat; text: ClusterText; doneMs: number } | null = null

  constructor(cluster: string) {
    this.#cluster = cluster
  }

  /** A person changed something: what was written before is not shown again. */
  forget(): void {
    this.#last = null
  }

  write({ isKnown, ...format }: Measuring, read: () => Held): ClusterText {
    const nowMs = Date.now()
    const last = this.#last
    const isSame =
      last?.format.prefix === format.prefix && last.format.maxLength === format.maxLength
    const ageMs = nowMs - (last?.doneMs ?? -Infinity)
    if (!isKnown && last !== null && isSame && ageMs >= 0 && ageMs < GOOD_FOR_MS) return last.text
    const { state, counters } = read()
    const status = describeCluster(state, { cluster: this.#cluster, names: [], nowMs })
    const text = writeCluster({ cluster: this.#cluster, status, counters }, format)
    // What a token holder is shown has addresses in it.
    if (!isKnown) this.#last = { format, text, doneMs: nowMs }
    return text
  }
}
