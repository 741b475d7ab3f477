/**
 * All that is held of a cluster, for pages, JSON and metrics. The object hands over its large parts unread: parsing them
 * is work for the isolate that asks, for the one writer has reports to take. Readers without a token share a memo, and see
 * neither names of tokens nor addresses.
 */
import type { ClusterState } from '../domain/cluster.ts'
import type { Env } from '../env.ts'
import { hidePrivate } from './hide-private.ts'
import { Memo } from './memo.ts'
import { SharedReads, type SharedRead } from './shared-reads.ts'
import { parseContent, parseNodes, parseServices, type StoredState } from './storage.ts'

/** ms that a read is good for without a token: what a crowd of open pages costs the one object. */
const MEMO_MS = 1000
/** ms up to which it is shown while another request of this isolate reads a newer one, or none is allowed. */
const STALE_MS = 4000
/** ms that the object may take: a page says then that it can't be read. */
const READ_TIMEOUT_MS = 5000
/**
 * Characters of stored text whose state an isolate keeps, of all clusters together: three of the largest. Parsed it takes up to
 * five times as much, and `__gtg` lives in the same 128 MB.
 */
const MEMO_MAX_LENGTH = 12_000_000

/** As it was read. Parsed for visitors once, when the first of them asks. */
class ReadState {
  readonly length: number
  readonly #stored: StoredState | null
  #public: { state: ClusterState | null } | null = null
  #isTold = false

  constructor(stored: StoredState | null) {
    this.#stored = stored
    this.length = 1000 + lengthOf(stored)
  }

  stateFor({ isKnown }: { isKnown: boolean }): ClusterState | null {
    if (isKnown) return parseState(this.#stored)
    this.#public ??= { state: parseState(this.#stored && hidePrivate(this.#stored)) }
    return this.#public.state
  }

  /** True once, where its content was written by a version that this one can't read. */
  takeUnreadable(state: ClusterState | null): boolean {
    const text = this.#stored?.content ?? this.#stored?.report ?? null
    const isNews = !this.#isTold && state !== null && state.content === null && text !== null
    this.#isTold ||= isNews
    return isNews
  }
}

const reads = new SharedReads<ReadState>({
  memo: new Memo({ max: MEMO_MAX_LENGTH, weigh: ({ length }) => length }),
  goodForMs: MEMO_MS,
  staleForMs: STALE_MS,
  timeoutMs: READ_TIMEOUT_MS,
})

/** `isKnown`: a token holder sees what is there now, and all of it. Visitors are given the same object each time. */
export async function findState(
  env: Env,
  cluster: string,
  { isKnown }: { isKnown: boolean },
): Promise<SharedRead<ClusterState | null>> {
  const object = env.CLUSTER.getByName(cluster)
  const ask = async () => new ReadState(await object.read())
  const read = await reads.read(env, { cluster, isKnown, ask })
  if (!read.ok) return read
  const state = read.value.stateFor({ isKnown })
  if (read.value.takeUnreadable(state)) await object.forgetDigest()
  return { ok: true, value: state }
}

/** The same, for readers that leave a cluster out which can't be read. Throws when it can't be. */
export async function readState(
  env: Env,
  cluster: string,
  who: { isKnown: boolean },
): Promise<ClusterState | null> {
  const read = await findState(env, cluster, who)
  if (read.ok) return read.value
  throw new Error(`the object of ${cluster} could not be read: ${read.reason}`)
}

export function forgetState(cluster: string, nowMs: number): void {
  reads.forget(cluster, nowMs)
}

function lengthOf(stored: StoredState | null): number {
  if (stored === null) return 0
  const { content, report, frame, services, nodes } = stored
  const texts = [content, report, frame, services, nodes]
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

export function parseState(stored: StoredState | null): ClusterState | null {
  if (stored === null) return null
  const { content, report, frame, services, nodes, standing, ...small } = stored
  return {
    ...small,
    content: parseContent({ content, report, frame }),
    standing: { ...standing, services: parseServices(services), nodes: parseNodes(nodes) },
  }
}
