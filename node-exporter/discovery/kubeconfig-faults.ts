/**
 * What is said of credentials that can't be had, in words of our own: what a parser or a plugin says holds what stands in the
 * file, or what was printed, and either may be a secret.
 */

/** `source`: KUBECONFIG, or whatever else was to be read. */
export function sayUnread(source: string, error: unknown): string {
  return `${source} can't be read: ${codeOf(error) ?? 'it is no kubeconfig'}`
}

export function sayNoCredentials(source: string, error: unknown): string {
  return `${source} gives no credentials: ${codeOf(error) ?? 'its plugin fails'}`
}

/** Of the system's own errors, such as ENOENT; their words name a path, which is where a token may stand by mistake. */
export function codeOf(error: unknown): string | null {
  const isSystems = error instanceof Error && 'syscall' in error && 'code' in error
  return isSystems ? String(error.code) : null
}
