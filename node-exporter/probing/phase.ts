/** Each target's own moment within its period, the same in every round: thousands of probes never leave together. */

/** ms from `nowMs` to the next moment that is this key's, above 0 and at most a period away. */
export function findDelayMs(
  key: string,
  { periodMs, nowMs }: { periodMs: number; nowMs: number },
): number {
  const phaseMs = (hash(key) / 2 ** 32) * periodMs
  const behindMs = (((nowMs - phaseMs) % periodMs) + periodMs) % periodMs
  return periodMs - behindMs
}

/** FNV-1a with murmur3's last mix, 32 bits: names that differ in their last digit must not meet. */
function hash(key: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < key.length; i++) {
    value = Math.imul(value ^ key.charCodeAt(i), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
