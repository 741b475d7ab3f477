/** A service's failed checks in a row: one per round at most, however many of its pods fail or change their names. */
import { describe, expect, it } from 'vitest'
import { Streak } from '../../../../node-exporter/probing/streak.ts'

/**
 * Answers in their order, as `a-` (a is bad) or `a+` (a is good), with a `!` when asked besides the rounds; what a target said last is what is known of it.
 * A list of names alone says that from now on those are the service's targets.
 */
function play(script: string): number[] {
  const streak = new Streak()
  const known = new Map<string, boolean>()
  let targets: string[] = []
  return script.split(' ').flatMap((word) => {
    if (word.startsWith('=')) {
      targets = word.slice(1).split(',')
      streak.follow(targets)
      return []
    }
    const isForced = word.endsWith('!')
    const id = word.slice(0, isForced ? -2 : -1)
    const failed = word.includes('-')
    known.set(id, !failed)
    const isServiceOk = targets.every((target) => known.get(target) ?? true)
    streak.take(id, { failed, isServiceOk, isForced })
    return [streak.count]
  })
}

describe('a service of one pod', () => {
  it.each([
    ['counts each failure', '=a a- a- a-', [1, 2, 3]],
    ['counts none while it is well', '=a a+ a+', [0, 0]],
    ['starts again after one good answer', '=a a- a- a+ a-', [1, 2, 0, 1]],
    ['counts pods that come under new names', '=a a- =b b- =c c-', [1, 2, 3]],
  ])('%s', (_, script, counts) => {
    expect(play(script)).toEqual(counts)
  })
})

describe('a service of several pods', () => {
  it.each([
    ['fails once a round when all fail', '=a,b,c a- b- c- a- b- c-', [1, 1, 1, 2, 2, 2]],
    ['fails once a round when the first does', '=a,b a- b+ a- b+ a-', [1, 1, 2, 2, 3]],
    ['fails once a round when the last does', '=a,b a+ b- a+ b- a+ b-', [0, 1, 1, 2, 2, 3]],
    ['ends its streak in a moment when all are well', '=a,b a- b- a+ b+ a-', [1, 1, 1, 0, 1]],
    ['counts anew after a good moment within a round', '=a,b a- a+ a- b+', [1, 0, 1, 1]],
    ['keeps it while the bad one changes', '=a,b a- b+ a- b- a+ b-', [1, 1, 2, 2, 2, 3]],
    ['keeps counting when pods roll', '=a,b a- b- =c,b c- b- =c,d c- d-', [1, 1, 2, 2, 3, 3]],
    ['is well again when one pod is left that is', '=a,b a- b+ =b b+', [1, 1, 0]],
    ['counts a round of the pods that are left', '=a,b a- =a a- a-', [1, 1, 2]],
  ])('%s', (_, script, counts) => {
    expect(play(script)).toEqual(counts)
  })
})

describe('what is asked besides the rounds', () => {
  it.each([
    ['begins a streak', '=a a-!', [1]],
    ['never makes it longer', '=a a- a-! a-! a-!', [1, 1, 1, 1]],
    ['never makes it longer by itself', '=a a-! a-! a-!', [1, 1, 1]],
    ['ends it', '=a a- a- a+! a-', [1, 2, 0, 1]],
    ['is forgotten when it ends', '=a a-! a+ a- a-', [1, 0, 1, 2]],
    ['begins it anew', '=a a- a- a+! a-!', [1, 2, 0, 1]],
    ['brings the next count no nearer', '=a a-! a- a- a-', [1, 1, 2, 3]],
    ['brings it no nearer in the middle of a round', '=a,b a+ a-! b+ a- b+ a-', [0, 1, 1, 1, 1, 2]],
    ['brings it no nearer between rounds', '=a,b a- b+ a-! b+! a- b+ a-', [1, 1, 1, 1, 2, 2, 3]],
    ['is nothing to a round that has counted', '=a,b a- a-! b- a- b-', [1, 1, 1, 2, 2]],
    ['does not complete a round', '=a,b a- b-! b-! a- b-', [1, 1, 1, 1, 1]],
  ])('%s', (_, script, counts) => {
    expect(play(script)).toEqual(counts)
  })
})
