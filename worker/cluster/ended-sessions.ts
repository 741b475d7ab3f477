/**
 * The sessions that were ended by signing out: kept by one object for the whole deployment, and remembered in each isolate
 * for a second. Only requests with a session pay for it.
 */
import * as v from 'valibot'
import {
  dropOver,
  endSession,
  hasEnded,
  isEmpty,
  NONE_ENDED,
  type EndedSessions,
  type Session,
} from '../domain/ended-sessions.ts'
import type { Env } from '../env.ts'
import { Memo } from './memo.ts'
import { within } from './within.ts'

/**
 * An object of the class Fleet, apart from the fleet's own, so that a ruling on silence never waits for it. A class of its own
 * would need a migration, and no Worker can be rolled back past one.
 */
const OBJECT_NAME = 'sessions'
/** ms that the object may take. */
const READ_TIMEOUT_MS = 1000
const END_TIMEOUT_MS = 3000
/** ms; for so long an isolate may still take a session that was ended through another one. */
const KNOWN_MS = 1000
/** Tokens whose record an isolate remembers. */
const TOKENS_MAX = 1000

const memo = new Memo<EndedSessions>({ max: TOKENS_MAX })

/** `token`: the hash that names the token in its sessions. null: the object can't be reached. Never rejects. */
export async function hasSessionEnded(
  env: Env,
  token: string,
  session: Session,
): Promise<boolean | null> {
  const startMs = Date.now()
  const known = memo.get(token)
  const ageMs = startMs - (known?.startMs ?? -Infinity)
  // A clock that was set back makes an age below 0: then it may be older than it seems.
  if (known !== undefined && ageMs >= 0 && ageMs < KNOWN_MS) return hasEnded(known.value, session)
  const read = await within(READ_TIMEOUT_MS, objectOf(env).readEndedSessions(token))
  if (read === null) return null
  memo.keep(token, { value: read, startMs, doneMs: Date.now() })
  return hasEnded(read, session)
}

/** From now on the session counts for nothing. False: the object can't be reached, and it may go on. Never rejects. */
export async function end(env: Env, token: string, session: Session): Promise<boolean> {
  const ended = await within(END_TIMEOUT_MS, objectOf(env).endSession(token, session))
  if (ended === null) return false
  const nowMs = Date.now()
  memo.keep(token, { value: ended, startMs: nowMs, doneMs: nowMs })
  return true
}

function objectOf(env: Env) {
  return env.FLEET.getByName(OBJECT_NAME)
}

const PREFIX = 'ended-sessions/'
const endedSchema: v.GenericSchema<unknown, EndedSessions> = v.object({
  untilMs: v.number(),
  sessions: v.array(v.object({ id: v.string(), issuedAtMs: v.number() })),
})

/** The object's side: a record for each token that a session was signed out of in the last SESSION_MS. */
export class EndedSessionsStore {
  readonly #kv: SyncKvStorage

  constructor(kv: SyncKvStorage) {
    this.#kv = kv
  }

  read(token: string): EndedSessions {
    return parse(this.#kv.get(PREFIX + token))
  }

  end(token: string, session: Session, nowMs: number): EndedSessions {
    this.#dropOver(nowMs)
    const ended = endSession(this.read(token), session, nowMs)
    this.#kv.put(PREFIX + token, ended)
    return ended
  }

  /** Records of tokens that are used no more would stay for good. */
  #dropOver(nowMs: number): void {
    const held = [...this.#kv.list({ prefix: PREFIX })] // a list can't go on over what it loses
    const over = held.filter(([, record]) => isEmpty(dropOver(parse(record), nowMs)))
    for (const [key] of over) this.#kv.delete(key)
  }
}

function parse(held: unknown): EndedSessions {
  const read = v.safeParse(endedSchema, held)
  return read.success ? read.output : NONE_ENDED
}
