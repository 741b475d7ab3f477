/** `__health` and its pods: pages for people, the Financial Times' shape for scripts; 200 whether or not it is well. */
import { Hono, type Context } from 'hono'
import { HEALTH_JSON_TYPE, makeHealthJson } from '../dialects/health-json.ts'
import { within } from '../cluster/within.ts'
import { makeFtHealth, makeFtPod, makeFtPods } from '../dialects/ft-health.ts'
import { replyLivePod } from '../dialects/live-pod.ts'
import { DEFAULT_CATEGORY } from '../contract/report.ts'
import { describeCluster } from '../domain/status.ts'
import { settingsOf, type AppEnv } from '../env.ts'
import { HealthPage } from '../views/health.tsx'
import { PodPage } from '../views/pod.tsx'
import { PodsPage } from '../views/pods.tsx'
import { findFormat, frameOf, replyLive, replyProblem, titleOf } from './answer.ts'
import { readers } from './guard.ts'
import { knows } from './known-names.ts'
import { linksOf } from '../views/links.ts'
import { baseOf, placesOf } from './paths.ts'
import {
  findService,
  missingQuery,
  publicLinksOf,
  readCluster,
  readService,
  unknownCategory,
} from './read-cluster.ts'
import { splitNames } from './split-names.ts'

export const health = new Hono<AppEnv>()

const HEALTH = [...placesOf('/__health'), '/clusters/:cluster', '/clusters/:cluster/', '/__health/']

health.on('GET', HEALTH, readers, knows('categories'), answerHealth)

export async function answerHealth(c: Context<AppEnv>): Promise<Response> {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { cluster, state } = read
  const nowMs = Date.now()
  const names = splitNames(c.req.queries('categories') ?? [])
  const asked = names.length === 0 ? [DEFAULT_CATEGORY] : names
  const status = describeCluster(state, { cluster, names: asked, nowMs })
  if (status === null) return replyProblem(c, unknownCategory(names))
  const format = findFormat(c)
  if (format === 'text/html') {
    return replyLive(c, [read.status, names], () =>
      HealthPage({
        frame: frameOf(c),
        title: titleOf(c, cluster),
        status: read.status,
        categories: names,
      }),
    )
  }
  openToAll(c)
  if (format === 'application/health+json') {
    const { status: code, body } = makeHealthJson(status)
    return c.json(body, code, { 'Content-Type': HEALTH_JSON_TYPE })
  }
  return c.json(
    makeFtHealth(status, { texts: textsOf(c, cluster), nowMs, linkToPods: linkToTargets(c) }),
  )
}

health.on('GET', placesOf('/__pods-health'), readers, knows('service-name'), async (c) => {
  const read = await readService(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, service } = read
  if (findFormat(c) === 'text/html') {
    if (service.isNodes) return c.redirect(linksOf(baseOf(c)).nodes, 303)
    return replyLive(c, [status, service.name], () =>
      PodsPage({ frame: frameOf(c), title: titleOf(c, cluster), status, service }),
    )
  }
  openToAll(c)
  const links = publicLinksOf(c)
  const linkToPod = service.isNodes ? links.node : links.pod
  return c.json(
    makeFtPods(status, service, { texts: textsOf(c, cluster), nowMs: Date.now(), linkToPod }),
  )
})

health.on('GET', placesOf('/__pod-individual-health'), readers, knows('pod-name'), async (c) => {
  const name = c.req.query('pod-name')
  const read = await findService(
    c,
    ({ isNodes, targets }) => !isNodes && targets.some(({ id }) => id === name),
  )
  if (!read.ok) return replyProblem(c, read.problem)
  if (!name) return replyProblem(c, missingQuery('pod-name'))
  const { status, cluster, service } = read
  const target = service?.targets.find(({ id }) => id === name)
  if (service === null || target === undefined) {
    const message = 'No pod of that name stands behind a service of this cluster.'
    return replyProblem(c, { status: 404, code: 'unknown-pod', message })
  }
  const isPage = findFormat(c) === 'text/html'
  const asked = c.env.CLUSTER.getByName(cluster).askPod(service.name, target.id)
  const told = await within(
    isPage ? PAGE_LIVE_TIMEOUT_MS : LIVE_TIMEOUT_MS,
    asked.then((answer) => ({ answer })),
  )
  const live = told?.answer ?? null
  if (isPage) {
    return replyLive(c, [status.freshness, status.freshAtMs, service, live], () =>
      PodPage({ frame: frameOf(c), title: titleOf(c, cluster), status, service, target, live }),
    )
  }
  openToAll(c)
  if (live?.ok === true) return replyLivePod(c, live)
  return c.json(makeFtPod(service, target, textsOf(c, cluster)))
})

/** ms that a pod has to say how it is now: a script waits for it, a page shows what was last reported. */
const LIVE_TIMEOUT_MS = 10_000
const PAGE_LIVE_TIMEOUT_MS = 3000

/** Of the built-in service these are the nodes. */
function linkToTargets(c: Context<AppEnv>) {
  const links = publicLinksOf(c)
  return ({ name, isNodes }: { name: string; isNodes: boolean }) =>
    isNodes ? links.nodes : links.pods(name)
}

/** A status page's script may read it from anywhere. */
export function openToAll(c: Context<AppEnv>): void {
  c.header('Cache-Control', 'no-store')
  c.header('Vary', 'Accept')
  if (c.var.config.HEALTH_ACCESS !== 'public') return
  c.header('Access-Control-Allow-Origin', '*')
  c.header('Access-Control-Expose-Headers', 'X-Health-Age, X-Health-Refreshed, X-Pod-Status')
}

function textsOf(c: Context<AppEnv>, cluster: string) {
  const { BUSINESS_IMPACT, PANIC_GUIDE } = settingsOf(c.var.config, cluster)
  return { businessImpact: BUSINESS_IMPACT, panicGuide: PANIC_GUIDE }
}
