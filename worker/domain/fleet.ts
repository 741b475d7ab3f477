/**
 * Many clusters silent at once: rather than all of them, the aggregator or the network before it is gone, so nobody is
 * failed over for it. An episode is opened, joined, and ended, and has an end of its own (behaviour, section 6).
 */
import { HOLD_MAX_MS } from '../contract/limits.ts'
import type { WitnessWord } from './silence.ts'

/** ms before a silence began: whoever was fresh then belongs to its electorate. */
const ELECTORATE_BEFORE_MS = 30_000

/** How one cluster stands, as its object tells it. */
export interface Member {
  cluster: string
  /** ms; its last report that moved freshness. null: never any. */
  freshAtMs: number | null
  /** ms; since when it was fresh without a break, up to `freshAtMs`. */
  freshSinceMs: number | null
  /** ms; since when it was not dead: whoever was late for a moment has a vote. */
  aliveSinceMs: number | null
  /** ms; from then on it is late. */
  lateAtMs: number
  isDead: boolean
  /** null: none is configured, or it was not to be asked. */
  witness: WitnessWord | null
}

/** The one that is open, or the last one that ended: its members still have to learn when it did. */
export interface Episode {
  openedAtMs: number
  /** null: it is open. */
  endedAtMs: number | null
  /** By cluster, in ms: when it was found silent. */
  joinedAtMs: Record<string, number>
}

export type FleetWord = {
  /** `few`: fewer than two clusters have one. */
  witnesses: 'all bad' | 'not heard' | 'some good' | 'few'
} & (
  | { kind: 'none' | 'unreachable' }
  /** `untilMs`: the most that it holds. */
  | { kind: 'open'; openedAtMs: number; untilMs: number }
  /** A member reported again, so the others have a fresh lease from then on. */
  | { kind: 'ended'; untilMs: number }
)

export interface Question {
  cluster: string
  /** ms; when the episode opened that it is a member of. null: of none. */
  episodeMs: number | null
  deadAfterMs: number
  /** Its own witness fails: whether all of them do has to be known. */
  mustHearWitnesses: boolean
}

/** A question at a moment, with how many clusters could not be asked for it. */
type Asked = Question & { nowMs: number; unasked: number }

export interface Judged {
  word: FleetWord
  episode: Episode | null
}

/** What holds for a cluster that is late, and the episode as it is then. */
export function judgeFleet(held: Episode | null, members: Member[], question: Asked): Judged {
  const { nowMs } = question
  const witnesses = judgeWitnesses(members)
  const episode = held && passEpisode(held, members, nowMs)
  const open = episode?.endedAtMs === null ? episode : null
  const joinedAtMs = episode?.joinedAtMs[question.cluster]
  const asking = members.find(({ cluster }) => cluster === question.cluster)
  // It joined by being late, and learns of it only now.
  const isMember = joinedAtMs !== undefined && (asking?.freshAtMs ?? 0) <= joinedAtMs
  const episodeMs = question.episodeMs ?? (isMember ? (episode?.openedAtMs ?? null) : null)
  if (episodeMs !== null && episodeMs !== open?.openedAtMs) {
    const untilMs = endOfGrace(episode, { ...question, episodeMs })
    return { episode, word: { witnesses, kind: 'ended', untilMs } }
  }
  // Restored from KV: it is held by that, or dead, and its copy's age must not make it silent.
  if (asking?.aliveSinceMs === null) {
    return { episode, word: { witnesses, kind: 'none' } }
  }
  if (open === null && isUndecided(members, question)) {
    return { episode, word: { witnesses, kind: 'unreachable' } }
  }
  const next = open === null ? openEpisode(members, question) : join(open, question)
  if (next === null) return { episode, word: { witnesses, kind: 'none' } }
  const { openedAtMs } = next
  const untilMs = openedAtMs + HOLD_MAX_MS
  return { episode: next, word: { witnesses, kind: 'open', openedAtMs, untilMs } }
}

