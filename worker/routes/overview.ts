/** `/`: all clusters at one glance. With an empty PATH_PREFIX, JSON asked for here is the default cluster's health. */
import { Hono, type Context } from 'hono'
import { within } from '../cluster/within.ts'
import { DEFAULT_CATEGORY } from '../contract/report.ts'
import { describeCluster } from '../domain/status.ts'
import type { AppEnv } from '../env.ts'
import { OverviewPage, type ClusterRow } from '../views/overview.tsx'
import { findFormat, frameOf, replyLive, titleOf } from './answer.ts'
import { readers } from './guard.ts'
import { answerHealth } from './health.ts'
import { knows } from './known-names.ts'

export const overview = new Hono<AppEnv>()

/** ms that one cluster's object may take: the others are shown all the same. */
const READ_TIMEOUT_MS = 2000

overview.get('/', readers, knows('categories'), async (c) => {
  const isPage = findFormat(c) === 'text/html'
  if (!isPage && c.var.config.PATH_PREFIX === '') return answerHealth(c)
  const ids = [...c.var.config.PUSH_SECRETS.keys()].toSorted()
  const rows = await Promise.all(ids.map((id) => readRow(c, id)))
  if (isPage) return replyLive(c, rows, () => OverviewPage({ frame: frameOf(c), rows }))
  const clusters = rows.map(({ id, seen }) => ({ cluster: id, ...(seen && tellSeen(seen)) }))
  return c.json({ clusters }, 200, { 'Cache-Control': 'no-store', Vary: 'Accept' })
})

function tellSeen({ freshAtMs, ...seen }: NonNullable<ClusterRow['seen']>) {
  return { ...seen, freshAt: freshAtMs === null ? null : new Date(freshAtMs).toISOString() }
}

async function readRow(c: Context<AppEnv>, id: string): Promise<ClusterRow> {
  const work = c.env.CLUSTER.getByName(id).glance()
  const read = await within(
    READ_TIMEOUT_MS,
    work.then((state) => ({ state })),
  )
  const status = read && describeCluster(read.state, { cluster: id, names: [], nowMs: Date.now() })
  if (status === null) return { id, title: titleOf(c, id), seen: null }
  const { environment, word, freshness, freshAtMs, categories } = status
  const all = categories.find(({ name }) => name === DEFAULT_CATEGORY)
  return {
    id,
    title: titleOf(c, id),
    seen: {
      environment,
      word,
      freshness,
      freshAtMs,
      failing: all?.failing.length ?? 0,
      acked: all?.acked.length ?? 0,
      disabled: categories.filter(({ reason }) => reason === 'disabled').length,
    },
  }
}
