/** Correlated silence: who has a vote, when an episode opens, who joins it, and when it ends (behaviour, section 6). */
import { describe, expect, it } from 'vitest'
import {
  judgeFleet,
  type Episode,
  type FleetWord,
  type Member,
} from '../../../../worker/domain/fleet.ts'
import { T0 } from '../../../support/apply.ts'

const NOW = T0 + 3_600_000
const MINUTES_15 = 15 * 60_000

/** `silentSeconds`: since its last report; its interval is 10 s, so it is late after 30. */
function aMember(cluster: string, silentSeconds: number, given: Partial<Member> = {}): Member {
  const freshAtMs = NOW - silentSeconds * 1000
  return {
    cluster,
    freshAtMs,
    freshSinceMs: T0,
    aliveSinceMs: T0,
    lateAtMs: freshAtMs + 30_000,
    isDead: silentSeconds > 60,
    witness: null,
    ...given,
  }
}

function judge(
  members: Member[],
  {
    cluster = 'a',
    episode = null,
    episodeMs = null,
    unasked = 0,
  }: {
    cluster?: string
    episode?: Episode | null
    episodeMs?: number | null
    unasked?: number
  } = {},
) {
  return judgeFleet(episode, members, {
    cluster,
    episodeMs,
    deadAfterMs: 60_000,
    mustHearWitnesses: false,
    unasked,
    nowMs: NOW,
  })
}

function kindOf(members: Member[]): FleetWord['kind'] {
  return judge(members).word.kind
}

describe('an episode', () => {
  it.each<[string, Member[], FleetWord['kind']]>([
    ['of one of two', [aMember('a', 40), aMember('b', 5)], 'none'],
    ['of two of two', [aMember('a', 40), aMember('b', 35)], 'open'],
    ['of one of three', [aMember('a', 40), aMember('b', 5), aMember('c', 5)], 'none'],
    ['of two of three', [aMember('a', 40), aMember('b', 35), aMember('c', 5)], 'open'],
    ['of half', [aMember('a', 40), aMember('b', 35), aMember('c', 5), aMember('d', 5)], 'none'],
    ['with one that is not late yet', [aMember('a', 40), aMember('b', 30)], 'none'],
    [
      'with one that is late by a millisecond',
      [aMember('a', 40), aMember('b', 30, { lateAtMs: NOW - 1 })],
      'open',
    ],
    ['with one that was retired long ago', [aMember('a', 40), aMember('b', 9000)], 'none'],
    [
      'with one that never reported',
      [aMember('a', 40), aMember('b', 40, { freshAtMs: null, aliveSinceMs: null })],
      'none',
    ],
    [
      'with one that came only just before',
      [aMember('a', 40), aMember('b', 35, { aliveSinceMs: NOW - 60_000 })],
      'none',
    ],
    [
      'when it was itself restored from KV',
      [aMember('a', 40, { aliveSinceMs: null }), aMember('b', 35), aMember('c', 35)],
      'none',
    ],
    [
      'with one that died shortly before',
      [aMember('a', 35), aMember('b', 62), aMember('c', 5)],
      'open',
    ],
  ])('opens, or not: %s', (_, members, expected) => {
    expect(kindOf(members)).toBe(expected)
  })

  it.each<[string, Member[], number, FleetWord['kind']]>([
    ['one of three, the third not asked', [aMember('a', 40), aMember('b', 5)], 1, 'unreachable'],
    ['one of two, nobody else', [aMember('a', 40)], 1, 'unreachable'],
    ['one of four, two well', [aMember('a', 40), aMember('b', 5), aMember('c', 5)], 1, 'none'],
    ['a majority without it', [aMember('a', 40), aMember('b', 35)], 1, 'open'],
  ])('is left open where one that could not be asked may decide: %s', (...row) => {
    const [, members, unasked, expected] = row

    expect(judge(members, { unasked }).word.kind).toBe(expected)
  })

  it('is not opened by a silence of long ago, as of one that is held by hand', () => {
    const members = [aMember('a', 7200, { isDead: false }), aMember('b', 40)]

    expect(judge(members, { cluster: 'a' }).word.kind).toBe('none')
  })

  it('has all that are late for members, and none that is dead', () => {
    const members = [aMember('a', 35), aMember('b', 62), aMember('c', 40), aMember('d', 5)]

    const { episode, word } = judge(members)

    expect(episode).toEqual({ openedAtMs: NOW, endedAtMs: null, joinedAtMs: { a: NOW, c: NOW } })
    expect(word).toMatchObject({ kind: 'open', openedAtMs: NOW, untilMs: NOW + MINUTES_15 })
  })
})

