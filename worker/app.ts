/** The table of contents: every way in, in the order it runs. */
import { Hono, type Context } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { replyGtg } from './dialects/gtg-text.ts'
import { refuseGtg } from './domain/gtg.ts'
import { readConfig, type AppEnv } from './env.ts'
import { acks } from './routes/acks.ts'
import { replyProblem } from './routes/answer.ts'
import { assets } from './routes/assets.ts'
import { categories } from './routes/categories.ts'
import { erase } from './routes/erase.ts'
import { gtg } from './routes/gtg.ts'
import { health } from './routes/health.ts'
import { history } from './routes/history.ts'
import { hold } from './routes/hold.ts'
import { metrics } from './routes/metrics.ts'
import { nodes } from './routes/nodes.ts'
import { overview } from './routes/overview.ts'
import { stripPrefix } from './routes/paths.ts'
import { reports } from './routes/reports.ts'
import { resetOrder } from './routes/reset-order.ts'
import { signing } from './routes/sign-in.ts'

export const app = new Hono<AppEnv>({ getPath: stripPrefix })

app.use(async (c, next) => {
  await next()
  // Here for every answer: pods' own bodies and names from outside pass through, and a browser must not guess their type.
  c.header('X-Content-Type-Options', 'nosniff')
})
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
app.route('/', reports)
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c: Context<AppEnv>, methods) => {
      c.header('Allow', methods.join(', '))
      const message = `Ask this path with one of: ${methods.join(', ')}.`
      return replyProblem(c, { status: 405, code: 'method-not-allowed', message })
    },
  }),
)
app.route('/', overview)
app.route('/', health)
app.route('/', acks)
app.route('/', categories)
app.route('/', hold)
app.route('/', history)
app.route('/', nodes)
app.route('/', signing)
app.route('/', erase)
app.route('/', resetOrder)
app.route('/', metrics)
app.route('/', assets)

app.notFound((c) =>
  replyProblem(c, { status: 404, code: 'not-found', message: 'There is nothing at this path.' }),
)
app.onError((error, c) => {
  console.error(error.stack ?? error.message)
  if (isGtg(c.req.raw)) return replyInternal(c.req.raw, 'internal')
  return replyProblem(c, { status: 503, code: 'internal', message: UNSERVED })
})

const UNSERVED = 'The request could not be served. The log says why.'

function isGtg(request: Request): boolean {
  return /\/__gtg(\/|$)/.test(new URL(request.url).pathname)
}

/** The path's own internal answer: a prober understands only its contract. */
function replyInternal(request: Request, code: 'internal' | 'misconfigured'): Response {
  if (isGtg(request)) return replyGtg(request.method, refuseGtg('internal'))
  return Response.json(
    { error: { code, message: UNSERVED } },
    { status: 503, headers: { 'Retry-After': '10', Date: new Date().toUTCString() } },
  )
}
