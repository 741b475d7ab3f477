/** `__gtg`: 200 or 503 for probers, within 700 ms whatever fails behind it. The contract: behaviour, section 4. */
import { Hono, type Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { findBearer } from '../auth/viewer.ts'
import { count } from '../cluster/counters.ts'
import { findCluster, pickCluster } from './find-cluster.ts'
import { clusterViews, nodesViews, type SkipMemo } from '../cluster/read-view.ts'
import { replyGtgJson, replyNodeGtgJson } from '../dialects/gtg-json.ts'
import { replyMisspelled } from '../dialects/gtg-misspelled.ts'
import { GTG_METHODS, replyGtg } from '../dialects/gtg-text.ts'
import { pickType } from '../dialects/pick-type.ts'
import { judgeGtg, refuseGtg, type Gtg } from '../domain/gtg.ts'
import { judgeNodeGtg, type NodeGtg } from '../domain/node-gtg.ts'
import { readConfig, type AppEnv, type Env } from '../env.ts'
import { findMisspelled } from './known-names.ts'
import { splitNames } from './split-names.ts'

export const gtg = new Hono<AppEnv>()

/** A probe without anything that needs decoding: the cluster, the category of the path, the categories of the query. */
const PLAIN =
  /^https?:\/\/[^/?#]+(?:\/clusters\/([a-z0-9-]+))?\/__gtg(?:\/([\w.-]*))?(?:\?categories=([\w.,-]*))?$/

/**
 * The plain probe, which is nearly every request there is, out of memory alone: routing and waiting would cost more than the
 * answer. null: it is for the app, which answers the same in the same words.
 */
export function answerPlainProbe(
  request: Request,
  env: Env,
  goOn: (work: Promise<unknown>) => void,
): Response | null {
  const { method } = request
  if (method !== 'GET' && method !== 'HEAD') return null
  const asked = PLAIN.exec(request.url)
  if (asked === null || isJsonAsked(request.headers.get('Accept'))) return null
  const [, named, ofPath = '', ofQuery = ''] = asked
  const read = readConfig(env)
  const found = read.ok ? pickCluster(read.config, named) : null
  if (found === null || !found.ok) return null
  const view = clusterViews.recall(env, found.cluster, goOn)
  if (view === null) return null
  const names = ofPath === '' && ofQuery === '' ? [] : splitNames([ofPath, ofQuery])
  const answer = judgeGtg(view, names, { nowMs: Date.now(), isCopy: false })
  count(found.cluster, 'gtg', answer.reason)
  return replyGtg(method, answer)
}

const PATHS = ['/__gtg', '/__gtg/*', '/clusters/:cluster/__gtg', '/clusters/:cluster/__gtg/*']

gtg.on(['GET', 'OPTIONS'], PATHS, refuseMisspelled('categories'), async (c) => {
  const answer = await ask(c)
  const { method } = c.req.raw
  if (!isJsonAsked(c.req.header('Accept'))) return replyGtg(method, answer)
  return replyGtgJson(method, answer, await mayKnowNames(c))
})

const OF_NODE = '/clusters/:cluster/nodes/:node/__gtg'
const OF_NODE_AND_CHECK = `${OF_NODE}/*` as const

gtg.on(['GET', 'OPTIONS'], [OF_NODE, OF_NODE_AND_CHECK], refuseMisspelled('check'), async (c) => {
  const answer = await askNode(c)
  const { method } = c.req.raw
  if (!isJsonAsked(c.req.header('Accept'))) return replyGtg(method, answer)
  return replyNodeGtgJson(method, answer, await mayKnowNames(c))
})

gtg.all('/__gtg', refuseMethod).all('/__gtg/*', refuseMethod)
gtg.all('/clusters/:cluster/__gtg', refuseMethod).all('/clusters/:cluster/__gtg/*', refuseMethod)
gtg.all(OF_NODE, refuseMethod).all(OF_NODE_AND_CHECK, refuseMethod)

function refuseMethod(c: Context<AppEnv>): Response {
  return c.text(`Ask with one of: ${GTG_METHODS}\n`, 405, { Allow: GTG_METHODS })
}

/** Before anything is read: what is asked for isn't what is meant, whatever there is to tell of it. */
function refuseMisspelled(guarded: 'categories' | 'check') {
  return createMiddleware<AppEnv>(async (c, next) => {
    const sent = Object.keys(c.req.queries())
    const wrong = findMisspelled(c, sent, { guarded: [guarded], place: 'gtg' })
    if (wrong === null) return next()
    const found = findCluster(c)
    if (found.ok) count(found.cluster, 'gtg', 'unknown-parameter')
    return replyMisspelled(c.req.raw.method, wrong, { isJson: isJsonAsked(c.req.header('Accept')) })
  })
}

async function ask(c: Context<AppEnv>): Promise<Gtg> {
  const found = findCluster(c)
  if (!found.ok) return { ...refuseGtg(found.reason), categories: [] }
  const read = await clusterViews.read(c.env, found.cluster, await howToRead(c))
  const names = splitNames([...(c.req.queries('categories') ?? []), nameOfPath(c.req.path)])
  const answer =
    read === null
      ? { ...refuseGtg('internal'), categories: [] }
      : judgeGtg(read.view, names, { nowMs: Date.now(), isCopy: read.isCopy })
  count(found.cluster, 'gtg', answer.reason)
  return answer
}

async function askNode(c: Context<AppEnv>): Promise<NodeGtg> {
  const found = findCluster(c)
  if (!found.ok) return { ...refuseGtg(found.reason), failing: [] }
  const read = await nodesViews.read(c.env, found.cluster, await howToRead(c))
  const checks = splitNames([...(c.req.queries('check') ?? []), nameOfPath(c.req.path)])
  const question = { node: c.req.param('node') ?? '', checks }
  const answer =
    read === null
      ? { ...refuseGtg('internal'), failing: [] }
      : judgeNodeGtg(read.view, question, { nowMs: Date.now(), isCopy: read.isCopy })
  count(found.cluster, 'gtg', answer.reason)
  return answer
}

async function howToRead(c: Context<AppEnv>) {
  const isUncached = c.req.query('cache') === 'false'
  const isKnown = isUncached && (await findBearer(c)) !== null
  const skipMemo: SkipMemo = !isUncached ? 'never' : isKnown ? 'always' : 'now and then'
  const goOn = (work: Promise<unknown>): void => {
    c.executionCtx.waitUntil(work)
  }
  return { skipMemo, goOn }
}

/** An ordinary probe sends no Accept or any type, and must not pay for parsing one. */
function isJsonAsked(accept: string | null | undefined): boolean {
  if (!accept || accept === '*/*') return false
  return pickType(accept, ['text/plain', 'application/json']) === 'application/json'
}

async function mayKnowNames(c: Context<AppEnv>): Promise<boolean> {
  return c.var.config.HEALTH_ACCESS === 'public' || (await findBearer(c)) !== null
}

/** `/__gtg/read` is short for `/__gtg?categories=read`, of a node for `?check=read`. */
function nameOfPath(path: string): string {
  const name = path.slice(path.indexOf('/__gtg') + '/__gtg/'.length)
  try {
    return decodeURIComponent(name)
  } catch {
    return name // a stray %: nothing has such a name, so it is refused as unknown
  }
}
