/** `/`: all clusters at one glance. With an empty PATH_PREFIX, JSON asked for here is the default cluster's health. */
import { Hono, type Context } from 'hono'
import { findGlance } from '../cluster/read-glance.ts'
import { DEFAULT_CATEGORY } from '../contract/report.ts'
import { findNextTurn } from '../domain/moments.ts'
import { describeCluster, type ClusterStatus } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import { OverviewPage, type ClusterRow } from '../views/overview.tsx'
import { findFormat, frameOf, renderJson, renderPage, titleOf } from './answer.ts'
import { readers } from './guard.ts'
import { answerHealth } from './health.ts'
import { knows } from './known-names.ts'
import { isKnownViewer } from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'

export const overview = new Hono<AppEnv>()

/** What the overview is made of: no one cluster's state. */
const ALL_CLUSTERS = {}

overview.get('/', readers, knows('categories'), async (c) => {
  const isPage = findFormat(c) === 'text/html'
  if (!isPage && c.var.config.PATH_PREFIX === '') return answerHealth(c)
  return replyShared(c, ALL_CLUSTERS, async () => {
    const ids = [...c.var.config.PUSH_SECRETS.keys()].toSorted()
    const read = await Promise.all(ids.map((id) => readRow(c, id)))
    const rows = read.map(({ row }) => row)
    const turnsAtMs = Math.min(...read.map((one) => one.turnsAtMs))
    if (isPage) {
      const page = () => OverviewPage({ frame: frameOf(c), rows })
      return { shown: rows, turnsAtMs, render: () => renderPage(page()) }
    }
    const clusters = rows.map(({ id, seen }) => ({ cluster: id, ...(seen && tellSeen(seen)) }))
    return { turnsAtMs, render: () => renderJson({ clusters }) }
  })
})

function tellSeen({ freshAtMs, ...seen }: NonNullable<ClusterRow['seen']>) {
  return { ...seen, freshAt: freshAtMs === null ? null : new Date(freshAtMs).toISOString() }
}

async function readRow(
  c: Context<AppEnv>,
  id: string,
): Promise<{ row: ClusterRow; turnsAtMs: number }> {
  const title = titleOf(c, id)
  const read = await findGlance(c.env, id, { isKnown: isKnownViewer(c) })
  if (!read.ok) return { row: { id, title, seen: null }, turnsAtMs: Infinity }
  const nowMs = Date.now()
  const status = describeCluster(read.value, { cluster: id, names: [], nowMs })
  const seen = status && describeSeen(status)
  const turnsAtMs = read.value === null ? Infinity : findNextTurn(read.value, nowMs)
  return { row: { id, title, seen }, turnsAtMs }
}

function describeSeen(status: ClusterStatus): NonNullable<ClusterRow['seen']> {
  const { environment, word, freshness, freshAtMs, categories } = status
  const all = categories.find(({ name }) => name === DEFAULT_CATEGORY)
  return {
    environment,
    word,
    freshness,
    freshAtMs,
    failing: all?.failing.length ?? 0,
    acked: all?.acked.length ?? 0,
    disabled: categories.filter(({ reason }) => reason === 'disabled').length,
  }
}
