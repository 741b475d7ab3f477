/** How long watches last, and when the whole is listed again, in the cluster role; the node role has its own. */

export interface ReflectorTimings {
  /** s a watch asks the server for, from and to, where pings prove the connection. */
  watchSeconds: [number, number]
  /** ms without an event or a bookmark, after which such a watch counts as hung. */
  silenceMs: number
  /** The same where nothing proves the connection: short, so that one that hangs is found out. */
  unprovenSeconds: [number, number]
  /** ms that such a watch may last longer than it was asked for. */
  overdueMs: number
  /** ms from one list to the next, whatever the watches say. A list that was refused counts. */
  relistMs: number
  /**
   * ms without a list, an event or a bookmark, after which a list follows the watch. An API server whose etcd was restored
   * to an older state is silent on a watch from a version that it has not reached yet.
   */
  unconfirmedMs: number
  /**
   * ms between two lists where the first one left something out, for its bound or because it was not asked for then, and there
   * is reason to take it in.
   */
  refillMs: number
  /** ms between tries after a failure, from and to. */
  backoffMs: [number, number]
}

/**
 * 5 to 10 min are client-go's; bookmarks come a minute apart. A connection that hangs is found out by its pings in 4 s;
 * without pings, a watch that the server must end within six seconds tells early enough for a fresh one within ten.
 */
export const REFLECTOR_TIMINGS: ReflectorTimings = {
  watchSeconds: [300, 600],
  silenceMs: 100_000,
  unprovenSeconds: [4, 6],
  overdueMs: 1500,
  relistMs: 600_000,
  unconfirmedMs: 100_000,
  refillMs: 30_000,
  backoffMs: [1000, 30_000],
}

/** ms between two tries of a server that can't be reached: nothing is spared by waiting longer. */
export const AWAY_MAX_MS = 10_000
