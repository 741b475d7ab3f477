/** Each target's own moment within its period, the same after every restart: thousands of probes never leave together. */

/** ms from `nowMs` to the next moment that is this key's, above 0 and at most a period away. */
export function findDelayMs(
  key: string,
  { periodMs, nowMs }: { periodMs: number; nowMs: number },
): number {
  const phaseMs = (hash(key) / 2 ** 32) * periodMs
  const behindMs = (((nowMs - phaseMs) % periodMs) + periodMs) % periodMs
  return periodMs - behindMs
}

/** FNV-1a, 32 bits: spreads, and needs to do nothing else. */
function hash(key: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < key.length; i++) {
    value = Math.imul(value ^ key.charCodeAt(i), 0x01000193)
  }
  return value >>> 0
}
