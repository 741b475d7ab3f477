/** Empties a cluster's object on purpose, with its acks, switches and history; for scripts alone, and never by accident. */
import { Hono } from 'hono'
import type { AppEnv } from '../env.ts'
import { boundedWrite, forgetCluster } from './act.ts'
import { replyProblem } from './answer.ts'
import { readFields } from './fields.ts'
import { operators } from './guard.ts'
import { whichCluster } from './read-cluster.ts'

export const erase = new Hono<AppEnv>()

erase.post('/clusters/:cluster/erase', operators, boundedWrite, async (c) => {
  const found = whichCluster(c)
  if (!found.ok) return replyProblem(c, found.problem)
  const { cluster } = found
  const read = await readFields(c, ['confirm'])
  if (!read.ok) return replyProblem(c, read.problem)
  if (read.fields['confirm'] !== cluster) {
    const message = 'confirm: must repeat the cluster’s id, for nothing of it can be brought back.'
    return replyProblem(c, { status: 400, code: 'invalid', message })
  }
  const by = c.var.viewer?.name ?? 'unknown'
  const address = c.req.header('CF-Connecting-IP') ?? 'unknown'
  await c.env.CLUSTER.getByName(cluster).erase({ by, address })
  forgetCluster(cluster)
  return c.json({ ok: true, erased: cluster }, 200, { 'Cache-Control': 'no-store' })
})
