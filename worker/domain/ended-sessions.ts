/**
 * Which sessions of one token were ended by signing out, before their time was over. The record is bounded: beyond
 * ENDED_MAX ends all older sessions of this token end too, and no other token's (docs/behaviour.md, section 5).
 */

/** ms; a shift. */
export const SESSION_MS = 12 * 3_600_000
/** Sign-outs of one token within SESSION_MS that are kept one by one. */
export const ENDED_MAX = 100

export interface Session {
  /** Random. */
  id: string
  issuedAtMs: number
}

export interface EndedSessions {
  /** ms; every session that was issued up to then has ended. */
  untilMs: number
  sessions: Session[]
}

export const NONE_ENDED: EndedSessions = { untilMs: 0, sessions: [] }

export function hasEnded({ untilMs, sessions }: EndedSessions, { id, issuedAtMs }: Session) {
  return issuedAtMs <= untilMs || sessions.some((ended) => ended.id === id)
}

/** The record with this session in it. */
export function endSession(held: EndedSessions, session: Session, nowMs: number): EndedSessions {
  const { untilMs, sessions } = dropOver(held, nowMs)
  if (hasEnded({ untilMs, sessions }, session)) return { untilMs, sessions }
  const ended = [...sessions, session]
  if (ended.length <= ENDED_MAX) return { untilMs, sessions: ended }
  return { untilMs: Math.max(...ended.map(({ issuedAtMs }) => issuedAtMs)), sessions: [] }
}

/** The record without the sessions whose time is over. */
export function dropOver({ untilMs, sessions }: EndedSessions, nowMs: number): EndedSessions {
  const isOver = (issuedAtMs: number) => nowMs >= issuedAtMs + SESSION_MS
  return {
    untilMs: isOver(untilMs) ? 0 : untilMs,
    sessions: sessions.filter(({ issuedAtMs }) => !isOver(issuedAtMs)),
  }
}

export function isEmpty({ untilMs, sessions }: EndedSessions): boolean {
  return untilMs === 0 && sessions.length === 0
}
