/** How much each of several may have where all together ask for more than there is. Pure. */

/**
 * The level at which those with the most are cut, so that the sum is within `max`: whoever asks for less keeps all of it.
 * Infinity: nothing need be cut.
 * @example findLevel([1, 2, 90], 10) // 7
 */
export function findLevel(asked: number[], max: number): number {
  let left = max
  const smallestFirst = asked.toSorted((a, b) => a - b)
  for (const [i, count] of smallestFirst.entries()) {
    const share = Math.floor(left / (smallestFirst.length - i))
    if (count > share) return share
    left -= count
  }
  return Infinity
}
