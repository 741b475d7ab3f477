/** What happened to a cluster, to one service or one category: each transition with its cause and who made it. */
import { Hono, type Context } from 'hono'
import type { HistoryOf } from '../cluster/event-log.ts'
import { tellEvent } from '../dialects/operator-json.ts'
import type { AppEnv } from '../env.ts'
import { HistoryPage } from '../views/history.tsx'
import { findFormat, frameOf, replyLive, replyProblem, titleOf } from './answer.ts'
import { readers } from './guard.ts'
import { knows } from './known-names.ts'
import { placesOf } from './paths.ts'
import { readCluster } from './read-cluster.ts'

export const history = new Hono<AppEnv>()

const KINDS = ['service', 'category', 'node'] as const
const NAMES = KINDS.map((kind) => `${kind}-name`)

history.on('GET', placesOf('/history'), readers, knows(...NAMES), async (c) => {
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { cluster, status } = read
  const about = findAbout(c)
  const events = await c.env.CLUSTER.getByName(cluster).history(about)
  // Addresses are for those who operate: a page that everybody reads tells only the name.
  const shown = c.var.viewer?.canOperate
    ? events
    : events.map((event) => ({ ...event, actor: event.actor && { ...event.actor, address: '' } }))
  if (findFormat(c) !== 'text/html') {
    c.header('Cache-Control', 'no-store')
    return c.json({ cluster, events: shown.map(tellEvent) })
  }
  return replyLive(c, [status.freshness, status.freshAtMs, shown, about], () =>
    HistoryPage({ frame: frameOf(c), title: titleOf(c, cluster), status, events: shown, about }),
  )
})

function findAbout(c: Context<AppEnv>): HistoryOf {
  const named = KINDS.flatMap((kind) => {
    const name = c.req.query(`${kind}-name`)
    return name === undefined ? [] : [{ kind, name }]
  })
  return named[0] ?? null
}
