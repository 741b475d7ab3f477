/** The table of contents: every way in, in the order it runs. */
import { Hono } from 'hono'
import { replyGtg } from './dialects/gtg-text.ts'
import { refuseGtg } from './domain/gtg.ts'
import { readConfig, type AppEnv } from './env.ts'
import { gtg } from './routes/gtg.ts'
import { health } from './routes/health.ts'
import { reports } from './routes/reports.ts'

export const app = new Hono<AppEnv>()

app.use(async (c, next) => {
  const read = readConfig(c.env)
  if (!read.ok) {
    console.error(`misconfigured, answering 503 to everything: ${read.faults.join('; ')}`)
    return replyInternal(c.req.raw, 'misconfigured')
  }
  c.set('config', read.config)
  return next()
})
app.route('/', gtg)
app.route('/', health)
app.route('/', reports)

app.notFound((c) =>
  c.json({ error: { code: 'not-found', message: 'There is nothing at this path.' } }, 404),
)
app.onError((error, c) => {
  console.error(error.stack ?? error.message)
  return replyInternal(c.req.raw, 'internal')
})

/** The path's own internal answer: a prober understands only its contract. */
function replyInternal(request: Request, code: 'internal' | 'misconfigured'): Response {
  if (/\/__gtg(\/|$)/.test(new URL(request.url).pathname)) {
    return replyGtg(request.method, refuseGtg('internal'))
  }
  const message = 'The request could not be served. The log says why.'
  return Response.json(
    { error: { code, message } },
    { status: 503, headers: { 'Retry-After': '10', Date: new Date().toUTCString() } },
  )
}
