/** How an act reaches the cluster's object, and how it is answered: JSON to scripts, the page again to forms. */
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { forgetGlance } from '../cluster/read-glance.ts'
import { forgetHistory } from '../cluster/read-history.ts'
import { forgetMetrics } from '../cluster/read-metrics.ts'
import { forgetState } from '../cluster/read-state.ts'
import { clusterViews, nodesViews } from '../cluster/read-view.ts'
import { tellOutcome } from '../dialects/operator-json.ts'
import type { Act, ActOutcome, ActRejection } from '../domain/acts.ts'
import type { AppEnv } from '../env.ts'
import { findFormat, isPerson, replyProblem, type Problem } from './answer.ts'
import { isForm } from './fields.ts'
import { UNKNOWN_SERVICE, whichCluster } from './read-cluster.ts'
import { forgetAnswers } from './shared-answers.ts'

/** Bytes of a write: a message of 1 KiB, its names, and whatever a form puts around them. */
const WRITE_MAX_BYTES = 16 * 1024

export const boundedWrite: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: WRITE_MAX_BYTES,
  onError: (c: Context<AppEnv>) => {
    const message = `It is over ${WRITE_MAX_BYTES} bytes.`
    return replyProblem(c, { status: 413, code: 'too-large', message })
  },
})

export type Done = { ok: true; outcome: ActOutcome } | { ok: false; problem: Problem }

/** Records who and from where; nothing is answered as done before it is stored. */
export async function act(c: Context<AppEnv>, what: Act): Promise<Done> {
  const found = whichCluster(c)
  if (!found.ok) return found
  const by = c.var.viewer?.name ?? 'unknown'
  const address = c.req.header('CF-Connecting-IP') ?? 'unknown'
  const acted = await c.env.CLUSTER.getByName(found.cluster)
    .act(what, { by, address })
    .finally(() => {
      forgetCluster(found.cluster)
    })
  return acted.ok ? acted : { ok: false, problem: REJECTIONS[acted.reason] }
}

/** Somebody just changed something through this isolate: they must not be shown what was before. */
export function forgetCluster(cluster: string): void {
  const nowMs = Date.now()
  clusterViews.forget(cluster, nowMs)
  nodesViews.forget(cluster, nowMs)
  forgetState(cluster, nowMs)
  forgetHistory(cluster, nowMs)
  forgetGlance(cluster, nowMs)
  forgetMetrics(cluster, nowMs)
  forgetAnswers()
}

const REJECTIONS: Record<ActRejection, Problem> = {
  'unknown-service': UNKNOWN_SERVICE,
  'unknown-category': {
    status: 404,
    code: 'unknown-category',
    message: 'There is no category of that name in this cluster.',
  },
  'not-acked': { status: 404, code: 'not-acked', message: 'The service has no ack.' },
  'not-held': { status: 404, code: 'not-held', message: 'Nobody holds the last verdict.' },
  'no-data': {
    status: 503,
    code: 'no-data',
    message: 'Nothing was reported by this cluster yet, so there is nothing to act on.',
  },
}

/** 303 to a form, so that a reload doesn't send it again; else what now stands. */
export function replyDone(
  c: Context<AppEnv>,
  done: Done,
  page: string,
): Response | Promise<Response> {
  if (!done.ok) return replyProblem(c, done.problem)
  // A form is a browser's, or that of a script that is led back like one, unless it asks for JSON.
  if (isForm(c) ? findFormat(c) === 'text/html' : isPerson(c)) return c.redirect(page, 303)
  return c.json(tellOutcome(done.outcome), 200, { 'Cache-Control': 'no-store' })
}
