/** A token becomes a session here, and a session ends. Only our own pages may post to either. */
import { Hono } from 'hono'

import { findViewer, signIn, signOut } from '../auth/viewer.ts'
import type { AppEnv } from '../env.ts'
import { SignInPage } from '../views/sign-in.tsx'
import { boundedWrite } from './act.ts'
import { frameOf, replyPage } from './answer.ts'
import { sameOrigin } from './guard.ts'
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
  if (await signIn(c, textOf(fields['token'])?.trim() ?? '')) return c.redirect(next, 303)
  c.set('viewer', null)
  const error = 'This token is not known.'
  return replyPage(c, SignInPage({ frame: frameOf(c), next, error }), 401)
})

signing.post('/sign-out', sameOrigin, (c) => {
  signOut(c)
  return c.redirect('/', 303)
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
