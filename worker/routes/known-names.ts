/**
 * The names that each path knows in its query or body. One that is spelled wrong is refused; any other is ignored and counted
 * (behaviour, section 4).
 */
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { countIgnored } from '../cluster/counters.ts'
import { readNames, type Misspelling } from '../domain/parameters.ts'
import type { AppEnv } from '../env.ts'
import { replyProblem, type Problem } from './answer.ts'
import { findCluster } from './find-cluster.ts'

/** What `/metrics` counts ignored names by. */
type Place = 'gtg' | 'page' | 'act'

/** `sent`: all names of the request. `guarded`: those that the path knows, apart from what every path does. */
export function findMisspelled(
  c: Context<AppEnv>,
  sent: string[],
  { guarded, place }: { guarded: readonly string[]; place: Place },
): Misspelling | null {
  if (sent.length === 0) return null
  const known = { guarded: ['cluster', ...guarded], free: ['cache'] }
  const { misspelled, ignored } = readNames(sent, known)
  const found = findCluster(c)
  if (misspelled === null && ignored > 0 && found.ok) {
    countIgnored(found.cluster, place, ignored)
  }
  return misspelled
}

/** For a page and its JSON: goes on, unless the query has a name that is spelled wrong. */
export function knows(...guarded: string[]) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const sent = c.req.queries()
    const wrong = findMisspelled(c, Object.keys(sent), { guarded, place: 'page' })
    c.set(
      'asked',
      ['cluster', ...guarded].map((name) => sent[name] ?? []),
    )
    return wrong === null ? next() : replyProblem(c, tellMisspelled(wrong))
  })
}

export function tellMisspelled({ name, meant }: Misspelling): Problem {
  const message = `${name}: is no parameter here. Did you mean ${meant}?`
  return { status: 400, code: 'unknown-parameter', message }
}
