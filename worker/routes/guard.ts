/** Who may read and who may act. Each guard stands in the line of the route that it guards. */
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../env.ts'
import { replyProblem } from './answer.ts'
import { findViewer, type NotKnown } from '../auth/viewer.ts'

/** Everybody, or with HEALTH_ACCESS=token whoever has a token, whatever its roles. */
export const readers = createMiddleware<AppEnv>(async (c, next) => {
  const viewer = await findViewer(c)
  c.set('viewer', viewer)
  if (c.var.config.HEALTH_ACCESS === 'public' || viewer !== null) return next()
  return refuseUnknown(c, 'A token is needed to read this.')
})

/**
 * A session acts only for a form of this site's own pages. `Sec-Fetch-Site` decides where the browser sends it: a page can't set
 * it, and `same-site` is another host, to which a SameSite=Strict cookie is sent all the same. `Origin` counts only for browsers
 * that are older than that header. hono's own csrf() looks at the body types of forms alone.
 */
export const sameOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const site = c.req.header('Sec-Fetch-Site')
  const { origin } = new URL(c.req.url)
  const isOwn = site === undefined ? c.req.header('Origin') === origin : site === 'same-origin'
  if (isOwn) return next()
  const message = 'The form was not sent from a page of this site.'
  return replyProblem(c, { status: 403, code: 'forbidden', message })
})

/** A token with the role operate. A session acts by POST from our own pages alone, a Bearer token as the route allows. */
export const operators = createMiddleware<AppEnv>(async (c, next) => {
  const viewer = await findViewer(c)
  c.set('viewer', viewer)
  if (viewer === null) return refuseUnknown(c, 'A token with the role operate is needed.')
  if (!viewer.canOperate) {
    const message = `The token ${viewer.name} has not the role operate.`
    return replyProblem(c, { status: 403, code: 'forbidden', message })
  }
  const { method } = c.req
  if (method === 'POST') return viewer.via === 'bearer' ? next() : sameOrigin(c, next)
  // A HEAD runs the handler of GET, and must change nothing.
  if (method === 'GET' && viewer.via === 'bearer') return next()
  c.header('Allow', 'POST')
  const message = 'Only POST changes something here, or a GET with a Bearer token.'
  return replyProblem(c, { status: 405, code: 'method-not-allowed', message })
})

/** What was sent was right once: then it says so. Nothing is told to anybody who never had a token. */
function refuseUnknown(c: Context<AppEnv>, message: string): Response | Promise<Response> {
  const why = c.get('notKnown')
  if (why === undefined) return replyProblem(c, { status: 401, code: 'unauthorized', message })
  return replyProblem(c, { code: why, ...NOT_KNOWN[why] })
}

export const TOKEN_EXPIRED = 'This token has expired. Ask for a new one.'

const NOT_KNOWN = {
  'token-expired': { status: 401, message: TOKEN_EXPIRED },
  'session-unchecked': {
    status: 503,
    message:
      'The server can’t tell now whether this session was signed out. Try again, or send the token as Authorization: Bearer.',
  },
} as const satisfies Record<NotKnown, object>