describe('an open episode', () => {
  const joinedAtMs = { a: NOW - 60_000, b: NOW - 55_000 }
  const episode = { openedAtMs: NOW - 60_000, endedAtMs: null, joinedAtMs }
  const silent = [aMember('a', 100, { isDead: false }), aMember('b', 95, { isDead: false })]

  it('holds on for its members', () => {
    const { word } = judge([...silent, aMember('c', 5)], { episode, episodeMs: NOW - 60_000 })

    expect(word).toMatchObject({ kind: 'open', untilMs: NOW - 60_000 + MINUTES_15 })
  })

  it('is joined by whoever falls silent later, with its end', () => {
    const judged = judge([...silent, aMember('c', 40)], { episode, cluster: 'c' })

    expect(judged.word).toMatchObject({ kind: 'open', untilMs: NOW - 60_000 + MINUTES_15 })
    expect(judged.episode?.joinedAtMs).toEqual({ ...joinedAtMs, c: NOW })
  })

  it('ends with the report of a member, and leaves the others a fresh minute from then', () => {
    const members = [aMember('a', 100, { isDead: false }), aMember('b', 7)]

    const judged = judge(members, { episode, episodeMs: NOW - 60_000 })

    expect(judged.word).toMatchObject({ kind: 'ended', untilMs: NOW - 7000 + 60_000 })
    expect(judged.episode?.endedAtMs).toBe(NOW - 7000)
  })

  it('ended when the other came back, however late somebody looks', () => {
    const back = aMember('b', 5, { freshSinceMs: NOW - 30_000 })

    const judged = judge([aMember('a', 100, { isDead: false }), back], {
      episode,
      episodeMs: NOW - 60_000,
    })

    expect(judged.episode?.endedAtMs).toBe(NOW - 30_000)
  })

  it('does not end with what one reported before it joined', () => {
    const joined = { ...episode, joinedAtMs: { ...joinedAtMs, c: NOW - 5000 } }

    const { word } = judge([...silent, aMember('c', 36)], {
      episode: joined,
      episodeMs: NOW - 60_000,
    })

    expect(word.kind).toBe('open')
  })

  it('does not end with the report of one that never fell silent', () => {
    const { word } = judge([...silent, aMember('c', 0)], { episode, episodeMs: NOW - 60_000 })

    expect(word.kind).toBe('open')
  })

  it('ends by itself after 15 min, and leaves nothing', () => {
    const openedAtMs = NOW - MINUTES_15 - 1
    const old = { ...episode, openedAtMs, joinedAtMs: { a: openedAtMs, b: openedAtMs } }

    const members = ['a', 'b'].map((name) => aMember(name, 1000, { isDead: false }))

    const judged = judge(members, { episode: old, episodeMs: old.openedAtMs })

    expect(judged.word).toMatchObject({ kind: 'ended', untilMs: NOW - 1 })
  })
})

describe('an episode that is over', () => {
  const over = {
    openedAtMs: NOW - 300_000,
    endedAtMs: NOW - 40_000,
    joinedAtMs: { a: NOW - 300_000, b: NOW - 300_000 },
  }

  it('is told to a member that asks later, with the moment that it ended', () => {
    const members = [aMember('a', 400, { isDead: false }), aMember('b', 5)]

    const { word } = judge(members, { episode: over, episodeMs: over.openedAtMs })

    expect(word).toMatchObject({ kind: 'ended', untilMs: NOW - 40_000 + 60_000 })
  })

  it('leaves a fresh minute to a member that learns of it only now', () => {
    const members = [
      aMember('a', 301, { isDead: false }),
      aMember('b', 5, { freshSinceMs: NOW - 40_000 }),
    ]

    expect(judge(members, { episode: over }).word).toMatchObject({
      kind: 'ended',
      untilMs: NOW + 20_000,
    })
  })

  it('is followed by another one for other silences', () => {
    const { word, episode } = judge([aMember('a', 40), aMember('b', 35)], { episode: over })

    expect(word.kind).toBe('open')
    expect(episode?.openedAtMs).toBe(NOW)
  })

  it('that nobody remembers ended when it was learned', () => {
    const { word } = judge([aMember('a', 400)], { episodeMs: NOW - 300_000 })

    expect(word).toMatchObject({ kind: 'ended', untilMs: NOW + 60_000 })
  })
})

describe('witnesses', () => {
  it.each<[FleetWord['witnesses'], Member['witness'][]]>([
    ['few', [null, null]],
    ['few', ['bad', null]],
    ['all bad', ['bad', 'bad', null]],
    ['not heard', ['bad', 'none']],
    ['some good', ['bad', 'none', 'good']],
  ])('are %s: %j', (expected, words) => {
    const members = words.map((witness, i) => aMember(`c${i}`, 40, { witness }))

    expect(judge(members).word.witnesses).toBe(expected)
  })
})
