/** `__health` and its pods: pages for people, the Financial Times' shape for scripts; 200 whether or not it is well. */
import { Hono, type Context } from 'hono'
import { mayCallObject } from '../cluster/allowance.ts'
import { within } from '../cluster/within.ts'
import type { PodAnswer } from '../contract/link.ts'
import { DEFAULT_CATEGORY, type Target } from '../contract/report.ts'
import { makeFtHealth, makeFtPod, makeFtPods } from '../dialects/ft-health.ts'
import { HEALTH_JSON_TYPE, makeHealthJson } from '../dialects/health-json.ts'
import { replyLivePod } from '../dialects/live-pod.ts'
import type { ClusterState } from '../domain/cluster.ts'
import { describeCluster, type ServiceStatus } from '../domain/status.ts'
import { settingsOf, type AppEnv } from '../env.ts'
import { HealthPage } from '../views/health.tsx'
import { linksOf } from '../views/links.ts'
import { PodPage } from '../views/pod.tsx'
import { PodsPage } from '../views/pods.tsx'
import {
  findFormat,
  frameOf,
  openToAll,
  renderJson,
  renderPage,
  replyProblem,
  titleOf,
  type Rendered,
} from './answer.ts'
import { findPod, POD } from './find-pod.ts'
import { readers } from './guard.ts'
import { knows } from './known-names.ts'
import { baseOf, placesOf } from './paths.ts'
import {
  isKnownViewer,
  publicLinksOf,
  readCluster,
  readService,
  unknownCategory,
} from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'
import { splitNames } from './split-names.ts'

export const health = new Hono<AppEnv>()

const HEALTH = [...placesOf('/__health'), '/clusters/:cluster', '/clusters/:cluster/', '/__health/']

health.on('GET', HEALTH, readers, knows('categories'), answerHealth)

export async function answerHealth(c: Context<AppEnv>): Promise<Response> {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { cluster, state, status, turnsAtMs } = read
  const names = splitNames(c.req.queries('categories') ?? [])
  const known = new Set(status.categories.map(({ name }) => name))
  if (!names.every((name) => known.has(name))) return replyProblem(c, unknownCategory(names))
  return replyShared(c, read.of, () => {
    if (findFormat(c) === 'text/html') {
      const title = titleOf(c, cluster)
      const page = () => HealthPage({ frame: frameOf(c), title, status, categories: names })
      return { shown: [status, names], turnsAtMs, render: () => renderPage(page()) }
    }
    return { turnsAtMs, render: () => renderHealth(c, { cluster, state, names }) }
  })
}

function renderHealth(
  c: Context<AppEnv>,
  { cluster, state, names }: { cluster: string; state: ClusterState | null; names: string[] },
): Rendered {
  const nowMs = Date.now()
  const asked = names.length === 0 ? [DEFAULT_CATEGORY] : names
  const status = describeCluster(state, { cluster, names: asked, nowMs })
  if (status === null) throw new Error('only known categories are rendered')
  const headers = openToAll(c)
  if (findFormat(c) === 'application/health+json') {
    const { status: code, body } = makeHealthJson(status)
    return renderJson(body, {
      status: code,
      headers: { ...headers, 'Content-Type': HEALTH_JSON_TYPE },
    })
  }
  const told = { texts: textsOf(c, cluster), nowMs, linkToPods: linkToTargets(c) }
  return renderJson(makeFtHealth(status, told), { headers })
}

health.on('GET', placesOf('/__pods-health'), readers, knows('service-name'), async (c) => {
  const read = await readService(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { status, cluster, service, turnsAtMs } = read
  const isPage = findFormat(c) === 'text/html'
  if (isPage && service.isNodes) return c.redirect(linksOf(baseOf(c)).nodes, 303)
  return replyShared(c, read.of, () => {
    if (isPage) {
      const page = () =>
        PodsPage({ frame: frameOf(c), title: titleOf(c, cluster), status, service })
      const { environment, freshness, freshAtMs, held } = status
      // Not all of the status: to write out 5,000 pods for the ETag would cost more than the page of one service.
      const shown = [environment, freshness, freshAtMs, held, service]
      return { shown, turnsAtMs, render: () => renderPage(page()) }
    }
    const links = publicLinksOf(c)
    const linkToPod = (name: string) =>
      service.isNodes ? links.node(name) : links.pod(service.name, name)
    const told = { texts: textsOf(c, cluster), nowMs: Date.now(), linkToPod }
    const render = () => renderJson(makeFtPods(status, service, told), { headers: openToAll(c) })
    return { turnsAtMs, render }
  })
})

health.on('GET', placesOf('/__pod-individual-health'), readers, knows(...POD), async (c) => {
  const found = await findPod(c)
  if (!found.ok) return replyProblem(c, found.problem)
  const { read, service, target } = found
  const { cluster, status, turnsAtMs } = read
  const isPage = findFormat(c) === 'text/html'
  const live = await askLive(c, { cluster, service, target, isPage })
  if (!isPage && live?.ok === true) {
    for (const [name, value] of Object.entries(openToAll(c))) c.header(name, value)
    return replyLivePod(c, live)
  }
  return replyShared(c, read.of, () => {
    if (isPage) {
      const page = () =>
        PodPage({ frame: frameOf(c), title: titleOf(c, cluster), status, service, target, live })
      const { freshness, freshAtMs, held } = status
      const shown = [freshness, freshAtMs, held, service, target.id, live]
      return { shown, turnsAtMs, render: () => renderPage(page()) }
    }
    const told = makeFtPod(service, target, textsOf(c, cluster))
    return { turnsAtMs, render: () => renderJson(told, { headers: openToAll(c) }) }
  })
})

/** ms that a pod has to say how it is now: a script waits for it, a page shows what was last reported. */
const LIVE_TIMEOUT_MS = 10_000
const PAGE_LIVE_TIMEOUT_MS = 3000

/**
 * What a pod says now, to token holders alone: it may be the body of anything that its slice points at. null: no token, no
 * live link, or no answer in time; then the last report is shown.
 */
async function askLive(
  c: Context<AppEnv>,
  of: { cluster: string; service: ServiceStatus; target: Target; isPage: boolean },
): Promise<PodAnswer['answer'] | null> {
  if (!isKnownViewer(c) || !mayCallObject(c.env, { isKnown: true })) return null
  const { cluster, service, target, isPage } = of
  const asked = c.env.CLUSTER.getByName(cluster).askPod(service.name, target.id)
  const timeoutMs = isPage ? PAGE_LIVE_TIMEOUT_MS : LIVE_TIMEOUT_MS
  const told = await within(
    timeoutMs,
    asked.then((answer) => ({ answer })),
  )
  return told?.answer ?? null
}

/** Of the built-in service these are the nodes. */
function linkToTargets(c: Context<AppEnv>) {
  const links = publicLinksOf(c)
  return ({ name, isNodes }: { name: string; isNodes: boolean }) =>
    isNodes ? links.nodes : links.pods(name)
}

function textsOf(c: Context<AppEnv>, cluster: string) {
  const { BUSINESS_IMPACT, PANIC_GUIDE } = settingsOf(c.var.config, cluster)
  return { businessImpact: BUSINESS_IMPACT, panicGuide: PANIC_GUIDE }
}
