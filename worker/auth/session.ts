/**
 * A person's session: a signed cookie that names its token, when it was issued, and a random id by which signing out ends it
 * at the server (docs/behaviour.md, section 5).
 */
import type { Context } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import * as v from 'valibot'
import { end, hasSessionEnded } from '../cluster/ended-sessions.ts'
import { SESSION_MS } from '../domain/ended-sessions.ts'
import type { AppEnv, Token } from '../env.ts'
import { findToken, hashOf, keepIfCurrent } from './token.ts'

/** `__Host-`: this host only, only over https (or loopback), never for a path. */
const COOKIE = '__Host-pilotlight'

const sessionSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ name: v.string(), hash: v.string(), id: v.string(), issuedAtMs: v.number() }),
)

/** Turns a token into a session. False: no such token, or nobody can sign in here. */
export async function signIn(c: Context<AppEnv>, text: string): Promise<boolean> {
  const { SESSION_SECRET } = c.var.config
  const token = await findToken(c, text)
  if (SESSION_SECRET === null || token === null) return false
  const session = {
    name: token.name,
    hash: await hashOf(token.sha256),
    id: crypto.randomUUID(),
    issuedAtMs: Date.now(),
  }
  await setSignedCookie(c, COOKIE, JSON.stringify(session), SESSION_SECRET, {
    httpOnly: true,
    secure: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: SESSION_MS / 1000,
  })
  return true
}

/** False: the server could not end the session, so the cookie stays and the person can try again. */
export async function signOut(c: Context<AppEnv>): Promise<boolean> {
  const found = await readCookie(c)
  if (found !== null && !(await end(c.env, found.session.hash, found.session))) return false
  deleteCookie(c, COOKIE, { secure: true, path: '/' })
  return true
}

/** The token of the session that is sent. null: none, or one that counts for nothing any more. */
export async function findSession(c: Context<AppEnv>): Promise<Token | null> {
  const found = await readCookie(c)
  if (found === null) return null
  const ended = await hasSessionEnded(c.env, found.session.hash, found.session)
  if (ended === null) c.set('notKnown', 'session-unchecked')
  return ended === false ? found.token : null
}

/** Only what this Worker has signed, of a token that is valid, and whose time is not over. */
async function readCookie(c: Context<AppEnv>) {
  const { SESSION_SECRET, TOKENS } = c.var.config
  if (SESSION_SECRET === null) return null
  const cookie = await getSignedCookie(c, SESSION_SECRET, COOKIE)
  const read = v.safeParse(sessionSchema, cookie)
  if (!read.success || Date.now() >= read.output.issuedAtMs + SESSION_MS) return null
  const session = read.output
  const hashes = await Promise.all(TOKENS.map(({ sha256 }) => hashOf(sha256)))
  const of = TOKENS.filter(({ name }, i) => name === session.name && hashes[i] === session.hash)
  const token = keepIfCurrent(c, of)
  return token && { session, token }
}
