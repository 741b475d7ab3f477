/** `__health`: what is known of each service, in the Financial Times' shape; 200 whether or not it is well. */
import { Hono, type Context } from 'hono'
import { isTokenValid } from '../auth/token.ts'
import { makeFtHealth } from '../dialects/ft-health.ts'
import type { AppEnv } from '../env.ts'
import { findCluster } from './find-cluster.ts'
import { splitNames } from './split-names.ts'

export const health = new Hono<AppEnv>()

health.get('/__health', answer).get('/clusters/:cluster/__health', answer)

async function answer(c: Context<AppEnv>): Promise<Response> {
  const { HEALTH_ACCESS, BUSINESS_IMPACT, PANIC_GUIDE } = c.var.config
  c.header('Cache-Control', 'no-store')
  c.header('Access-Control-Allow-Origin', '*')
  if (HEALTH_ACCESS === 'token' && !(await isTokenValid(c, ['read', 'operate']))) {
    c.header('WWW-Authenticate', 'Bearer')
    return fail(c, 401, { code: 'unauthorized', message: 'A token with the role read is needed.' })
  }
  const found = findCluster(c)
  if (!found.ok) {
    const message =
      'Name one of the configured clusters: ?cluster= or /clusters/{cluster}/__health.'
    return fail(c, found.reason === 'unknown-cluster' ? 404 : 400, { code: found.reason, message })
  }
  const state = await c.env.CLUSTER.getByName(found.cluster).read()
  const ft = makeFtHealth(state, {
    cluster: found.cluster,
    names: splitNames(c.req.queries('categories') ?? []),
    texts: { businessImpact: BUSINESS_IMPACT, panicGuide: PANIC_GUIDE },
    nowMs: Date.now(),
  })
  if (ft !== null) return c.json(ft)
  const message = 'One of the categories is not known in this cluster.'
  return fail(c, 400, { code: 'unknown-category', message })
}

function fail(
  c: Context,
  status: 400 | 401 | 404,
  error: { code: string; message: string },
): Response {
  return c.json({ error }, status)
}
