/** `__gtg`: 200 or 503 for probers, within 700 ms whatever fails behind it. The contract: behaviour, section 4. */
import { Hono, type Context } from 'hono'
import { findViewer } from '../auth/viewer.ts'
import { count } from '../cluster/counters.ts'
import { findCluster } from './find-cluster.ts'
import { readView } from '../cluster/read-view.ts'
import { replyGtgJson } from '../dialects/gtg-json.ts'
import { GTG_METHODS, replyGtg } from '../dialects/gtg-text.ts'
import { judgeGtg, refuseGtg, type Gtg } from '../domain/gtg.ts'
import type { AppEnv } from '../env.ts'
import { splitNames } from './split-names.ts'

export const gtg = new Hono<AppEnv>()

const PATHS = ['/__gtg', '/__gtg/*', '/clusters/:cluster/__gtg', '/clusters/:cluster/__gtg/*']

gtg.on(['GET', 'OPTIONS'], PATHS, async (c) => {
  const answer = await ask(c)
  const { method } = c.req.raw
  if (!c.req.header('Accept')?.includes('application/json')) return replyGtg(method, answer)
  const showServices = c.var.config.HEALTH_ACCESS === 'public' || (await findViewer(c)) !== null
  return replyGtgJson(method, answer, showServices)
})

gtg.all('/__gtg', refuseMethod).all('/__gtg/*', refuseMethod)
gtg.all('/clusters/:cluster/__gtg', refuseMethod).all('/clusters/:cluster/__gtg/*', refuseMethod)

function refuseMethod(c: Context<AppEnv>): Response {
  return c.text(`Ask with one of: ${GTG_METHODS}\n`, 405, { Allow: GTG_METHODS })
}

async function ask(c: Context<AppEnv>): Promise<Gtg> {
  const found = findCluster(c)
  if (!found.ok) return refuseGtg(found.reason)
  const skipMemo =
    c.req.query('cache') !== 'false'
      ? 'never'
      : (await findViewer(c)) === null
        ? 'now and then'
        : 'always'
  const read = await readView(c.env, found.cluster, {
    skipMemo,
    goOn: (work) => {
      c.executionCtx.waitUntil(work)
    },
  })
  const names = splitNames([...(c.req.queries('categories') ?? []), categoryOfPath(c.req.path)])
  const answer =
    read === null
      ? refuseGtg('internal')
      : judgeGtg(read.view, names, { nowMs: Date.now(), isCopy: read.isCopy })
  count(found.cluster, 'gtg', answer.reason)
  return answer
}

/** `/__gtg/read` is short for `/__gtg?categories=read`. */
function categoryOfPath(path: string): string {
  const name = path.slice(path.indexOf('/__gtg') + '/__gtg/'.length)
  try {
    return decodeURIComponent(name)
  } catch {
    return name // a stray %: no category has such a name, so it is refused as unknown
  }
}
