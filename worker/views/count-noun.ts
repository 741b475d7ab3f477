/** A number and its noun: `1 pod`, `2 pods`. */

export function countNoun(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
