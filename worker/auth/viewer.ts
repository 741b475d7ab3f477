/**
 * Who asks: a script with its Bearer token, or a person whose token became a session. What either may do stands in
 * TOKENS alone, so a token that is taken out there ends its sessions too.
 */
import type { Context } from 'hono'
import { getSignedCookie, setSignedCookie, deleteCookie } from 'hono/cookie'
import * as v from 'valibot'
import type { AppEnv, Token } from '../env.ts'
import { findToken, hashOf } from './token.ts'

export interface Viewer {
  /** Of the token. */
  name: string
  canOperate: boolean
  via: 'bearer' | 'session'
}

/** `__Host-`: this host only, only over https (or loopback), never for a path. */
const COOKIE = '__Host-pilotlight'
/** s; a shift. */
const SESSION_SECONDS = 12 * 3600

const sessionSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ name: v.string(), hash: v.string(), expiresAtMs: v.number() }),
)

/** null: nobody that is known. A Bearer token, even a wrong one, outweighs a session. */
export async function findViewer(c: Context<AppEnv>): Promise<Viewer | null> {
  const header = c.req.header('Authorization')
  if (header !== undefined) {
    const [scheme, text = ''] = header.split(' ')
    const token = scheme?.toLowerCase() === 'bearer' ? await findToken(c, text) : null
    return token && describe(token, 'bearer')
  }
  const token = await findSession(c)
  return token && describe(token, 'session')
}

function describe({ name, roles }: Token, via: Viewer['via']): Viewer {
  return { name, canOperate: roles.includes('operate'), via }
}

/** Turns a token into a session. False: no such token, or nobody can sign in here. */
export async function signIn(c: Context<AppEnv>, text: string): Promise<boolean> {
  const { SESSION_SECRET } = c.var.config
  const token = await findToken(c, text)
  if (SESSION_SECRET === null || token === null) return false
  const session = {
    name: token.name,
    hash: await hashOf(token.sha256),
    expiresAtMs: Date.now() + SESSION_SECONDS * 1000,
  }
  await setSignedCookie(c, COOKIE, JSON.stringify(session), SESSION_SECRET, {
    httpOnly: true,
    secure: true,
    sameSite: 'Strict',
    path: '/',
    maxAge: SESSION_SECONDS,
  })
  return true
}

export function signOut(c: Context<AppEnv>): void {
  deleteCookie(c, COOKIE, { secure: true, path: '/' })
}

async function findSession(c: Context<AppEnv>): Promise<Token | null> {
  const { SESSION_SECRET, TOKENS } = c.var.config
  if (SESSION_SECRET === null) return null
  const cookie = await getSignedCookie(c, SESSION_SECRET, COOKIE)
  const session = v.safeParse(sessionSchema, cookie)
  if (!session.success || Date.now() >= session.output.expiresAtMs) return null
  const { name, hash } = session.output
  for (const token of TOKENS) {
    // oxlint-disable-next-line no-await-in-loop -- one or two tokens share a name while rotating
    if (token.name === name && (await hashOf(token.sha256)) === hash) return token
  }
  return null
}
