/** A token becomes a session here, and a session ends. Only our own pages may post to either. */
import { Hono, type Context } from 'hono'

import { signIn, signOut } from '../auth/session.ts'
import { SignInPace } from '../auth/sign-in-pace.ts'
import { findViewer } from '../auth/viewer.ts'
import type { AppEnv } from '../env.ts'
import { SignInPage } from '../views/sign-in.tsx'
import { boundedWrite } from './act.ts'
import { frameOf, replyPage, replyProblem } from './answer.ts'
import { sameOrigin, TOKEN_EXPIRED } from './guard.ts'
import { readFields, textOf } from './fields.ts'

export const signing = new Hono<AppEnv>()

signing.get('/sign-in', async (c) => {
  c.set('viewer', await findViewer(c))
  const next = safeNext(c.req.query('next'))
  return replyPage(c, SignInPage({ frame: frameOf(c), next, error: null }))
})

signing.post('/sign-in', sameOrigin, boundedWrite, async (c) => {
  const read = await readFields(c, ['token', 'next'])
  const fields = read.ok ? read.fields : {}
  const next = safeNext(textOf(fields['next']))
  const address = c.req.header('CF-Connecting-IP') ?? 'unknown'
  const waitMs = pace.next(address, Date.now())
  if (waitMs === null) return refuse(c, next, 'busy')
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
  if (!(await signIn(c, textOf(fields['token'])?.trim() ?? ''))) {
    return refuse(c, next, c.get('notKnown') === 'token-expired' ? 'expired' : 'unknown')
  }
  pace.clear(address)
  return c.redirect(next, 303)
})

const pace = new SignInPace()

const REFUSALS = {
  unknown: { status: 401, error: 'This token is not known.' },
  expired: { status: 401, error: TOKEN_EXPIRED },
  busy: { status: 429, error: 'Too many wrong tokens came from your network. Wait 2 s.' },
} as const

function refuse(c: Context<AppEnv>, next: string, why: keyof typeof REFUSALS) {
  const { status, error } = REFUSALS[why]
  if (status === 429) c.header('Retry-After', '2')
  c.set('viewer', null)
  return replyPage(c, SignInPage({ frame: frameOf(c), next, error }), status)
}

signing.post('/sign-out', sameOrigin, async (c) => {
  if (await signOut(c)) return c.redirect('/', 303)
  const message =
    'The session could not be ended at the server. You are still signed in: try again.'
  return replyProblem(c, { status: 503, code: 'unavailable', message })
})

/** A page of ours; anything that a browser would take elsewhere is the overview. */
function safeNext(next: string | undefined): string {
  const here = 'https://here.invalid'
  if (next === undefined || !next.startsWith('/') || !URL.canParse(next, here)) return '/'
  const url = new URL(next, here)
  const path = url.pathname + url.search
  // Dots that are resolved can leave two slashes, and those name another host.
  return url.origin === here && !path.startsWith('//') ? path : '/'
}
