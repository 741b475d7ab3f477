/**
 * The cluster that a request means, as its object has it: a second old for readers without a token (four, while it is read
 * again or no call is allowed), and as of now for token holders. With `cache=false` every target is asked again first.
 */
import type { Context } from 'hono'
import { findState, forgetState } from '../cluster/read-state.ts'
import { clusterViews } from '../cluster/read-view.ts'
import { findRound } from '../cluster/read-round.ts'
import type { ClusterState } from '../domain/cluster.ts'
import { findNextTurn } from '../domain/moments.ts'
import type { PickedService } from '../domain/pick-service.ts'
import { describeCluster, type ClusterStatus, type ServiceStatus } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import { linksOf } from '../views/links.ts'
import { BUSY, type Problem } from './answer.ts'
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
  /** What it was described from: the same object for as long as only time changes what is told. */
  of: object
  /** ms; when time alone changes it. */
  turnsAtMs: number
}

type ClusterRead = ReadCluster | { ok: false; problem: Problem }

export async function readCluster(c: Context<AppEnv>): Promise<ClusterRead> {
  const found = whichCluster(c)
  if (!found.ok) return found
  if (isRefreshAsked(c)) await refresh(c, found.cluster, null)
  return readKnown(c, found.cluster)
}

function isRefreshAsked(c: Context<AppEnv>): boolean {
  return c.req.query('cache') === 'false'
}

export function isKnownViewer(c: Context<AppEnv>): boolean {
  return (c.get('viewer') ?? null) !== null
}

/** As it is held. */
async function readKnown(c: Context<AppEnv>, cluster: string): Promise<ClusterRead> {
  const read = await findState(c.env, cluster, { isKnown: isKnownViewer(c) })
  if (!read.ok && read.reason === 'busy') return { ok: false, problem: BUSY }
  if (!read.ok) throw new Error(`the object of ${cluster} could not be read`)
  const nowMs = Date.now()
  const described = describe(cluster, read.value, nowMs)
  const { freshAtMs } = described.status
  if (freshAtMs !== null) {
    c.header('X-Health-Age', String(Math.max(0, Math.floor((nowMs - freshAtMs) / 1000))))
  }
  return { ok: true, cluster, state: read.value, of: read.value ?? NOTHING, ...described }
}

const NOTHING = {}

interface Described {
  status: ClusterStatus
  turnsAtMs: number
}

/** What each state came to. Readers without a token are given the same state for a second, and describing it takes as long as a page. */
const described = new WeakMap<ClusterState, Described>()

function describe(cluster: string, state: ClusterState | null, nowMs: number): Described {
  const known = state === null ? undefined : described.get(state)
  if (known !== undefined && nowMs < known.turnsAtMs) return known
  const status = describeCluster(state, { cluster, names: [], nowMs })
  if (status === null) throw new Error('all categories are known when none is named')
  const turnsAtMs = state === null ? Infinity : findNextTurn(state, nowMs)
  if (state !== null) described.set(state, { status, turnsAtMs })
  return { status, turnsAtMs }
}

/** The last round of each cluster that this isolate has shown. */
const rounds = new Map<string, string>()

/** Where no round comes in time, the last known is shown with its age (behaviour, section 5). */
async function refresh(c: Context<AppEnv>, cluster: string, service: string | null): Promise<void> {
  const round = await findRound(c.env, cluster, { service, isKnown: isKnownViewer(c) })
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
  const named = c.req.query('service-name')
  const read = await findService(c, (services) => {
    const service = services.find(({ name }) => name === named)
    return service === undefined ? { ok: false, reason: 'unknown-service' } : { ok: true, service }
  })
  if (!read.ok) return read
  if (!named) return { ok: false, problem: missingQuery('service-name') }
  const { picked } = read
  return picked.ok ? { ...read, service: picked.service } : { ok: false, problem: UNKNOWN_SERVICE }
}

/** The same with what is picked of its services. Of that one alone the targets are asked again. */
export async function findService(
  c: Context<AppEnv>,
  pick: (services: ServiceStatus[]) => PickedService,
): Promise<(ReadCluster & { picked: PickedService }) | { ok: false; problem: Problem }> {
  const found = whichCluster(c)
  if (!found.ok) return found
  const held = await readKnown(c, found.cluster)
  if (!held.ok) return held
  const picked = pick(held.status.services)
  if (!picked.ok || !isRefreshAsked(c)) return { ...held, picked }
  await refresh(c, found.cluster, picked.service.name)
  const read = await readKnown(c, found.cluster)
  return read.ok ? { ...read, picked: pick(read.status.services) } : read
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
