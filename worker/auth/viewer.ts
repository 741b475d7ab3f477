/**
 * Who asks: a script with its Bearer token, or a person whose token became a session. What either may do stands in
 * TOKENS alone, so a token that is taken out there, or expires, ends its sessions too.
 */
import type { Context } from 'hono'
import type { AppEnv, Token } from '../env.ts'
import { findSession } from './session.ts'
import { findToken } from './token.ts'

export interface Viewer {
  /** Of the token. */
  name: string
  canOperate: boolean
  via: 'bearer' | 'session'
}

/** Why a viewer is null though something was sent that was right once. */
export type NotKnown = 'token-expired' | 'session-unchecked'

/** null: nobody that is known, see `notKnown` in the context. A Bearer token, even a wrong one, outweighs a session. */
export async function findViewer(c: Context<AppEnv>): Promise<Viewer | null> {
  if (c.req.header('Authorization') !== undefined) return findBearer(c)
  const token = await findSession(c)
  return token && describe(token, 'session')
}

/** The same by Bearer token alone: it needs no object, so `__gtg` can use it within its 700 ms. */
export async function findBearer(c: Context<AppEnv>): Promise<Viewer | null> {
  const [scheme, text = ''] = c.req.header('Authorization')?.split(' ') ?? []
  const token = scheme?.toLowerCase() === 'bearer' ? await findToken(c, text) : null
  return token && describe(token, 'bearer')
}

function describe({ name, roles }: Token, via: Viewer['via']): Viewer {
  return { name, canOperate: roles.includes('operate'), via }
}
