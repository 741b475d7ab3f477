/**
 * Why the API server can't be asked, in words of our own: what a parser or a plugin says holds what stands in the file,
 * or what was printed, and either may be a secret.
 */

export class AccessFault extends Error {
  override readonly name = 'AccessFault'
  /** No waiting mends it: a wrong setting, told at start-up. */
  readonly isForGood: boolean

  constructor(message: string, { isForGood, cause }: { isForGood: boolean; cause?: unknown }) {
    super(message, { cause })
    this.isForGood = isForGood
  }
}

/** Of the system's own errors, such as ENOENT; their words name a path, which is where a token may stand by mistake. */
export function codeOf(error: unknown): string | null {
  const isSystems = error instanceof Error && 'syscall' in error && 'code' in error
  return isSystems ? String(error.code) : null
}
