/** Chance that can be repeated: numbers from a seed, by mulberry32. */

/** Gives numbers from 0 up to 1. */
export type Dice = () => number

export function rollFrom(seed: number): Dice {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A whole number. */
export function whole(dice: Dice, from: number, below: number): number {
  return from + Math.floor(dice() * (below - from))
}

export function pick<T>(dice: Dice, all: readonly T[]): T {
  const one = all[Math.floor(dice() * all.length)]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}
