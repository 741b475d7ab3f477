/**
 * The cluster that a request means, as its object has it: a second old for everybody (four, while it is read again), and as
 * of now for whoever has a token. With `cache=false` every target is asked again first.
 */
import type { Context } from 'hono'
import { forgetState, readState } from '../cluster/read-state.ts'
import { clusterViews } from '../cluster/read-view.ts'
import { within } from '../cluster/within.ts'
import type { ClusterState } from '../domain/cluster.ts'
import { describeCluster, type ClusterStatus, type ServiceStatus } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import { linksOf } from '../views/links.ts'
import type { Problem } from './answer.ts'
import { findCluster } from './find-cluster.ts'
import { baseOf } from './paths.ts'

type Found = { ok: true; cluster: string } | { ok: false; problem: Problem }

export function whichCluster(c: Context<AppEnv>): Found {
  const found = findCluster(c)
  if (found.ok) return found
  const message = 'Name one of the configured clusters: ?cluster= or /clusters/{cluster}/…'
  const status = found.reason === 'unknown-cluster' ? 404 : 400
  return { ok: false, problem: { status, code: found.reason, message } }
}

export interface ReadCluster {
  ok: true
  cluster: string
  state: ClusterState | null
  /** All of it. */
  status: ClusterStatus
}

export async function readCluster(
  c: Context<AppEnv>,
): Promise<ReadCluster | { ok: false; problem: Problem }> {
  const found = whichCluster(c)
  if (!found.ok) return found
  if (isRefreshAsked(c)) await refresh(c, found.cluster, null)
  return readKnown(c, found.cluster)
}

function isRefreshAsked(c: Context<AppEnv>): boolean {
  return c.req.query('cache') === 'false'
}

/** As it is held. */
async function readKnown(c: Context<AppEnv>, cluster: string): Promise<ReadCluster> {
  const state = await readState(c.env, cluster, { isKnown: c.var.viewer !== null })
  const nowMs = Date.now()
  const status = describeCluster(state, { cluster, names: [], nowMs })
  if (status === null) throw new Error('all categories are known when none is named')
  if (status.freshAtMs !== null) {
    c.header('X-Health-Age', String(Math.max(0, Math.floor((nowMs - status.freshAtMs) / 1000))))
  }
  return { ok: true, cluster, state, status }
}

/** ms that the object may take beyond the 10 s that it waits itself. */
const REFRESH_TIMEOUT_MS = 11_000

/** The last round of each cluster that this isolate has shown. */
const rounds = new Map<string, string>()

/** Where nobody answers in time, the last known is shown with its age (behaviour, section 5). */
async function refresh(c: Context<AppEnv>, cluster: string, service: string | null): Promise<void> {
  const asked = c.env.CLUSTER.getByName(cluster).refresh(service)
  const round = await within(REFRESH_TIMEOUT_MS, asked)
  c.set('refreshed', round !== null)
  c.header('X-Health-Refreshed', String(round !== null))
  if (round === null || rounds.get(cluster) === round) return
  // What was read before is not what was asked for. But one read shows a round to all who wait for it.
  const beforeMs = Date.now() - 1
  rounds.set(cluster, round)
  forgetState(cluster, beforeMs)
  clusterViews.forget(cluster, beforeMs)
}

/** The same with the service that the query names. */
export async function readService(
  c: Context<AppEnv>,
): Promise<(ReadCluster & { service: ServiceStatus }) | { ok: false; problem: Problem }> {
  const name = c.req.query('service-name')
  const read = await findService(c, (one) => one.name === name)
  if (!read.ok) return read
  if (!name) return { ok: false, problem: missingQuery('service-name') }
  const { service } = read
  return service === null ? { ok: false, problem: UNKNOWN_SERVICE } : { ...read, service }
}

/** The same with the one service that `isIt` says; null: there is none. Its targets alone are asked again. */
export async function findService(
  c: Context<AppEnv>,
  isIt: (service: ServiceStatus) => boolean,
): Promise<(ReadCluster & { service: ServiceStatus | null }) | { ok: false; problem: Problem }> {
  const found = whichCluster(c)
  if (!found.ok) return found
  const { cluster } = found
  const held = await readKnown(c, cluster)
  const service = held.status.services.find(isIt) ?? null
  if (service === null || !isRefreshAsked(c)) return { ...held, service }
  await refresh(c, cluster, service.name)
  const read = await readKnown(c, cluster)
  return { ...read, service: read.status.services.find(isIt) ?? null }
}

export const UNKNOWN_SERVICE: Problem = {
  status: 404,
  code: 'unknown-service',
  message: 'There is no service of that name in this cluster.',
}

export function unknownCategory(names: string[]): Problem {
  const what = names.length === 1 ? 'The category is' : 'One of the categories is'
  return { status: 400, code: 'unknown-category', message: `${what} not known in this cluster.` }
}

/** What a query must name. */
export function missingQuery(name: string): Problem {
  return { status: 400, code: 'invalid', message: `${name}: is missing in the query.` }
}

/** The same links as the pages', whole: they are read outside of them. */
export function publicLinksOf(c: Context<AppEnv>): ReturnType<typeof linksOf> {
  return linksOf(`${c.var.config.PUBLIC_URL ?? new URL(c.req.url).origin}${baseOf(c)}`)
}
