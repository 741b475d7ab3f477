/** What happened to a cluster, to one service or one category: each transition with its cause and who made it. */
import { Hono, type Context } from 'hono'
import type { HistoryOf } from '../cluster/event-log.ts'
import { hidePrivateEvents } from '../cluster/hide-private.ts'
import { findHistory } from '../cluster/read-history.ts'
import { NAME_MAX_LENGTH } from '../contract/limits.ts'
import { tellEvent } from '../dialects/operator-json.ts'
import type { Transition } from '../domain/history.ts'
import type { AppEnv } from '../env.ts'
import { HistoryPage } from '../views/history.tsx'
import {
  BUSY,
  findFormat,
  frameOf,
  renderJson,
  renderPage,
  replyProblem,
  titleOf,
  type Problem,
} from './answer.ts'
import { readers } from './guard.ts'
import { knows } from './known-names.ts'
import { placesOf } from './paths.ts'
import { isKnownViewer, readCluster } from './read-cluster.ts'
import { replyShared } from './shared-answers.ts'

export const history = new Hono<AppEnv>()

const KINDS = ['service', 'category', 'node'] as const
const NAMES = KINDS.map((kind) => `${kind}-name`)

history.on('GET', placesOf('/history'), readers, knows(...NAMES), async (c) => {
  const about = findAbout(c)
  if (about !== null && about.name.length > NAME_MAX_LENGTH) return replyProblem(c, TOO_LONG)
  const read = await readCluster(c)
  if (!read.ok) return replyProblem(c, read.problem)
  const { cluster, status, turnsAtMs } = read
  const isKnown = isKnownViewer(c)
  const found = await findHistory(c.env, cluster, { of: about, isKnown })
  if (!found.ok && found.reason === 'busy') return replyProblem(c, BUSY)
  if (!found.ok) throw new Error(`the history of ${cluster} could not be read`)
  return replyShared(c, found.value, () => {
    const events = showTo(c, found.value)
    if (findFormat(c) !== 'text/html') {
      return { turnsAtMs, render: () => renderJson({ cluster, events: events.map(tellEvent) }) }
    }
    const title = titleOf(c, cluster)
    const page = () => HistoryPage({ frame: frameOf(c), title, status, events, about })
    const shown = [status.freshness, status.freshAtMs, events, about]
    return { shown, turnsAtMs, render: () => renderPage(page()) }
  })
})

/** Names of tokens are for token holders, and addresses for those of them who operate. */
function showTo(c: Context<AppEnv>, events: Transition[]): Transition[] {
  if (!isKnownViewer(c)) return hidePrivateEvents(events)
  if (c.var.viewer?.canOperate === true) return events
  return events.map((event) => ({
    ...event,
    actor: event.actor && { ...event.actor, address: '' },
  }))
}

const TOO_LONG: Problem = {
  status: 400,
  code: 'invalid',
  message: `${NAMES.join(', ')}: a name is longer than ${NAME_MAX_LENGTH} characters.`,
}

function findAbout(c: Context<AppEnv>): HistoryOf {
  const named = KINDS.flatMap((kind) => {
    const name = c.req.query(`${kind}-name`)
    return name === undefined ? [] : [{ kind, name }]
  })
  return named[0] ?? null
}