/** It ends with the first member that reports again, and at the latest when its time is over. */
function passEpisode(episode: Episode, members: Member[], nowMs: number): Episode {
  const { openedAtMs, endedAtMs, joinedAtMs } = episode
  if (endedAtMs !== null) return episode
  const back = members
    .filter(({ cluster, freshAtMs }) => (freshAtMs ?? 0) > (joinedAtMs[cluster] ?? Infinity))
    .map((member) => sinceBack(member, joinedAtMs[member.cluster] ?? 0))
  const capMs = openedAtMs + HOLD_MAX_MS
  if (back.length > 0) return { ...episode, endedAtMs: Math.min(...back, capMs) }
  return nowMs > capMs ? { ...episode, endedAtMs: capMs } : episode
}

/** ms; from when on it reports again, though somebody looks only later. */
function sinceBack({ freshAtMs, freshSinceMs }: Member, joinedAtMs: number): number {
  return freshSinceMs !== null && freshSinceMs > joinedAtMs ? freshSinceMs : (freshAtMs ?? 0)
}

/** ms; a fresh lease from the moment that another was back. An episode that ran out leaves nothing. */
function endOfGrace(
  episode: Episode | null,
  { episodeMs, deadAfterMs, nowMs }: Question & { nowMs: number },
): number {
  const capMs = (episodeMs ?? 0) + HOLD_MAX_MS
  const endedAtMs = episode?.openedAtMs === episodeMs ? episode?.endedAtMs : null
  // Of an episode that is forgotten nobody knows when it ended: now is when it is learned.
  const fromMs = endedAtMs ?? Math.min(nowMs, capMs)
  return fromMs >= capMs ? capMs : fromMs + deadAfterMs
}

function join(episode: Episode, { cluster, nowMs }: { cluster: string; nowMs: number }): Episode {
  const { joinedAtMs } = episode
  return Object.hasOwn(joinedAtMs, cluster)
    ? episode
    : { ...episode, joinedAtMs: { ...joinedAtMs, [cluster]: nowMs } }
}

/** null: no more than half of the electorate is late, or not two of it. */
function openEpisode(members: Member[], question: Asked): Episode | null {
  const { cluster, nowMs } = question
  const { electorate, silent } = countVotes(members, question)
  if (!isMajority(silent.length, electorate.length)) return null
  const late = silent.filter(({ isDead }) => !isDead)
  const joined = [...late.map((member) => member.cluster), cluster]
  const joinedAtMs = Object.fromEntries(joined.map((name) => [name, nowMs]))
  return { openedAtMs: nowMs, endedAtMs: null, joinedAtMs }
}

/** Those that could not be asked may have fallen silent with it: nobody knows. */
function isUndecided(members: Member[], question: Asked): boolean {
  const { electorate, silent } = countVotes(members, question)
  const { unasked } = question
  return (
    silent.length > 0 &&
    !isMajority(silent.length, electorate.length) &&
    isMajority(silent.length + unasked, electorate.length + unasked)
  )
}

function isMajority(silent: number, electorate: number): boolean {
  return silent >= 2 && 2 * silent > electorate
}

/** Of a silence that is old nobody votes: what happens now tells nothing of it. */
function countVotes(members: Member[], { cluster, deadAfterMs, nowMs }: Asked) {
  const freshAtMs = members.find((member) => member.cluster === cluster)?.freshAtMs ?? 0
  if (nowMs - freshAtMs > 2 * deadAfterMs) return { electorate: [], silent: [] }
  const electorate = members.filter((member) => wasFresh(member, freshAtMs - ELECTORATE_BEFORE_MS))
  return { electorate, silent: electorate.filter(({ lateAtMs }) => nowMs > lateAtMs) }
}

function wasFresh({ aliveSinceMs, lateAtMs }: Member, atMs: number): boolean {
  return aliveSinceMs !== null && aliveSinceMs <= atMs && atMs <= lateAtMs
}

function judgeWitnesses(members: Member[]): FleetWord['witnesses'] {
  const words = members.map(({ witness }) => witness).filter((word) => word !== null)
  if (words.length < 2) return 'few'
  if (words.includes('good')) return 'some good'
  return words.includes('none') ? 'not heard' : 'all bad'
}
