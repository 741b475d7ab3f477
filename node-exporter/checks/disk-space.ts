/**
 * How full file systems are, without ever waiting for a dead one: a `statfs` that hangs keeps a thread of libuv's pool
 * for good, so of one mount only one call is ever outstanding, and of all of them two.
 */
import { statfs } from 'node:fs/promises'
import pLimit from 'p-limit'

/** Of `statfs`, in the file system's own blocks. */
export interface Figures {
  blocks: bigint
  /** Free to those who aren't root. */
  bavail: bigint
  /** 0 where there is no fixed number of inodes (btrfs). */
  files: bigint
  ffree: bigint
}

export type StatFs = (path: string) => Promise<Figures>

/** Of one path; `absent`: there is no such path. */
export type Space = Figures | 'absent' | { problem: string }

/** `waits`: it could not even be asked, for other mounts hang. */
export type Silent = 'hangs' | 'waits'

/** ms until a mount counts as hanging (behaviour, section 7). */
const ANSWER_WITHIN_MS = 2000

/** Of libuv's four threads: the others are left to files and names, however many mounts hang. */
const OUTSTANDING_MAX = 2

interface Asked {
  answer: Promise<ReadonlyMap<string, Space>>
  /** Stays resolved while it hangs, so whoever comes later hears it at once. */
  silent: Promise<Silent>
}

export class DiskSpace {
  readonly #statfs: StatFs
  readonly #limit = pLimit(OUTSTANDING_MAX)
  readonly #asked = new Map<string, Asked>()

  constructor(ask: StatFs = (path) => statfs(path, { bigint: true })) {
    this.#statfs = ask
  }

  hasCallOut(): boolean {
    return this.#limit.activeCount > 0
  }

  /** `paths` all sit on the mount at `point`. Never rejects; whoever comes while it is asked gets that same answer. */
  async measure(
    point: string,
    paths: readonly string[],
  ): Promise<ReadonlyMap<string, Space> | Silent> {
    const { answer, silent } = this.#asked.get(point) ?? this.#ask(point, paths)
    return Promise.race([answer, silent])
  }

  #ask(point: string, paths: readonly string[]): Asked {
    const { promise: silent, resolve } = Promise.withResolvers<Silent>()
    const late = new AbortController()
    let word: Silent = 'waits'
    const timer = setTimeout(() => {
      late.abort()
      resolve(word)
    }, ANSWER_WITHIN_MS)
    const answer = this.#limit(() => {
      word = 'hangs'
      return this.#askEach(paths, late.signal)
    }).finally(() => {
      clearTimeout(timer)
      this.#asked.delete(point)
    })
    this.#asked.set(point, { answer, silent })
    return { answer, silent }
  }

  /** One after the other, and none any more once it is late: nobody waits for them. */
  async #askEach(paths: readonly string[], late: AbortSignal): Promise<Map<string, Space>> {
    const spaces = new Map<string, Space>()
    for (const path of paths) {
      if (late.aborted) break
      // oxlint-disable-next-line no-await-in-loop
      spaces.set(path, await this.#askOne(path))
    }
    return spaces
  }

  async #askOne(path: string): Promise<Space> {
    try {
      return await this.#statfs(path)
    } catch (error) {
      if (!(error instanceof Error)) return { problem: String(error) }
      const isAbsent = 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      return isAbsent ? 'absent' : { problem: error.message }
    }
  }
}
